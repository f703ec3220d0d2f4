#include "base/error.h"
#include "base/file.h"
#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/planning.h"
#include "cli/print_bench.h"
#include "cli/turns.h"
#include "cli/used_pair.h"
#include "launch/steady_step.h"
#include "schedule/simulator.h"

#include <algorithm>
#include <cmath>
#include <iostream>

namespace pipebd::cli {

namespace {

using schedule::PlannedStrategy;

constexpr int most_rounds = 1000;

// Of a turn, where the user does not say: enough for a steady state, and no longer than needed.
constexpr double turn_milliseconds = 3000;
constexpr double fewest_steps = 12;
constexpr double enough_steps = 200;

void refuse_what_cannot_be(const BenchOptions& options)
{
    if (options.rounds < 1 || options.rounds > most_rounds)
        throw Error(Code::BadRequest, std::to_string(options.rounds) + " rounds are not possible", "--rounds",
            "give a number from 1 to " + std::to_string(most_rounds));
    if (options.steps && (*options.steps < 2 || *options.steps > most_steps_of_a_turn)) // the first one does not count
        throw Error(Code::BadRequest, "turns of " + std::to_string(*options.steps) + " steps are not possible", "--steps",
            "give a number from 2 to " + std::to_string(most_steps_of_a_turn));
}

launch::TrainingRequest request_from(const Context& context, const store::Lab& lab, const BenchOptions& options)
{
    launch::TrainingRequest request;
    request.experiment = experiment_from(options.experiment, options.settings, "pipebd bench EXPERIMENT");
    request.experiment_text = read_file(options.experiment);
    if (!distils(request.experiment))
        throw one_device_only(options.experiment);
    refuse_placement(request.experiment);
    request.devices = devices_for(request.experiment, options.devices, context.cancel);
    request.deliver = false;
    check_work(context, lab, request.experiment, request.devices);
    request.pair_folder = pair_folder(lab, request.experiment.pair);
    return request;
}

/// The same for all strategies, so that each does the same work.
std::int64_t steps_of_a_turn(const std::vector<Benched>& strategies)
{
    double sum = 0;
    for (const Benched& benched : strategies)
        sum += benched.planned->simulation.step;
    const double mean = sum / static_cast<double>(strategies.size());
    return std::llround(mean > 0 ? std::clamp(turn_milliseconds / mean, fewest_steps, enough_steps) : enough_steps);
}

/// Every device trains all blocks at the same time as the others.
PlannedStrategy packing_limit(const schedule::Costs& costs)
{
    PlannedStrategy limit = schedule::make_plan(costs, std::vector<std::string>{"single"}).strategies.front();
    limit.program = schedule::make_packing_limit_program(costs.blocks(), costs.devices());
    limit.simulation = schedule::simulate(limit.program, costs);
    return limit;
}

/// In which order `count` of them take their turns: in each round the next one begins, and every second round goes backwards, so
/// that a machine that gets slower favours none and none always follows the same one.
std::vector<std::size_t> turns(std::size_t count, int round)
{
    std::vector<std::size_t> order;
    for (std::size_t i = 0; i < count; ++i)
        order.push_back((static_cast<std::size_t>(round) + (round % 2 == 0 ? i : count - i)) % count);
    return order;
}

/// Milliseconds of a step of `planned`; `doing` says what this turn is.
double step_in_turn(Turns& turns, const launch::TrainingRequest& request, const PlannedStrategy& planned, const std::string& doing)
{
    const store::RunRecord run = turns.take(request, planned, doing);
    const store::RunStore measured(run.folder / "run.sqlite", store::RunStore::Mode::ReadOnly);
    const double step = launch::steady_step(measured, request.steps);
    if (!(step > 0))
        throw Error(Code::Protocol, "the ranks have not reported their steps", doing);
    return step;
}

void measure(const Context& context, const launch::TrainingRequest& request, const PlannedStrategy& limit, int rounds, Bench& bench)
{
    const std::size_t contestants = bench.strategies.size() + 1; // the limit is one of them, the last
    Turns all(context, "pipebd bench", contestants * static_cast<std::size_t>(rounds) + 1);
    all.line().note(std::to_string(rounds) + " rounds of " + std::to_string(contestants) + " turns, "
        + std::to_string(request.steps) + " steps each");
    step_in_turn(all, request, limit, "warming up");
    for (int round = 0; round < rounds; ++round) {
        const std::string place = "round " + std::to_string(round + 1) + "/" + std::to_string(rounds) + "  ";
        for (const std::size_t turn : turns(contestants, round)) {
            if (turn == bench.strategies.size()) {
                bench.limit_steps.push_back(
                    step_in_turn(all, request, limit, place + "limit") / static_cast<double>(request.devices.size()));
                continue;
            }
            Benched& benched = bench.strategies[turn];
            benched.steps.push_back(step_in_turn(all, request, *benched.planned, place + benched.planned->schedule.strategy));
        }
    }
}

} // namespace

int bench(const Context& context, const BenchOptions& options)
{
    refuse_what_cannot_be(options);
    const std::vector<std::string> strategies = strategies_to_run_from(options.strategies, "--strategies");
    store::Lab lab = context.open_lab();
    launch::TrainingRequest request = request_from(context, lab, options);

    const schedule::Profile profile = options.profile.empty()
        ? stored_or_measured_profile(context, lab, request.experiment, request.devices)
        : profile_named(context, options.profile, request.experiment);
    const schedule::Cluster cluster = schedule::alike(static_cast<int>(request.devices.size()));
    const schedule::Costs costs(profile, cluster);
    Bench result;
    result.plan = possible_plan(costs, strategies, request.devices);
    result.devices = request.devices;
    for (const PlannedStrategy& planned : result.plan.strategies)
        if (planned.schedule.feasible)
            result.strategies.push_back({&planned, {}});
    result.steps = options.steps.value_or(steps_of_a_turn(result.strategies));
    request.steps = result.steps;
    request.experiment.train.steps = result.steps;

    measure(context, request, packing_limit(costs), options.rounds, result);
    if (context.json)
        std::cout << to_json(result) << "\n";
    else if (!context.quiet)
        std::cout << bench_text(result);
    return 0;
}

} // namespace pipebd::cli
