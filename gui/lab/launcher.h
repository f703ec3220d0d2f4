// Launcher: starts runs, which then do without the window, and asks for their end.
//
// `pipebd run` is started detached, with its output in a file of the lab, and is never waited for. Its run is recognised in the
// lab by the process that leads it. The file goes once the run has begun, or its error has been shown; it stays if the run broke
// off at once.
#pragma once

#include "gui/lab/lab_follower.h"

#include <QObject>
#include <QString>
#include <QStringList>
#include <QTimer>

#include <optional>
#include <set>
#include <vector>

namespace pipebd::gui {

struct StartRequest {
    QString file; // an experiment; empty: that of the run to go on from
    QString strategy; // empty: as in the file
    QString devices; // empty: as in the file
    QStringList settings; // "train.steps=20"
    QString profile = {}; // a file to plan from; empty: the stored profile, or measured
    QString stage = {}; // "distil,finetune"; empty: all that the experiment has
    int from = 0; // the run whose results the first of them begins with; 0: none
    int resume = 0; // the run to go on from; 0: from the beginning
    QString checkpoint = {}; // of that run; empty: the newest

    bool operator==(const StartRequest&) const = default;
};

/// The program `pipebd`: PIPEBD_PROGRAM, else the one beside this program, else from PATH; empty if there is none.
QString findPipebd();

/// What follows the program's name on its command line.
QStringList runArguments(const StartRequest& request, const QString& lab);
QStringList stopArguments(int runId, bool now, const QString& lab);

class Launcher : public QObject {
    Q_OBJECT

public:
    explicit Launcher(QString lab, QObject* parent = nullptr);

    /// Ends in one of started() and startFailed(), long after it has returned.
    void start(const StartRequest& request);
    void stop(int runId, bool now = false); // goes on even if the launcher is gone
    void lookAt(const RunRecords& runs); // call it for every scan of the lab

    bool isStarting() const { return !m_starting.empty(); }

signals:
    void started(int runId);
    void startFailed(const QString& error);
    void stopFailed(const QString& error);

private:
    struct Starting {
        qint64 pid = 0;
        QString log;
        std::set<int> before; // the runs that were there already: an old one may have had the same pid
        std::optional<int> run; // once it is found
        int scansSinceEnd = -1; // -1: the process is there
    };

    void lookForEnds();
    bool isRunOf(const Starting& starting, const store::RunRecord& run) const;

    QString m_lab;
    store::ProcessIdentity m_here = store::this_process();
    std::vector<Starting> m_starting;
    QTimer m_timer;
};

} // namespace pipebd::gui
