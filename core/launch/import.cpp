#include "launch/import.h"

#include "base/checksum.h"
#include "base/error.h"
#include "base/file.h"
#include "launch/failure.h"
#include "launch/metric_file.h"
#include "launch/prepared.h"
#include "launch/recorded_run.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <functional>
#include <optional>
#include <queue>

namespace pipebd::launch {

namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;
using Type = experiment::Metric::Type;

constexpr std::int64_t metrics_at_once = 20'000; // between two writes to the store
constexpr const char* digest_document = "import";
constexpr double latest_date = 8e9; // Unix time, the year 2223
constexpr std::int64_t most_steps = std::int64_t{1} << 40;

/// Whether `file` is there; a link leads wherever whoever wrote the folder wanted, and is refused like all that is no file.
bool is_there(const fs::path& file)
{
    std::error_code none;
    const fs::file_status status = fs::symlink_status(file, none);
    if (status.type() == fs::file_type::not_found)
        return false;
    if (status.type() != fs::file_type::regular)
        throw Error(Code::BadRequest,
            fs::is_symlink(status) ? "this is a symbolic link, and links are not followed" : "this is not a file", file.string(),
            "replace it by the file itself");
    return true;
}

std::string file_of_rank(int rank)
{
    return "rank-" + std::to_string(rank) + ".jsonl";
}

/// What is known of a rank once its file has been read through.
struct RankSummary {
    bool there = false; // at least one metric
    bool said_bye = false;
    bool stopped = false;
    std::optional<experiment::Metric> error; // the first
    std::optional<double> met; // s
    double last = 0; // s
    double started = 0; // Unix time of its zero; 0: not said
    std::int64_t steps = 0; // of each phase; 0: not said
    double shift = 0; // s, from its times to those of the run
};

double started_of(const experiment::Metric& hello)
{
    const nlohmann::json said = nlohmann::json::parse(hello.text, nullptr, false);
    if (!said.is_object() || !said.contains("started") || !said["started"].is_number())
        return 0;
    const double started = said["started"].get<double>();
    return started > 0 && started < latest_date ? started : 0;
}

void add(RankSummary& summary, const experiment::Metric& metric)
{
    summary.there = true;
    summary.last = std::max(summary.last, metric.t);
    if (metric.type == Type::Hello) {
        summary.steps = std::min(metric.step, most_steps);
        summary.started = started_of(metric);
    } else if (metric.type == Type::Met) {
        summary.met = metric.t;
    } else if (metric.type == Type::Bye) {
        summary.said_bye = true;
    } else if (metric.type == Type::Doing) {
        summary.stopped = metric.name == "stopping";
    } else if (metric.type == Type::Error && !summary.error) {
        summary.error = metric;
    }
}

class Import {
public:
    Import(store::Lab& lab, const fs::path& folder, const std::string& name, const std::optional<store::RunRecord>& before)
        : lab_(lab)
        , folder_(fs::absolute(folder))
        , name_(name)
        , before_(before)
    {
    }

    ImportedRun run();

private:
    void read_spec();
    void read_through();
    void align();
    void refuse_if_known() const;
    void make_request();
    Documents documents(const experiment::RunSpec& spec) const;
    store::RunRecord record_into(const store::Lab::NewRun& made);
    void replay(RecordedRun& run);
    void end(RecordedRun& run);
    void end_lost(RecordedRun& run, const std::vector<int>& silent);
    void copy_results(const fs::path& to) const;
    std::string read_document(const std::string& name) const;
    std::string date(double t) const; // of a time of the run

