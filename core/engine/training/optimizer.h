// Optimizer: the update of one block's parameters; its state is kept by parameter, so that it can be saved and restored by block.
#pragma once

#include "engine/models/block.h"
#include "experiment/experiment.h"

#include <cstdint>
#include <memory>
#include <vector>

namespace pipebd::engine {

/// The learning rate of `step` of `steps`.
double learning_rate(const experiment::Train& train, std::int64_t step, std::int64_t steps);

class Optimizer {
public:
    virtual ~Optimizer() = default;

    /// Updates the parameters of these indices from their gradients, in place, and drops the gradients. Parameters that are left
    /// out (a supernet's paths that were not drawn) stay as they are, and so does their state.
    virtual void update(const std::vector<std::size_t>& active, double learning_rate) = 0;

    /// "momentum.<parameter>" and so on; for checkpoints, and for the profile's optimizer_bytes.
    virtual std::vector<NamedTensor> state() const = 0;
};

/// sgd, adam, adamw, rmsprop; fused kernels of ATen where there are any. Keeps references to the block's parameters. Its
/// architecture parameters, if it has any, are updated by Adam as `architecture` says.
std::unique_ptr<Optimizer> make_optimizer(
    const experiment::Train& train, const Block& block, const experiment::Architecture& architecture = {});

} // namespace pipebd::engine
