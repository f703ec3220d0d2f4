#include "store/leftovers.h"

#include "base/error.h"
#include "store/run_store.h"

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace pipebd::store {

namespace fs = std::filesystem;

namespace {

/// As the engine names a checkpoint until it is whole (docs/formats/checkpoint.md).
bool is_unfinished(const std::string& name)
{
    return name.starts_with(".round-") && name.ends_with(".partial");
}

std::vector<fs::path> unfinished_checkpoints(const fs::path& run_folder)
{
    std::vector<fs::path> found;
    std::error_code none;
    for (fs::directory_iterator entry(run_folder / "checkpoints", none), end; !none && entry != end; entry.increment(none))
        if (is_unfinished(entry->path().filename().string()))
            found.push_back(entry->path());
    return found;
}

} // namespace

std::size_t remove_leftovers(std::span<const RunRecord> runs)
{
    std::size_t removed = 0;
    for (const RunRecord& run : runs) {
        if (!is_final(run.state) || unfinished_checkpoints(run.folder).empty())
            continue;
        try {
            const RunLock lock(run.folder, std::chrono::milliseconds(0));
            for (const fs::path& folder : unfinished_checkpoints(run.folder)) {
                std::error_code problem;
                fs::remove_all(folder, problem);
                removed += problem ? 0 : 1;
            }
        } catch (const Error&) {
            // A process has it, or the folder cannot be written.
        }
    }
    return removed;
}

} // namespace pipebd::store
