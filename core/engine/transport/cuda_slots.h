// SlotDevice on CUDA; in the CUDA module only.
#pragma once

#include "engine/transport/slot_device.h"

#include <memory>
#include <string>

namespace pipebd::engine {

/// Of the GPU that this process sees at `index`: the same in every process and for every numbering.
std::string gpu_identity(int index);

/// Its operations throw Error{OutOfMemory}, {System} with what CUDA says, or {BadRequest} if a rank's GPU is hidden from another.
std::unique_ptr<SlotDevice> make_cuda_slots(int index);

} // namespace pipebd::engine
