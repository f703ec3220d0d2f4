// HeldLock: the lock of a run folder while this process holds it; shared by a RunLock and the RunStore that writes under it.
//
// For the sources of this folder only. Thread-safe.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <memory>

namespace pipebd::store {

class HeldLock {
public:
    /// Throws Error{Locked} that names the holder's pid after `wait`, Error{System}.
    static std::shared_ptr<HeldLock> acquire(const std::filesystem::path& run_folder, std::chrono::milliseconds wait);

    /// Null if this process does not hold it.
    static std::shared_ptr<HeldLock> of_this_process(const std::filesystem::path& run_folder);

    /// False if somebody in this process writes already.
    bool begin_writing();
    void end_writing();

    ~HeldLock();
    HeldLock(const HeldLock&) = delete;
    HeldLock& operator=(const HeldLock&) = delete;

private:
    explicit HeldLock(int descriptor);

    int descriptor_;
    dev_t device_ = 0;
    ino_t inode_ = 0;
    bool writing_ = false;
};

} // namespace pipebd::store
