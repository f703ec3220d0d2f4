// Plan: the strategies side by side, simulated on one profile. The format is pipebd.plan/1 (docs/formats/plan.md).
#pragma once

#include "schedule/profile_sizes.h"
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
    std::vector<std::int64_t> stage_memory; // bytes a device, by stage, as if it had no other
    Program program; // empty if not feasible or not kept
    bool has_barrier = false; // of all devices, in every step
    Simulation simulation; // empty if not feasible
    double throughput = 0; // samples a second
    double speedup = 0; // over dp; 0 if dp is not feasible
    double over_ddp = 0; // the same over ddp, of strategies that train end to end
    std::vector<std::int64_t> memory_bytes; // by device: of its stages; of ls and end to end the simulated peak
    std::string memory_shortage; // in one line, that its devices have less memory; empty: they have enough, or it is not known
    int teacher_forwards = 0; // teacher block forwards per sample
    int dataset_reads = 0; // per epoch of all blocks
    std::int64_t relayed_bytes = 0; // a step
    ProfileSizes interpolated; // what its figures rest on that was not measured
    double epoch = 0; // ms of an epoch of all blocks, with one fill; 0 if the profile does not know the size of the data set
};

struct Plan {
    std::string pair;
    int devices = 0;
    int batch = 0;
    std::int64_t samples = 0; // of an epoch; 0: not known
    std::vector<std::string> notes; // what the figures rest on that was not measured, in words
    std::vector<PlannedStrategy> strategies;
};

/// Whether a plan has the programs, timelines and memory over time. Without them one for 1,024 devices takes 100 times less memory.
enum class Keep { Figures, Everything };

/// Plans each of `names` (all if empty). What is too large to be simulated is not feasible. With no names, a strategy that trains
/// end to end is not feasible, rather than an error, where the profile lacks a size that it needs.
Plan make_plan(
    const Costs& costs, std::span<const std::string> names = {}, const PlanningOptions& options = {}, Keep keep = Keep::Everything);

/// `schedule` simulated, and all that is known of it; what turns out not to fit the memory limits is not feasible. `dp_step`: ms of
/// a step of dp, which the speedup is over; 0 if it is not known. Throws Error{BadRequest} that names what the profile lacks.
PlannedStrategy planned(Schedule schedule, const Costs& costs, double dp_step = 0, Keep keep = Keep::Everything);

/// Milliseconds of a step of dp; 0 if it is not feasible or the profile lacks a size that it needs.
double data_parallel_step(const Costs& costs);

/// A plan of one, `stages` as they are (schedule_by_hand()).
Plan plan_by_hand(std::string_view strategy, std::vector<Stage> stages, const Costs& costs, std::string_view where = "stages");

/// "tr+dpu", "tr+dpu+ahd by hand": what a plan calls it.
std::string title_of(const Schedule& schedule);

/// What figures of the strategies of `plan` that can run rest on that was not measured.
ProfileSizes interpolated_in(const Plan& plan);

/// That in one line, after the mark that strategies it concerns have; empty if everything was measured.
inline constexpr std::string_view interpolation_mark = "~";
std::string interpolation_note(const Plan& plan);

/// The fastest feasible one that trains block by block; null if none is. Of those that are as good as equal (within 1 %, less than
/// profiles are repeatable to) one without barriers goes before one with, whose devices also wait for each other's scatter, which
/// mean times do not show; then the faster one, then the first.
const PlannedStrategy* best(const Plan& plan);

enum class Programs { LeftOut, Included };

/// pipebd.plan/1; with the programs in text form if they are included.
std::string to_json(const Plan& plan, Programs programs = Programs::LeftOut);

} // namespace pipebd::schedule
