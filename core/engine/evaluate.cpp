#include "engine/evaluate.h"

#include "engine/loss.h"

#include <ATen/core/grad_mode.h>
#include <nlohmann/json.hpp>

#include <algorithm>

namespace pipebd::engine {

namespace {

using nlohmann::json;

constexpr std::int64_t chunk = 64; // samples at a time
constexpr std::int64_t architecture_samples = 64;

std::vector<Sample> range(std::int64_t begin, std::int64_t end)
{
    std::vector<Sample> samples;
    for (; begin < end; ++begin)
        samples.push_back({.index = begin});
    return samples;
}

std::string architecture(const Pair& pair, const std::vector<Block*>& network, const json& blocks)
{
    json text{{"format", "pipebd.architecture/1"}, {"pair", pair.name()}, {"blocks", blocks}};
    if (const std::string described = describe_network(pair, network); !described.empty())
        text["network"] = json::parse(described);
    return text.dump(2) + "\n";
}

} // namespace

double test_accuracy(const std::vector<Block*>& blocks, const DataSet& data, at::Device device)
{
    at::NoGradGuard no_grad;
    std::int64_t size = data.size(DataSet::Split::Test);
    std::int64_t correct = 0;
    for (std::int64_t begin = 0; begin < size; begin += chunk) {
        Batch batch = data.get(DataSet::Split::Test, range(begin, std::min(size, begin + chunk)));
        at::Tensor activation = batch.input.to(device);
        for (Block* block : blocks)
            activation = block->forward(activation, Context{});
        correct += count_correct(activation, batch.labels.to(device));
    }
    return static_cast<double>(correct) / static_cast<double>(size);
}

std::string choose_architecture(const experiment::Experiment& experiment, const Pair& pair, const std::vector<Block*>& teacher,
    const std::vector<Block*>& student, const DataSet& data, at::Device device)
{
    const std::vector<std::string> block_names = pair.block_names();
    at::NoGradGuard no_grad;
    std::int64_t size = std::min(architecture_samples, data.size(DataSet::Split::Train));
    at::Tensor input = data.get(DataSet::Split::Train, range(0, size)).input.to(device);
    json blocks = json::array();
    for (std::size_t b = 0; b < student.size(); ++b) {
        at::Tensor target = teacher[b]->forward(input, Context{});
        const std::string& name = loss_of(experiment.distill, static_cast<int>(b), static_cast<int>(student.size()));
        std::vector<Block::Cell> cells = student[b]->cells();
        std::vector<int> chosen(cells.size(), 0);
        json described = json::array();
        for (std::size_t cell = 0; cell < cells.size(); ++cell) {
            std::vector<double> losses;
            for (std::size_t candidate = 0; candidate < cells[cell].candidates.size(); ++candidate) {
                chosen[cell] = static_cast<int>(candidate);
                student[b]->choose(chosen);
                losses.push_back(distillation_loss(name, student[b]->forward(input, Context{}), target).item<double>());
            }
            chosen[cell] = static_cast<int>(std::min_element(losses.begin(), losses.end()) - losses.begin());
            described.push_back({{"name", cells[cell].name}, {"candidates", cells[cell].candidates}, {"losses", losses},
                {"chosen", cells[cell].candidates[static_cast<std::size_t>(chosen[cell])]}});
        }
        if (!cells.empty())
            student[b]->choose(chosen);
        blocks.push_back({{"name", block_names[b]}, {"cells", described}});
        input = target;
    }
    return architecture(pair, student, blocks);
}

std::string fixed_architecture(const Pair& pair, const std::vector<Block*>& network)
{
    json blocks = json::array();
    for (const std::string& name : pair.block_names())
        blocks.push_back({{"name", name}, {"cells", json::array()}});
    return architecture(pair, network, blocks);
}

} // namespace pipebd::engine
