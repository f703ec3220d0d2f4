// Plan: the strategies side by side, simulated on one profile. The format is pipebd.plan/1 (docs/formats/plan.md).
#pragma once

#include "schedule/simulator.h"
#include "schedule/strategies.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace pipebd::schedule {

struct PlannedStrategy {
    Schedule schedule;
    std::vector<double> stage_costs; // ms, by stage
    std::vector<std::int64_t> stage_memory; // bytes a device, by stage
    Program program; // empty if not feasible
    Simulation simulation; // empty if not feasible
    double throughput = 0; // samples a second
    double speedup = 0; // over dp; 0 if dp is not feasible
    std::vector<std::int64_t> memory_bytes; // by device
    int teacher_forwards = 0; // teacher block forwards per sample
    int dataset_reads = 0; // per epoch of all blocks
};

struct Plan {
    std::string pair;
    int devices = 0;
    int batch = 0;
    std::vector<PlannedStrategy> strategies;
};

/// Plans each of `names` (all that apply if empty).
Plan make_plan(const Profile& profile, const Resources& resources, std::span<const std::string> names = {});

/// The fastest feasible one; null if none is. Ties go to the first.
const PlannedStrategy* best(const Plan& plan);

std::string to_json(const Plan& plan);

} // namespace pipebd::schedule
