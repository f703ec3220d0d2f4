#include "store/stored_pairs.h"

#include "base/checksum.h"
#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "store/run_folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace pipebd::store {

namespace fs = std::filesystem;

namespace {

constexpr const char* draft_prefix = ".new-";
constexpr const char* lock_name = "lock";
constexpr const char* description_name = "pair.json"; // docs/formats/pair.md

/// The lock of a draft, held while whoever makes it lives; negative if somebody else has it or the draft has gone.
int take_lock(const fs::path& draft)
{
    const int descriptor = open((draft / lock_name).c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (descriptor >= 0 && flock(descriptor, LOCK_EX | LOCK_NB) == 0)
        return descriptor;
    if (descriptor >= 0)
        close(descriptor);
    return -1;
}

/// Removes the drafts whose maker was killed.
void sweep(const fs::path& pairs)
{
    std::vector<fs::path> drafts;
    for (const fs::directory_entry& entry : fs::directory_iterator(pairs))
        if (entry.path().filename().string().starts_with(draft_prefix))
            drafts.push_back(entry.path());
    for (const fs::path& draft : drafts) {
        if (const int lock = take_lock(draft); lock >= 0) {
            std::error_code ignored;
            fs::remove_all(draft, ignored);
            close(lock);
        }
    }
}

/// A new folder that is locked by this process.
std::pair<fs::path, int> locked_folder(const fs::path& pairs)
{
    constexpr int attempts = 1000;
    for (int i = 0; i < attempts; ++i) {
        const fs::path folder = pairs / (draft_prefix + std::to_string(getpid()) + "-" + std::to_string(i));
        if (mkdir(folder.c_str(), 0777) != 0) {
            if (errno == EEXIST)
                continue;
            throw system_error("cannot create a folder for the pair", folder.string());
        }
        if (const int lock = take_lock(folder); lock >= 0) // else it was swept before it could be locked
            return {folder, lock};
    }
    throw Error(Code::Locked, "too many imports are running", pairs.string(), "try again when one of them is done");
}

} // namespace

PairDraft::PairDraft(fs::path folder, int lock)
    : folder_(std::move(folder))
    , lock_(lock)
{
}

PairDraft::PairDraft(PairDraft&& other) noexcept
    : folder_(std::exchange(other.folder_, {}))
    , lock_(std::exchange(other.lock_, -1))
{
}

PairDraft::~PairDraft()
{
    std::error_code ignored;
    if (!folder_.empty())
        fs::remove_all(folder_, ignored);
    if (lock_ >= 0)
        close(lock_);
}

StoredPairs::StoredPairs(SQLite::Database& library, fs::path folder)
    : library_(library)
    , folder_(std::move(folder))
{
}

StoredPair StoredPairs::from_row(SQLite::Statement& row) const
{
    const std::string name = row.getColumn(1).getString();
    if (name.find('/') != std::string::npos || run_folder_from_path(name).id == 0) // nothing outside the lab is opened by it
        throw Error(Code::Damaged, "the library names an impossible folder for a pair", in_quotes(name),
            "restore library.sqlite from a copy");
    return {.name = row.getColumn(0).getString(),
        .folder = folder_ / name,
        .imported = row.getColumn(2).getString(),
        .sha256 = row.getColumn(3).getString()};
}

std::vector<StoredPair> StoredPairs::all() const
{
    SQLite::Statement query(library_, "SELECT name, folder, imported, sha256 FROM pair ORDER BY name");
    std::vector<StoredPair> pairs;
    while (query.executeStep())
        pairs.push_back(from_row(query));
    return pairs;
}

std::optional<StoredPair> StoredPairs::find(const std::string& name) const
{
    SQLite::Statement query(library_, "SELECT name, folder, imported, sha256 FROM pair WHERE name = ?");
    query.bind(1, name);
    if (!query.executeStep())
        return std::nullopt;
    return from_row(query);
}

PairDraft StoredPairs::draft()
{
    fs::create_directories(folder_);
    sweep(folder_);
    const auto [folder, lock] = locked_folder(folder_);
    return {folder, lock};
}

StoredPair StoredPairs::keep(const std::string& name, PairDraft draft)
{
    const std::string sha256 = sha256_of_file(draft.folder_ / description_name);
    sync_folder(draft.folder_);

    SQLite::Transaction transaction(library_, SQLite::TransactionBehavior::IMMEDIATE);
    if (find(name))
        throw Error(Code::BadRequest, "a pair of this name already exists", in_quotes(name),
            "choose another --name, or delete that pair: pipebd pairs delete");
    const int id = library_.execAndGet("SELECT coalesce(max(seq), 0) + 1 FROM sqlite_sequence WHERE name = 'pair'").getInt();
    StoredPair pair
        = {.name = name, .folder = folder_ / run_folder_name(id, name, "pair"), .imported = utc_text(), .sha256 = sha256};
    SQLite::Statement insert(library_, "INSERT INTO pair (id, name, folder, imported, sha256) VALUES (?, ?, ?, ?, ?)");
    insert.bind(1, id);
    insert.bind(2, pair.name);
    insert.bind(3, pair.folder.filename().string());
    insert.bind(4, pair.imported);
    insert.bind(5, pair.sha256);
    insert.exec();
    fs::remove_all(pair.folder); // there without a row: left by one who was killed before it could commit
    try {
        fs::rename(draft.folder_, pair.folder);
        fs::remove(pair.folder / lock_name); // not before: a draft without its lock is swept
        sync_folder(folder_);
        transaction.commit();
    } catch (...) {
        std::error_code ignored;
        fs::remove_all(pair.folder, ignored);
        throw;
    }
    draft.folder_.clear();
    return pair;
}

void StoredPairs::remove(const std::string& name)
{
    SQLite::Transaction transaction(library_, SQLite::TransactionBehavior::IMMEDIATE);
    const std::optional<StoredPair> pair = find(name);
    if (!pair) {
        std::vector<std::string> known;
        for (const StoredPair& other : all())
            known.push_back(other.name);
        throw Error(Code::NotFound, "there is no imported pair of this name", in_quotes(name),
            known.empty() ? "no pairs were imported" : "imported pairs: " + joined(known));
    }
    SQLite::Statement remove(library_, "DELETE FROM pair WHERE name = ?");
    remove.bind(1, name);
    remove.exec();
    transaction.commit();
    fs::remove_all(pair->folder);
}

} // namespace pipebd::store
