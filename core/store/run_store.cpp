#include "store/run_store.h"

#include "store/database.h"
#include "store/file_seal.h"
#include "store/held_lock.h"
#include "store/record_json.h"
#include "store/run_checksum.h"
#include "store/run_folder.h"
#include "store/run_schema.h"

#include <algorithm>
#include <limits>
#include <map>
#include <optional>
#include <unordered_map>

namespace pipebd::store {
namespace {

namespace fs = std::filesystem;

constexpr const char* seal_algorithm = "sha256/1";

int rank_in_life(RunState state)
{
    return is_final(state) ? 2 : state == RunState::Running ? 1 : 0;
}

double value_of(const SQLite::Column& column) // SQLite stores NaN as NULL
{
    return column.isNull() ? std::numeric_limits<double>::quiet_NaN() : column.getDouble();
}

SQLite::Database open_run(const fs::path& file, RunStore::Mode mode, std::chrono::milliseconds wait)
{
    if (mode == RunStore::Mode::Writer && !fs::exists(file))
        create_database(file, run_format);
    return open_database(file, run_format, mode == RunStore::Mode::Writer ? Access::ReadWrite : Access::ReadOnly, wait);
}

/// The right to write, for as long as a store lives; empty for a reader.
class WritingRight {
public:
    WritingRight(const fs::path& file, RunStore::Mode mode, std::chrono::milliseconds wait)
    {
        if (mode == RunStore::Mode::ReadOnly)
            return;
        const fs::path folder = fs::absolute(file).parent_path();
        lock_ = HeldLock::of_this_process(folder);
        if (!lock_)
            lock_ = HeldLock::acquire(folder, wait);
        if (!lock_->begin_writing()) {
            lock_ = nullptr;
            throw Error(
                Code::Locked, "process " + std::to_string(this_process().pid) + " writes this run already", folder.string());
        }
    }
    ~WritingRight()
    {
        if (lock_)
            lock_->end_writing();
    }
    WritingRight(const WritingRight&) = delete;
    WritingRight& operator=(const WritingRight&) = delete;

private:
    std::shared_ptr<HeldLock> lock_;
};

} // namespace

struct RunStore::Impl {
    Impl(const fs::path& path, Mode open_mode, std::chrono::milliseconds wait)
        : file(path)
        , mode(open_mode)
        , right(path, open_mode, wait)
        , database(open_run(path, open_mode, wait))
    {
        sealed = database.execAndGet("SELECT count(*) FROM seal").getInt() > 0;
        if (mode != Mode::Writer)
            return;
        if (sealed)
            leave_write_ahead_log();
        else
            database.execAndGet("PRAGMA journal_mode = WAL");
    }

    /// Refused by SQLite while a reader is open; then the file stays as it is, and is left to the next writer.
    void leave_write_ahead_log()
    {
        database.setBusyTimeout(0);
        try {
            database.execAndGet("PRAGMA journal_mode = DELETE");
            if (!has_file_seal(file))
                seal_file(database, file);
        } catch (const SQLite::Exception& exception) {
            if (error_from(exception, file).code() != Code::Locked)
                throw;
        } catch (const Error&) {
            // Its rows are sealed; that the seal of its file does not fit on the disk makes them no worse.
        }
        database.setBusyTimeout(static_cast<int>(default_wait.count()));
    }

    /// All of `body` or nothing.
    template <typename Body>
    void write(Body&& body)
    {
        if (mode != Mode::Writer)
            throw Error(Code::Internal, "this run was opened for reading only", file.string());
        if (sealed)
            throw Error(Code::Internal, "this run is sealed", file.string());
        try {
            guarded(file, [&] {
                SQLite::Transaction transaction(database, SQLite::TransactionBehavior::IMMEDIATE);
                body();
                transaction.commit();
            });
        } catch (...) {
            series_ids.clear(); // those made in this transaction are gone
            throw;
        }
    }

    std::optional<std::int64_t> find_series(const Series& series)
    {
        SQLite::Statement query(database, "SELECT id FROM series WHERE name = ? AND rank = ? AND block = ?");
        query.bind(1, series.name);
        query.bind(2, series.rank);
        query.bind(3, series.block);
        return query.executeStep() ? std::optional(query.getColumn(0).getInt64()) : std::nullopt;
    }

