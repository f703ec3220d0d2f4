#include "base/error.h"
#include "base/file.h"
#include "base/units.h"
#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/planning.h"
#include "cli/print_plan.h"

#include <iostream>

namespace pipebd::cli {

namespace {

/// What a plan is made from.
struct Basis {
    schedule::Profile profile;
    int devices = 0;
};

Basis basis_from_file(const PlanOptions& options)
{
    const int devices = device_count_from(options.devices, "--devices");
    const std::string text = named_by_user([&] { return read_file(options.profile); });
    return {schedule::profile_from_json(text, options.profile), devices};
}

Basis basis_from_experiment(const Context& context, const PlanOptions& options)
{
    const experiment::Experiment experiment = experiment_from(options.experiment, options.settings, "pipebd plan EXPERIMENT");
    const std::vector<experiment::Device> devices = options.devices.empty()
        ? devices_for(experiment, {}, context.cancel)
        : devices_or_count_from(options.devices, "--devices", context.cancel);
    store::Lab lab = context.open_lab();
    return {stored_or_measured_profile(context, lab, experiment, devices), static_cast<int>(devices.size())};
}

void print_programs(const schedule::Plan& plan)
{
    for (const schedule::PlannedStrategy& planned : plan.strategies) {
        if (!planned.schedule.feasible)
            continue;
        if (plan.strategies.size() > 1)
            std::cout << planned.schedule.strategy << "\n";
        std::cout << to_text(planned.program);
    }
}

} // namespace

int plan(const Context& context, const PlanOptions& options)
{
    if (options.experiment.empty() == options.profile.empty())
        throw Error(Code::BadRequest,
            options.profile.empty() ? "nothing to plan for" : "an experiment and a profile are both named", "pipebd plan",
            "give an experiment file or --profile FILE");
    const std::vector<std::string> strategies = strategies_from(options.strategies, "--strategies");
    std::optional<std::int64_t> limit;
    if (!options.memory_limit.empty())
        limit = parse_bytes(options.memory_limit, "--memory-limit");

    const Basis basis = options.profile.empty() ? basis_from_experiment(context, options) : basis_from_file(options);
    const schedule::Plan plan = schedule::make_plan(basis.profile, {.devices = basis.devices, .memory_limit = limit}, strategies);
    if (context.json)
        std::cout << to_json(plan) << "\n";
    else if (options.program)
        print_programs(plan);
    else if (!context.quiet)
        std::cout << plan_table(plan);
    return 0;
}

} // namespace pipebd::cli
