#include "engine/deliver.h"

#include "base/error.h"
#include "base/file.h"
#include "engine/models/architecture_file.h"
#include "engine/models/description.h"
#include "engine/models/tensor_file.h"
#include "engine/search/derive.h"
#include "engine/search/search_architecture.h"
#include "engine/training/checkpoint.h"
#include "engine/training/evaluate.h"

#include <algorithm>
#include <functional>
#include <memory>
#include <set>

namespace pipebd::engine {

namespace {

using Blocks = std::vector<std::unique_ptr<Block>>;

void report_value(Reporter& reporter, const std::string& name, double value)
{
    experiment::Metric metric;
    metric.type = experiment::Metric::Type::Eval;
    metric.name = name;
    metric.value = value;
    reporter.report(std::move(metric));
}

void report_accuracy(Reporter& reporter, const std::string& name, const Accuracy& accuracy)
{
    if (accuracy.top5)
        report_value(reporter, name + "_top5", *accuracy.top5);
    report_value(reporter, name, accuracy.top1);
}

/// Says how far something has come, a few times a second.
std::function<void(double)> progress_of(Reporter& reporter, const std::string& doing)
{
    constexpr double interval = 200; // ms
    return [&reporter, doing, next = 0.0](double fraction) mutable {
        const double now = run_milliseconds();
        if (now < next)
            return;
        next = now + interval;
        experiment::Metric metric;
        metric.type = experiment::Metric::Type::Progress;
        metric.value = fraction;
        metric.text = doing;
        reporter.report(std::move(metric));
    };
}

void report_cost(Reporter& reporter, const std::string& prefix, const Cost& cost)
{
    report_value(reporter, prefix + "macs", static_cast<double>(cost.macs));
    report_value(reporter, prefix + "parameters", static_cast<double>(cost.parameters));
}

std::vector<BlockCosts> costs_in(const std::vector<BlockFigures>& figures)
{
    std::vector<BlockCosts> costs;
    for (const BlockFigures& block : figures)
        costs.push_back(block.costs);
    return costs;
}

/// Of a network without cells.
Cost sum_of(const std::vector<BlockCosts>& costs)
{
    Cost sum;
    for (const BlockCosts& block : costs)
        sum = sum + block.fixed;
    return sum;
}

bool has_cells(const std::vector<BlockCosts>& costs)
{
    return std::ranges::any_of(costs, [](const BlockCosts& block) { return !block.cells.empty(); });
}

std::vector<Block*> pointers(const Blocks& blocks)
{
    std::vector<Block*> list;
    for (const std::unique_ptr<Block>& block : blocks)
        list.push_back(block.get());
    return list;
}

Blocks in_order(std::map<int, std::unique_ptr<Block>>&& blocks)
{
    Blocks list;
    for (auto& [index, block] : blocks)
        list.push_back(std::move(block));
    return list;
}

/// The network of a run as it is delivered: float32, whatever it was trained in.
experiment::Experiment as_delivered(const experiment::Experiment& experiment)
{
    experiment::Experiment delivered = experiment;
    delivered.run.dtype = "float32";
    return delivered;
}

/// Blocks with the weights of `file`, ready to be evaluated.
void fill(const Blocks& blocks, const std::filesystem::path& file)
{
    const MappedFile weights(file);
    for (const std::unique_ptr<Block>& block : blocks) {
        load_weights(*block, weights.bytes(), file.string());
        freeze(*block);
    }
}

std::vector<NamedTensor> tensors_of(const Blocks& blocks)
{
    std::vector<NamedTensor> tensors;
    for (const std::unique_ptr<Block>& block : blocks) {
        tensors.insert(tensors.end(), block->parameters().begin(), block->parameters().end());
        tensors.insert(tensors.end(), block->buffers().begin(), block->buffers().end());
    }
    return tensors;
}

/// One delivery; see deliver().
class Delivery {
public:
    Delivery(const experiment::RunSpec& spec, const Pair& pair, const DataSet& data, Backend& backend, Reporter& reporter)
        : spec_(spec)
        , experiment_(as_delivered(spec.experiment))
        , pair_(pair)
        , data_(data)
        , device_(backend.device())
        , reporter_(reporter)
        , teacher_costs_(costs_in(figures_of(pair, Network::Teacher)))
        , student_figures_(figures_of(pair, Network::Student))
        , student_costs_(costs_in(student_figures_))
    {
    }

