#include "engine/models/tensor_file.h"

#include "base/error.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/from_blob.h>

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
        throw Error(Code::Internal, "a tensor has a dtype that safetensors does not support", name);
    }
}

} // namespace

std::string shape_text(at::IntArrayRef shape)
{
    std::string text = "[";
    for (std::size_t i = 0; i < shape.size(); ++i)
        text += (i ? ", " : "") + std::to_string(shape[i]);
    return text + "]";
}

at::ScalarType scalar_type(DType dtype)
{
    switch (dtype) {
    case DType::Bool:
        return at::kBool;
    case DType::U8:
        return at::kByte;
    case DType::I8:
        return at::kChar;
    case DType::I16:
        return at::kShort;
    case DType::I32:
        return at::kInt;
    case DType::I64:
        return at::kLong;
    case DType::F16:
        return at::kHalf;
    case DType::BF16:
        return at::kBFloat16;
    case DType::F64:
        return at::kDouble;
    case DType::F32:
        break;
    }
    return at::kFloat;
}

void read_tensor(NamedTensor into, const SafetensorsFile& file, const std::string& where)
{
    const std::string place = where + ", tensor " + into.name;
    const std::string remedy = "use weights that were written for this pair and network";
    const TensorView* view = file.find(into.name);
    if (!view)
        throw Error(Code::Damaged, "a tensor is missing", place, remedy);
    const DType expected = into.tensor.is_floating_point() ? DType::F32 : dtype_of(into.tensor, into.name);
    if (view->dtype != expected && !(expected == DType::F32 && view->dtype == DType::F64))
        throw Error(Code::Damaged,
            "the tensor is " + std::string(to_string(view->dtype)) + ", not " + std::string(to_string(expected)), place, remedy);
    const at::ScalarType dtype = scalar_type(view->dtype);
    if (into.tensor.sizes() != at::IntArrayRef(view->shape))
        throw Error(Code::Damaged, "the tensor's shape is " + shape_text(view->shape) + ", not " + shape_text(into.tensor.sizes()),
            place, remedy);
    at::NoGradGuard no_grad;
    into.tensor.copy_(at::from_blob(const_cast<std::byte*>(view->data.data()), view->shape, at::TensorOptions(dtype)));
}

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
