#include "base/temporary_folder.h"

#include "base/error.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>
#include <system_error>
#include <vector>

namespace pipebd {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view prefix = "pipebd-";
constexpr std::size_t name_length = prefix.size() + 6; // mkdtemp's
constexpr const char* lock_name = ".in-use";

/// The lock `name` of a folder; negative if a process has it, or it is not there and not to be made.
int take_lock(const fs::path& folder, const char* name, int flags = 0)
{
    const int descriptor = ::open((folder / name).c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW | flags, 0600);
    if (descriptor >= 0 && ::flock(descriptor, LOCK_EX | LOCK_NB) == 0)
        return descriptor;
    if (descriptor >= 0)
        ::close(descriptor);
    return -1;
}

/// The lock of a new folder. It gets the name by which others find it once it is held: nobody can take it before.
int make_lock(const fs::path& folder)
{
    constexpr const char* unheld = ".in-use.new";
    const int descriptor = take_lock(folder, unheld, O_CREAT | O_EXCL);
    std::error_code none;
    fs::rename(folder / unheld, folder / lock_name, none);
    return descriptor;
}

bool is_own_folder(const fs::path& folder)
{
    struct stat status = {};
    return ::lstat(folder.c_str(), &status) == 0 && S_ISDIR(status.st_mode) && status.st_uid == ::getuid();
}

/// Removes those whose process was killed.
void sweep(const fs::path& parent)
{
    std::vector<fs::path> left;
    std::error_code none;
    for (fs::directory_iterator entry(parent, none), end; !none && entry != end; entry.increment(none)) {
        const std::string name = entry->path().filename().string();
        if (name.starts_with(prefix) && name.size() == name_length && is_own_folder(entry->path()))
            left.push_back(entry->path());
    }
    for (const fs::path& folder : left) {
        const int lock = take_lock(folder, lock_name);
        if (lock < 0)
            continue;
        fs::remove_all(folder, none);
        ::close(lock);
    }
}

} // namespace

TemporaryFolder::TemporaryFolder()
{
    const fs::path parent = fs::temp_directory_path();
    sweep(parent);
    std::string name = parent / (std::string(prefix) + "XXXXXX");
    if (::mkdtemp(name.data()) == nullptr)
        throw system_error("cannot create a temporary folder", name);
    path_ = name;
    lock_ = make_lock(path_);
}

TemporaryFolder::~TemporaryFolder()
{
    std::error_code ignored;
    fs::remove_all(path_, ignored);
    if (lock_ >= 0)
        ::close(lock_);
}

} // namespace pipebd
