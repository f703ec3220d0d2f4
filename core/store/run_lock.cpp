#include "base/error.h"
#include "base/file.h"
#include "store/held_lock.h"
#include "store/record_json.h"
#include "store/run_store.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace pipebd::store {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds poll_interval{10};

struct Registry {
    std::mutex mutex;
    std::vector<std::weak_ptr<HeldLock>> locks;
};

Registry& registry()
{
    static Registry instance;
    return instance;
}

Error locked(const fs::path& file)
{
    std::string holder = "another process";
    try {
        holder = "process " + std::to_string(identity_from_json(read_file(file, 4096), file.string()).pid);
    } catch (const Error&) {
        // The holder has not written its name yet.
    }
    return {Code::Locked, holder + " supervises this run", file.parent_path().string(), "wait for it to end, or stop the run"};
}

void write_identity(int descriptor, const fs::path& file)
{
    const std::string text = to_json(this_process()) + "\n";
    if (ftruncate(descriptor, 0) != 0 || pwrite(descriptor, text.data(), text.size(), 0) != static_cast<ssize_t>(text.size()))
        throw system_error("cannot write the lock of the run", file.string());
}

} // namespace

HeldLock::HeldLock(int descriptor)
    : descriptor_(descriptor)
{
    struct stat status = {};
    if (fstat(descriptor, &status) == 0) {
        device_ = status.st_dev;
        inode_ = status.st_ino;
    }
}

HeldLock::~HeldLock()
{
    {
        const std::lock_guard guard(registry().mutex);
        std::erase_if(registry().locks, [](const auto& lock) { return lock.expired(); });
    }
    close(descriptor_);
}

std::shared_ptr<HeldLock> HeldLock::acquire(const fs::path& run_folder, std::chrono::milliseconds wait)
{
    const fs::path file = run_folder / "lock";
    const int descriptor = open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (descriptor < 0)
        throw system_error("cannot open the lock of the run", file.string());
    const std::shared_ptr<HeldLock> lock(new HeldLock(descriptor));

    const Clock::time_point deadline = Clock::now() + wait;
    while (flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK && errno != EINTR)
            throw system_error("cannot lock the run", file.string());
        if (Clock::now() >= deadline)
            throw locked(file);
        std::this_thread::sleep_for(poll_interval);
    }
    write_identity(descriptor, file);

    const std::lock_guard guard(registry().mutex);
    registry().locks.push_back(lock);
    return lock;
}

std::shared_ptr<HeldLock> HeldLock::of_this_process(const fs::path& run_folder)
{
    struct stat status = {};
    if (stat((run_folder / "lock").c_str(), &status) != 0)
        return nullptr;
    std::vector<std::shared_ptr<HeldLock>> alive; // released after the mutex: the last owner's destructor takes it
    const std::lock_guard guard(registry().mutex);
    for (const auto& weak : registry().locks) {
        auto lock = weak.lock();
        if (!lock)
            continue;
        alive.push_back(lock);
        if (lock->device_ == status.st_dev && lock->inode_ == status.st_ino)
            return lock;
    }
    return nullptr;
}

bool HeldLock::begin_writing()
{
    const std::lock_guard guard(registry().mutex);
    return !std::exchange(writing_, true);
}

void HeldLock::end_writing()
{
    const std::lock_guard guard(registry().mutex);
    writing_ = false;
}

RunLock::RunLock(const fs::path& run_folder, std::chrono::milliseconds wait)
    : lock_(HeldLock::acquire(run_folder, wait))
{
}

RunLock::~RunLock() = default;

} // namespace pipebd::store
