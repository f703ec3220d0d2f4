// What the tests of the store share.
#pragma once

#include "base/checksum.h"
#include "base/error.h"
#include "samples_for_test.h"
#include "store/lab.h"
#include "store/run_store.h"

#include <QProcess>
#include <QTemporaryDir>
#include <QTest>

#include <SQLiteCpp/SQLiteCpp.h>

#include <filesystem>
#include <optional>
#include <string>

namespace pipebd::store {

namespace fs = std::filesystem;

/// The code of the Error that `body` throws; nothing if it throws none.
template <typename Body>
std::optional<Code> errorOf(Body&& body, std::string* line = nullptr)
{
    try {
        body();
    } catch (const Error& error) {
        if (line)
            *line = error.what();
        return error.code();
    }
    return std::nullopt;
}

inline fs::path pathOf(const QTemporaryDir& folder)
{
    return folder.path().toStdString();
}

/// Only for a database that nobody in this process has open.
inline std::string hashOf(const fs::path& file)
{
    return sha256_of_file(file);
}

inline void runSql(const fs::path& file, const std::string& sql)
{
    SQLite::Database database(file.string(), SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
    database.exec(sql);
}

inline std::string valueOf(const fs::path& file, const std::string& query)
{
    SQLite::Database database(file.string(), SQLite::OPEN_READONLY);
    return database.execAndGet(query).getString();
}

inline RunRecord recordIn(RunState state)
{
    RunRecord record;
    record.name = "digits-nas";
    record.pair = "nas-digits";
    record.strategy = "tr+dpu";
    record.devices = {"cpu", "cpu"};
    record.state = state;
    record.created = "2026-01-31T09:05:00.250Z";
    record.supervisor = this_process();
    return record;
}

/// A run that has ended well, sealed, with a hundred samples.
inline void makeFinishedRun(const fs::path& file)
{
    RunStore run(file, RunStore::Mode::Writer);
    run.save(recordIn(RunState::Running));
    run.append(batch_for_test(0));
    run.save(recordIn(RunState::Finished));
    run.finish();
}

/// Another process; see store_helper.cpp. Killed and reaped at the end of its scope.
class Helper {
public:
    explicit Helper(const QStringList& arguments)
    {
        m_process.setProcessChannelMode(QProcess::ForwardedErrorChannel);
        m_process.start(QStringLiteral(STORE_HELPER), arguments);
        if (!m_process.waitForStarted())
            qFatal("cannot start %s", STORE_HELPER);
    }
    ~Helper() { kill(); }

    /// The next line it prints; empty at the end.
    QByteArray line()
    {
        while (!m_process.canReadLine())
            if (!m_process.waitForReadyRead(10'000))
                break;
        return m_process.readLine().trimmed();
    }
    void endInput() { m_process.closeWriteChannel(); }
    void kill()
    {
        if (m_process.state() != QProcess::NotRunning) {
            m_process.kill();
            m_process.waitForFinished();
        }
    }
    bool endsWell() { return m_process.waitForFinished() && m_process.exitCode() == 0; }
    qint64 pid() const { return m_process.processId(); }

private:
    QProcess m_process;
};

} // namespace pipebd::store
