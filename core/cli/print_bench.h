// What `pipebd bench` has measured, for people and as pipebd.bench/1 (docs/formats/bench.md).
#pragma once

#include "experiment/devices.h"
#include "schedule/plan.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace pipebd::cli {

/// One strategy, measured once a round.
struct Benched {
    const schedule::PlannedStrategy* planned = nullptr; // of Bench::plan
    std::vector<double> steps; // ms of one step of all blocks, by round
};

struct Bench {
    schedule::Plan plan; // of all that was asked for, what cannot run included
    std::vector<experiment::Device> devices;
    std::int64_t steps = 0; // of each turn
    std::vector<double> limit_steps; // ms, by round: `single` on every device at the same time, divided by their number
    std::vector<Benched> strategies;

    std::size_t rounds() const { return limit_steps.size(); }
};

/// A row a strategy under what was done; below, those that cannot run, with why.
std::string bench_text(const Bench& bench);

std::string to_json(const Bench& bench);

} // namespace pipebd::cli
