// Noise: the masks of dropout and stochastic depth, as functions of seed, step, place and row of the global batch.
//
// Never of the rank, the device or the order of execution: a batch that is split over devices, or into microbatches, has the masks
// it would have whole. Integers decide, so that a CPU and a GPU draw the same.
#pragma once

#include "engine/models/block.h"

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace pipebd::engine {

struct NoisePlace {
    const Context& context;
    std::uint64_t place = 0; // of the operator in its network
    std::int64_t batch = 1; // rows of the block's input
};

/// Ones with probability `p`, else zeros, in the type and on the device of `like`, [rows, ...]. Where there are k rows for each
/// sample (windows, heads), the samples' rows follow one another.
at::Tensor bernoulli_mask(at::IntArrayRef shape, const at::TensorOptions& like, double p, const NoisePlace& place);

/// The same bits by tensor operations, as on a GPU.
at::Tensor bernoulli_mask_by_tensors(at::IntArrayRef shape, const at::TensorOptions& like, double p, const NoisePlace& place);

/// `input` with each element left out with probability `p`, the others scaled by 1 / (1 - p).
at::Tensor dropout(const at::Tensor& input, double p, const NoisePlace& place, bool in_place);

/// The same for whole feature maps: the first two dimensions share a draw.
at::Tensor feature_dropout(const at::Tensor& input, double p, const NoisePlace& place, bool in_place);

} // namespace pipebd::engine
