#include "cli/print_bench.h"

#include "base/statistics.h"
#include "base/units.h"
#include "cli/print_plan.h"
#include "cli/table.h"
#include "schedule/stages.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <optional>
#include <string_view>

namespace pipebd::cli {

namespace {

using Json = nlohmann::ordered_json;

constexpr double telling_spread = 0.2; // rounds that differ by less tell which strategy is faster

struct Figures {
    double step = 0; // ms
    double spread = 0;
    double throughput = 0; // samples a second
    std::optional<double> over_dp; // not given if that was not measured
    std::optional<double> over_ls;
    double share_of_limit = 0;
    double predicted_step = 0;
    double prediction_error = 0; // predicted / measured - 1
};

/// How many times as fast as `other` a step of `step` ms is.
std::optional<double> over(const Bench& bench, std::string_view other, double step)
{
    for (const Benched& benched : bench.strategies)
        if (benched.planned->schedule.strategy == other)
            return median(benched.steps) / step;
    return std::nullopt;
}

Figures figures_of(const Benched& benched, const Bench& bench)
{
    Figures figures;
    figures.step = median(benched.steps);
    figures.spread = spread(benched.steps);
    figures.throughput = 1000.0 * bench.plan.batch / figures.step;
    figures.over_dp = over(bench, "dp", figures.step);
    figures.over_ls = over(bench, "ls", figures.step);
    figures.share_of_limit = median(bench.limit_steps) / figures.step;
    figures.predicted_step = benched.planned->simulation.step;
    figures.prediction_error = figures.predicted_step / figures.step - 1;
    return figures;
}

std::string ratio_if_known(std::optional<double> value)
{
    return value ? fixed(*value, 2) : "-";
}

std::string heading_of(const Bench& bench)
{
    const std::string devices = to_string(bench.devices);
    return bench.plan.pair + " on " + devices + ", batch " + std::to_string(bench.plan.batch) + ": "
        + std::to_string(bench.rounds()) + " rounds of turns of " + std::to_string(bench.steps) + " steps\nlimit "
        + format_milliseconds(median(bench.limit_steps)) + " per step, spread " + percent(spread(bench.limit_steps))
        + ": single on every device at the same time, divided by their number\n\n";
}

/// Empty if the rounds agree well enough for the ratios to mean something.
std::string warning_of(const Bench& bench)
{
    double largest = spread(bench.limit_steps);
    for (const Benched& benched : bench.strategies)
        largest = std::max(largest, spread(benched.steps));
    return largest <= telling_spread ? ""
                                     : "rounds differ by up to " + percent(largest)
            + ": is this machine doing other work? Measure again, or with more --rounds\n";
}

Json number_or_null(std::optional<double> value)
{
    return value ? Json(*value) : Json(nullptr);
}

} // namespace

std::string bench_text(const Bench& bench)
{
    Table table({"strategy", "blocks on devices", ">step", ">spread", ">samples/s", ">over dp", ">over ls", ">of limit",
        ">predicted", ">error"});
    for (const Benched& benched : bench.strategies) {
        const Figures figures = figures_of(benched, bench);
        table.add({benched.planned->schedule.strategy, placement_text(benched.planned->schedule), format_milliseconds(figures.step),
            percent(figures.spread), fixed(figures.throughput, 1), ratio_if_known(figures.over_dp), ratio_if_known(figures.over_ls),
            percent(figures.share_of_limit), format_milliseconds(figures.predicted_step),
            signed_percent(figures.prediction_error)});
    }
    return heading_of(bench) + table.text() + impossible_ones(bench.plan) + warning_of(bench);
}

std::string to_json(const Bench& bench)
{
    Json json;
    json["format"] = "pipebd.bench/1";
    json["pair"] = bench.plan.pair;
    json["devices"] = Json::array();
    for (const experiment::Device& device : bench.devices)
        json["devices"].push_back(to_string(device));
    json["batch"] = bench.plan.batch;
    json["rounds"] = bench.rounds();
    json["steps"] = bench.steps;
    json["limit_step"] = median(bench.limit_steps);
    json["limit_spread"] = spread(bench.limit_steps);
    json["limit_step_by_round"] = bench.limit_steps;
    const Json plan = Json::parse(schedule::to_json(bench.plan));
    json["strategies"] = Json::array();
    for (const Benched& benched : bench.strategies) {
        const Figures figures = figures_of(benched, bench);
        const auto index = static_cast<std::size_t>(benched.planned - bench.plan.strategies.data());
        json["strategies"].push_back({{"strategy", benched.planned->schedule.strategy}, {"step", figures.step},
            {"spread", figures.spread}, {"step_by_round", benched.steps}, {"throughput", figures.throughput},
            {"over_dp", number_or_null(figures.over_dp)}, {"over_ls", number_or_null(figures.over_ls)},
            {"share_of_limit", figures.share_of_limit}, {"predicted_step", figures.predicted_step},
            {"prediction_error", figures.prediction_error}, {"stages", plan["strategies"][index]["stages"]}});
    }
    json["not_possible"] = Json::array();
    for (const schedule::PlannedStrategy& planned : bench.plan.strategies)
        if (!planned.schedule.feasible)
            json["not_possible"].push_back({{"strategy", planned.schedule.strategy}, {"why", planned.schedule.why_not}});
    return json.dump(2);
}

} // namespace pipebd::cli
