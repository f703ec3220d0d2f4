#include "base/error.h"
#include "base/file.h"
#include "base/units.h"
#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/planning.h"
#include "cli/print_plan.h"
#include "cli/print_run.h"
#include "cli/progress_line.h"
#include "cli/resume.h"
#include "cli/table.h"
#include "launch/engine_queries.h"
#include "launch/run_json.h"
#include "launch/training.h"
#include "schedule/validator.h"

#include <iostream>

#include <unistd.h>

namespace pipebd::cli {

namespace {

using launch::TrainingRequest;

/// The experiment's settings with those of the command line; the options have the last word.
std::vector<std::string> settings_of(const RunOptions& options)
{
    std::vector<std::string> settings = options.settings;
    if (!options.strategy.empty())
        settings.push_back("run.strategy=" + strategy_to_run_from(options.strategy, "--strategy"));
    return settings;
}

std::filesystem::path make_results_folder(const std::string& name)
{
    if (name.empty())
        return {};
    std::error_code error;
    std::filesystem::create_directories(name, error);
    if (error || ::access(name.c_str(), W_OK | X_OK) != 0)
        throw Error(
            Code::BadRequest, "the results cannot be written there", "--out " + name, "name a folder that can be written to");
    return std::filesystem::absolute(name);
}

/// The teacher itself, trained from labels on one device: nothing to plan.
schedule::PlannedStrategy supervised(const launch::Checked& checked)
{
    const int blocks = static_cast<int>(checked.blocks.size());
    schedule::PlannedStrategy planned;
    planned.schedule.strategy = "single";
    planned.schedule.stages = {{.first = 0, .last = blocks, .devices = {0}}};
    planned.schedule.decided_by = "fixed";
    planned.program = schedule::make_supervised_program(blocks);
    return planned;
}

schedule::PlannedStrategy chosen(const schedule::Plan& plan, const std::string& strategy)
{
    const schedule::PlannedStrategy* best = schedule::best(plan);
    if (best != nullptr)
        return *best;
    const std::string why = plan.strategies.empty() ? "" : " (" + plan.strategies.front().schedule.why_not + ")";
    throw Error(Code::BadRequest, "it cannot be run on these devices" + why, "strategy " + strategy,
        "name other devices or another strategy");
}

void plan_distillation(const Context& context, const RunOptions& options, store::Lab& lab, TrainingRequest& request)
{
    const experiment::Experiment& experiment = request.experiment;
    request.profile = !options.profile.empty() ? profile_from_file(options.profile, experiment)
        : options.profile_again                ? measured_profile(context, lab, experiment, request.devices)
                                               : stored_or_measured_profile(context, lab, experiment, request.devices);
    const std::string& strategy = experiment.run.strategy;
    const std::vector<std::string> names = strategies_from(strategy == "auto" ? "blockwise" : strategy, "run.strategy");
    const schedule::Cluster cluster = schedule::alike(static_cast<int>(request.devices.size()));
    const schedule::Plan plan = schedule::make_plan(schedule::Costs(*request.profile, cluster), names);
    if (!context.quiet && !context.json)
        std::cout << plan_table(plan) << std::flush;
    request.planned = chosen(plan, strategy);
    schedule::validate(request.planned.program, experiment.data.batch);
    // A program for fewer devices than there are leaves the last ones free.
    request.devices.resize(static_cast<std::size_t>(request.planned.program.devices()));
}

std::string progress_text(const launch::Progress& progress)
{
    std::string text = progress.doing;
    if (progress.steps_done == 0)
        return text;
    text += "  step " + std::to_string(progress.steps_done) + "/" + std::to_string(progress.steps) + "  "
        + fixed(progress.throughput, 1) + " samples/s";
    if (progress.seconds_left >= 0 && progress.steps_done < progress.steps)
        text += "  " + format_milliseconds(progress.seconds_left * 1000) + " left";
    return text;
}

store::RunRecord train(const Context& context, store::Lab& lab, const TrainingRequest& request)
{
    ProgressLine line(context.quiet);
    std::string warning;
    bool announced = false;
    const auto show = [&](const launch::Progress& progress) {
        if (!announced)
            line.note("run " + std::to_string(progress.run) + " has begun");
        announced = true;
        if (progress.warning != warning && !progress.warning.empty())
            line.note("pipebd: warning: what is measured cannot be stored at present: " + progress.warning);
        warning = progress.warning;
        line.show(static_cast<double>(progress.steps_done) / static_cast<double>(progress.steps), progress_text(progress));
    };
    return launch::train(lab, request, show, context.cancel);
}

/// The exit status, after an error line if the run was not finished.
int status_of(const store::RunRecord& run)
{
    if (run.state == store::RunState::Finished)
        return 0;
    const std::string why
        = run.state == store::RunState::Cancelled ? "the run was cancelled: run " + std::to_string(run.id) : run.error;
    std::cout.flush();
    std::cerr << "pipebd: error: " << why << "\n";
    return 1;
}

} // namespace

int run(const Context& context, const RunOptions& options)
{
    TrainingRequest request;
    if (!options.checkpoint.empty() && options.resume.empty())
        throw Error(Code::BadRequest, "a checkpoint without its run", "--checkpoint " + options.checkpoint, "give --resume RUN too");
    std::optional<ResumePoint> point;
    if (!options.resume.empty())
        point = resume_point(context.open_lab(), options.resume, options.checkpoint);
    if (point && options.experiment.empty()) {
        request.experiment = experiment::changed(point->manifest.experiment, settings_of(options));
        request.experiment_text = point->experiment_text;
    } else {
        request.experiment = experiment_from(options.experiment, settings_of(options), "pipebd run EXPERIMENT");
        request.experiment_text = read_file(options.experiment);
    }
    if (point)
        check_same_training(request.experiment, *point);
    const bool distils = request.experiment.train.network != "teacher";
    request.devices = devices_for(request.experiment, options.devices, context.cancel);
    if (!distils && (options.devices.empty() && request.experiment.run.devices == "auto"))
        request.devices.resize(1);
    if (!distils && request.devices.size() != 1)
        throw Error(
            Code::BadRequest, "the teacher is trained on one device", "--devices " + to_string(request.devices), "name one");

    const launch::Checked checked = launch::check(request.experiment, request.devices, context.cancel);
    request.steps = checked.steps;
    if (point)
        request.resumed = resumed_from(*point, request.steps);
    request.out = make_results_folder(options.out);
    store::Lab lab = context.open_lab();
    if (distils)
        plan_distillation(context, options, lab, request);
    else
        request.planned = supervised(checked);

    const store::RunRecord run = train(context, lab, request);
    if (context.json)
        std::cout << launch::run_to_json(run, launch::details_of(run)) << "\n";
    else if (!context.quiet)
        std::cout << run_text(run, launch::details_of(run));
    return status_of(run);
}

} // namespace pipebd::cli
