#include "store/repair.h"

#include "base/error.h"
#include "base/file.h"
#include "store/file_seal.h"
#include "store/record_json.h"
#include "store/run_damage.h"
#include "store/run_folder.h"
#include "store/run_schema.h"
#include "store/run_store.h"

#include <SQLiteCpp/SQLiteCpp.h>

#include <array>
#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <utility>

namespace pipebd::store {

namespace fs = std::filesystem;

namespace {

constexpr std::array<const char*, 6> document_names = {"experiment", "spec", "profile", "plan", "program", "import"};

std::string counted(std::size_t count, const std::string& noun)
{
    return std::to_string(count) + " " + noun + (count == 1 ? "" : "s");
}

/// Rows of a damaged table, by ascending id: from the front to the first page that cannot be read, then from the back to it.
class SalvagedRows {
public:
    using Take = std::function<void(SQLite::Statement& row)>;

    /// `columns` of `table`, whose first one is the id. False if not all of them could be read.
    static bool read(SQLite::Database& database, const std::string& table, const std::string& columns, const Take& take)
    {
        std::int64_t last = 0;
        if (walk(database, "SELECT " + columns + " FROM " + table + " ORDER BY id", [&](SQLite::Statement& row) {
                last = row.getColumn(0).getInt64();
                take(row);
            }))
            return true;
        walk(database, "SELECT " + columns + " FROM " + table + " WHERE id > " + std::to_string(last) + " ORDER BY id DESC", take);
        return false;
    }

private:
    static bool walk(SQLite::Database& database, const std::string& query, const Take& take)
    {
        try {
            SQLite::Statement rows(database, query);
            while (rows.executeStep())
                take(rows);
            return true;
        } catch (const SQLite::Exception&) {
            return false;
        }
    }
};

/// What could be read of a damaged database.
struct Salvage {
    std::optional<RunRecord> record;
    std::map<std::string, std::string> documents;
    std::vector<Sample> samples;
    std::vector<MeasuredSpan> spans;
    std::vector<LogLine> log;
    std::vector<std::string> saved;
    std::vector<std::string> lost;

