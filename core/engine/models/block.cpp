#include "engine/models/block.h"

#include "base/error.h"
#include "base/model_file.h"
#include "base/safetensors.h"
#include "engine/models/tensor_file.h"

#include <ATen/core/grad_mode.h>

#include <numeric>

namespace pipebd::engine {

namespace {

template <typename Function>
void for_all(Block& block, Function function)
{
    for (const std::vector<NamedTensor>* tensors : {&block.parameters(), &block.buffers()})
        for (NamedTensor named : *tensors)
            function(named);
}

Error no_candidates()
{
    return {Code::BadRequest, "this block has no candidates", "choice of candidates", "choose only for the blocks of a supernet"};
}

} // namespace

std::vector<std::size_t> Block::active_parameters(const Context&) const
{
    std::vector<std::size_t> all(parameters_.size());
    std::iota(all.begin(), all.end(), std::size_t{0});
    return all;
}

void Block::choose(std::vector<int> candidates)
{
    if (!candidates.empty())
        throw no_candidates();
}

void Block::derive(const std::vector<std::string>& chosen)
{
    if (!chosen.empty())
        throw no_candidates();
}

std::unique_ptr<Block> make_derived(const Pair& pair, int block, std::uint64_t seed, const std::vector<std::string>& chosen)
{
    std::unique_ptr<Block> student = pair.make_student(block, seed);
    student->derive(chosen);
    return student;
}

void load_weights(Block& block, std::span<const std::byte> safetensors, const std::string& where)
{
    const ModelFileKind kind = kind_of_model({reinterpret_cast<const char*>(safetensors.data()), safetensors.size()});
    if (kind != ModelFileKind::Safetensors && kind != ModelFileKind::Unknown)
        throw refused_as_weights(kind, where);
    const SafetensorsFile file(safetensors, where);
    for_all(block, [&](NamedTensor& named) { read_tensor(named, file, where); });
}

void move_to(Block& block, at::Device device, at::ScalarType dtype)
{
    at::NoGradGuard no_grad;
    for_all(block, [&](NamedTensor& named) {
        named.tensor.set_data(named.tensor.to(device, named.tensor.is_floating_point() ? dtype : named.tensor.scalar_type()));
    });
}

void freeze(Block& block)
{
    for (NamedTensor named : block.parameters()) {
        named.tensor.set_requires_grad(false);
        named.tensor.mutable_grad() = at::Tensor();
    }
}

std::int64_t bytes_of(const std::vector<NamedTensor>& tensors)
{
    std::int64_t bytes = 0;
    for (const NamedTensor& tensor : tensors)
        bytes += static_cast<std::int64_t>(tensor.tensor.nbytes());
    return bytes;
}

} // namespace pipebd::engine
