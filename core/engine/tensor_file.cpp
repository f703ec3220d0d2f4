#include "engine/tensor_file.h"

#include "base/error.h"

namespace pipebd::engine {

namespace {

DType dtype_of(const at::Tensor& tensor, const std::string& name)
{
    switch (tensor.scalar_type()) {
    case at::kBool:
        return DType::Bool;
    case at::kByte:
        return DType::U8;
    case at::kChar:
        return DType::I8;
    case at::kShort:
        return DType::I16;
    case at::kInt:
        return DType::I32;
    case at::kLong:
        return DType::I64;
    case at::kHalf:
        return DType::F16;
    case at::kBFloat16:
        return DType::BF16;
    case at::kFloat:
        return DType::F32;
    case at::kDouble:
        return DType::F64;
    default:
        throw Error(Code::Internal, "a tensor of a dtype that safetensors does not know", name);
    }
}

} // namespace

void write_tensors(
    const std::filesystem::path& file, const std::vector<NamedTensor>& tensors, const std::map<std::string, std::string>& metadata)
{
    std::vector<at::Tensor> held;
    std::vector<TensorView> views;
    for (const NamedTensor& named : tensors) {
        held.push_back(named.tensor.detach().to(at::kCPU).contiguous());
        const at::Tensor& tensor = held.back();
        views.push_back({named.name, dtype_of(tensor, named.name), {tensor.sizes().begin(), tensor.sizes().end()},
            {static_cast<const std::byte*>(tensor.const_data_ptr()), tensor.nbytes()}});
    }
    write_safetensors(file, std::move(views), metadata);
}

} // namespace pipebd::engine
