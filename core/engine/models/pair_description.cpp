#include "engine/models/pair_description.h"

#include "base/error.h"
#include "engine/models/block_costs.h"
#include "engine/models/tensor_file.h"

#include <nlohmann/json.hpp>

#include <cmath>

namespace pipebd::engine {

namespace {

using nlohmann::ordered_json;

ordered_json range(const BlockCosts& costs, std::int64_t Cost::*what)
{
    return {{"smallest", costs.smallest(what)}, {"mean", std::llround(costs.mean(what))}, {"largest", costs.largest(what)}};
}

ordered_json json_of(const BlockFigures& figures)
{
    ordered_json json{{"output", figures.output}, {"parameters", figures.parameters}, {"bytes", figures.bytes},
        {"macs", range(figures.costs, &Cost::macs)}, {"parameters_used", range(figures.costs, &Cost::parameters)}};
    for (std::size_t cell = 0; cell < figures.cells.size(); ++cell) {
        ordered_json candidates = ordered_json::array();
        for (std::size_t i = 0; i < figures.cells[cell].candidates.size(); ++i) {
            const Cost& cost = figures.costs.cells[cell][i];
            candidates.push_back(
                {{"name", figures.cells[cell].candidates[i]}, {"macs", cost.macs}, {"parameters", cost.parameters}});
        }
        json["cells"].push_back({{"name", figures.cells[cell].name}, {"candidates", std::move(candidates)}});
    }
    return json;
}

} // namespace

std::string describe_pair(const Pair& pair)
{
    const std::vector<BlockFigures> teacher = figures_of(pair, Network::Teacher), student = figures_of(pair, Network::Student);
    const std::vector<std::string> names = pair.block_names();
    const Input input = pair.input();
    ordered_json blocks = ordered_json::array();
    for (std::size_t i = 0; i < names.size(); ++i)
        blocks.push_back({{"name", names[i]}, {"teacher", json_of(teacher[i])}, {"student", json_of(student[i])}});
    return ordered_json{{"format", "pipebd.pair-description/1"}, {"name", pair.name()},
        {"input", {{"shape", input.shape}, {"vocabulary", input.vocabulary}}}, {"classes", pair.classes()}, {"blocks", blocks}}
        .dump();
}

void require_same_outputs(const Pair& pair)
{
    const auto teacher = output_shapes(pair, Network::Teacher), student = output_shapes(pair, Network::Student);
    for (std::size_t i = 0; i < teacher.size(); ++i) {
        if (teacher[i] != student[i])
            throw Error(Code::BadRequest,
                "the pair cannot be trained block by block: the teacher gives " + shape_text(teacher[i]) + ", the student "
                    + shape_text(student[i]),
                std::string(pair.name()) + ", block " + pair.block_names()[i],
                "plan it end to end (pipebd plan --strategies end-to-end), or use a student whose block outputs match the "
                "teacher's "
                "outputs");
    }
}

bool is_end_to_end_only(std::string_view name)
{
    return name == "resnet50-resnet18"; // four times as wide as its student after every layer
}

} // namespace pipebd::engine