    void tell(const std::string& what, bool all)
    {
        saved.push_back(what);
        if (!all)
            lost.push_back("some of its " + what.substr(what.find(' ') + 1));
    }
};

void read_record(SQLite::Database& database, const RunRecord& run, Salvage& salvage)
{
    try {
        SQLite::Statement query(database, "SELECT json FROM record");
        if (query.executeStep())
            salvage.record = record_from_json(query.getColumn(0).getString(), run.folder.string());
    } catch (const SQLite::Exception&) {
    } catch (const Error&) {
    }
    if (salvage.record)
        salvage.saved.emplace_back("its record");
    else
        salvage.lost.emplace_back("its record: state, times and results");
}

void read_documents(SQLite::Database& database, const fs::path& folder, Salvage& salvage)
{
    for (const char* name : document_names) {
        try {
            SQLite::Statement query(database, "SELECT text FROM document WHERE name = ?");
            query.bind(1, std::string(name));
            if (query.executeStep())
                salvage.documents[name] = query.getColumn(0).getString();
            continue;
        } catch (const SQLite::Exception&) {
        }
        const fs::path beside = folder / (std::string(name) == "experiment" ? "experiment.toml" : std::string(name) + ".json");
        try {
            salvage.documents[name] = read_file(beside);
        } catch (const Error&) {
            salvage.lost.push_back("its " + std::string(name));
        }
    }
    salvage.saved.push_back(counted(salvage.documents.size(), "document"));
}

void read_samples(SQLite::Database& database, Salvage& salvage)
{
    std::map<std::int64_t, Series> series;
    bool all = SalvagedRows::read(database, "series", "id, name, rank, block", [&](SQLite::Statement& row) {
        series[row.getColumn(0).getInt64()] = {row.getColumn(1).getString(), row.getColumn(2).getInt(), row.getColumn(3).getInt()};
    });
    std::map<std::int64_t, Sample> samples; // by id
    all = SalvagedRows::read(database, "sample", "id, series, step, t, value", [&](SQLite::Statement& row) {
        const auto found = series.find(row.getColumn(1).getInt64());
        if (found == series.end())
            return;
        const SQLite::Column value = row.getColumn(4);
        samples[row.getColumn(0).getInt64()] = {found->second, row.getColumn(2).getInt64(), row.getColumn(3).getDouble(),
            value.isNull() ? std::numeric_limits<double>::quiet_NaN() : value.getDouble()};
    }) && all;
    for (auto& [id, sample] : samples)
        salvage.samples.push_back(std::move(sample));
    salvage.tell(counted(salvage.samples.size(), "sample") + " of " + counted(series.size(), "curve"), all);
}

void read_spans_and_log(SQLite::Database& database, Salvage& salvage)
{
    std::map<std::int64_t, MeasuredSpan> spans;
    bool all = SalvagedRows::read(database, "span", "id, rank, phase, step, position, start, end", [&](SQLite::Statement& row) {
        spans[row.getColumn(0).getInt64()] = {row.getColumn(1).getInt(), row.getColumn(2).getInt(), row.getColumn(3).getInt64(),
            row.getColumn(4).getInt(), row.getColumn(5).getDouble(), row.getColumn(6).getDouble()};
    });
    for (const auto& [id, span] : spans)
        salvage.spans.push_back(span);
    salvage.tell(counted(spans.size(), "measured instruction"), all);

    std::map<std::int64_t, LogLine> lines;
    all = SalvagedRows::read(database, "log", "id, t, rank, text", [&](SQLite::Statement& row) {
        lines[row.getColumn(0).getInt64()]
            = {row.getColumn(1).getDouble(), row.getColumn(2).getInt(), row.getColumn(3).getString()};
    });
    for (auto& [id, line] : lines)
        salvage.log.push_back(std::move(line));
    salvage.tell(counted(salvage.log.size(), "log line"), all);
}

Salvage read_all(const RunRecord& run)
{
    Salvage salvage;
    try {
        SQLite::Database database((run.folder / database_name).string(), SQLite::OPEN_READONLY);
        database.exec("PRAGMA trusted_schema = OFF");
        read_record(database, run, salvage);
        read_documents(database, run.folder, salvage);
        read_samples(database, salvage);
        read_spans_and_log(database, salvage);
    } catch (const SQLite::Exception&) {
        salvage.lost.emplace_back("its curves, measured instructions and log: the database cannot be opened");
    }
    return salvage;
}

RunRecord record_of(const RunRecord& run, const Salvage& salvage, const std::string& damage)
{
    if (salvage.record && is_final(salvage.record->state))
        return *salvage.record;
    RunRecord record = salvage.record.value_or(RunRecord{});
    const RunFolder named = run_folder_from_path(run.folder);
    if (record.name.empty())
        record.name = named.name;
    record.state = RunState::Failed;
    record.error = "its database was damaged (" + damage + "), and its state could not be saved";
    return record;
}

/// In a folder beside the run's, so that nobody takes half of it for a run.
void write(const fs::path& folder, const RunRecord& record, const Salvage& salvage, const std::string& damage)
{
    RunStore store(folder / database_name, RunStore::Mode::Writer);
    for (const auto& [name, text] : salvage.documents)
        store.save_document(name, text);
    std::string told = utc_text() + ": " + damage + "\n";
    for (const std::string& what : salvage.saved)
        told += "saved: " + what + "\n";
    for (const std::string& what : salvage.lost)
        told += "lost: " + what + "\n";
    store.save_document("repair", told);
    store.append(salvage.samples);
    store.append(salvage.spans);
    store.append(salvage.log);
    store.save(record);
    store.finish();
}

/// Another name for each, should a run be repaired twice.
fs::path damaged_name(const fs::path& folder)
{
    fs::path name = folder / (std::string(database_name) + ".damaged");
    for (int i = 2; fs::exists(name); ++i)
        name = folder / (std::string(database_name) + ".damaged-" + std::to_string(i));
    return name;
}

} // namespace

Repair repair_run(const RunRecord& run)
{
    const std::string damage = damage_of(run);
    const RunLock lock(run.folder, std::chrono::milliseconds(0));
    Salvage salvage = read_all(run);
    const fs::path beside = run.folder / ".repair";
    std::error_code ignored;
    fs::remove_all(beside, ignored);
    try {
        fs::create_directory(beside);
        write(beside, record_of(run, salvage, damage), salvage, damage);
        Repair repair{std::move(salvage.saved), std::move(salvage.lost), damaged_name(run.folder)};
        for (const char* log : {"-wal", "-shm", "-journal"})
            if (const fs::path file = run.folder / (std::string(database_name) + log); fs::exists(file))
                fs::rename(file, repair.damaged.string() + log);
        fs::rename(run.folder / database_name, repair.damaged);
        fs::rename(beside / database_name, run.folder / database_name);
        fs::rename(beside / seal_file_name, run.folder / seal_file_name);
        sync_folder(run.folder);
        fs::remove_all(beside, ignored);
        return repair;
    } catch (const fs::filesystem_error& problem) {
        throw system_error("the run cannot be repaired", problem.path1().string(), problem.code().value());
    }
}

} // namespace pipebd::store
