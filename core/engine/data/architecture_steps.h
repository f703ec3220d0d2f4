// ArchitectureSteps: which steps of a training update a supernet's architecture parameters, on held-out samples, and which its
// weights, on training samples: a function of the step, so that every rank and strategy agrees on it.
//
// The first share `architecture.after` of the steps is for weights; from then on an architecture step follows every
// `architecture.every` weight steps. No training batch is left out for one: each split has a stream of its own.
#pragma once

#include "experiment/experiment.h"

#include <cstdint>

namespace pipebd::engine {

class ArchitectureSteps {
public:
    /// Of a training of `steps` steps; none if the experiment trains no architecture.
    ArchitectureSteps(const experiment::Architecture& architecture, std::int64_t steps);

    bool contains(std::int64_t step) const;

    /// Architecture steps before `step`.
    std::int64_t before(std::int64_t step) const;

    /// The batch of its split's stream that `step` takes.
    std::int64_t batch_of(std::int64_t step) const { return contains(step) ? before(step) : step - before(step); }

private:
    std::int64_t first_; // step from which periods are counted
    std::int64_t period_; // 0: there are none
};

} // namespace pipebd::engine
