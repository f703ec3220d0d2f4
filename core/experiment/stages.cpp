#include "experiment/stages.h"

#include "base/error.h"
#include "base/text.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

namespace pipebd::experiment {

namespace {

constexpr std::array stage_names{
    std::pair{StageKind::Teacher, std::string_view("teacher")},
    std::pair{StageKind::Distil, std::string_view("distil")},
    std::pair{StageKind::Finetune, std::string_view("finetune")},
};

StageKind parse_stage(std::string_view name, std::string_view where)
{
    std::vector<std::string_view> known;
    for (const auto& [stage, its_name] : stage_names) {
        if (name == its_name)
            return stage;
        known.push_back(its_name);
    }
    throw Error(Code::BadRequest, "unknown stage " + in_quotes(name), std::string(where), "name one of " + joined(known));
}

template <typename Value>
void lay_over(Value& value, const std::optional<Value>& given)
{
    if (given)
        value = *given;
}

Train laid_over(Train train, const Stage& stage)
{
    if (stage.epochs)
        train.steps.reset();
    if (stage.steps)
        train.steps = stage.steps;
    lay_over(train.epochs, stage.epochs);
    lay_over(train.optimizer, stage.optimizer);
    lay_over(train.learning_rate, stage.learning_rate);
    lay_over(train.momentum, stage.momentum);
    lay_over(train.nesterov, stage.nesterov);
    lay_over(train.weight_decay, stage.weight_decay);
    lay_over(train.schedule, stage.schedule);
    if (train.momentum == 0)
        train.nesterov = false;
    return train;
}

} // namespace

std::string_view to_string(StageKind stage)
{
    return std::find_if(stage_names.begin(), stage_names.end(), [&](const auto& named) { return named.first == stage; })->second;
}

std::vector<StageKind> parse_stages(std::string_view list, std::string_view where)
{
    std::vector<StageKind> stages;
    for (std::size_t begin = 0; begin <= list.size();) {
        const std::size_t comma = std::min(list.find(',', begin), list.size());
        stages.push_back(parse_stage(trimmed(list.substr(begin, comma - begin)), where));
        begin = comma + 1;
    }
    std::sort(stages.begin(), stages.end());
    stages.erase(std::unique(stages.begin(), stages.end()), stages.end());
    return stages;
}

StageKind stage_of(const Experiment& experiment)
{
    if (distils(experiment))
        return StageKind::Distil;
    return experiment.train.network == "teacher" ? StageKind::Teacher : StageKind::Finetune;
}

std::vector<StageKind> stages_of(const Experiment& experiment)
{
    std::vector<StageKind> stages;
    if (experiment.stage.teacher != Stage{})
        stages.push_back(StageKind::Teacher);
    stages.push_back(stage_of(experiment));
    if (experiment.stage.finetune != Stage{})
        stages.push_back(StageKind::Finetune);
    return stages;
}

Experiment of_stage(const Experiment& experiment, StageKind stage)
{
    Experiment own = experiment;
    own.stage = {};
    if (stage == StageKind::Distil || !distils(experiment))
        return own;
    own.train = laid_over(experiment.train, stage == StageKind::Teacher ? experiment.stage.teacher : experiment.stage.finetune);
    own.train.network = stage == StageKind::Teacher ? "teacher" : "student-on-labels";
    own.run.strategy = "auto";
    own.run.stages.clear();
    own.architecture.train = false;
    own.data.held_out = 0; // is set aside for the architecture
    return own;
}

} // namespace pipebd::experiment
