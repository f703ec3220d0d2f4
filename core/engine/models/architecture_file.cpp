#include "engine/models/architecture_file.h"

#include "base/error.h"
#include "base/file.h"
#include "base/foreign_error.h"
#include "base/text.h"

#include <nlohmann/json.hpp>

namespace pipebd::engine {

namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view format = "pipebd.architecture/1";
constexpr std::uintmax_t largest_file = std::uintmax_t{16} << 20;

Json json_of(const Cost& cost)
{
    return {{"macs", cost.macs}, {"parameters", cost.parameters}};
}

Json json_of(const Budget& budget)
{
    const auto limit = [](std::int64_t most) { return most == Budget::any ? Json() : Json(most); };
    return {{"macs", limit(budget.most.macs)}, {"parameters", limit(budget.most.parameters)}};
}

Json json_of(const Architecture::Cell& cell)
{
    const Block::Cell& described = cell.described;
    Json json = {{"name", described.name}, {"candidates", described.candidates}, {"losses", cell.losses}};
    if (!described.probabilities.empty())
        json["probabilities"] = described.probabilities;
    json["chosen"] = described.candidates.at(static_cast<std::size_t>(cell.chosen));
    return json;
}

} // namespace

Cost Architecture::cost() const
{
    Cost sum;
    for (const ChosenBlock& block : blocks)
        sum = sum + block.cost;
    return sum;
}

Architecture fixed_architecture(const Pair& pair, const std::vector<BlockCosts>& costs)
{
    Architecture architecture{.pair = std::string(pair.name()), .blocks = {}, .teacher = {}, .budget = {}, .network = {}};
    const std::vector<std::string> names = pair.block_names();
    for (std::size_t block = 0; block < names.size(); ++block)
        architecture.blocks.push_back({.name = names[block], .cells = {}, .cost = costs.at(block).fixed});
    return architecture;
}

std::string to_json(const Architecture& architecture)
{
    Json blocks = Json::array();
    for (const Architecture::ChosenBlock& block : architecture.blocks) {
        Json cells = Json::array();
        for (const Architecture::Cell& cell : block.cells)
            cells.push_back(json_of(cell));
        Json json = {{"name", block.name}};
        if (!block.cells.empty())
            json["loss"] = block.loss;
        json.update(json_of(block.cost));
        json["cells"] = std::move(cells);
        blocks.push_back(std::move(json));
    }
    Json json = {{"format", format}, {"pair", architecture.pair}};
    json.update(json_of(architecture.cost()));
    json["teacher"] = json_of(architecture.teacher);
    if (architecture.samples > 0) {
        json["budget"] = json_of(architecture.budget);
        json["measured_on"] = {{"samples", architecture.samples}, {"split", architecture.held_out ? "held-out" : "train"}};
    }
    json["blocks"] = std::move(blocks);
    if (!architecture.network.empty())
        json["network"] = Json::parse(architecture.network);
    return json.dump(2) + "\n";
}

std::vector<std::vector<std::string>> read_chosen(const std::filesystem::path& file, const Pair& pair)
{
    const std::string text = read_file(file, largest_file);
    try {
        const Json json = Json::parse(text);
        const auto found = json.at("format").get<std::string>();
        if (found != format)
            throw Error(found.starts_with("pipebd.architecture/") ? Code::Newer : Code::Damaged,
                in_quotes(found) + " is not " + std::string(format), file.string(), "give the architecture.json of a run");
        if (json.at("pair").get<std::string>() != pair.name())
            throw Error(Code::BadRequest, "this architecture belongs to the pair " + in_quotes(json.at("pair").get<std::string>()),
                file.string(), "name one of " + std::string(pair.name()));
        std::vector<std::vector<std::string>> chosen;
        for (const Json& block : json.at("blocks").get_ref<const Json::array_t&>()) {
            chosen.emplace_back();
            for (const Json& cell : block.at("cells").get_ref<const Json::array_t&>())
                chosen.back().push_back(cell.at("chosen").get<std::string>());
        }
        if (chosen.size() != pair.block_names().size())
            throw Error(Code::Damaged,
                "the architecture has " + std::to_string(chosen.size()) + " blocks, the pair "
                    + std::to_string(pair.block_names().size()),
                file.string(), "give the architecture.json of a run");
        return chosen;
    } catch (const Json::exception& error) {
        throw Error(Code::Damaged, "not an architecture (" + foreign_reason(error.what()) + ")", file.string(),
            "give the architecture.json of a run");
    }
}

} // namespace pipebd::engine
