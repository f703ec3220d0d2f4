// SlotDevice: what the transport between ranks that share a GPU needs of a device: memory and events that another process can
// open, streams, copies. CUDA's stands in cuda_slots.cpp.
//
// Everything but finish() puts work in order on a stream and returns. Handles of memory and events are words without spaces; one
// that was opened is closed with its last reference, which must go before its owner's does.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <string>

namespace pipebd::engine {

class SlotDevice {
public:
    using Stream = std::shared_ptr<void>; // null: the stream on which the calling thread works
    using Event = std::shared_ptr<void>;
    using Memory = std::shared_ptr<void>;

    virtual ~SlotDevice() = default;

    virtual at::Device device() const = 0;

    virtual Stream make_stream() = 0;

    virtual Event make_event() = 0;
    virtual Event make_shared_event() = 0;
    virtual std::string handle_of_event(const Event& shared) = 0;
    virtual Event open_event(const std::string& handle) = 0;

    virtual Memory allocate(std::int64_t bytes) = 0;
    virtual std::string handle_of_memory(const Memory& own) = 0;
    virtual Memory open_memory(const std::string& handle) = 0;

    /// `event` stands for what is on `stream` so far.
    virtual void record(const Event& event, const Stream& stream) = 0;
    /// Later work on `stream` comes after what `event` stands for now; nothing if it was never recorded.
    virtual void wait(const Stream& stream, const Event& event) = 0;

    /// `tensor` is contiguous and on this device.
    virtual void write(const Stream& stream, const Memory& memory, std::int64_t offset, const at::Tensor& tensor) = 0;
    virtual void read(const Stream& stream, const Memory& memory, std::int64_t offset, const at::Tensor& tensor) = 0;
    virtual void add(const Stream& stream, const Memory& memory, std::int64_t offset, const at::Tensor& tensor) = 0;

    /// The memory of `tensor` is not given to another one before what is on `stream` is done.
    virtual void keep(const at::Tensor& tensor, const Stream& stream) = 0;

    /// Returns once all work of this rank on the device is done.
    virtual void finish() = 0;
};

} // namespace pipebd::engine
