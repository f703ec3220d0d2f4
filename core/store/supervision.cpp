#include "store/supervision.h"

#include "base/error.h"
#include "store/run_store.h"

#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <memory>

namespace pipebd::store {
namespace {

namespace fs = std::filesystem;
using std::chrono::system_clock;

fs::path database_of(const fs::path& folder)
{
    return folder / "run.sqlite";
}

enum class Holder { Nobody, Somebody, Unknown };

/// Takes the run's lock if nobody has it.
Holder try_lock(const fs::path& folder, std::unique_ptr<RunLock>& lock)
{
    try {
        lock = std::make_unique<RunLock>(folder, std::chrono::milliseconds(0));
        return Holder::Nobody;
    } catch (const Error& error) {
        return error.code() == Code::Locked ? Holder::Somebody : Holder::Unknown; // a folder that cannot be written
    }
}

/// A writer that was killed while it left write-ahead mode has left a journal, which readers must not roll back.
void roll_back(const fs::path& folder)
{
    std::error_code none;
    const std::uintmax_t size = fs::file_size(database_of(folder).string() + "-journal", none);
    std::unique_ptr<RunLock> lock;
    if (!none && size > 0 && try_lock(folder, lock) == Holder::Nobody)
        RunStore(database_of(folder), RunStore::Mode::Writer);
}

/// A run that ended while somebody read it is still in write-ahead mode, or one that was killed then is not sealed.
void complete_end(const fs::path& folder)
{
    std::error_code none;
    const std::uintmax_t size = fs::file_size(database_of(folder).string() + "-wal", none);
    std::unique_ptr<RunLock> lock;
    if (none || size == 0 || try_lock(folder, lock) != Holder::Nobody)
        return;
    try {
        RunStore store(database_of(folder), RunStore::Mode::Writer);
        store.finish();
    } catch (const Error&) {
        // It was sealed, or cannot be now.
    }
}

RunRecord read(const fs::path& folder, const std::function<RunRecord()>& announced)
{
    if (fs::exists(database_of(folder))) {
        roll_back(folder);
        RunRecord record = RunStore(database_of(folder), RunStore::Mode::ReadOnly).record();
        if (!record.created.empty() || record.state != RunState::Queued || record.supervisor.pid != 0)
            return record;
    }
    return announced();
}

system_clock::time_point written(const fs::path& file)
{
    struct stat status = {};
    if (stat(file.c_str(), &status) != 0 || status.st_size == 0) // readers make a log that is empty
        return {};
    return system_clock::time_point(std::chrono::duration_cast<system_clock::duration>(
        std::chrono::seconds(status.st_mtim.tv_sec) + std::chrono::nanoseconds(status.st_mtim.tv_nsec)));
}

/// When the run's database was last written: the last sign of life of a supervisor that is gone. Else when the run was made.
std::string last_sign_of_life(const RunRecord& record)
{
    const fs::path database = database_of(record.folder);
    const system_clock::time_point last = std::max(written(database), written(database.string() + "-wal"));
    if (last == system_clock::time_point{})
        return record.created;
    return std::max(utc_text(last), record.started); // a file's time may lag by a tick
}

RunRecord as_lost(RunRecord record)
{
    record.state = RunState::Lost;
    record.finished = last_sign_of_life(record);
    const ProcessIdentity& supervisor = record.supervisor;
    const std::string who
        = supervisor.pid > 0 ? "process " + std::to_string(supervisor.pid) + " on " + supervisor.host : std::string("not known");
    record.error
        = Error(Code::RankDied, "the supervisor of the run disappeared before the run ended", who, "start the run again").what();
    return record;
}

/// Under the run's lock.
void keep(const RunRecord& lost)
{
    try {
        RunStore store(database_of(lost.folder), RunStore::Mode::Writer);
        store.save(lost);
        store.finish();
    } catch (const Error&) {
        // A full disk, say: it is shown all the same, and recorded by whoever lists it later.
    }
}

} // namespace

RunRecord supervised_record(const fs::path& folder, const std::function<RunRecord()>& announced)
{
    RunRecord record = read(folder, announced);
    if (is_final(record.state)) {
        complete_end(folder);
        return record;
    }

    std::unique_ptr<RunLock> lock;
    const Holder holder = try_lock(folder, lock);
    const bool here = record.supervisor.host.empty() || record.supervisor.host == this_process().host;
    const bool alive = is_alive(record.supervisor);
    if (holder == Holder::Somebody)
        return alive || !here || record.supervisor.pid == 0 ? record : as_lost(record);
    if (holder == Holder::Unknown)
        return alive ? record : as_lost(record);

    record = read(folder, announced); // it may have ended before the lock was free
    if (is_final(record.state))
        return record;
    const bool stored = fs::exists(database_of(folder));
    if (!stored && is_alive(record.supervisor))
        return record; // made, and about to be locked by who made it
    record = as_lost(record);
    if (here)
        keep(record);
    return record;
}

} // namespace pipebd::store
