// SlotDevice on CUDA: memory by cudaMalloc, handles by CUDA IPC.
//
// What another rank owns is opened on the owner's GPU, which this process must see: that works whether the two GPUs can reach each
// other's memory or not (a copy then goes through the host).

#include "engine/transport/cuda_slots.h"

#include "base/error.h"

#include <ATen/cuda/CUDAContext.h>
#include <ATen/ops/empty_like.h>
#include <c10/cuda/CUDACachingAllocator.h>
#include <c10/cuda/CUDAFunctions.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>

#include <cstring>
#include <span>

namespace pipebd::engine {

namespace {

constexpr const char* remedy = "give each rank its own GPU";

void check(cudaError_t status, const std::string& doing)
{
    if (status == cudaSuccess)
        return;
    cudaGetLastError(); // it would be found again by the next call
    throw Error(status == cudaErrorMemoryAllocation ? Code::OutOfMemory : Code::System,
        std::string("CUDA refused (") + cudaGetErrorString(status) + ")", doing, remedy);
}

std::string to_hex(std::span<const char> bytes)
{
    constexpr const char* digits = "0123456789abcdef";
    std::string text;
    for (char byte : bytes) {
        const auto value = static_cast<unsigned char>(byte);
        text += digits[value >> 4U];
        text += digits[value & 15U];
    }
    return text;
}

void from_hex(const std::string& text, std::span<char> bytes)
{
    if (text.size() != 2 * bytes.size())
        throw Error(Code::Internal, "a handle has the wrong length", "CUDA IPC");
    for (std::size_t i = 0; i < bytes.size(); ++i)
        bytes[i] = static_cast<char>(std::stoi(text.substr(2 * i, 2), nullptr, 16));
}

struct CudaEvent {
    cudaEvent_t event = nullptr;

    CudaEvent() = default;
    CudaEvent(const CudaEvent&) = delete;
    ~CudaEvent()
    {
        if (event != nullptr)
            cudaEventDestroy(event);
    }
};

struct CudaMemory {
    char* data = nullptr;
    c10::DeviceIndex index = 0;
    bool is_own = true;

    CudaMemory() = default;
    CudaMemory(const CudaMemory&) = delete;
    ~CudaMemory()
    {
        if (data != nullptr)
            is_own ? cudaFree(data) : cudaIpcCloseMemHandle(data);
    }
};

class CudaSlots final : public SlotDevice {
public:
    explicit CudaSlots(c10::DeviceIndex index)
        : index_(index)
    {
    }

    at::Device device() const override { return {at::kCUDA, index_}; }

    Stream make_stream() override
    {
        return std::make_shared<c10::cuda::CUDAStream>(c10::cuda::getStreamFromPool(/*isHighPriority=*/true, index_));
    }

    Event make_event() override { return make_event_with(cudaEventDisableTiming); }
    Event make_shared_event() override { return make_event_with(cudaEventDisableTiming | cudaEventInterprocess); }

    std::string handle_of_event(const Event& shared) override
    {
        cudaIpcEventHandle_t handle{};
        const c10::cuda::CUDAGuard guard(index_);
        check(cudaIpcGetEventHandle(&handle, event_of(shared)), "sharing an event with another rank");
        return gpu_identity(index_) + ":" + to_hex(handle.reserved);
    }

    Event open_event(const std::string& handle) override
    {
        cudaIpcEventHandle_t opened{};
        const c10::cuda::CUDAGuard guard(read_handle(handle, opened.reserved));
        auto event = std::make_shared<CudaEvent>();
        check(cudaIpcOpenEventHandle(&event->event, opened), "opening an event of another rank");
        return event;
    }

    Memory allocate(std::int64_t bytes) override
    {
        const c10::cuda::CUDAGuard guard(index_);
        auto memory = std::make_shared<CudaMemory>();
        memory->index = index_;
        void* data = nullptr;
        check(cudaMalloc(&data, static_cast<std::size_t>(bytes)), "memory between ranks that share a GPU");
        memory->data = static_cast<char*>(data);
        return memory;
    }

    std::string handle_of_memory(const Memory& own) override
    {
        cudaIpcMemHandle_t handle{};
        const c10::cuda::CUDAGuard guard(index_);
        check(cudaIpcGetMemHandle(&handle, memory_of(own).data), "sharing memory with another rank");
        return gpu_identity(index_) + ":" + to_hex(handle.reserved);
    }

