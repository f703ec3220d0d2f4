#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "base/units.h"
#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/memory_check.h"
#include "cli/planning.h"
#include "cli/prepare.h"
#include "cli/print_check.h"
#include "cli/print_plan.h"
#include "cli/print_run.h"
#include "cli/progress_line.h"
#include "cli/resume.h"
#include "cli/signals.h"
#include "cli/stages.h"
#include "cli/table.h"
#include "cli/used_pair.h"
#include "launch/engine_queries.h"
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
    if (!options.placement.empty())
        settings.push_back("run.stages=" + placement_from(options.placement, "--stages"));
    return settings;
}

Error cannot_be_written(const std::string& name, const std::string& option)
{
    return {Code::BadRequest, "cannot write the results there", option + " " + name, "name a folder that can be written to"};
}

/// Throws as make_folder() would; makes nothing.
void require_possible_folder(const std::string& name, const std::string& option)
{
    std::error_code error;
    const std::filesystem::path there = nearest_existing(name);
    if (!std::filesystem::is_directory(there, error) || ::access(there.c_str(), W_OK | X_OK) != 0)
        throw cannot_be_written(name, option);
}

std::filesystem::path make_folder(const std::string& name, const std::string& option)
{
    if (name.empty())
        return {};
    std::error_code error;
    std::filesystem::create_directories(name, error);
    if (error || ::access(name.c_str(), W_OK | X_OK) != 0)
        throw cannot_be_written(name, option);
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

Error not_possible(const std::string& why, const std::string& strategy)
{
    return {Code::BadRequest, "the strategy cannot run on these devices" + (why.empty() ? why : " (" + why + ")"),
        "strategy " + strategy, "name other devices or another strategy"};
}

schedule::PlannedStrategy chosen(const schedule::Plan& plan, const std::string& strategy)
{
    const schedule::PlannedStrategy* best = schedule::best(plan);
    if (best != nullptr)
        return *best;
    throw not_possible(plan.strategies.empty() ? "" : plan.strategies.front().schedule.why_not, strategy);
}

std::vector<experiment::Device> repeated(const std::vector<experiment::Device>& devices, int times)
{
    std::vector<experiment::Device> all;
    for (int i = 0; i < times; ++i)
        all.insert(all.end(), devices.begin(), devices.end());
    return all;
}

schedule::Plan plan_of(const experiment::Run& run, const schedule::Costs& costs)
{
    if (!run.stages.empty())
        return plan_by_hand(run, costs);
    return schedule::make_plan(costs, strategies_from(run.strategy == "auto" ? "blockwise" : run.strategy, "run.strategy"));
}

/// Whether what runs where does not depend on what anything costs.
bool is_decided(const experiment::Run& run)
{
    return !run.stages.empty() || run.strategy == "single";
}

/// What `request` is planned with if none is named and nothing is to be measured; nothing if it would have to be, or if none is
/// stored and none is needed.
std::optional<schedule::Profile> stored_profile_for(const Context& context, const store::Lab& lab, const TrainingRequest& request)
{
    if (!is_decided(request.experiment.run))
        return stored_profile(lab, request.experiment, request.devices);
    std::optional<ProfileOf> stored = nearest_stored_profile(context, lab, request.experiment, request.devices);
    if (!stored)
        return std::nullopt;
    stored->profile.interpolates = true;
    return std::move(stored->profile);
}

/// What `request` is planned with if none is named; nothing if it needs none and none is stored.
std::optional<schedule::Profile> profile_for(
    const Context& context, const RunOptions& options, store::Lab& lab, const TrainingRequest& request)
{
    if (options.profile_again)
        return measured_profile(context, lab, request.experiment, request.devices);
    if (!is_decided(request.experiment.run))
        return stored_or_measured_profile(context, lab, request.experiment, request.devices);
    return stored_profile_for(context, lab, request);
}

/// What `experiment` asks for on `devices` devices, whatever it costs; of "auto" what can always be run. Throws Error{BadRequest}
/// if it cannot be run on them.
schedule::PlannedStrategy without_prediction(
    const experiment::Experiment& experiment, const launch::Checked& checked, std::size_t devices)
{
    const experiment::Run& run = experiment.run;
    const schedule::Profile profile = schedule::costless(static_cast<int>(checked.blocks.size()), experiment.data.batch);
    const schedule::Cluster cluster = schedule::alike(static_cast<int>(devices));
    const schedule::Costs costs(profile, cluster);
    schedule::PlannedStrategy planned;
    planned.schedule = run.stages.empty() ? schedule::make_schedule(run.strategy == "auto" ? "single" : run.strategy, costs)
                                          : schedule_by_hand(run, costs);
    if (!planned.schedule.feasible)
        throw not_possible(planned.schedule.why_not, run.strategy);
    planned.program = make_program(planned.schedule);
    return planned;
}

void require_blocks(const schedule::Profile& profile, const launch::Checked& checked, const std::string& name)
{
    if (profile.blocks.size() != checked.blocks.size())
        throw Error(Code::BadRequest,
            "the profile has " + std::to_string(profile.blocks.size()) + " blocks, the pair "
                + std::to_string(checked.blocks.size()),
            "--profile " + name, "measure this pair again, or leave it out");
}

schedule::Plan predicted_plan(const experiment::Run& run, const schedule::Profile& profile, std::size_t devices)
{
    const schedule::Cluster cluster = schedule::alike(static_cast<int>(devices));
    return plan_of(run, schedule::Costs(profile, cluster));
}

schedule::PlannedStrategy with_prediction(
    const Context& context, const experiment::Experiment& experiment, const schedule::Profile& profile, std::size_t devices)
{
    const schedule::Plan plan = predicted_plan(experiment.run, profile, devices);
    if (!context.quiet && !context.json)
        std::cout << plan_table(plan) << std::flush;
    return chosen(plan, experiment.run.strategy);
}

/// Throws for all that planning would refuse, and validate() of what was asked for, without anything being measured: what can be
/// run does not depend on what it costs. Returns the profile that is named, if one is.
std::optional<schedule::Profile> check_plan(
    const Context& context, const RunOptions& options, const TrainingRequest& request, const launch::Checked& checked)
{
    std::optional<schedule::Profile> named;
    if (!options.profile.empty()) {
        named = profile_named(context, options.profile, request.experiment);
        require_blocks(*named, checked, options.profile);
    } else if (options.profile_again || !is_decided(request.experiment.run))
        launch::require_alike(request.devices);
    const std::size_t devices = request.devices.size() * static_cast<std::size_t>(options.machines);
    schedule::validate(without_prediction(request.experiment, checked, devices).program, request.experiment.data.batch);
    return named;
}

void plan_distillation(
    const Context& context, const RunOptions& options, store::Lab& lab, TrainingRequest& request, const launch::Checked& checked)
{
    const experiment::Experiment& experiment = request.experiment;
    request.profile = check_plan(context, options, request, checked);
    if (!request.profile)
        request.profile = profile_for(context, options, lab, request);
    request.devices = repeated(request.devices, options.machines);
    if (request.profile)
        request.planned = with_prediction(context, experiment, *request.profile, request.devices.size());
    else {
        request.planned = without_prediction(experiment, checked, request.devices.size());
        ProgressLine(context.progress).note("no profile for this run: it starts without a prediction");
    }
    schedule::validate(request.planned.program, experiment.data.batch);
    // A program for fewer devices than there are leaves the last ones free.
    request.devices.resize(static_cast<std::size_t>(request.planned.program.devices()));
}

/// As plan_distillation(), but of what is named and stored alone. Without a profile there is no prediction, and no program where
/// one is needed to decide.
void check_distillation(const Context& context, const RunOptions& options, const store::Lab& lab, TrainingRequest& request,
    const launch::Checked& checked)
{
    const experiment::Experiment& experiment = request.experiment;
    request.profile = check_plan(context, options, request, checked);
    if (!request.profile)
        request.profile = stored_profile_for(context, lab, request);
    request.devices = repeated(request.devices, options.machines);
    if (request.profile)
        request.planned = chosen(predicted_plan(experiment.run, *request.profile, request.devices.size()), experiment.run.strategy);
    else if (is_decided(experiment.run))
        request.planned = without_prediction(experiment, checked, request.devices.size());
}

std::string time_left(const launch::Progress& progress)
{
    return progress.seconds_left >= 0 ? "  " + format_milliseconds(progress.seconds_left * 1000) + " left" : "";
}

std::string progress_text(const launch::Progress& progress)
{
    std::string text = progress.stopping >= 0 ? "stopping" : progress.doing;
    if (progress.share >= 0)
        return text + time_left(progress);
    if (progress.steps_done == 0)
        return text;
    text += "  step " + std::to_string(progress.steps_done) + "/" + std::to_string(progress.steps) + "  "
        + fixed(progress.throughput, 1) + " samples/s";
    return progress.steps_done < progress.steps && progress.stopping < 0 ? text + time_left(progress) : text;
}

std::string resuming_text(const ResumePoint& point)
{
    return "resuming run " + std::to_string(point.run) + " " + to_string(point.resumption);
}

/// `opening` is told before all else, unless it is empty.
store::RunRecord train(const Context& context, store::Lab& lab, const TrainingRequest& request, const std::string& opening)
{
    ProgressLine line(context.progress);
    if (!opening.empty())
        line.note(opening);
    std::string warning;
    std::string notice;
    bool announced = false;
    std::int64_t stopping = -1;
    const auto show = [&](const launch::Progress& progress) {
        if (!announced)
            line.note("run " + std::to_string(progress.run) + " has started");
        announced = true;
        if (progress.notice != notice)
            line.note("pipebd: warning: " + printable(progress.notice));
        notice = progress.notice;
        if (progress.warning != warning && !progress.warning.empty())
            line.note("pipebd: warning: measurements cannot be stored at the moment: " + progress.warning);
        warning = progress.warning;
        if (progress.stopping > 0 && stopping <= 0)
            line.note(launch::stopping_text(progress.stopping));
        stopping = progress.stopping;
        const double share = static_cast<double>(progress.steps_done) / static_cast<double>(progress.steps);
        line.show(progress.share >= 0 ? progress.share : share, progress_text(progress));
    };
    return launch::train(lab, request, show, context.cancel);
}

/// One of the trainings that were asked for, once it is known what it begins with.
TrainingRequest request_for(const Context& context, const RunOptions& options, const experiment::Experiment& experiment,
    const std::string& experiment_text, bool alone)
{
    TrainingRequest request;
    request.at_once = &at_once();
    request.experiment = experiment;
    request.experiment_text = experiment_text;
    request.devices = devices_for(experiment, options.devices, context.cancel);
    const bool any_devices = options.devices.empty() && experiment.run.devices == "auto";
    if (!distils(experiment) && (any_devices || !alone))
        request.devices.resize(1);
    if (!distils(experiment) && request.devices.size() != 1)
        throw Error(
            Code::BadRequest, "training on labels uses a single device", "--devices " + to_string(request.devices), "name one");
    return request;
}

/// Asks the engine, and gives the request what does not depend on a plan.
launch::Checked check_request(
    const Context& context, const store::Lab& lab, TrainingRequest& request, const std::optional<ResumePoint>& point)
{
    launch::Checked checked = check_work(context, lab, request.experiment, request.devices);
    request.steps = checked.steps;
    request.pair_folder = pair_folder(lab, request.experiment.pair);
    if (point) {
        check_same_pair(request.pair_folder, *point);
        request.resumed = resumed_from(*point, request.steps);
    }
    return checked;
}

/// The warning of check_memory(), and its errors.
std::string memory_warning(const Context& context, const TrainingRequest& request)
{
    return check_memory(
        request.planned, request.experiment.data.batch, request.devices, memory_of(request.devices, context.cancel));
}

void print_warning(const std::string& warning)
{
    if (!warning.empty())
        std::cerr << "pipebd: warning: " << warning << "\n";
}

/// Plans it, if there is something to plan.
void complete(const Context& context, const RunOptions& options, store::Lab& lab, TrainingRequest& request,
    const std::optional<ResumePoint>& point)
{
    const launch::Checked checked = check_request(context, lab, request, point);
    if (distils(request.experiment))
        plan_distillation(context, options, lab, request, checked);
    else
        request.planned = supervised(checked);
    if (options.prepare.empty())
        print_warning(memory_warning(context, request));
}

/// The lab that `options` work in. A check makes none where a run would; throws Error{System} if it could not be made there.
store::Lab lab_for(const Context& context, const RunOptions& options)
{
    if (!options.resume.empty() || !options.from.empty())
        return context.existing_lab();
    if (!options.check)
        return context.open_lab();
    store::Lab lab = context.coming_lab();
    if (!lab.exists())
        require_possible_folder(lab.folder().string(), "--lab");
    return lab;
}

/// What the stages of a `pipebd run` have in common, and what they have come to.
class StagedRun {
public:
    StagedRun(const Context& context, const RunOptions& options)
        : context_(context)
        , options_(options)
        , lab_(lab_for(context, options))
    {
        require_place_for_results();
        if (!options.resume.empty())
            point_ = resume_point(lab_, options.resume, options.checkpoint);
        read_experiment();
        choose_stages();
        if (options.check)
            return;
        out_ = make_folder(options.out, "--out");
        if (!options.prepare.empty())
            preparation_.emplace(make_folder(options.prepare, "--prepare"), stages_.size(), options.machines);
    }

    int run()
    {
        if (options_.check)
            return check();
        for (std::size_t i = 0; i < stages_.size(); ++i) {
            const StageKind stage = stages_[i];
            if (context_.cancel)
                return cancelled_before(stage);
            if (stages_.size() > 1 && !context_.quiet && !context_.json)
                std::cout << "stage " << to_string(stage) << "\n" << std::flush;
            TrainingRequest request = request_of(stage);
            const int per_machine = static_cast<int>(request.devices.size());
            complete(context_, options_, lab_, request, is_first(stage) ? point_ : std::nullopt);
            if (preparation_) {
                request.experiment = preparation_->with_coming_results(request.experiment);
                preparation_->add(std::string(to_string(stage)), request, per_machine);
                continue;
            }
            done_ = train(context_, lab_, request, request.resumed ? resuming_text(*point_) : "");
            print(i + 1 == stages_.size());
            if (done_->state != store::RunState::Finished)
                return failed();
        }
        if (preparation_)
            preparation_->finish(context_);
        return 0;
    }

private:
    using StageKind = experiment::StageKind;

    void require_place_for_results() const
    {
        if (!options_.prepare.empty())
            return; // it has a folder of its own
        if (lab_.exists())
            lab_.require_writable();
    }

    int check()
    {
        if (!options_.out.empty())
            require_possible_folder(options_.out, "--out");
        if (!options_.prepare.empty())
            require_possible_folder(options_.prepare, "--prepare");
        std::vector<CheckedStage> checked;
        for (const StageKind stage : stages_)
            checked.push_back(check(stage));
        for (const CheckedStage& stage : checked)
            print_warning(stage.warning);
        print_check(context_, checked, point_ ? std::optional(point_->resumption) : std::nullopt);
        return 0;
    }

    CheckedStage check(StageKind stage)
    {
        CheckedStage checked{.stage = stage, .request = request_of(stage), .answer = {}, .warning = {}};
        checked.answer = check_request(context_, lab_, checked.request, is_first(stage) ? point_ : std::nullopt);
        if (!distils(checked.request.experiment))
            return checked;
        TrainingRequest planned = checked.request;
        check_distillation(context_, options_, lab_, planned, checked.answer);
        if (options_.prepare.empty())
            checked.warning = memory_warning(context_, planned);
        else if (planned.planned.program.devices() > 0)
            check_ranks(planned.planned.program.devices(), options_.machines);
        return checked;
    }

    bool is_first(StageKind stage) const { return stage == stages_.front(); }

    void read_experiment()
    {
        std::vector<std::string> settings = settings_of(options_);
        if (point_ && options_.experiment.empty()) {
            if (!options_.strategy.empty() || !options_.devices.empty())
                settings.insert(settings.begin(), "run.stages="); // they were for what it was
            experiment_ = experiment::changed(point_->manifest.experiment, settings);
            experiment_text_ = point_->experiment_text;
        } else {
            experiment_ = experiment_from(options_.experiment, settings, "pipebd run EXPERIMENT");
            experiment_text_ = read_file(options_.experiment);
        }
    }

    void choose_stages()
    {
        stages_ = stages_to_run(experiment_, options_.stages);
        alone_ = experiment::stages_of(experiment_).size() == 1;
        if (point_) {
            std::erase_if(stages_, [&](StageKind stage) { return stage < point_->stage; });
            if (stages_.empty() || stages_.front() != point_->stage)
                throw Error(Code::BadRequest,
                    "run " + std::to_string(point_->run) + " belongs to the stage " + std::string(to_string(point_->stage)),
                    "--resume " + options_.resume, "resume that stage, or leave out --stage");
            const experiment::Experiment own = request_of(point_->stage).experiment;
            check_same_training(own, *point_);
            check_unfinished(own, *point_, stages_.size() > 1 ? to_string(stages_[1]) : "");
        }
        if (!options_.from.empty() && point_)
            throw Error(
                Code::BadRequest, "a resumed run takes its weights from its checkpoint", "--from " + options_.from, "leave it out");
        if (!options_.from.empty())
            from_ = run_before(lab_, options_.from, stages_.front());
        else if (!point_)
            require_weights(experiment_, stages_.front());
    }

    TrainingRequest request_of(StageKind stage)
    {
        experiment::Experiment own = experiment::of_stage(experiment_, stage);
        const bool goes_on = point_ && is_first(stage);
        const std::optional<store::RunRecord>& before = is_first(stage) ? from_ : done_;
        if (before)
            own = with_results(std::move(own), *before);
        else if (goes_on)
            take_weights(own);
        else if (!is_first(stage))
            own = before_results(std::move(own));
        TrainingRequest request = request_for(context_, options_, own, experiment_text_, alone_);
        request.weights_from = before ? before->id : goes_on ? point_->weights_from : 0;
        if (before)
            request.earlier = life_of(lab_, *before);
        request.out = out_;
        return request;
    }

    /// What is not said is as it was.
    void take_weights(experiment::Experiment& own) const
    {
        const experiment::Experiment& as_it_was = point_->manifest.experiment;
        const auto take = [&](std::string& now, const std::string& was, const char* key) {
            if (now.empty() || now == was)
                now = input_of(lab_, *point_, key, was);
        };
        take(own.teacher.weights, as_it_was.teacher.weights, "teacher.weights");
        take(own.student.weights, as_it_was.student.weights, "student.weights");
        take(own.student.architecture, as_it_was.student.architecture, "student.architecture");
    }

    void print(bool last) const
    {
        const std::vector<store::RunRecord> life = life_of(lab_, *done_);
        const bool finished = done_->state == store::RunState::Finished;
        if (context_.json && (last || !finished))
            std::cout << launch::run_to_json(*done_, store::details_of(*done_), {life.begin(), life.end() - 1}) << "\n";
        else if (!context_.json && !context_.quiet)
            std::cout << run_text(*done_, store::details_of(*done_))
                      << (last && finished && life.size() > 1 ? "\n" + life_text(life) : "") << std::flush;
    }

    int failed() const
    {
        const std::string id = std::to_string(done_->id);
        std::string what = done_->error;
        if (done_->state == store::RunState::Cancelled)
            what = "cancelled: run " + id + (what.empty() ? "" : "; " + what);
        std::cout.flush();
        std::cerr << "pipebd: error: " << what << "\n";
        const std::string command = "pipebd run " + (options_.experiment.empty() ? "" : shell_word(options_.experiment) + " ");
        if (const std::optional<store::Resumption> kept = store::resumption_of(*done_))
            std::cerr << "pipebd: to resume " << to_string(*kept) << ": " << command << "--resume " << id << "\n";
        else if (done_->weights_from > 0) // no step of it is kept, but the stages before are
            std::cerr << "pipebd: to resume: " << command << "--stage "
                      << names_from(experiment::parse_stages(done_->stage, id).front()) << " --from " << done_->weights_from
                      << "\n";
        return 1;
    }

    int cancelled_before(StageKind stage) const
    {
        std::cout.flush();
        std::cerr << "pipebd: error: cancelled before the stage " << to_string(stage);
        if (done_)
            std::cerr << "; to resume: pipebd run " << shell_word(options_.experiment) << " --stage " << names_from(stage)
                      << " --from " << done_->id;
        std::cerr << "\n";
        return 1;
    }

    /// "distil,finetune"
    std::string names_from(StageKind first) const
    {
        std::string names;
        for (const StageKind stage : stages_)
            if (stage >= first)
                names += (names.empty() ? "" : ",") + std::string(to_string(stage));
        return names;
    }

    const Context& context_;
    const RunOptions& options_;
    store::Lab lab_;
    std::optional<ResumePoint> point_;
    experiment::Experiment experiment_;
    std::string experiment_text_;
    std::vector<StageKind> stages_;
    bool alone_ = true; // the experiment has one stage
    std::optional<store::RunRecord> from_;
    std::optional<store::RunRecord> done_; // the newest of them
    std::filesystem::path out_;
    std::optional<Preparation> preparation_; // instead of running them
};

} // namespace

int run(const Context& context, const RunOptions& options)
{
    check_preparation(options);
    if (!options.checkpoint.empty() && options.resume.empty())
        throw Error(Code::BadRequest, "--checkpoint needs --resume", "--checkpoint " + options.checkpoint, "add --resume RUN");
    return StagedRun(context, options).run();
}

} // namespace pipebd::cli
