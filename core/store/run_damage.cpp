#include "store/run_damage.h"

#include "base/error.h"
#include "store/file_seal.h"
#include "store/run_stamp.h"
#include "store/run_store.h"

#include <map>
#include <mutex>
#include <optional>

namespace pipebd::store {

namespace fs = std::filesystem;

namespace {

struct Known {
    std::mutex mutex;
    std::map<RunStamp, std::string> damage;
};

Known& known()
{
    static Known instance;
    return instance;
}

std::string checked(const fs::path& file)
{
    try {
        const std::string found = RunStore(file, RunStore::Mode::ReadOnly).check();
        return found == "ok" ? std::string() : found;
    } catch (const Error& error) {
        return error.code() == Code::NotFound ? "its database is missing" : error.problem();
    }
}

} // namespace

std::string damage_of(const RunRecord& run)
{
    const fs::path file = run.folder / "run.sqlite";
    std::error_code none;
    if (!has_file_seal(file) && (!is_final(run.state) || !fs::exists(file, none)))
        return {}; // it goes on, or ended before anything was stored
    const std::optional<RunStamp> stamp = stamp_of_run(run.folder);
    if (stamp) {
        const std::lock_guard guard(known().mutex);
        if (const auto found = known().damage.find(*stamp); found != known().damage.end())
            return found->second;
    }
    std::string damage = checked(file);
    if (stamp && stamp_of_run(run.folder) == stamp) {
        const std::lock_guard guard(known().mutex);
        known().damage[*stamp] = damage;
    }
    return damage;
}

std::string damage_warning(const RunRecord& run)
{
    const std::string damage = damage_of(run);
    if (damage.empty())
        return {};
    return "run " + std::to_string(run.id) + " is damaged, so what is shown may be incomplete or wrong: " + damage + ": "
        + (run.folder / "run.sqlite").string() + "; restore it from a copy, or see what `pipebd doctor --repair` can save";
}

} // namespace pipebd::store
