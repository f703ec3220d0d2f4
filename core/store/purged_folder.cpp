#include "store/purged_folder.h"

#include "base/error.h"
#include "base/file.h"
#include "store/run_store.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <unistd.h>

namespace pipebd::store {

namespace fs = std::filesystem;

namespace {

constexpr const char* prefix = ".purged-";

fs::path name_aside(const fs::path& runs, int id)
{
    const std::string stem = prefix + std::to_string(id) + "-" + std::to_string(getpid()) + "-";
    for (int count = 0;; ++count)
        if (const fs::path name = runs / (stem + std::to_string(count)); !fs::exists(fs::symlink_status(name)))
            return name;
}

} // namespace

PurgedFolder::PurgedFolder(const fs::path& run_folder, int id)
    : original_(run_folder)
{
    std::optional<RunLock> lock;
    try {
        lock.emplace(run_folder, std::chrono::milliseconds(0));
    } catch (const Error& error) {
        if (error.code() == Code::Locked)
            throw;
        // a lock that cannot be opened is nobody's who could write here
    }
    folder_ = name_aside(run_folder.parent_path(), id);
    std::error_code problem;
    fs::rename(original_, folder_, problem);
    if (problem)
        throw system_error("cannot move the run's folder", original_.string(), problem.value());
    sync_folder(original_.parent_path());
}

PurgedFolder::~PurgedFolder()
{
    std::error_code ignored;
    if (!folder_.empty())
        fs::rename(folder_, original_, ignored);
}

void PurgedFolder::remove()
{
    const fs::path folder = std::exchange(folder_, {});
    std::error_code problem;
    fs::remove_all(folder, problem);
    if (problem)
        throw system_error("the run was removed, but some of its files could not be", folder.string(), problem.value());
}

void sweep_purged(const fs::path& runs)
{
    std::vector<fs::path> left;
    std::error_code problem;
    for (fs::directory_iterator entry(runs, problem), end; !problem && entry != end; entry.increment(problem))
        if (entry->path().filename().string().starts_with(prefix))
            left.push_back(entry->path());
    for (const fs::path& folder : left)
        fs::remove_all(folder, problem);
}

} // namespace pipebd::store