    store::Lab& lab_;
    fs::path folder_;
    std::string name_;
    std::optional<store::RunRecord> before_; // of the stage before
    experiment::RunSpec spec_;
    std::vector<RankSummary> ranks_;
    std::string digest_; // by which the same files are known again
    TrainingRequest request_;
    double started_ = 0; // Unix time of the run's zero
    double last_ = 0; // s
    Clock::time_point zero_;
    std::vector<std::string> warnings_;
};

ImportedRun Import::run()
{
    read_spec();
    read_through();
    align();
    refuse_if_known();
    make_request();
    const store::Lab::NewRun made = lab_.new_run(request_.experiment.name);
    try {
        store::RunRecord record = record_into(made);
        return {std::move(record), warnings_};
    } catch (...) {
        std::error_code ignored;
        fs::remove_all(made.folder, ignored);
        throw;
    }
}

void Import::read_spec()
{
    const fs::path file = folder_ / file_of_document("spec");
    if (!is_there(file))
        throw Error(Code::NotFound, "the spec of the run is missing", file.string(),
            "put the spec.json that the ranks were started with next to their metrics");
    spec_ = experiment::run_spec_from_json(read_file(file), file.string());
    if (spec_.program.phases.empty())
        throw Error(Code::BadRequest, "the spec has no program", file.string(), "use the spec of a training run");
    if (!name_.empty())
        spec_.experiment.name = name_;
    if (!before_)
        return;
    // Its results are in the lab now, and stay there when the prepared folder is gone.
    experiment::Experiment& own = spec_.experiment;
    for (std::string* result : {&own.teacher.weights, &own.student.weights, &own.student.architecture})
        if (const fs::path kept = before_->folder / fs::path(*result).filename(); !result->empty() && fs::exists(kept))
            *result = fs::absolute(kept).string();
}

void Import::read_through()
{
    ranks_.resize(spec_.devices.size());
    for (int rank = 0; rank < static_cast<int>(ranks_.size()); ++rank) {
        const fs::path path = folder_ / file_of_rank(rank);
        if (!is_there(path)) {
            warnings_.push_back("rank " + std::to_string(rank) + " left no metrics: missing file " + path.string());
            continue;
        }
        RankSummary& summary = ranks_[static_cast<std::size_t>(rank)];
        MetricFile file(path, rank);
        while (const auto metric = file.next())
            add(summary, *metric);
        if (const std::string left_out = file.left_out(); !left_out.empty())
            warnings_.push_back(left_out);
        else if (!summary.there)
            warnings_.push_back(path.string() + ": it contains no metrics");
        digest_ += file_of_rank(rank) + " " + sha256_of_file(path) + "\n";
    }
    if (std::none_of(ranks_.begin(), ranks_.end(), [](const RankSummary& rank) { return rank.there; }))
        throw Error(Code::NotFound, "no rank left metrics", (folder_ / file_of_rank(0)).string(),
            "start the ranks with --metrics " + folder_.string());
}

/// Each rank counts from its own start. The run's zero is that of the rank that started first; ranks met at one moment.
void Import::align()
{
    double latest = 0;
    for (const RankSummary& rank : ranks_)
        latest = std::max(latest, rank.met.value_or(0));
    for (RankSummary& rank : ranks_) {
        rank.shift = rank.met ? latest - *rank.met : 0;
        last_ = std::max(last_, rank.last + rank.shift);
        if (rank.started > 0 && (started_ == 0 || rank.started - rank.shift < started_))
            started_ = rank.started - rank.shift;
    }
    if (started_ == 0) {
        const auto now = std::chrono::system_clock::now().time_since_epoch();
        started_ = std::chrono::duration<double>(now).count() - last_;
    }
    zero_ = Clock::now() - std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(last_));
}

void Import::refuse_if_known() const
{
    for (const store::RunRecord& record : lab_.runs()) {
        std::string known;
        try {
            known = store::RunStore(record.folder / "run.sqlite", store::RunStore::Mode::ReadOnly).document(digest_document);
        } catch (const Error&) {
            continue; // a run that cannot be read says so wherever runs are listed
        }
        if (known == digest_)
            throw Error(Code::BadRequest, "these metrics were already imported, as run " + std::to_string(record.id),
                folder_.string(), "see pipebd runs show " + std::to_string(record.id));
    }
}

