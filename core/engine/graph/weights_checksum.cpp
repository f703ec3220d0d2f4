#include "engine/graph/weights_checksum.h"

#include <c10/core/ScalarType.h>

#include <span>

namespace pipebd::engine {

void add_weights(Sha256& checksum, const std::string& name, const at::Tensor& tensor)
{
    std::string header = name + " [";
    for (std::int64_t i = 0; i < tensor.dim(); ++i)
        header += (i == 0 ? "" : ", ") + std::to_string(tensor.size(i));
    checksum.update(header + "] torch." + c10::getDtypeNames(tensor.scalar_type()).first + "\n");
    const at::Tensor values = tensor.detach().contiguous(at::MemoryFormat::Contiguous);
    checksum.update(std::span(static_cast<const std::byte*>(values.const_data_ptr()), values.nbytes()));
}

} // namespace pipebd::engine
