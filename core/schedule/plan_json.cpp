#include "schedule/plan.h"

#include <nlohmann/json.hpp>

#include <cstddef>
#include <numeric>

namespace pipebd::schedule {

namespace {

using Json = nlohmann::ordered_json;

Json stages_to_json(const PlannedStrategy& planned)
{
    Json stages = Json::array();
    for (std::size_t s = 0; s < planned.schedule.stages.size(); ++s) {
        const Stage& stage = planned.schedule.stages[s];
        std::vector<int> blocks(static_cast<std::size_t>(stage.last - stage.first));
        std::iota(blocks.begin(), blocks.end(), stage.first);
        stages.push_back({{"blocks", blocks}, {"devices", stage.devices}, {"cost", planned.stage_costs[s]},
            {"memory_bytes", planned.stage_memory[s]}});
    }
    return stages;
}

Json strategy_to_json(const PlannedStrategy& planned)
{
    Json json;
    json["strategy"] = planned.schedule.strategy;
    json["stages"] = stages_to_json(planned);
    if (planned.schedule.feasible) {
        json["step"] = planned.simulation.step;
        json["fill"] = planned.simulation.fill;
        json["throughput"] = planned.throughput;
        json["speedup"] = planned.speedup;
        json["utilisation"] = planned.simulation.utilisation;
        json["memory_bytes"] = planned.memory_bytes;
        json["teacher_forwards"] = planned.teacher_forwards;
        json["dataset_reads"] = planned.dataset_reads;
    }
    json["decided_by"] = planned.schedule.decided_by;
    json["candidates"] = planned.schedule.candidates;
    json["feasible"] = planned.schedule.feasible;
    if (!planned.schedule.feasible)
        json["why"] = planned.schedule.why_not;
    return json;
}

} // namespace

std::string to_json(const Plan& plan)
{
    Json json;
    json["format"] = "pipebd.plan/1";
    json["pair"] = plan.pair;
    json["devices"] = plan.devices;
    json["batch"] = plan.batch;
    json["strategies"] = Json::array();
    for (const PlannedStrategy& planned : plan.strategies)
        json["strategies"].push_back(strategy_to_json(planned));
    return json.dump(2, ' ', false, Json::error_handler_t::replace) + '\n';
}

} // namespace pipebd::schedule
