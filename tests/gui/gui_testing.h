// What the tests of the window share: labs made up on the spot, a watchdog on the GUI thread, and a ban on warnings.
#pragma once

#include "gui/lab/run_update.h"
#include "store/lab.h"
#include "store/run_store.h"

#include <QObject>
#include <QTemporaryDir>
#include <QTest>

#include <atomic>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace pipebd::gui {

/// U3: from here to the end of the test function, any Qt warning fails it.
void failOnAnyWarning();

/// A run whose writer is this process.
class WrittenRun {
public:
    WrittenRun(store::Lab& lab, const std::string& name, store::RunState state = store::RunState::Running);

    int id() const { return m_record.id; }
    store::RunRecord& record() { return m_record; }
    store::RunStore& store() { return *m_store; }
    void save() { m_store->save(m_record); }
    void end(store::RunState state);

    /// Steps [first, first + count) of `ranks` ranks and `blocks` blocks: throughput, losses that fall, memory and its peak.
    void appendSteps(int first, int count, int ranks, int blocks);

private:
    store::RunRecord m_record;
    std::unique_ptr<store::RunLock> m_lock;
    std::unique_ptr<store::RunStore> m_store;
};

class TestLab {
public:
    TestLab();
    std::filesystem::path path() const { return m_folder.path().toStdString(); }
    QString file(const QString& name) const { return m_folder.filePath(name); }
    store::Lab& lab() { return *m_lab; }

    /// A finished run, with everything that the window shows.
    int addFinishedRun(const std::string& name, int steps = 200);
    int addFailedRun(const std::string& name);
    QString writeExperiment(const QString& name, const QByteArray& toml);

private:
    QTemporaryDir m_folder;
    std::unique_ptr<store::Lab> m_lab;
};

/// U1: the longest time for which the thread that made it did not get to an event, time spent waiting for a processor left out.
class Watchdog : public QObject {
    Q_OBJECT

public:
    Watchdog();
    ~Watchdog() override;
    double longestBlock() const { return m_longest; } // ms

private:
    void watch();

    long m_watchedThread;
    std::atomic<double> m_longest = 0;
    std::atomic<bool> m_stop = false;
    std::thread m_thread;
};

/// The text of an Error that `body` throws; empty if it throws none.
template <typename Body>
QString errorOf(Body body)
{
    try {
        body();
    } catch (const std::exception& error) {
        return QString::fromUtf8(error.what());
    }
    return {};
}

} // namespace pipebd::gui
