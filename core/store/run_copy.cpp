#include "store/run_copy.h"

#include "base/error.h"
#include "base/file.h"
#include "store/database.h"
#include "store/file_seal.h"
#include "store/run_damage.h"
#include "store/run_folder.h"
#include "store/run_schema.h"

#include <string>

#include <unistd.h>

namespace pipebd::store {

namespace fs = std::filesystem;

namespace {

void refuse(const RunRecord& run, const fs::path& into)
{
    const fs::path inside = fs::canonical(into).lexically_relative(fs::canonical(run.folder));
    if (!inside.empty() && *inside.begin() != "..")
        throw Error(Code::BadRequest, "this folder is inside the run to be copied", into.string(), "name another folder");
    for (const fs::directory_entry& entry : fs::directory_iterator(into))
        if (run_folder_from_path(entry.path()).id == run.id)
            throw Error(Code::BadRequest, "a run with this number already exists", entry.path().string(), "name another folder");
}

bool belongs_to_database(const std::string& name)
{
    return name.starts_with(database_name);
}

/// Files that go while they are copied, such as an old checkpoint of a run that goes on, are let go.
void copy_entries(const fs::path& from, const fs::path& to, bool top)
{
    for (const fs::directory_entry& entry : fs::directory_iterator(from)) {
        const std::string name = entry.path().filename().string();
        const fs::file_status status = entry.symlink_status();
        if (top && (name == "lock" || name == seal_file_name || belongs_to_database(name)))
            continue;
        try {
            if (fs::is_directory(status)) {
                fs::create_directory(to / name);
                copy_entries(entry.path(), to / name, false);
            } else if (fs::is_regular_file(status)) {
                copy_file(entry.path(), to / name, [](std::span<const std::byte>) {});
            }
        } catch (const Error& error) {
            if (error.code() != Code::NotFound)
                throw;
        } catch (const fs::filesystem_error& problem) {
            if (problem.code() != std::errc::no_such_file_or_directory)
                throw;
        }
    }
    sync_folder(to);
}

/// A folder beside what is to be made, gone with its scope unless it was renamed.
class Beside {
public:
    explicit Beside(const fs::path& into)
        : folder_(into / (".copy-" + std::to_string(getpid())))
    {
        fs::remove_all(folder_);
        fs::create_directory(folder_);
    }
    ~Beside()
    {
        std::error_code ignored;
        fs::remove_all(folder_, ignored);
    }
    Beside(const Beside&) = delete;
    Beside& operator=(const Beside&) = delete;

    const fs::path& folder() const { return folder_; }

private:
    fs::path folder_;
};

} // namespace

fs::path copy_run(const RunRecord& run, const fs::path& into)
{
    return guarded(into, [&] {
        fs::create_directories(into);
        refuse(run, into);
        const Beside beside(into);
        if (const fs::path database = run.folder / database_name; fs::exists(database)) {
            const fs::path made = beside.folder() / database_name;
            copy_database(database, run_format, made);
            if (has_file_seal(database) && damage_of(run).empty()) { // else the seal of its rows tells what is wrong with the copy
                SQLite::Database copied(made.string(), SQLite::OPEN_READONLY);
                seal_file(copied, made);
            }
        }
        copy_entries(run.folder, beside.folder(), true);
        const fs::path made = into / run.folder.filename();
        fs::rename(beside.folder(), made);
        sync_folder(into);
        return made;
    });
}

} // namespace pipebd::store
