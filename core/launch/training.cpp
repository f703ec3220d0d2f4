#include "launch/training.h"

#include "base/file.h"
#include "experiment/limits.h"
#include "launch/inputs.h"
#include "launch/recorded_run.h"
#include "launch/run_dates.h"
#include "launch/run_json.h"
#include "store/leftovers.h"

#include <algorithm>
#include <cmath>

namespace pipebd::launch {

namespace {

using Clock = std::chrono::steady_clock;
using store::RunRecord;

/// Steps of a phase between two checkpoints; 0: only at the end, or, without a prediction, as measured (minutes_to_measure()).
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
    if (!request.pair_folder.empty())
        spec.pair_folder = std::filesystem::absolute(request.pair_folder);
    spec.program = request.planned.program;
    spec.folder = std::filesystem::absolute(folder);
    spec.deliver = request.deliver;
    spec.checkpoint_steps = request.checkpoint_steps;
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

Documents documents_of(const TrainingRequest& request, const experiment::RunSpec& spec)
{
    Documents documents = {{"experiment", request.experiment_text}, {"spec", experiment::to_json(spec)},
        {"program", to_text(spec.program)}, {inputs_document, to_json(inputs_of(spec.experiment))}};
    if (!request.profile)
        return documents;
    const schedule::Plan plan = {.pair = request.profile->pair,
        .devices = static_cast<int>(request.devices.size()),
        .batch = request.profile->batch,
        .samples = request.profile->samples,
        .notes = {},
        .strategies = {request.planned}};
    // With every figure that the prediction rests on, so that it can be worked out again.
    documents["profile"] = to_json(completed(*request.profile, sizes_of(request.planned.program, request.profile->batch)));
    documents["plan"] = to_json(plan);
    return documents;
}

/// A run while it is supervised.
class Training {
public:
    Training(const TrainingRequest& request, const store::Lab::NewRun& run, const std::function<void(const Progress&)>& progress);

    RunRecord run(const std::atomic<bool>& cancel);

private:
    Outcome supervise(const std::atomic<bool>& cancel);
    void follow(const experiment::Metric& metric);
    void follow_stop(std::int64_t step);
    void follow_delivery(const experiment::Metric& metric);
    double seconds_left_of_delivery() const;
    void tick(bool cancelled);
    void copy_results();

    const TrainingRequest& request_;
    const std::function<void(const Progress&)>& progress_;
    Clock::time_point zero_ = Clock::now();
    RunDates dates_;
    RecordedRun run_;
    std::string doing_ = "starting ranks";
    std::string notice_;
    double share_ = -1; // of what is done after the steps
    Clock::time_point share_begun_;
};

Training::Training(
    const TrainingRequest& request, const store::Lab::NewRun& run, const std::function<void(const Progress&)>& progress)
    : request_(request)
    , progress_(progress)
    , run_(request, spec_for(request, run.folder), run, zero_)
{
}

RunRecord Training::run(const std::atomic<bool>& cancel)
{
    try {
        run_.begin(documents_of(request_, run_.spec()), dates_.now());
        const Outcome outcome = supervise(cancel);
        run_.end_as(outcome, dates_.now());
    } catch (const Error& error) {
        if (!is_final(run_.record().state))
            run_.end_failed(error, dates_.now());
        throw;
    }
    copy_results();
    return run_.record();
}

Outcome Training::supervise(const std::atomic<bool>& cancel)
{
    Job job;
    job.engine = engine_program();
    job.arguments = {"train", "--spec", (run_.record().folder / "spec.json").string()};
    job.ranks = static_cast<int>(run_.spec().devices.size());
    job.at_once = request_.at_once;
    job.zero = zero_;
    const experiment::Run& limits = run_.spec().experiment.run;
    job.heartbeat_limit = experiment::silence_limit(limits);
    job.start_limit = experiment::join_limit(limits);
    job.stall_limit = experiment::stall_limit(limits);
    if (run_.spec().deliver)
        job.stop_grace = experiment::stop_grace(limits);
    for (const experiment::Device& device : run_.spec().devices)
        job.threads.push_back(device.threads);

    Listener listener;
    listener.metric = [this](const experiment::Metric& metric) { follow(metric); };
    listener.log = [this](int rank, const std::string& line) { run_.log(rank, line); };
    listener.tick = [this, &cancel] { tick(cancel); };
    return launch::run(job, listener, cancel);
}

void Training::follow(const experiment::Metric& metric)
{
    using Type = experiment::Metric::Type;
    run_.take(metric);
    constexpr std::string_view warning = "warning: ";
    if (metric.type == Type::Step || (metric.type == Type::Doing && metric.name == "training"))
        doing_ = "training";
    else if (metric.type == Type::Log && metric.text.starts_with(warning))
        notice_ = metric.text.substr(warning.size());
    else if (metric.type == Type::Doing && metric.name == "stopping")
        follow_stop(metric.step);
    else if (metric.type == Type::Doing && metric.name == "delivering")
        doing_ = "delivering";
    else if (metric.type == Type::Progress)
        follow_delivery(metric);
}

/// Devices that exchange nothing stop at steps of their own; the checkpoint is called after the least.
void Training::follow_stop(std::int64_t step)
{
    const std::int64_t known = run_.record().stopping;
    if (known > 0 && known <= step)
        return;
    run_.stops(step);
    run_.log(-1, "stopping at the end of step " + std::to_string(step));
}

void Training::follow_delivery(const experiment::Metric& metric)
{
    if (metric.text != doing_)
        share_begun_ = Clock::now();
    doing_ = metric.text;
    share_ = metric.value;
}

double Training::seconds_left_of_delivery() const
{
    const double passed = std::chrono::duration<double>(Clock::now() - share_begun_).count();
    return share_ > 0 ? passed / share_ * (1 - share_) : -1;
}

void Training::tick(bool cancelled)
{
    if (cancelled && run_.record().stopping < 0)
        run_.stops(0);
    run_.flush();
    if (!progress_)
        return;
    const Measurements& measurements = run_.measurements();
    progress_({.steps = run_.record().steps,
        .steps_done = run_.record().steps_done,
        .throughput = measurements.recent_throughput(),
        .seconds_left = share_ >= 0 ? seconds_left_of_delivery() : measurements.seconds_left(),
        .share = share_,
        .stopping = run_.record().stopping,
        .loss = measurements.newest_loss(),
        .doing = doing_,
        .notice = notice_,
        .warning = run_.trouble(),
        .run = run_.record().id});
}

void Training::copy_results()
{
    if (request_.out.empty())
        return;
    copy_student(run_.record().folder, request_.out);
    replace_file(request_.out / "metrics.json", metrics_to_json(run_.record(), run_.store(), request_.earlier) + "\n");
}

} // namespace

std::string stopping_text(std::int64_t step, const std::string& at_once)
{
    return "stopping: writing a checkpoint at the end of step " + std::to_string(step) + "; " + at_once + " to stop at once";
}

RunRecord train(store::Lab& lab, const TrainingRequest& request, const std::function<void(const Progress&)>& progress,
    const std::atomic<bool>& cancel)
{
    store::remove_leftovers(lab.runs());
    return Training(request, lab.new_run(request.experiment.name), progress).run(cancel);
}

void prepare(const TrainingRequest& request, const std::filesystem::path& folder)
{
    for (const auto& [name, text] : documents_of(request, spec_for(request, folder)))
        if (const std::string file = file_of_document(name); !file.empty())
            replace_file(folder / file, text);
}

} // namespace pipebd::launch
