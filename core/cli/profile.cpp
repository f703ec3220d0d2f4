#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/planning.h"
#include "cli/print_plan.h"

#include <iostream>

namespace pipebd::cli {

int measure_profile(const Context& context, const ProfileOptions& options)
{
    const experiment::Experiment experiment = experiment_from(options.experiment, options.settings, "pipebd profile EXPERIMENT");
    const std::vector<std::int64_t> sizes = batch_sizes_from(options.sizes, "--sizes");
    const std::vector<experiment::Device> devices = devices_for(experiment, options.devices, context.cancel);
    store::Lab lab = context.writable_lab();
    const schedule::Profile profile = measured_profile(context, lab, experiment, devices, sizes);
    if (context.json)
        std::cout << to_json(profile) << "\n";
    else if (!context.quiet)
        std::cout << profile_table(profile);
    return 0;
}

} // namespace pipebd::cli