    void from(const std::filesystem::path& checkpoint)
    {
        experiment::Metric begins;
        begins.type = experiment::Metric::Type::Doing;
        begins.name = "delivering";
        reporter_.report(std::move(begins));
        reporter_.heartbeat(0, "export");
        const bool distilled = distils(experiment_);
        const bool is_teacher = experiment_.train.network == "teacher";
        const bool is_derived = !experiment_.student.architecture.empty();
        // A supernet can also be trained on labels as it is; then there is no one network to describe.
        const bool is_supernet = !is_teacher && !is_derived && has_cells(student_costs_);
        const bool derives = distilled && is_supernet;
        const std::filesystem::path trained = spec_.folder / (derives ? "supernet.safetensors" : "student.safetensors");
        export_student(checkpoint, spec_.program.blocks, trained);

        std::set<int> all;
        for (int block = 0; block < spec_.program.blocks; ++block)
            all.insert(block);
        Models models = Models::make(experiment_, pair_, distilled ? all : std::set<int>{}, all, device_);
        const Blocks teacher = in_order(std::move(models.teacher));
        Blocks student = in_order(std::move(models.student));
        fill(student, trained);
        Architecture architecture = fixed_architecture(pair_, is_teacher ? teacher_costs_ : student_costs_);
        architecture.teacher = sum_of(teacher_costs_);
        if (derives) {
            reporter_.heartbeat(0, "architecture");
            architecture = search_architecture(experiment_, pair_, pointers(teacher), pointers(student), student_costs_,
                sum_of(teacher_costs_), data_, device_, progress_of(reporter_, "choosing the architecture"));
            student = derived(architecture, trained);
        }
        if (derives || !is_supernet)
            architecture.network = describe_network(pair_, pointers(student));
        replace_file(
            spec_.folder / "architecture.json", is_derived ? read_file(experiment_.student.architecture) : to_json(architecture));
        reporter_.heartbeat(0, "evaluation");
        if (distilled) {
            report_cost(reporter_, "teacher_", architecture.teacher);
            report_accuracy(reporter_, "teacher_accuracy",
                test_accuracy(pointers(teacher), data_, device_, progress_of(reporter_, "evaluating the teacher")));
        }
        report_cost(reporter_, "", is_derived ? cost_of_derived() : architecture.cost());
        report_accuracy(reporter_, "test_accuracy",
            test_accuracy(pointers(student), data_, device_, progress_of(reporter_, "evaluating the student")));
    }

private:
    /// Of the student that student.architecture names.
    Cost cost_of_derived() const
    {
        const std::vector<std::vector<std::string>> chosen = read_chosen(experiment_.student.architecture, pair_);
        Cost sum;
        for (std::size_t block = 0; block < chosen.size(); ++block) {
            const std::vector<Block::Cell>& cells = student_figures_[block].cells;
            std::vector<int> candidates;
            for (std::size_t cell = 0; cell < cells.size(); ++cell) {
                const auto found = std::ranges::find(cells[cell].candidates, chosen[block].at(cell));
                candidates.push_back(static_cast<int>(found - cells[cell].candidates.begin()));
            }
            sum = sum + student_costs_[block].of(candidates);
        }
        return sum;
    }

    /// Written, too, with its batch norms calibrated.
    Blocks derived(const Architecture& architecture, const std::filesystem::path& supernet)
    {
        Blocks student;
        for (std::size_t block = 0; block < architecture.blocks.size(); ++block) {
            std::vector<std::string> chosen;
            for (const Architecture::Cell& cell : architecture.blocks[block].cells)
                chosen.push_back(cell.described.candidates[static_cast<std::size_t>(cell.chosen)]);
            student.push_back(make_derived(pair_, static_cast<int>(block), experiment_.seed, chosen));
        }
        fill(student, supernet);
        for (const std::unique_ptr<Block>& block : student)
            move_to(*block, device_);
        calibrate(pointers(student), experiment_, experiment_.derive.calibration, data_, device_);
        write_tensors(spec_.folder / "student.safetensors", tensors_of(student), {});
        return student;
    }

    const experiment::RunSpec& spec_;
    const experiment::Experiment experiment_;
    const Pair& pair_;
    const DataSet& data_;
    at::Device device_;
    Reporter& reporter_;
    std::vector<BlockCosts> teacher_costs_;
    std::vector<BlockFigures> student_figures_;
    std::vector<BlockCosts> student_costs_;
};

} // namespace

void deliver(const experiment::RunSpec& spec, const Pair& pair, const std::filesystem::path& checkpoint, const DataSet& data,
    Backend& backend, Reporter& reporter)
{
    Delivery(spec, pair, data, backend, reporter).from(checkpoint);
}

void check_derivation(const experiment::Experiment& experiment, const Pair& pair)
{
    const bool wants_budget = experiment.derive.macs > 0 || experiment.derive.parameters > 0;
    if (!distils(experiment) || (!wants_budget && !experiment.architecture.train))
        return;
    const std::vector<BlockCosts> costs = costs_in(figures_of(pair, Network::Student));
    if (!has_cells(costs))
        throw Error(Code::BadRequest, "the student of " + std::string(pair.name()) + " has no cells to choose from",
            experiment.architecture.train ? "architecture.train" : "[derive]",
            "leave it out, or name a pair whose student is a supernet");
    require_within_reach(costs, budget_of(experiment.derive, sum_of(costs_in(figures_of(pair, Network::Teacher)))));
}

} // namespace pipebd::engine
