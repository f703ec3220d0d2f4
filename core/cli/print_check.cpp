#include "cli/print_check.h"

#include <nlohmann/json.hpp>

#include <iostream>

namespace pipebd::cli {

namespace {

using Json = nlohmann::ordered_json;

Json to_json(const launch::TrainingRequest& request, const launch::Checked& checked,
    const std::vector<experiment::StageKind>& stages, const std::optional<store::Resumption>& kept)
{
    Json json;
    json["name"] = request.experiment.name;
    json["pair"] = request.experiment.pair;
    json["stages"] = Json::array();
    for (const experiment::StageKind stage : stages)
        json["stages"].push_back(to_string(stage));
    json["devices"] = Json::array();
    for (const experiment::Device& device : request.devices)
        json["devices"].push_back(to_string(device));
    json["blocks"] = checked.blocks;
    json["steps"] = checked.steps;
    json["train_samples"] = checked.train_samples;
    json["test_samples"] = checked.test_samples;
    json["resumed_from"] = request.resumed ? Json(request.resumed->run) : Json();
    json["checkpoint"] = request.resumed ? Json(request.resumed->checkpoint.filename().string()) : Json();
    json["steps_done"] = kept ? kept->from : 0;
    json["steps_repeated"] = kept ? kept->repeated : 0;
    return json;
}

} // namespace

void print_check(const Context& context, const launch::TrainingRequest& request, const launch::Checked& checked,
    const std::vector<experiment::StageKind>& stages, const std::optional<store::Resumption>& kept)
{
    const Json json = to_json(request, checked, stages, kept);
    if (context.json) {
        std::cout << json.dump(2, ' ', false, Json::error_handler_t::replace) << "\n";
        return;
    }
    if (context.quiet)
        return;
    std::cout << request.experiment.pair << ", " << checked.blocks.size() << " blocks, on "
              << experiment::to_string(request.devices) << "\n"
              << checked.steps << " steps of " << request.experiment.data.batch << "; " << checked.train_samples << " training and "
              << checked.test_samples << " test samples\n";
    if (request.resumed && kept)
        std::cout << "resumes run " << request.resumed->run << " " << to_string(*kept) << "\n";
    for (std::size_t i = 1; i < stages.size(); ++i)
        std::cout << (i == 1 ? "then " : ", ") << to_string(stages[i]) << (i + 1 == stages.size() ? "\n" : "");
    std::cout << "can be started\n";
}

} // namespace pipebd::cli
