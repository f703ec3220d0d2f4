// CommandStrip: the command line that does the same as what is on the screen, to be read and copied.
#pragma once

#include <QString>
#include <QStringList>
#include <QWidget>

class QLineEdit;
class QToolButton;

namespace pipebd::gui {

/// As it is typed in a shell: what needs quotes has them.
QString commandLine(const QStringList& words);

class CommandStrip : public QWidget {
    Q_OBJECT

public:
    explicit CommandStrip(QWidget* parent = nullptr);
    void setCommand(const QStringList& words); // empty hides the strip
    QString text() const;

protected:
    void changeEvent(QEvent* event) override;

private:
    void tint();

    QLineEdit* m_line;
    QToolButton* m_copy;
};

} // namespace pipebd::gui
