#include "engine/block.h"

#include "base/error.h"
#include "base/model_file.h"
#include "base/safetensors.h"
#include "engine/bert_pair.h"
#include "engine/compress_pair.h"
#include "engine/graph/imported_pair.h"
#include "engine/nas_digits.h"
#include "engine/nas_pair.h"
#include "engine/resnet_pair.h"
#include "engine/tensor_file.h"

#include <ATen/core/grad_mode.h>

#include <functional>
#include <numeric>

namespace pipebd::engine {

namespace {

std::vector<std::reference_wrapper<const Pair>> pairs()
{
    return {nas_digits(), nas_cifar10(), nas_imagenet(), compress_digits(), compress_cifar10(), compress_imagenet(),
        resnet50_resnet18(), bert_base()};
}

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

const Pair& find_pair(std::string_view name)
{
    std::string known;
    for (const Pair& pair : pairs()) {
        if (pair.name() == name)
            return pair;
        known += (known.empty() ? "" : ", ") + std::string(pair.name());
    }
    throw Error(Code::NotFound, "unknown pair", "\"" + std::string(name) + "\"", "choose one of: " + known);
}

std::vector<std::string_view> pair_names()
{
    std::vector<std::string_view> names;
    for (const Pair& pair : pairs())
        names.push_back(pair.name());
    return names;
}

std::shared_ptr<const Pair> open_pair(std::string_view name, const std::filesystem::path& folder)
{
    if (!folder.empty())
        return open_imported_pair(folder);
    return {std::shared_ptr<const Pair>(), &find_pair(name)};
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

} // namespace pipebd::engine
