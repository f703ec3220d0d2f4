#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "base/units.h"
#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/memory_check.h"
#include "cli/output_file.h"
#include "cli/planning.h"
#include "cli/print_plan.h"
#include "cli/table.h"
#include "schedule/trace.h"
#include "schedule/what_if.h"

#include <cmath>
#include <iostream>

namespace pipebd::cli {

namespace {

constexpr int most_ranked = 100'000;
constexpr int largest_batch = 1 << 30;

/// What a plan is made from.
struct Basis {
    schedule::Profile profile;
    schedule::Cluster cluster;
    std::vector<std::string> strategies; // where none are named
    std::vector<std::string> notes; // what was not measured
    std::vector<experiment::Device> devices = {}; // that it is for, where they are named as this machine knows them
    experiment::Run by_hand = {}; // stages to lay beside, if there are any, and what runs them
};

bool names_a_pipeline(const PlanOptions& options)
{
    return options.microbatches || options.backward_split || options.views || !options.teacher.empty();
}

Basis basis_from_profile(const Context& context, const PlanOptions& options)
{
    schedule::Cluster cluster = cluster_from(options.devices, "--devices");
    Basis basis{profile_named(context, options.profile), std::move(cluster), {}, {}, {}, {}};
    basis.profile.interpolates = true;
    return basis;
}

/// An experiment trains block by block: end-to-end strategies stand beside that only if something is asked of them. For a cluster
/// file the experiment's own devices are measured.
Basis basis_from_experiment(const Context& context, const PlanOptions& options)
{
    const experiment::Experiment experiment = experiment_from(options.experiment, options.settings, "pipebd plan EXPERIMENT");
    const bool for_cluster = is_cluster_file(options.devices);
    Basis basis;
    if (for_cluster)
        basis.cluster = cluster_from(options.devices, "--devices");
    const std::vector<experiment::Device> devices = options.devices.empty() || for_cluster
        ? devices_for(experiment, {}, context.cancel)
        : devices_or_count_from(options.devices, "--devices", context.cancel);
    store::Lab lab = context.open_lab();
    ProfileOf measured = options.measure ? ProfileOf{measured_profile(context, lab, experiment, devices), devices}
                                         : profile_to_plan_with(context, lab, experiment, devices);
    basis.profile = std::move(measured.profile);
    basis.profile.interpolates = true;
    basis.by_hand = experiment.run;
    basis.strategies = strategies_from(names_a_pipeline(options) ? "all" : "blockwise", "--strategies");
    if (for_cluster || measured.devices.size() != devices.size())
        basis.notes.push_back("measured on " + to_string(measured.devices));
    if (!for_cluster) {
        basis.cluster = schedule::alike(static_cast<int>(devices.size()));
        basis.devices = devices;
    }
    return basis;
}

/// What measures what the plan lacks.
std::string to_measure(const PlanOptions& options, const Basis& basis, const schedule::ProfileSizes& missing)
{
    if (missing.empty())
        return {};
    schedule::ProfileSizes of_stages = schedule::sizes_of_stages(basis.profile.batch, basis.cluster.size());
    const schedule::ProfileSizes all = of_stages;
    of_stages.add(missing);
    const bool measured_here = !options.profile.empty() || options.measure || options.batch || is_cluster_file(options.devices);
    return !measured_here && of_stages == all ? "add --measure" : command_to_measure(missing);
}

[[noreturn]] void refuse(const std::string& what, const std::string& option, const std::string& remedy)
{
    throw Error(Code::BadRequest, what, option, remedy);
}

schedule::WhatIf supposed_from(const PlanOptions& options)
{
    schedule::WhatIf supposed{options.batch, options.scale_device, {}, {}, options.samples};
    if (options.batch && (*options.batch < 1 || *options.batch > largest_batch))
        refuse("a batch of " + std::to_string(*options.batch) + " is not possible", "--batch",
            "give a number from 1 to " + std::to_string(largest_batch));
    if (options.scale_device && !(*options.scale_device >= 1e-6 && *options.scale_device <= 1e6))
        refuse(
            general(*options.scale_device) + " is not a possible factor of speed", "--scale-device", "give a factor such as 1.7");
    if (!options.link.empty())
        supposed.bytes_per_second = static_cast<double>(parse_bandwidth(options.link, "--link"));
    if (!options.memory_limit.empty())
        supposed.memory_limit = parse_bytes(options.memory_limit, "--memory-limit");
    if (options.samples && *options.samples < 1)
        refuse("an epoch has at least one sample", "--samples", "give the number of samples of the data set");
    return supposed;
}

schedule::PlanningOptions planning_options(const PlanOptions& options)
{
    schedule::PlanningOptions planning;
    if (options.search != "exact" && options.search != "exhaustive")
        refuse("unknown search " + in_quotes(options.search), "--search", "choose exact or exhaustive");
    if (options.ranked < 0 || options.ranked > most_ranked)
        refuse("too many or too few candidates to list", "--ranked", "give a number up to " + std::to_string(most_ranked));
    planning.exhaustive = options.search == "exhaustive" || options.ranked > 0;
    planning.ranked = static_cast<std::size_t>(options.ranked);
    const auto in_range = [](std::optional<int> number, int most, const char* option) {
        if (number && (*number < 1 || *number > most))
            refuse(std::to_string(*number) + " is not possible", option, "give a number from 1 to " + std::to_string(most));
    };
    in_range(options.microbatches, largest_batch, "--microbatches");
    in_range(options.backward_split, 64, "--backward-split");
    in_range(options.views, 2, "--views");
    planning.pipeline.microbatches = options.microbatches;
    planning.pipeline.backward_split = options.backward_split;
    planning.pipeline.views = options.views;
    if (options.teacher == "frozen")
        planning.pipeline.teacher = schedule::Teacher::Frozen;
    else if (options.teacher == "momentum")
        planning.pipeline.teacher = schedule::Teacher::Momentum;
    else if (!options.teacher.empty())
        refuse("unknown kind of teacher " + in_quotes(options.teacher), "--teacher", "choose frozen or momentum");
    return planning;
}

void write_trace(const schedule::Plan& plan, const std::string& file)
{
    std::vector<schedule::Traced> all;
    for (const schedule::PlannedStrategy& planned : plan.strategies)
        if (planned.schedule.feasible)
            all.push_back({title_of(planned.schedule), planned.program, planned.simulation.timeline, planned.simulation.memory});
    write_output_file("--trace", file, to_chrome_trace(all));
}

} // namespace

int plan(const Context& context, const PlanOptions& options)
{
    if (options.experiment.empty() == options.profile.empty())
        throw Error(Code::BadRequest,
            options.profile.empty() ? "neither an experiment nor a profile was given"
                                    : "an experiment and a profile exclude each other",
            "pipebd plan", "give an experiment file or --profile FILE");
    std::vector<std::string> strategies = strategies_from(options.strategies, "--strategies");
    const schedule::PlanningOptions planning = planning_options(options);
    const schedule::WhatIf supposed = supposed_from(options);
    const std::string placement = options.placement.empty() ? "" : placement_from(options.placement, "--stages");
    if (!options.profile.empty() && !options.settings.empty())
        refuse("--profile takes no settings, which belong to an experiment", "--set " + options.settings.front(),
            "leave them out with --profile");

    Basis basis = options.profile.empty() ? basis_from_experiment(context, options) : basis_from_profile(context, options);
    const std::vector<std::string> supposed_notes = suppose(supposed, basis.profile, basis.cluster);
    basis.notes.insert(basis.notes.end(), supposed_notes.begin(), supposed_notes.end());
    if (strategies.empty())
        strategies = basis.strategies;
    const schedule::Costs costs(basis.profile, basis.cluster);
    const bool shows_programs = options.program || !options.trace.empty();
    schedule::Plan plan
        = schedule::make_plan(costs, strategies, planning, shows_programs ? schedule::Keep::Everything : schedule::Keep::Figures);
    if (!placement.empty())
        basis.by_hand.stages = placement;
    if (!basis.by_hand.stages.empty())
        plan.strategies.push_back(plan_by_hand(basis.by_hand, costs).strategies.front());
    plan.notes = basis.notes;
    if (!basis.devices.empty())
        mark_shortages(plan, basis.devices, memory_of(basis.devices, context.cancel));
    if (!options.trace.empty())
        write_trace(plan, options.trace);
    if (context.json)
        std::cout << to_json(plan, options.program ? schedule::Programs::Included : schedule::Programs::LeftOut) << "\n";
    else if (options.program)
        std::cout << programs_text(plan);
    else if (!context.quiet)
        std::cout << plan_text(plan, to_measure(options, basis, interpolated_in(plan)));
    return 0;
}

} // namespace pipebd::cli
