// PairMenu: the pairs that there are, asked of pipebd when it is opened; choosing one gives the experiment file by which it is run
// where nobody has written one.
#pragma once

#include "gui/kit/background.h"
#include "gui/lab/pipebd_process.h"

#include <QMenu>

namespace pipebd::gui {

class PairMenu : public QMenu {
    Q_OBJECT

public:
    explicit PairMenu(QString lab, QWidget* parent = nullptr);

signals:
    void experimentChosen(const QString& file);
    void failed(const QString& error);

private:
    void ask();
    void take(const QByteArray& answer);
    void choose(const QString& pair);
    void showNote(const QString& note);

    QString m_lab;
    PipebdProcess m_process;
    Background<QString> m_writing;
};

} // namespace pipebd::gui