    Memory open_memory(const std::string& handle) override
    {
        cudaIpcMemHandle_t opened{};
        auto memory = std::make_shared<CudaMemory>();
        memory->is_own = false;
        memory->index = read_handle(handle, opened.reserved);
        const c10::cuda::CUDAGuard guard(memory->index);
        void* data = nullptr;
        check(cudaIpcOpenMemHandle(&data, opened, cudaIpcMemLazyEnablePeerAccess), "opening memory of another rank");
        memory->data = static_cast<char*>(data);
        return memory;
    }

    void record(const Event& event, const Stream& stream) override
    {
        const c10::cuda::CUDAGuard guard(index_);
        check(cudaEventRecord(event_of(event), stream_of(stream)), "recording an event");
    }

    void wait(const Stream& stream, const Event& event) override
    {
        const c10::cuda::CUDAGuard guard(index_);
        check(cudaStreamWaitEvent(stream_of(stream), event_of(event), 0), "waiting for an event");
    }

    void write(const Stream& stream, const Memory& memory, std::int64_t offset, const at::Tensor& tensor) override
    {
        const CudaMemory& slot = memory_of(memory);
        copy(slot.data + offset, slot.index, tensor.const_data_ptr(), index_, tensor.nbytes(), stream_of(stream));
    }

    void read(const Stream& stream, const Memory& memory, std::int64_t offset, const at::Tensor& tensor) override
    {
        const CudaMemory& slot = memory_of(memory);
        copy(tensor.mutable_data_ptr(), index_, slot.data + offset, slot.index, tensor.nbytes(), stream_of(stream));
    }

    void add(const Stream& stream, const Memory& memory, std::int64_t offset, const at::Tensor& tensor) override
    {
        // Allocated and dropped on the stream it is used on: safe to be used again at once.
        const c10::cuda::CUDAStreamGuard guard(torch_stream_of(stream));
        at::Tensor addend = at::empty_like(tensor);
        read(stream, memory, offset, addend);
        tensor.add_(addend);
    }

    void keep(const at::Tensor& tensor, const Stream& stream) override { tensor.record_stream(torch_stream_of(stream)); }

    void finish() override
    {
        const c10::cuda::CUDAGuard guard(index_);
        check(cudaDeviceSynchronize(), "waiting for the end of the work on the device");
    }

private:
    Event make_event_with(unsigned int flags)
    {
        const c10::cuda::CUDAGuard guard(index_);
        auto event = std::make_shared<CudaEvent>();
        check(cudaEventCreateWithFlags(&event->event, flags), "making an event");
        return event;
    }

    /// The GPU of a handle as this process numbers it; the handle's bytes go to `bytes`.
    static c10::DeviceIndex read_handle(const std::string& handle, std::span<char> bytes)
    {
        const std::size_t colon = handle.find(':');
        if (colon == std::string::npos)
            throw Error(Code::Internal, "a handle without a GPU", "CUDA IPC");
        from_hex(handle.substr(colon + 1), bytes);
        for (c10::DeviceIndex index = 0; index < c10::cuda::device_count(); ++index) {
            if (gpu_identity(index) == handle.substr(0, colon))
                return index;
        }
        throw Error(Code::BadRequest, "a rank cannot see another rank's GPU", "CUDA_VISIBLE_DEVICES",
            "let all ranks of a run see the same GPUs");
    }

    static void copy(
        void* to, c10::DeviceIndex to_index, const void* from, c10::DeviceIndex from_index, std::size_t bytes, cudaStream_t stream)
    {
        check(to_index == from_index ? cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToDevice, stream)
                                     : cudaMemcpyPeerAsync(to, to_index, from, from_index, bytes, stream),
            "copying between ranks");
    }

    static cudaEvent_t event_of(const Event& event) { return static_cast<CudaEvent*>(event.get())->event; }
    static const CudaMemory& memory_of(const Memory& memory) { return *static_cast<CudaMemory*>(memory.get()); }

    c10::cuda::CUDAStream torch_stream_of(const Stream& stream) const
    {
        return stream ? *static_cast<c10::cuda::CUDAStream*>(stream.get()) : c10::cuda::getCurrentCUDAStream(index_);
    }
    cudaStream_t stream_of(const Stream& stream) const { return torch_stream_of(stream).stream(); }

    c10::DeviceIndex index_;
};

} // namespace

std::string gpu_identity(int index)
{
    return to_hex(at::cuda::getDeviceProperties(static_cast<c10::DeviceIndex>(index))->uuid.bytes);
}

std::unique_ptr<SlotDevice> make_cuda_slots(int index)
{
    return std::make_unique<CudaSlots>(static_cast<c10::DeviceIndex>(index));
}

} // namespace pipebd::engine