    std::int64_t series_id(const Series& series)
    {
        if (const auto known = series_ids.find(series); known != series_ids.end())
            return known->second;
        std::optional<std::int64_t> id = find_series(series);
        if (!id) {
            SQLite::Statement insert(database, "INSERT INTO series (name, rank, block) VALUES (?, ?, ?)");
            insert.bind(1, series.name);
            insert.bind(2, series.rank);
            insert.bind(3, series.block);
            insert.exec();
            id = database.getLastInsertRowid();
        }
        series_ids.emplace(series, *id);
        return *id;
    }

    std::optional<RunRecord> stored_record()
    {
        SQLite::Statement query(database, "SELECT json FROM record");
        if (!query.executeStep())
            return std::nullopt;
        return record_from_json(query.getColumn(0).getString(), file.string());
    }

    fs::path file;
    Mode mode;
    WritingRight right;
    SQLite::Database database;
    std::map<Series, std::int64_t> series_ids;
    bool sealed = false;
};

RunStore::RunStore(const fs::path& file, Mode mode, std::chrono::milliseconds wait)
    : impl_(guarded(file, [&] { return std::make_unique<Impl>(file, mode, wait); }))
{
}

RunStore::~RunStore() = default;
RunStore::RunStore(RunStore&&) noexcept = default;

void RunStore::save(const RunRecord& record)
{
    impl_->write([&] {
        if (const auto stored = impl_->stored_record()) {
            const bool changes = is_final(stored->state) && record.state != stored->state;
            if (changes || rank_in_life(record.state) < rank_in_life(stored->state))
                throw Error(Code::Internal,
                    "a run that is " + std::string(to_string(stored->state)) + " cannot become "
                        + std::string(to_string(record.state)),
                    impl_->file.string());
        }
        SQLite::Statement replace(impl_->database, "INSERT OR REPLACE INTO record (id, state, json) VALUES (1, ?, ?)");
        replace.bind(1, std::string(to_string(record.state)));
        replace.bind(2, to_json(record));
        replace.exec();
    });
}

void RunStore::save_document(const std::string& name, const std::string& text)
{
    impl_->write([&] {
        SQLite::Statement replace(impl_->database, "INSERT OR REPLACE INTO document (name, text) VALUES (?, ?)");
        replace.bind(1, name);
        replace.bind(2, text);
        replace.exec();
    });
}

void RunStore::append(std::span<const Sample> samples)
{
    impl_->write([&] {
        SQLite::Statement insert(impl_->database, "INSERT INTO sample (series, step, t, value) VALUES (?, ?, ?, ?)");
        for (const Sample& sample : samples) {
            insert.bind(1, impl_->series_id(sample.series));
            insert.bind(2, sample.step);
            insert.bind(3, sample.t);
            insert.bind(4, sample.value);
            insert.exec();
            insert.reset();
        }
    });
}

void RunStore::append(std::span<const MeasuredSpan> spans)
{
    impl_->write([&] {
        SQLite::Statement insert(
            impl_->database, "INSERT INTO span (rank, phase, step, position, start, end) VALUES (?, ?, ?, ?, ?, ?)");
        for (const MeasuredSpan& span : spans) {
            insert.bind(1, span.rank);
            insert.bind(2, span.phase);
            insert.bind(3, span.step);
            insert.bind(4, span.index);
            insert.bind(5, span.start);
            insert.bind(6, span.end);
            insert.exec();
            insert.reset();
        }
    });
}

void RunStore::append(std::span<const LogLine> lines)
{
    impl_->write([&] {
        SQLite::Statement insert(impl_->database, "INSERT INTO log (t, rank, text) VALUES (?, ?, ?)");
        for (const LogLine& line : lines) {
            insert.bind(1, line.t);
            insert.bind(2, line.rank);
            insert.bind(3, line.text);
            insert.exec();
            insert.reset();
        }
    });
}

void RunStore::finish()
{
    impl_->write([&] {
        const auto stored = impl_->stored_record();
        if (!stored || !is_final(stored->state))
            throw Error(Code::Internal, "a run is sealed only when its state is final", impl_->file.string());
        SQLite::Statement insert(impl_->database, "INSERT INTO seal (id, algorithm, checksum) VALUES (1, ?, ?)");
        insert.bind(1, std::string(seal_algorithm));
        insert.bind(2, checksum_of_rows(impl_->database));
        insert.exec();
    });
    impl_->sealed = true;
    guarded(impl_->file, [&] { impl_->leave_write_ahead_log(); });
}

RunRecord RunStore::record() const
{
    return guarded(impl_->file, [&] {
        RunRecord record = impl_->stored_record().value_or(RunRecord{});
        const fs::path folder = fs::absolute(impl_->file).parent_path();
        const RunFolder named = run_folder_from_path(folder);
        record.id = named.id;
        record.folder = folder;
        if (record.name.empty())
            record.name = named.name;
        return record;
    });
}

std::string RunStore::document(const std::string& name) const
{
    return guarded(impl_->file, [&] {
        SQLite::Statement query(impl_->database, "SELECT text FROM document WHERE name = ?");
        query.bind(1, name);
        return query.executeStep() ? query.getColumn(0).getString() : std::string();
    });
}

std::vector<Series> RunStore::series() const
{
    return guarded(impl_->file, [&] {
        std::vector<Series> all;
        SQLite::Statement query(impl_->database, "SELECT name, rank, block FROM series ORDER BY name, rank, block");
        while (query.executeStep())
            all.push_back({query.getColumn(0).getString(), query.getColumn(1).getInt(), query.getColumn(2).getInt()});
        return all;
    });
}

std::vector<Sample> RunStore::samples(const Series& series, std::int64_t& after) const
{
    return guarded(impl_->file, [&] {
        std::vector<Sample> found;
        const auto id = impl_->find_series(series);
        if (!id)
            return found;
        SQLite::Statement query(impl_->database, "SELECT id, step, t, value FROM sample WHERE series = ? AND id > ? ORDER BY id");
        query.bind(1, *id);
        query.bind(2, after);
        while (query.executeStep()) {
            after = query.getColumn(0).getInt64();
            found.push_back({series, query.getColumn(1).getInt64(), query.getColumn(2).getDouble(), value_of(query.getColumn(3))});
        }
        return found;
    });
}

std::vector<Sample> RunStore::samples(const Series& series) const
{
    std::int64_t after = 0;
    return samples(series, after);
}

std::vector<Sample> RunStore::new_samples(std::int64_t& after) const
{
    return guarded(impl_->file, [&] {
        SQLite::Transaction snapshot(impl_->database); // so that every sample's series is seen, too
        std::map<std::int64_t, Series> names;
        SQLite::Statement series(impl_->database, "SELECT id, name, rank, block FROM series");
        while (series.executeStep())
            names[series.getColumn(0).getInt64()]
                = {series.getColumn(1).getString(), series.getColumn(2).getInt(), series.getColumn(3).getInt()};

        std::vector<Sample> found;
        SQLite::Statement query(impl_->database, "SELECT id, series, step, t, value FROM sample WHERE id > ? ORDER BY id");
        query.bind(1, after);
        while (query.executeStep()) {
            after = query.getColumn(0).getInt64();
            found.push_back({names[query.getColumn(1).getInt64()], query.getColumn(2).getInt64(), query.getColumn(3).getDouble(),
                value_of(query.getColumn(4))});
        }
        return found;
    });
}

namespace {

/// The rows of a query for id, series, step, t and value, by series.
class PointReader {
public:
    explicit PointReader(SQLite::Database& database)
        : database_(database)
    {
    }

