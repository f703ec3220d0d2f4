#include "launch/training.h"

#include "base/file.h"
#include "launch/measurements.h"
#include "launch/recorder.h"
#include "launch/run_json.h"

#include <algorithm>
#include <cmath>

namespace pipebd::launch {

namespace {

using Clock = std::chrono::steady_clock;
using store::RunRecord;
using store::RunState;

/// Steps of a phase between two checkpoints; 0: only at the end.
std::int64_t checkpoint_steps(const experiment::Run& run, double predicted_step, std::size_t phases)
{
    if (run.checkpoint_steps)
        return *run.checkpoint_steps;
    if (run.checkpoint_minutes <= 0 || predicted_step <= 0)
        return 0;
    const double step_of_a_phase = predicted_step / static_cast<double>(phases);
    return std::max<std::int64_t>(1, std::llround(std::min(run.checkpoint_minutes * 60'000 / step_of_a_phase, 1e12)));
}

experiment::RunSpec spec_for(const TrainingRequest& request, const std::filesystem::path& folder)
{
    experiment::RunSpec spec;
    spec.experiment = request.experiment;
    spec.experiment.run.strategy = request.planned.schedule.strategy;
    spec.experiment.run.devices = to_string(request.devices);
    spec.devices = request.devices;
    spec.program = request.planned.program;
    spec.folder = std::filesystem::absolute(folder);
    spec.deliver = request.deliver;
    if (spec.deliver)
        spec.checkpoint_steps
            = checkpoint_steps(request.experiment.run, request.planned.simulation.step, request.planned.program.phases.size());
    spec.planned_bytes = request.planned.simulation.peak_memory;
    if (request.resumed) {
        spec.resume = std::filesystem::absolute(request.resumed->checkpoint);
        spec.done = request.resumed->done;
    }
    return spec;
}

RunRecord queued_record(const TrainingRequest& request, const store::Lab::NewRun& run)
{
    RunRecord record;
    record.id = run.id;
    record.name = request.experiment.name;
    record.pair = request.experiment.pair;
    record.strategy = request.planned.schedule.strategy;
    for (const experiment::Device& device : request.devices)
        record.devices.push_back(to_string(device));
    record.created = store::utc_text();
    record.steps = request.steps * static_cast<std::int64_t>(request.planned.program.phases.size());
    record.predicted_step = request.planned.simulation.step;
    record.supervisor = store::this_process();
    if (request.resumed) {
        record.resumed_from = request.resumed->run;
        record.resumed_checkpoint = request.resumed->checkpoint.filename().string();
    }
    record.folder = run.folder;
    return record;
}

/// A run while it is supervised.
class Training {
public:
    Training(const TrainingRequest& request, const store::Lab::NewRun& run, const std::function<void(const Progress&)>& progress);

    RunRecord run(const std::atomic<bool>& cancel);

private:
    void write_documents();
    Outcome supervise(const std::atomic<bool>& cancel);
    void follow(const experiment::Metric& metric);
    void tick();
    void measure();
    void end(RunState state);
    void end_as(const Outcome& outcome);
    void copy_results();

    const TrainingRequest& request_;
    const std::function<void(const Progress&)>& progress_;
    experiment::RunSpec spec_;
    Clock::time_point zero_ = Clock::now();
    store::RunLock lock_;
    store::RunStore store_;
    RunRecord record_;
    Measurements measurements_;
    Recorder recorder_;
    std::string doing_ = "starting ranks";
};

Training::Training(
    const TrainingRequest& request, const store::Lab::NewRun& run, const std::function<void(const Progress&)>& progress)
    : request_(request)
    , progress_(progress)
    , spec_(spec_for(request, run.folder))
    , lock_(run.folder)
    , store_(run.folder / "run.sqlite", store::RunStore::Mode::Writer)
    , record_(queued_record(request, run))
    , measurements_(spec_.program, request.steps, request.experiment.data.batch,
          phase_shares(request.planned.simulation.timeline, spec_.program.phases.size()), spec_.done)
    , recorder_(store_, measurements_, run.folder / "log.txt", zero_)
{
    store_.save(record_);
}

RunRecord Training::run(const std::atomic<bool>& cancel)
{
    try {
        write_documents();
        record_.started = store::utc_text();
        record_.state = RunState::Running;
        store_.save(record_);
        end_as(supervise(cancel));
    } catch (const Error& error) {
        if (!is_final(record_.state)) {
            record_.error = error.what();
            recorder_.log(-1, record_.error);
            end(RunState::Failed);
        }
        throw;
    }
    copy_results();
    return record_;
}

void Training::write_documents()
{
    const std::string spec = experiment::to_json(spec_);
    replace_file(record_.folder / "experiment.toml", request_.experiment_text);
    replace_file(record_.folder / "spec.json", spec);
    store_.save_document("experiment", request_.experiment_text);
    store_.save_document("spec", spec);
    store_.save_document("program", to_text(spec_.program));
    if (!request_.profile)
        return;
    const schedule::Plan plan = {.pair = request_.profile->pair,
        .devices = static_cast<int>(request_.devices.size()),
        .batch = request_.profile->batch,
        .samples = request_.profile->samples,
        .notes = {},
        .strategies = {request_.planned}};
    store_.save_document("profile", to_json(*request_.profile));
    store_.save_document("plan", to_json(plan));
}

Outcome Training::supervise(const std::atomic<bool>& cancel)
{
    Job job;
    job.engine = engine_program();
    job.arguments = {"train", "--spec", (spec_.folder / "spec.json").string()};
    job.ranks = static_cast<int>(spec_.devices.size());
    job.zero = zero_;
    job.heartbeat_limit = std::chrono::milliseconds(std::llround(spec_.experiment.run.timeout * 1000));
    for (const experiment::Device& device : spec_.devices)
        job.threads.push_back(device.threads);

    Listener listener;
    listener.metric = [this](const experiment::Metric& metric) { follow(metric); };
    listener.log = [this](int rank, const std::string& line) { recorder_.log(rank, line); };
    listener.tick = [this] { tick(); };
    return launch::run(job, listener, cancel);
}

void Training::follow(const experiment::Metric& metric)
{
    using Type = experiment::Metric::Type;
    recorder_.take(metric);
    if (metric.type == Type::Step)
        doing_ = "training";
    else if (metric.type == Type::Heartbeat && measurements_.steps_done() == measurements_.steps())
        doing_ = "evaluating";
}

void Training::tick()
{
    measure();
    recorder_.flush(record_);
    if (!progress_)
        return;
    progress_({.steps = record_.steps,
        .steps_done = record_.steps_done,
        .throughput = measurements_.recent_throughput(),
        .seconds_left = measurements_.seconds_left(),
        .loss = measurements_.newest_loss(),
        .doing = doing_,
        .warning = recorder_.trouble(),
        .run = record_.id});
}

void Training::measure()
{
    record_.steps_done = measurements_.steps_done();
    record_.throughput = measurements_.throughput();
    record_.measured_step = measurements_.step();
    record_.first_loss = measurements_.first_loss();
    record_.final_loss = measurements_.final_loss();
    record_.accuracy = measurements_.accuracy();
}

void Training::end_as(const Outcome& outcome)
{
    for (const std::string& consequence : outcome.consequences)
        recorder_.log(-1, "as a consequence, " + consequence);
    switch (outcome.kind) {
    case Outcome::Kind::Finished:
        end(RunState::Finished);
        break;
    case Outcome::Kind::Cancelled:
        recorder_.log(-1, "cancelled");
        end(RunState::Cancelled);
        break;
    case Outcome::Kind::Failed:
        record_.error = outcome.error->what();
        record_.culprit = outcome.culprit;
        record_.last_lines = outcome.last_lines;
        recorder_.log(-1, record_.error);
        end(RunState::Failed);
        break;
    }
}

/// First what was measured, then the state: who sees a final state sees all of the run.
void Training::end(RunState state)
{
    measure();
    recorder_.flush(record_, true);
    record_.state = state;
    record_.finished = store::utc_text();
    store_.save(record_);
    store_.finish();
}

void Training::copy_results()
{
    if (request_.out.empty())
        return;
    for (const char* name : {"student.safetensors", "architecture.json"}) {
        const std::filesystem::path file = record_.folder / name;
        if (std::filesystem::exists(file))
            replace_file(request_.out / name, MappedFile(file).bytes());
    }
    replace_file(request_.out / "metrics.json", metrics_to_json(record_, store_) + "\n");
}

} // namespace

RunRecord train(store::Lab& lab, const TrainingRequest& request, const std::function<void(const Progress&)>& progress,
    const std::atomic<bool>& cancel)
{
    return Training(request, lab.new_run(request.experiment.name), progress).run(cancel);
}

} // namespace pipebd::launch