std::string Import::read_document(const std::string& name) const
{
    const fs::path file = folder_ / file_of_document(name);
    return is_there(file) ? read_file(file) : std::string();
}

void Import::make_request()
{
    request_.experiment = spec_.experiment;
    request_.experiment_text = read_document("experiment");
    request_.devices = spec_.devices;
    request_.weights_from = before_ ? before_->id : 0;
    request_.planned.schedule.strategy = spec_.experiment.run.strategy;
    request_.planned.program = spec_.program;
    for (const RankSummary& rank : ranks_)
        request_.steps = std::max(request_.steps, rank.steps);
    if (request_.steps <= 0)
        request_.steps = std::clamp<std::int64_t>(spec_.experiment.train.steps.value_or(1), 1, most_steps);
    const std::string profile = read_document("profile");
    if (profile.empty())
        return;
    try {
        request_.profile = schedule::profile_from_json(profile, (folder_ / file_of_document("profile")).string());
        request_.planned.simulation = schedule::simulate(spec_.program, *request_.profile);
    } catch (const Error& error) {
        request_.profile.reset();
        warnings_.push_back(std::string("without a prediction: ") + error.what());
    }
}

Documents Import::documents(const experiment::RunSpec& spec) const
{
    Documents documents = {{"spec", experiment::to_json(spec)}, {"program", to_text(spec.program)}, {digest_document, digest_}};
    if (!request_.experiment_text.empty())
        documents["experiment"] = request_.experiment_text;
    if (!request_.profile)
        return documents;
    documents["profile"] = to_json(*request_.profile);
    if (const std::string plan = read_document("plan"); !plan.empty())
        documents["plan"] = plan;
    return documents;
}

store::RunRecord Import::record_into(const store::Lab::NewRun& made)
{
    experiment::RunSpec spec = spec_;
    spec.folder = made.folder;
    RecordedRun run(request_, spec, made, zero_);
    run.begin(documents(spec), date(0));
    copy_results(made.folder);
    replay(run);
    end(run);
    return run.record();
}

/// All that the ranks said, in the order of time.
void Import::replay(RecordedRun& run)
{
    struct Next {
        MetricFile file;
        experiment::Metric metric;
    };
    std::vector<Next> files;
    const auto later
        = [&files](std::size_t a, std::size_t b) { return std::pair(files[a].metric.t, a) > std::pair(files[b].metric.t, b); };
    std::priority_queue<std::size_t, std::vector<std::size_t>, decltype(later)> order(later);
    const auto advance = [&](std::size_t index) {
        Next& next = files[index];
        const int rank = next.metric.rank;
        std::optional<experiment::Metric> metric = next.file.next();
        if (!metric)
            return;
        const double shift = ranks_[static_cast<std::size_t>(rank)].shift;
        metric->t += shift;
        metric->start += shift * 1000;
        metric->end += shift * 1000;
        for (experiment::Metric::Interval& span : metric->spans) {
            span.start += shift * 1000;
            span.end += shift * 1000;
        }
        next.metric = std::move(*metric);
        order.push(index);
    };
    for (int rank = 0; rank < static_cast<int>(ranks_.size()); ++rank) {
        if (!ranks_[static_cast<std::size_t>(rank)].there)
            continue;
        files.push_back({MetricFile(folder_ / file_of_rank(rank), rank), {}});
        files.back().metric.rank = rank;
    }
    for (std::size_t i = 0; i < files.size(); ++i)
        advance(i);
    for (std::int64_t count = 1; !order.empty(); ++count) {
        const std::size_t index = order.top();
        order.pop();
        run.take(files[index].metric);
        if (count % metrics_at_once == 0)
            run.flush();
        advance(index);
    }
}

