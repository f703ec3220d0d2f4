// The CUDA module: a GPU as a device, NCCL between GPUs. A shared library of its own, loaded when a driver is there, so that the
// engine starts without CUDA's libraries.
//
// Work runs on this thread's current stream. Marks are events; they are read when they have long been passed.

#include "engine/backend.h"

#include "base/error.h"

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/cuda/CUDAContext.h>
#include <ATen/cuda/CUDAEvent.h>
#include <ATen/ops/empty.h>
#include <c10/cuda/CUDACachingAllocator.h>
#include <c10/cuda/CUDAFunctions.h>
#include <c10/cuda/CUDAStream.h>

#include <cstdlib>

namespace pipebd::engine {

std::unique_ptr<Transport> connect_nccl(const Rendezvous& rendezvous, const Topology& topology);

namespace {

using Event = at::cuda::CUDAEvent;

class CudaBackend final : public Backend {
public:
    explicit CudaBackend(int index)
        : index_(static_cast<c10::DeviceIndex>(index))
        , name_(at::cuda::getDeviceProperties(index_)->name)
        , memory_(static_cast<std::int64_t>(at::cuda::getDeviceProperties(index_)->totalGlobalMem))
    {
        // Results are to be the same from run to run: nothing may choose its algorithm by a race or a benchmark.
        setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:8", 0);
        setenv("NCCL_ALGO", "^NVLS", 0);
        at::set_num_threads(1);
        if (at::get_num_interop_threads() != 1)
            at::set_num_interop_threads(1); // allowed once a process
        at::globalContext().setDeterministicAlgorithms(true, false);
        at::globalContext().setDeterministicCuDNN(true);
        at::globalContext().setBenchmarkCuDNN(false);
        at::globalContext().setDeterministicFillUninitializedMemory(false);

        c10::cuda::set_device(index_);
        c10::cuda::setCurrentCUDAStream(c10::cuda::getStreamFromPool(true, index_));
        synchronize();
        zero_ = mark();
    }

    at::Device device() const override { return {at::kCUDA, index_}; }
    std::string name() const override { return name_; }
    std::int64_t memory_bytes() const override { return memory_; }
    std::string pci_bus_id() const override
    {
        char id[32] = {};
        return cudaDeviceGetPCIBusId(id, sizeof id, index_) == cudaSuccess ? id : "";
    }

    std::int64_t free_bytes() const override
    {
        std::size_t free = 0;
        std::size_t total = 0;
        return cudaMemGetInfo(&free, &total) == cudaSuccess ? static_cast<std::int64_t>(free) : -1;
    }

    void synchronize() override { c10::cuda::getCurrentCUDAStream(index_).synchronize(); }

    Mark mark() override
    {
        auto event = std::make_shared<Event>(cudaEventDefault); // the default of CUDAEvent keeps no time
        event->record(c10::cuda::getCurrentCUDAStream(index_));
        return {run_milliseconds(), std::move(event)};
    }

    double time(const Mark& mark) override
    {
        auto& event = *static_cast<Event*>(mark.event.get());
        event.synchronize();
        double time = zero_.host + static_cast<Event*>(zero_.event.get())->elapsed_time(event);
        // Elapsed times are floats: measured from a recent mark they stay exact.
        if (time - zero_.host > 10'000)
            zero_ = {time, mark.event};
        return time;
    }

    MemoryUse memory() override
    {
        auto stats = c10::cuda::CUDACachingAllocator::getDeviceStats(index_);
        const auto& allocated = stats.allocated_bytes[0];
        return {allocated.current, allocated.peak};
    }

    void reset_peak() override { c10::cuda::CUDACachingAllocator::resetPeakStats(index_); }

    std::function<double()> read_later(const at::Tensor& scalar) override
    {
        at::Tensor host = at::empty({}, at::TensorOptions().dtype(at::kDouble).pinned_memory(true));
        host.copy_(scalar.detach().to(at::kDouble), /*non_blocking=*/true);
        auto event = std::make_shared<Event>();
        event->record(c10::cuda::getCurrentCUDAStream(index_));
        return [host, event] {
            event->synchronize();
            return *host.const_data_ptr<double>();
        };
    }

    std::unique_ptr<Transport> connect(const Rendezvous& rendezvous, const Topology& topology) override
    {
        return rendezvous.size == 1 ? no_transport() : connect_nccl(rendezvous, topology);
    }

private:
    c10::DeviceIndex index_;
    std::string name_;
    std::int64_t memory_;
    Mark zero_;
};

} // namespace

} // namespace pipebd::engine

extern "C" {

/// GPUs that CUDA sees.
__attribute__((visibility("default"))) int pipebd_cuda_count()
{
    return static_cast<int>(c10::cuda::device_count());
}

/// The backend of one GPU; the caller owns it. Throws pipebd::Error.
__attribute__((visibility("default"))) pipebd::engine::Backend* pipebd_cuda_backend(int index)
{
    try {
        return new pipebd::engine::CudaBackend(index);
    } catch (const c10::Error& error) {
        std::string text = error.what_without_backtrace();
        throw pipebd::Error(pipebd::Code::System, "the GPU cannot be used (" + text.substr(0, text.find('\n')) + ")",
            "cuda:" + std::to_string(index), "see `pipebd doctor`");
    }
}
}
