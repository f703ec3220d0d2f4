#include "schedule/plan.h"

#include <nlohmann/json.hpp>

#include <cstddef>
#include <numeric>

namespace pipebd::schedule {

namespace {

using Json = nlohmann::ordered_json;

Json blocks_of(const Stage& stage)
{
    std::vector<int> blocks(static_cast<std::size_t>(stage.last - stage.first));
    std::iota(blocks.begin(), blocks.end(), stage.first);
    return blocks;
}

Json stages_to_json(const PlannedStrategy& planned)
{
    Json stages = Json::array();
    for (std::size_t s = 0; s < planned.schedule.stages.size(); ++s) {
        const Stage& stage = planned.schedule.stages[s];
        stages.push_back({{"blocks", blocks_of(stage)}, {"devices", stage.devices}, {"cost", planned.stage_costs[s]},
            {"memory_bytes", planned.stage_memory[s]}});
    }
    return stages;
}

Json idle_to_json(const std::vector<Idle>& idle)
{
    Json json = Json::array();
    for (const Idle& of_device : idle)
        json.push_back({{"fill", of_device.fill}, {"imbalance", of_device.imbalance}, {"data", of_device.data},
            {"communication", of_device.communication}, {"barrier", of_device.barrier}});
    return json;
}

Json pipeline_to_json(const Pipeline& pipeline)
{
    Json json = {{"microbatches", pipeline.microbatches}, {"backward_split", pipeline.backward_split}, {"views", pipeline.views},
        {"teacher", pipeline.teacher == Teacher::Frozen ? "frozen" : "momentum"}};
    switch (pipeline.order) {
    case PipelineOrder::AllForward:
        json["order"] = "all forward";
        break;
    case PipelineOrder::OneForwardOneBackward:
        json["order"] = "one forward one backward";
        break;
    case PipelineOrder::TeacherAhead:
        json["order"] = "teacher ahead";
        json["in_hole"] = pipeline.in_hole;
        json["ahead"] = pipeline.ahead;
        break;
    }
    return json;
}

Json ranked_to_json(const std::vector<Candidate>& ranked)
{
    Json json = Json::array();
    for (const Candidate& candidate : ranked) {
        Json stages = Json::array();
        for (const Stage& stage : candidate.stages)
            stages.push_back({{"blocks", blocks_of(stage)}, {"devices", stage.devices}});
        json.push_back({{"cost", candidate.cost}, {"stages", std::move(stages)}});
    }
    return json;
}

Json sizes_to_json(const ProfileSizes& sizes)
{
    Json json = Json::object();
    const auto add = [&](const char* key, const std::set<int>& of) {
        if (!of.empty())
            json[key] = std::vector<int>(of.rbegin(), of.rend());
    };
    add("load", sizes.load);
    add("compute", sizes.compute);
    add("all_reduce", sizes.all_reduce);
    return json;
}

void add_figures(Json& json, const PlannedStrategy& planned, const Plan& plan)
{
    json["step"] = planned.simulation.step;
    json["fill"] = planned.simulation.fill;
    json["throughput"] = planned.throughput;
    json["speedup"] = planned.speedup;
    if (is_end_to_end(planned.schedule.strategy))
        json["over_ddp"] = planned.over_ddp;
    json["utilisation"] = planned.simulation.utilisation;
    json["idle"] = idle_to_json(planned.simulation.idle);
    json["memory_bytes"] = planned.memory_bytes;
    json["peak_memory_bytes"] = planned.simulation.peak_memory;
    if (!planned.memory_shortage.empty())
        json["memory_shortage"] = planned.memory_shortage;
    json["teacher_forwards"] = planned.teacher_forwards;
    json["dataset_reads"] = planned.dataset_reads;
    json["relayed_bytes"] = planned.relayed_bytes;
    if (plan.samples > 0)
        json["epoch"] = planned.epoch;
    if (!planned.interpolated.empty())
        json["interpolated"] = sizes_to_json(planned.interpolated);
}

Json strategy_to_json(const PlannedStrategy& planned, const Plan& plan, Programs programs)
{
    const Schedule& schedule = planned.schedule;
    Json json;
    json["strategy"] = schedule.strategy;
    json["stages"] = stages_to_json(planned);
    if (!schedule.task_order.empty())
        json["task_order"] = schedule.task_order;
    if (schedule.feasible) {
        if (is_end_to_end(schedule.strategy))
            json["pipeline"] = pipeline_to_json(schedule.pipeline);
        add_figures(json, planned, plan);
    }
    json["decided_by"] = schedule.decided_by;
    json["candidates"] = schedule.candidates;
    if (!schedule.ranked.empty())
        json["ranked"] = ranked_to_json(schedule.ranked);
    if (!schedule.note.empty())
        json["note"] = schedule.note;
    json["feasible"] = schedule.feasible;
    if (!schedule.feasible)
        json["why"] = schedule.why_not;
    else if (programs == Programs::Included)
        json["program"] = to_text(planned.program);
    return json;
}

} // namespace

std::string to_json(const Plan& plan, Programs programs)
{
    Json json;
    json["format"] = "pipebd.plan/1";
    json["pair"] = plan.pair;
    json["devices"] = plan.devices;
    json["batch"] = plan.batch;
    if (plan.samples > 0)
        json["samples"] = plan.samples;
    if (!plan.notes.empty())
        json["notes"] = plan.notes;
    json["strategies"] = Json::array();
    for (const PlannedStrategy& planned : plan.strategies)
        json["strategies"].push_back(strategy_to_json(planned, plan, programs));
    return json.dump(2, ' ', false, Json::error_handler_t::replace) + '\n';
}

} // namespace pipebd::schedule
