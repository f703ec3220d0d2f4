// What the tests of the engine's models share. Compiled with QT_NO_KEYWORDS, as LibTorch has names like `slots` of its own.
#pragma once

#include "base/error.h"
#include "engine/models/block.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/equal.h>

#include <QTest>

#include <optional>
#include <string>
#include <vector>

namespace pipebd::engine {

/// The Error that `body` throws; nothing if it throws none.
template <typename Body>
std::optional<Error> error_of(Body&& body)
{
    try {
        body();
    } catch (const Error& error) {
        return error;
    }
    return std::nullopt;
}

inline at::Tensor random_tensor(at::IntArrayRef shape, std::uint64_t seed, at::ScalarType type = at::kFloat)
{
    at::Tensor values = at::empty(shape, at::TensorOptions(type));
    return values.normal_(0, 1, at::detail::createCPUGenerator(seed));
}

/// Channels last.
inline at::Tensor random_map(at::IntArrayRef shape, std::uint64_t seed, at::ScalarType type = at::kFloat)
{
    return random_tensor(shape, seed, type).contiguous(at::MemoryFormat::ChannelsLast);
}

inline double largest_difference(const at::Tensor& a, const at::Tensor& b)
{
    return (a.detach().to(at::kDouble) - b.detach().to(at::kDouble)).abs().max().item<double>();
}

/// Same shape, same bits; how they lie in memory does not matter.
inline bool same_bits(const at::Tensor& a, const at::Tensor& b)
{
    return a.scalar_type() == b.scalar_type() && a.sizes() == b.sizes() && at::equal(a.detach(), b.detach());
}

inline std::vector<at::Tensor> copies_of(const std::vector<NamedTensor>& tensors)
{
    std::vector<at::Tensor> copies;
    for (const NamedTensor& named : tensors)
        copies.push_back(named.tensor.detach().clone());
    return copies;
}

} // namespace pipebd::engine

#define VERIFY_SAYS(error, fragment)                                                                                               \
    QVERIFY((error).has_value());                                                                                                  \
    QVERIFY2(QByteArray((error)->what()).contains(QByteArray::fromStdString(std::string(fragment))), (error)->what())
