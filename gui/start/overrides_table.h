// OverridesTable: settings of an experiment that are laid over its file, a key and a value a row, with keys completed.
//
// There is always an empty row at the end. Delete removes the selected rows; a row without a key does not count.
#pragma once

#include <QString>
#include <QStringList>
#include <QTableWidget>

#include <map>

namespace pipebd::gui {

class OverridesTable : public QTableWidget {
    Q_OBJECT

public:
    explicit OverridesTable(QWidget* parent = nullptr);

    QStringList settings() const; // "train.steps=20"
    void setSettings(const QStringList& settings);
    /// What the file says, for who is about to say otherwise.
    void setValuesInFile(std::map<QString, QString> values);

signals:
    void edited();

protected:
    void keyPressEvent(QKeyEvent* event) override;

private:
    void tidy();
    void describe(int row);
    QString text(int row, int column) const;

    std::map<QString, QString> m_inFile;
};

} // namespace pipebd::gui
