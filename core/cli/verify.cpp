#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/planning.h"
#include "cli/print_plan.h"
#include "cli/table.h"
#include "cli/turns.h"
#include "cli/used_pair.h"
#include "launch/compare_weights.h"
#include "schedule/stages.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <iostream>

namespace pipebd::cli {

namespace {

using launch::BlockDifference;
using schedule::PlannedStrategy;

/// What rounding may make of a few steps, as a share of a block's largest weight.
double tolerance_of(const std::string& dtype)
{
    return dtype == "float64" ? 1e-9 : dtype == "float32" ? 1e-2 : 1e-1;
}

struct Verdict {
    const PlannedStrategy* planned = nullptr;
    std::vector<BlockDifference> blocks;
    bool splits = false; // some stage shares its batch between devices
    bool bit_identical = true;
    bool within_tolerance = true;
    double largest = 0;

    /// The sum is the same in another order only where a batch is split.
    bool holds() const { return splits ? within_tolerance : bit_identical; }
};

Verdict verdict_on(const PlannedStrategy& planned, std::vector<BlockDifference> blocks, double tolerance)
{
    Verdict verdict;
    verdict.planned = &planned;
    for (const schedule::Stage& stage : planned.schedule.stages)
        verdict.splits = verdict.splits || stage.devices.size() > 1;
    for (const BlockDifference& block : blocks) {
        verdict.bit_identical = verdict.bit_identical && block.bit_identical;
        verdict.within_tolerance = verdict.within_tolerance && block.largest <= tolerance * block.largest_value;
        verdict.largest = std::max(verdict.largest, block.largest);
    }
    verdict.blocks = std::move(blocks);
    return verdict;
}

std::string in_words(const Verdict& verdict)
{
    if (!verdict.holds())
        return verdict.splits ? "DIFFERS" : "DIFFERS: must be bit-identical";
    return verdict.bit_identical ? "bit-identical" : "within tolerance";
}

std::string scientific(double value)
{
    char text[32];
    std::snprintf(text, sizeof text, "%.1e", value);
    return value == 0 ? "0" : text;
}

std::string table_of(const std::vector<Verdict>& verdicts, const schedule::Plan& plan, const std::string& heading)
{
    std::vector<std::string> headings = {"strategy", "blocks on devices"};
    for (std::size_t block = 0; block < verdicts.front().blocks.size(); ++block)
        headings.push_back(">block " + std::to_string(block));
    headings.push_back("compared with single");
    Table table(std::move(headings));
    for (const Verdict& verdict : verdicts) {
        std::vector<std::string> row = {verdict.planned->schedule.strategy, placement_text(verdict.planned->schedule)};
        for (const BlockDifference& block : verdict.blocks)
            row.push_back(scientific(block.largest));
        row.push_back(in_words(verdict));
        table.add(std::move(row));
    }
    return heading + table.text() + impossible_ones(plan);
}

std::string json_of(const std::vector<Verdict>& verdicts, const std::string& dtype, std::int64_t steps, double tolerance)
{
    using Json = nlohmann::ordered_json;
    const auto number = [](double value) { return std::isfinite(value) ? Json(value) : Json("infinite"); };
    Json strategies = Json::array();
    for (const Verdict& verdict : verdicts) {
        Json blocks = Json::array();
        for (const BlockDifference& block : verdict.blocks)
            blocks.push_back(number(block.largest));
        strategies.push_back({{"strategy", verdict.planned->schedule.strategy}, {"largest_difference", number(verdict.largest)},
            {"blocks", std::move(blocks)}, {"bit_identical", verdict.bit_identical}, {"within_tolerance", verdict.within_tolerance},
            {"splits_batch", verdict.splits}, {"holds", verdict.holds()}});
    }
    return Json{{"format", "pipebd.verify/1"}, {"dtype", dtype}, {"steps", steps}, {"tolerance", tolerance},
        {"strategies", std::move(strategies)}}
        .dump(2);
}

void check(const VerifyOptions& options)
{
    if (options.steps < 1 || options.steps > most_steps_of_a_turn)
        throw Error(Code::BadRequest, std::to_string(options.steps) + " steps are not possible", "--steps",
            "give a number from 1 to " + std::to_string(most_steps_of_a_turn));
    if (options.dtype != "float32" && options.dtype != "bfloat16" && options.dtype != "float64")
        throw Error(Code::BadRequest, "unknown dtype " + in_quotes(options.dtype), "--dtype", "give float64, float32 or bfloat16");
    if (options.tolerance && !(*options.tolerance >= 0 && std::isfinite(*options.tolerance)))
        throw Error(Code::BadRequest, "the tolerance is not a number >= 0", "--tolerance", "give one such as 1e-6");
}

/// The training that every strategy does.
launch::TrainingRequest asked_for(const Context& context, const VerifyOptions& options)
{
    std::vector<std::string> settings = options.settings;
    settings.push_back("train.steps=" + std::to_string(options.steps));
    settings.push_back("run.dtype=" + options.dtype);
    launch::TrainingRequest request;
    request.experiment = experiment_from(options.experiment, settings, "pipebd verify EXPERIMENT");
    request.experiment_text = read_file(options.experiment);
    request.devices = devices_for(request.experiment, options.devices, context.cancel);
    request.deliver = false; // the last checkpoint is all that is compared
    return request;
}

/// Trains as `reference` says, then by each feasible strategy of `plan`, and compares the weights.
std::vector<Verdict> train_and_compare(const Context& context, launch::TrainingRequest request, const PlannedStrategy& reference,
    const schedule::Plan& plan, int blocks, double tolerance)
{
    const auto possible = std::count_if(
        plan.strategies.begin(), plan.strategies.end(), [](const PlannedStrategy& planned) { return planned.schedule.feasible; });
    Turns turns(context, "pipebd verify", static_cast<std::size_t>(possible) + 1);
    turns.line().note(std::to_string(possible + 1) + " training runs of " + std::to_string(request.steps) + " steps each");
    const auto trained = [&](const PlannedStrategy& planned) {
        request.checkpoint_steps = request.steps * static_cast<std::int64_t>(planned.program.phases.size());
        return turns.take(request, planned, planned.schedule.strategy).folder;
    };
    const std::filesystem::path single = trained(reference);
    std::vector<Verdict> verdicts;
    for (const PlannedStrategy& planned : plan.strategies) {
        if (!planned.schedule.feasible)
            continue;
        verdicts.push_back(verdict_on(planned, launch::compare_weights(trained(planned), single, blocks), tolerance));
    }
    return verdicts;
}

} // namespace

int verify(const Context& context, const VerifyOptions& options)
{
    check(options);
    const std::vector<std::string> strategies = strategies_to_run_from(options.strategies, "--strategies");

    const experiment::Experiment measured = experiment_from(options.experiment, options.settings, "pipebd verify EXPERIMENT");
    if (!distils(measured))
        throw one_device_only(options.experiment);
    refuse_placement(measured);
    launch::TrainingRequest request = asked_for(context, options);
    store::Lab lab = context.open_lab();
    request.steps = check_work(context, lab, request.experiment, request.devices).steps;
    request.pair_folder = pair_folder(lab, request.experiment.pair);

    const schedule::Profile profile = options.profile.empty() ? stored_or_measured_profile(context, lab, measured, request.devices)
                                                              : profile_named(context, options.profile, measured);
    const schedule::Cluster cluster = schedule::alike(static_cast<int>(request.devices.size()));
    const schedule::Costs costs(profile, cluster);
    const schedule::Plan reference = schedule::make_plan(costs, std::vector<std::string>{"single"});
    const schedule::Plan plan = possible_plan(costs, strategies, request.devices);

    const double tolerance = options.tolerance.value_or(tolerance_of(options.dtype));
    const std::vector<Verdict> verdicts = train_and_compare(
        context, request, reference.strategies.front(), plan, static_cast<int>(profile.blocks.size()), tolerance);

    const std::string heading = "largest weight difference after " + std::to_string(request.steps) + " steps in " + options.dtype
        + "; tolerance where a batch is split " + scientific(tolerance) + " of the block's largest\n";
    if (context.json)
        std::cout << json_of(verdicts, options.dtype, request.steps, tolerance) << "\n";
    else if (!context.quiet)
        std::cout << table_of(verdicts, plan, heading);
    const bool all = std::all_of(verdicts.begin(), verdicts.end(), [](const Verdict& verdict) { return verdict.holds(); });
    return all ? 0 : 1;
}

} // namespace pipebd::cli
