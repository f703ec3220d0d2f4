#include "engine/graph/noise.h"

#include "base/random.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/bitwise_right_shift.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/zeros_like.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <vector>

namespace pipebd::engine {

namespace {

// SplitMix64 (Steele, Lea, Flood, 2014) of a row's key and the element's number; of its upper 31 bits a threshold makes the draw.
constexpr std::uint64_t increment = 0x9e3779b97f4a7c15ULL;
constexpr std::uint64_t first_factor = 0xbf58476d1ce4e5b9ULL;
constexpr std::uint64_t second_factor = 0x94d049bb133111ebULL;
constexpr int kept_bits = 31;

std::vector<std::int64_t> keys_of(std::int64_t rows, const NoisePlace& place)
{
    const std::int64_t rows_a_sample = place.batch > 0 && rows % place.batch == 0 ? rows / place.batch : 1;
    const std::int64_t first = place.context.first_row * rows_a_sample;
    std::vector<std::int64_t> keys(static_cast<std::size_t>(rows));
    for (std::int64_t row = 0; row < rows; ++row)
        keys[static_cast<std::size_t>(row)]
            = static_cast<std::int64_t>(draw({place.context.seed, static_cast<std::uint64_t>(place.context.step), place.place,
                coordinate("noise"), static_cast<std::uint64_t>(first + row)}));
    return keys;
}

at::Tensor draw_on_cpu(const std::vector<std::int64_t>& keys, std::int64_t columns, std::int64_t threshold)
{
    at::Tensor mask = at::empty({static_cast<std::int64_t>(keys.size()), columns}, at::TensorOptions(at::kFloat));
    auto* out = mask.mutable_data_ptr<float>();
    for (std::int64_t key : keys) {
        for (std::int64_t column = 0; column < columns; ++column) {
            const std::uint64_t bits = mix(static_cast<std::uint64_t>(key) + static_cast<std::uint64_t>(column) * increment);
            *out++ = static_cast<std::int64_t>(bits >> (64 - kept_bits)) < threshold ? 1.0F : 0.0F;
        }
    }
    return mask;
}

/// The same with 64-bit integer tensors, whose arithmetic wraps; their shift is arithmetic, so the sign is masked off.
at::Tensor draw_by_tensors(std::vector<std::int64_t> keys, std::int64_t columns, std::int64_t threshold, const at::Device& device)
{
    const auto number = [](std::uint64_t bits) { return static_cast<std::int64_t>(bits); };
    const auto shifted = [](const at::Tensor& x, int by) {
        return at::bitwise_right_shift(x, by).bitwise_and(static_cast<std::int64_t>((std::uint64_t{1} << (64 - by)) - 1));
    };
    const at::Tensor rows
        = at::from_blob(keys.data(), {static_cast<std::int64_t>(keys.size()), 1}, at::TensorOptions(at::kLong)).to(device);
    at::Tensor x = at::arange(columns, at::TensorOptions(at::kLong).device(device)) * number(increment) + rows + number(increment);
    x = x.bitwise_xor(shifted(x, 30)) * number(first_factor);
    x = x.bitwise_xor(shifted(x, 27)) * number(second_factor);
    x = x.bitwise_xor(shifted(x, 31));
    return shifted(x, 64 - kept_bits) < threshold;
}

std::int64_t rows_of(at::IntArrayRef shape)
{
    return shape.empty() ? 1 : shape[0];
}

std::int64_t columns_of(at::IntArrayRef shape)
{
    return std::accumulate(
        shape.begin() + std::min<std::ptrdiff_t>(1, std::ssize(shape)), shape.end(), std::int64_t{1}, std::multiplies<>());
}

std::int64_t threshold_of(double p)
{
    return std::llround(std::ldexp(std::clamp(p, 0.0, 1.0), kept_bits));
}

at::Tensor drop(const at::Tensor& input, const at::Tensor& factor, bool in_place)
{
    at::Tensor target = input;
    return in_place ? target.mul_(factor) : target.mul(factor);
}

} // namespace

at::Tensor bernoulli_mask(at::IntArrayRef shape, const at::TensorOptions& like, double p, const NoisePlace& place)
{
    if (!like.device().is_cpu())
        return bernoulli_mask_by_tensors(shape, like, p, place);
    return draw_on_cpu(keys_of(rows_of(shape), place), columns_of(shape), threshold_of(p))
        .to(like.dtype().toScalarType())
        .view(shape);
}

at::Tensor bernoulli_mask_by_tensors(at::IntArrayRef shape, const at::TensorOptions& like, double p, const NoisePlace& place)
{
    at::NoGradGuard no_grad;
    return draw_by_tensors(keys_of(rows_of(shape), place), columns_of(shape), threshold_of(p), like.device())
        .to(like.dtype().toScalarType())
        .view(shape);
}

at::Tensor dropout(const at::Tensor& input, double p, const NoisePlace& place, bool in_place)
{
    if (p >= 1)
        return drop(input, at::zeros_like(input), in_place);
    return drop(input, bernoulli_mask(input.sizes(), input.options(), 1 - p, place).mul_(1 / (1 - p)), in_place);
}

at::Tensor feature_dropout(const at::Tensor& input, double p, const NoisePlace& place, bool in_place)
{
    std::vector<std::int64_t> shape(input.sizes().begin(), input.sizes().end());
    std::fill(shape.begin() + std::min<std::ptrdiff_t>(2, std::ssize(shape)), shape.end(), 1);
    const at::Tensor mask = bernoulli_mask(shape, input.options(), p >= 1 ? 0 : 1 - p, place);
    return drop(input, p >= 1 ? mask : mask.mul(1 / (1 - p)), in_place);
}

} // namespace pipebd::engine