    /// The id of the last row; 0 if there was none.
    std::int64_t read(SQLite::Statement& query)
    {
        std::int64_t last = 0;
        while (query.executeStep()) {
            last = query.getColumn(0).getInt64();
            of(query.getColumn(1).getInt64())
                .push_back({static_cast<double>(query.getColumn(2).getInt64()), query.getColumn(3).getDouble(),
                    value_of(query.getColumn(4))});
        }
        return last;
    }

    SamplePoints take() { return std::move(points_); }

private:
    std::vector<SamplePoint>& of(std::int64_t series)
    {
        std::vector<SamplePoint>*& place = places_[series];
        if (!place) {
            SQLite::Statement name(database_, "SELECT name, rank, block FROM series WHERE id = ?");
            name.bind(1, series);
            Series key;
            if (name.executeStep())
                key = {name.getColumn(0).getString(), name.getColumn(1).getInt(), name.getColumn(2).getInt()};
            place = &points_[key];
        }
        return *place;
    }

    SQLite::Database& database_;
    SamplePoints points_;
    std::unordered_map<std::int64_t, std::vector<SamplePoint>*> places_;
};

constexpr const char* rows_after = "SELECT id, series, step, t, value FROM sample WHERE id > ? ORDER BY id LIMIT ?";

} // namespace

SamplePoints RunStore::new_points(std::int64_t& after, std::size_t most) const
{
    return guarded(impl_->file, [&] {
        SQLite::Transaction snapshot(impl_->database); // so that every sample's series is seen, too
        PointReader reader(impl_->database);
        SQLite::Statement query(impl_->database, rows_after);
        query.bind(1, after);
        query.bind(2, static_cast<std::int64_t>(most));
        if (const std::int64_t last = reader.read(query); last > 0)
            after = last;
        return reader.take();
    });
}

SamplePoints RunStore::overview(std::size_t count) const
{
    return guarded(impl_->file, [&] {
        constexpr std::int64_t row = 16; // samples that are read one after another
        SQLite::Transaction snapshot(impl_->database);
        SQLite::Statement last(impl_->database, "SELECT max(id) FROM sample");
        const std::int64_t all = last.executeStep() ? last.getColumn(0).getInt64() : 0;
        const auto wanted = static_cast<std::int64_t>(count);
        PointReader reader(impl_->database);
        if (all > 4 * wanted) {
            const std::int64_t rows = std::max<std::int64_t>(1, wanted / row);
            const std::int64_t distance = all / rows;
            SQLite::Statement query(impl_->database, rows_after);
            for (std::int64_t i = 0; i < rows; ++i) {
                // Places within the distance that no rhythm of the series keeps step with.
                const std::int64_t place = i * distance + i * 7919 % std::max<std::int64_t>(1, distance - row);
                query.reset();
                query.bind(1, place);
                query.bind(2, std::min(row, wanted));
                reader.read(query);
            }
        }
        return reader.take();
    });
}

std::vector<MeasuredSpan> RunStore::spans() const
{
    return guarded(impl_->file, [&] {
        std::vector<MeasuredSpan> all;
        SQLite::Statement query(impl_->database, "SELECT rank, phase, step, position, start, end FROM span ORDER BY id");
        while (query.executeStep())
            all.push_back({query.getColumn(0).getInt(), query.getColumn(1).getInt(), query.getColumn(2).getInt64(),
                query.getColumn(3).getInt(), query.getColumn(4).getDouble(), query.getColumn(5).getDouble()});
        return all;
    });
}

std::vector<LogLine> RunStore::log(std::size_t last) const
{
    return guarded(impl_->file, [&] {
        std::vector<LogLine> lines;
        SQLite::Statement query(impl_->database, "SELECT t, rank, text FROM log ORDER BY id DESC LIMIT ?");
        query.bind(1, static_cast<std::int64_t>(std::min<std::size_t>(last, std::numeric_limits<std::int64_t>::max())));
        while (query.executeStep())
            lines.push_back({query.getColumn(0).getDouble(), query.getColumn(1).getInt(), query.getColumn(2).getString()});
        std::reverse(lines.begin(), lines.end());
        return lines;
    });
}

std::int64_t RunStore::version() const
{
    return guarded(impl_->file, [&] { return impl_->database.execAndGet("PRAGMA data_version").getInt64(); });
}

std::string RunStore::check() const
{
    return guarded(impl_->file, [&]() -> std::string {
        SQLite::Transaction snapshot(impl_->database);
        if (const std::string complaints = integrity(impl_->database); complaints != "ok")
            return complaints;
        SQLite::Statement seal(impl_->database, "SELECT algorithm, checksum FROM seal");
        if (seal.executeStep()) {
            if (seal.getColumn(0).getString() != seal_algorithm)
                return "it is sealed by \"" + seal.getColumn(0).getString() + "\", which is unknown";
            if (seal.getColumn(1).getString() != checksum_of_rows(impl_->database))
                return "the rows are not those that were sealed: their checksum differs";
        }
        return check_file_seal(impl_->database, impl_->file);
    });
}

} // namespace pipebd::store
