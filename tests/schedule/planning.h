// Schedules and plans in one line, on devices like the profiled one.
#pragma once

#include "schedule/plan.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pipebd::schedule::test {

using Limit = std::optional<std::int64_t>; // bytes a device

inline Schedule schedule_on(std::string_view strategy, const Profile& profile, int devices, Limit limit = {})
{
    const Cluster cluster = alike(devices, limit);
    return make_schedule(strategy, Costs(profile, cluster));
}

inline Program program_on(std::string_view strategy, const Profile& profile, int devices)
{
    return make_program(schedule_on(strategy, profile, devices));
}

inline Plan plan_on(
    const Profile& profile, int devices, std::vector<std::string> names = {}, Limit limit = {}, const PlanningOptions& options = {})
{
    const Cluster cluster = alike(devices, limit);
    return make_plan(Costs(profile, cluster), names, options);
}

inline double stage_cost(const Profile& profile, const Stage& stage)
{
    const Cluster cluster = alike(1 + *std::max_element(stage.devices.begin(), stage.devices.end()));
    return Costs(profile, cluster).stage(stage);
}

inline std::int64_t stage_memory(const Profile& profile, const Stage& stage)
{
    const Cluster cluster = alike(1);
    return Costs(profile, cluster).stage_memory(stage);
}

} // namespace pipebd::schedule::test
