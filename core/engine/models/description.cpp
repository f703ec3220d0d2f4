#include "engine/models/description.h"

#include "engine/models/block.h"

#include <nlohmann/json.hpp>

namespace pipebd::engine {

namespace {

using nlohmann::ordered_json;

ordered_json to_json(const std::vector<Description>& steps)
{
    ordered_json list = ordered_json::array();
    for (const Description& step : steps) {
        ordered_json object{{"type", step.type}};
        if (!step.name.empty())
            object["name"] = step.name;
        for (const auto& [key, value] : step.arguments)
            std::visit([&, name = key](const auto& known) { object[name] = known; }, value);
        for (const std::vector<Description>& part : step.parts)
            object["parts"].push_back(to_json(part));
        list.push_back(std::move(object));
    }
    return list;
}

} // namespace

std::string describe_network(const Pair& pair, const std::vector<Block*>& blocks)
{
    const Input input = pair.input();
    const std::vector<std::string> names = pair.block_names();
    ordered_json network{
        {"input", {{"shape", input.shape}, {"vocabulary", input.vocabulary}}}, {"classes", pair.classes()}, {"blocks", {}}};
    for (std::size_t i = 0; i < blocks.size(); ++i) {
        const std::vector<Description> steps = blocks[i]->description();
        if (steps.empty())
            return {};
        network["blocks"].push_back({{"name", names.at(i)}, {"steps", to_json(steps)}});
    }
    return network.dump();
}

} // namespace pipebd::engine
