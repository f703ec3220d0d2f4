#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "base/units.h"
#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/planning.h"
#include "cli/print_plan.h"
#include "cli/print_run.h"
#include "cli/progress_line.h"
#include "cli/resume.h"
#include "cli/table.h"
#include "cli/used_pair.h"
#include "launch/run_json.h"
#include "launch/training.h"
#include "schedule/validator.h"

#include <algorithm>
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

std::filesystem::path make_folder(const std::string& name, const std::string& option)
{
    if (name.empty())
        return {};
    std::error_code error;
    std::filesystem::create_directories(name, error);
    if (error || ::access(name.c_str(), W_OK | X_OK) != 0)
        throw Error(
            Code::BadRequest, "the results cannot be written there", option + " " + name, "name a folder that can be written to");
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

std::vector<experiment::Device> repeated(const std::vector<experiment::Device>& devices, int times)
{
    std::vector<experiment::Device> all;
    for (int i = 0; i < times; ++i)
        all.insert(all.end(), devices.begin(), devices.end());
    return all;
}

/// `--prepare` and `--machines`, before anything is measured.
void check_preparation(const RunOptions& options)
{
    constexpr int most_machines = 1024;
    if (options.machines < 1 || options.machines > most_machines)
        throw Error(Code::BadRequest, "there cannot be so many machines", "--machines " + std::to_string(options.machines),
            "give a number from 1 to " + std::to_string(most_machines));
    if (options.machines > 1 && options.prepare.empty())
        throw Error(Code::BadRequest, "pipebd starts ranks on this machine only", "--machines " + std::to_string(options.machines),
            "add --prepare DIR, and start them by torchrun");
    if (!options.prepare.empty() && !options.out.empty())
        throw Error(Code::BadRequest, "a run that is prepared has its results in the folder it is prepared in",
            "--out " + options.out, "leave it out");
    if (!options.prepare.empty() && std::filesystem::exists(std::filesystem::path(options.prepare) / "spec.json"))
        throw Error(Code::BadRequest, "another run has been prepared there", "--prepare " + options.prepare, "name a new folder");
}

/// In single quotes if the shell would not take it for one word.
std::string shell_word(const std::string& text)
{
    const std::string plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=./:,@%";
    if (!text.empty() && text.find_first_not_of(plain) == std::string::npos)
        return text;
    std::string quoted = "'";
    for (const char character : text)
        quoted += character == '\'' ? std::string("'\\''") : std::string(1, character);
    return quoted + "'";
}

/// What starts `ranks` ranks of a prepared run, `per_machine` on each: a line for each machine.
std::vector<std::string> torchrun_lines(const std::filesystem::path& folder, int ranks, int per_machine)
{
    const int machines = (ranks + per_machine - 1) / per_machine;
    std::vector<std::string> lines;
    for (int machine = 0; machine < machines; ++machine)
        lines.push_back("torchrun --no-python --nnodes " + std::to_string(machines) + " --node-rank " + std::to_string(machine)
            + " --nproc-per-node " + std::to_string(std::min(per_machine, ranks - machine * per_machine)) + " --master-addr "
            + (machines > 1 ? "HOST" : "127.0.0.1") + " --master-port 29500 pipebd-engine train --spec "
            + shell_word((folder / "spec.json").string()) + " --metrics " + shell_word(folder.string()) + " > /dev/null");
    return lines;
}

int prepare(const Context& context, const TrainingRequest& request, const std::filesystem::path& folder, int per_machine)
{
    launch::prepare(request, folder);
    const std::vector<std::string> lines = torchrun_lines(folder, static_cast<int>(request.devices.size()), per_machine);
    if (context.json) {
        std::cout << launch::prepared_to_json(folder / "spec.json", lines) << "\n";
        return 0;
    }
    if (context.quiet)
        return 0;
    std::cout << (lines.size() > 1 ? "Start it with, on one machine each (HOST: an address of the first; all share the folder):\n"
                                   : "Start it with:\n");
    for (const std::string& line : lines)
        std::cout << "    " << line << "\n";
    std::cout << "When it has ended:\n    pipebd runs import " << shell_word(folder.string()) << "\n";
    return 0;
}

void plan_distillation(const Context& context, const RunOptions& options, store::Lab& lab, TrainingRequest& request)
{
    const experiment::Experiment& experiment = request.experiment;
    request.profile = !options.profile.empty() ? profile_from_file(options.profile, experiment)
        : options.profile_again                ? measured_profile(context, lab, experiment, request.devices)
                                               : stored_or_measured_profile(context, lab, experiment, request.devices);
    request.devices = repeated(request.devices, options.machines);
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
    std::string notice;
    bool announced = false;
    const auto show = [&](const launch::Progress& progress) {
        if (!announced)
            line.note("run " + std::to_string(progress.run) + " has begun");
        announced = true;
        if (progress.notice != notice)
            line.note("pipebd: warning: " + printable(progress.notice));
        notice = progress.notice;
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
    check_preparation(options);
    TrainingRequest request;
    if (!options.checkpoint.empty() && options.resume.empty())
        throw Error(
            Code::BadRequest, "a checkpoint without its run", "--checkpoint " + options.checkpoint, "give --resume RUN too");
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

    store::Lab lab = context.open_lab();
    const launch::Checked checked = check_work(context, lab, request.experiment, request.devices);
    request.steps = checked.steps;
    request.pair_folder = pair_folder(lab, request.experiment.pair);
    if (point)
        check_same_pair(request.pair_folder, *point);
    if (point)
        request.resumed = resumed_from(*point, request.steps);
    const std::filesystem::path prepared = make_folder(options.prepare, "--prepare");
    const int per_machine = static_cast<int>(request.devices.size());
    request.out = make_folder(options.out, "--out");
    if (distils)
        plan_distillation(context, options, lab, request);
    else
        request.planned = supervised(checked);
    if (!prepared.empty())
        return prepare(context, request, prepared, per_machine);

    const store::RunRecord run = train(context, lab, request);
    if (context.json)
        std::cout << launch::run_to_json(run, launch::details_of(run)) << "\n";
    else if (!context.quiet)
        std::cout << run_text(run, launch::details_of(run));
    return status_of(run);
}

} // namespace pipebd::cli
