// Strategies: from a profile and a list of devices to a schedule, and from a schedule to a program.
#pragma once

#include "schedule/profile.h"
#include "schedule/program.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace pipebd::schedule {

/// Blocks [first, last) on `devices`; each device takes 1/devices.size() of the batch.
struct Stage {
    int first = 0;
    int last = 0;
    std::vector<int> devices;
    bool operator==(const Stage&) const = default;
};

/// Which devices own which blocks, and how that was decided.
struct Schedule {
    std::string strategy;
    std::vector<Stage> stages; // empty if not feasible
    std::string decided_by; // "fixed", "search"
    std::int64_t candidates = 1; // looked at by the search
    bool feasible = true;
    std::string why_not; // in words, if not feasible
};

/// What a strategy needs to know of where it runs.
struct Resources {
    int devices = 1;
    std::optional<std::int64_t> memory_limit; // bytes a device
};

/// Names as on the command line: "single", "dp", "tr+dpu", ...
std::span<const std::string_view> strategy_names();

/// Best schedule of `strategy`. A strategy that cannot run here is an answer (feasible = false), not an error;
/// a name that is not known is Error{BadRequest} that lists the names.
Schedule make_schedule(std::string_view strategy, const Profile& profile, const Resources& resources);

/// The program of a feasible schedule for `blocks` blocks on `devices` devices.
Program make_program(const Schedule& schedule, int blocks, int devices);

/// One device, end to end, without a teacher: the student learns from labels.
Program make_supervised_program(int blocks);

/// Milliseconds of a stage, and bytes on each of its devices; the formulas of docs/formats/profile.md.
double stage_cost(const Profile& profile, const Stage& stage);
std::int64_t stage_memory(const Profile& profile, const Stage& stage);

} // namespace pipebd::schedule
