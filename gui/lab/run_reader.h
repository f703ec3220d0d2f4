// RunReader: reads one run's database in a reader thread, again whenever its writer has committed something.
#pragma once

#include "gui/lab/run_update.h"

#include <QElapsedTimer>
#include <QObject>
#include <QSemaphore>
#include <QString>
#include <QTimer>

#include <filesystem>
#include <memory>
#include <vector>

namespace pipebd::gui {

class RunReader : public QObject {
    Q_OBJECT

public:
    /// Waits for one of `credits` before each update, so that a long run reaches the window in pieces that it keeps up with.
    RunReader(std::filesystem::path folder, std::shared_ptr<QSemaphore> credits);

public slots:
    void start();

signals:
    void read(std::shared_ptr<const pipebd::gui::RunUpdate> update);
    void failed(const QString& error);

private:
    void poll();
    bool open();
    void readNew();
    bool deliverOverview();
    bool deliverSamples();
    bool deliver(RunUpdate update);
    std::optional<store::RunRecord> newRecord();
    std::vector<store::LogLine> newLog();
    void readBatch();
    void checkSeals();

    std::filesystem::path m_folder;
    std::shared_ptr<QSemaphore> m_credits;
    QTimer* m_timer = nullptr;
    QElapsedTimer m_failing; // since the first of a row of failures
    QElapsedTimer m_lastLook; // at the supervisor, whose death moves no version
    std::unique_ptr<store::RunStore> m_store;
    std::int64_t m_version = -1;
    std::int64_t m_after = 0;
    std::vector<store::LogLine> m_log;
    std::optional<int> m_batch;
    bool m_saidNothingYet = false;
    store::RunRecord m_ended; // once it has
    int m_pollsAfterEnd = 0;
};

} // namespace pipebd::gui
