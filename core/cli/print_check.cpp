#include "cli/print_check.h"

#include <nlohmann/json.hpp>

#include <iostream>

namespace pipebd::cli {

namespace {

using Json = nlohmann::ordered_json;

Json devices_to_json(const std::vector<experiment::Device>& devices)
{
    Json json = Json::array();
    for (const experiment::Device& device : devices)
        json.push_back(to_string(device));
    return json;
}

Json to_json(const CheckedStage& checked)
{
    return {{"stage", to_string(checked.stage)}, {"devices", devices_to_json(checked.request.devices)},
        {"steps", checked.answer.steps}, {"train_samples", checked.answer.train_samples},
        {"test_samples", checked.answer.test_samples}, {"warning", checked.warning.empty() ? Json() : Json(checked.warning)}};
}

Json to_json(const std::vector<CheckedStage>& stages, const std::optional<store::Resumption>& kept)
{
    const auto& [stage, request, checked, warning] = stages.front();
    Json json;
    json["name"] = request.experiment.name;
    json["pair"] = request.experiment.pair;
    json["stages"] = Json::array();
    for (const CheckedStage& one : stages)
        json["stages"].push_back(to_string(one.stage));
    json["devices"] = devices_to_json(request.devices);
    json["blocks"] = checked.blocks;
    json["steps"] = checked.steps;
    json["train_samples"] = checked.train_samples;
    json["test_samples"] = checked.test_samples;
    json["resumed_from"] = request.resumed ? Json(request.resumed->run) : Json();
    json["checkpoint"] = request.resumed ? Json(request.resumed->checkpoint.filename().string()) : Json();
    json["steps_done"] = kept ? kept->from : 0;
    json["steps_repeated"] = kept ? kept->repeated : 0;
    json["checked"] = Json::array();
    for (const CheckedStage& one : stages)
        json["checked"].push_back(to_json(one));
    return json;
}

std::string steps_text(const CheckedStage& checked)
{
    return std::to_string(checked.answer.steps) + " steps of " + std::to_string(checked.request.experiment.data.batch);
}

} // namespace

void print_check(const Context& context, const std::vector<CheckedStage>& stages, const std::optional<store::Resumption>& kept)
{
    if (context.json) {
        std::cout << to_json(stages, kept).dump(2, ' ', false, Json::error_handler_t::replace) << "\n";
        return;
    }
    if (context.quiet)
        return;
    const auto& [stage, request, checked, warning] = stages.front();
    std::cout << request.experiment.pair << ", " << checked.blocks.size() << " blocks, on "
              << experiment::to_string(request.devices) << "\n"
              << steps_text(stages.front()) << "; " << checked.train_samples << " training and " << checked.test_samples
              << " test samples\n";
    if (request.resumed && kept)
        std::cout << "resumes run " << request.resumed->run << " " << to_string(*kept) << "\n";
    for (std::size_t i = 1; i < stages.size(); ++i)
        std::cout << "then " << to_string(stages[i].stage) << ", " << steps_text(stages[i]) << ", on "
                  << experiment::to_string(stages[i].request.devices) << "\n";
    std::cout << "can be started\n";
}

} // namespace pipebd::cli