void Import::end(RecordedRun& run)
{
    std::map<int, Failure> failures;
    std::vector<int> silent;
    for (int rank = 0; rank < static_cast<int>(ranks_.size()); ++rank) {
        const RankSummary& summary = ranks_[static_cast<std::size_t>(rank)];
        if (summary.error) {
            const std::chrono::duration<double> t(summary.error->t + summary.shift);
            failures.emplace(rank, failure_said(*summary.error, rank, zero_ + std::chrono::duration_cast<Clock::duration>(t)));
        } else if (!summary.said_bye) {
            silent.push_back(rank);
            run.log(-1, "rank " + std::to_string(rank) + " reported neither an error nor its end");
        }
    }
    for (const std::string& warning : warnings_)
        run.log(-1, warning);
    if (!failures.empty()) {
        const auto first = std::min_element(
            failures.begin(), failures.end(), [](const auto& a, const auto& b) { return is_cause_before(a.second, b.second); });
        run.end_as(failed_outcome(first->first, failures), date(last_));
    } else if (!silent.empty()) {
        end_lost(run, silent);
    } else {
        Outcome outcome;
        if (std::any_of(ranks_.begin(), ranks_.end(), [](const RankSummary& rank) { return rank.stopped; }))
            outcome.kind = Outcome::Kind::Cancelled;
        run.end_as(outcome, date(last_));
    }
}

void Import::end_lost(RecordedRun& run, const std::vector<int>& silent)
{
    std::string who = silent.size() == 1 ? "rank " : "ranks ";
    for (std::size_t i = 0; i < silent.size(); ++i)
        who += (i == 0 ? "" : ", ") + std::to_string(silent[i]);
    run.end_lost(Error(Code::RankDied, who + " ended without reporting how", folder_.string(), "start the run again"), date(last_));
}

void Import::copy_results(const fs::path& to) const
{
    std::vector<fs::path> from = {folder_};
    if (spec_.folder != folder_)
        from.push_back(spec_.folder);
    try {
        for (const fs::path& place : from) {
            if (is_there(place / "student.safetensors")) {
                for (const char* name : {"architecture.json", "supernet.safetensors"})
                    is_there(place / name); // refuses links
                copy_student(place, to);
                break;
            }
        }
        for (const fs::path& place : from) {
            if (!fs::is_directory(fs::symlink_status(place / "checkpoints")))
                continue;
            fs::create_directory(to / "checkpoints");
            for (const fs::directory_entry& checkpoint : fs::directory_iterator(place / "checkpoints"))
                if (fs::is_directory(checkpoint.symlink_status())
                    && !checkpoint.path().filename().string().starts_with(".")) // half of one
                    fs::copy(checkpoint.path(), to / "checkpoints" / checkpoint.path().filename(),
                        fs::copy_options::recursive | fs::copy_options::skip_symlinks);
            break;
        }
    } catch (const fs::filesystem_error& problem) {
        throw system_error("cannot copy the results", problem.path1().string(), problem.code().value());
    }
}

std::string Import::date(double t) const
{
    const std::chrono::duration<double> since(std::clamp(started_ + t, 0.0, latest_date));
    return store::utc_text(std::chrono::system_clock::time_point(std::chrono::duration_cast<std::chrono::milliseconds>(since)));
}

} // namespace

ImportedRun import_run(
    store::Lab& lab, const std::filesystem::path& folder, const std::string& name, const std::optional<store::RunRecord>& before)
{
    return Import(lab, folder, name, before).run();
}

std::vector<ImportedRun> import_stages(store::Lab& lab, const std::filesystem::path& folder, const std::string& name)
{
    if (!is_prepared(folder))
        return {import_run(lab, folder, name)};
    std::vector<ImportedRun> imported;
    for (const PreparedStage& stage : read_prepared(folder).stages) {
        const fs::path place = stage.folder == "." ? folder : folder / stage.folder;
        if (!imported.empty() && !fs::exists(place / file_of_rank(0))) {
            imported.back().warnings.push_back(
                "the stage " + stage.stage + " and later stages have not started: " + place.string());
            break;
        }
        imported.push_back(import_run(
            lab, place, name, imported.empty() ? std::nullopt : std::optional<store::RunRecord>(imported.back().record)));
    }
    return imported;
}

} // namespace pipebd::launch
