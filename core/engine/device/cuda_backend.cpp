// The CUDA module: a GPU as a device; NCCL between GPUs, slots where ranks share one. A shared library of its own, loaded when a
// driver is there, so that the engine starts without CUDA's libraries.
//
// Work runs on this thread's current stream. Marks are events; they are read when they have long been passed.

#include "engine/device/backend.h"

#include "base/error.h"
#include "base/foreign_error.h"
#include "engine/transport/cuda_slots.h"
#include "engine/transport/ipc_transport.h"

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/cuda/CUDAContext.h>
#include <ATen/cuda/CUDAEvent.h>
#include <ATen/ops/empty.h>
#include <c10/cuda/CUDACachingAllocator.h>
#include <c10/cuda/CUDAFunctions.h>
#include <c10/cuda/CUDAStream.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <set>

namespace pipebd::engine {

std::shared_ptr<Meeting> meet_gpus(const Rendezvous& rendezvous);

namespace {

using Event = at::cuda::CUDAEvent;

/// What CUDA, cuBLAS and NCCL read when they start.
void prepare_environment()
{
    // Results are to be the same from run to run: nothing may choose its algorithm by a race or a benchmark.
    setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:8", 0);
    setenv("NCCL_ALGO", "^NVLS", 0);
    // Streams that share one of the device's queues wait for each other: work behind a receive would wait for what is received.
    setenv("CUDA_DEVICE_MAX_CONNECTIONS", "32", 0);
}

/// NCCL where each rank has a GPU of its own; where two share one it refuses, and all ranks use slots.
std::unique_ptr<Transport> connect_gpus(const Rendezvous& rendezvous, int index, const Topology& topology)
{
    const std::shared_ptr<Meeting> meeting = meet_gpus(rendezvous);
    std::string machine;
    std::ifstream("/proc/sys/kernel/random/boot_id") >> machine;
    std::set<std::string> machines;
    std::set<std::string> gpus;
    for (const std::string& said : meeting->gather(machine + " " + gpu_identity(index))) {
        gpus.insert(said);
        machines.insert(said.substr(0, said.find(' ')));
    }
    if (gpus.size() == static_cast<std::size_t>(meeting->size()))
        return meeting->connect(topology);
    if (machines.size() > 1)
        throw Error(Code::BadRequest, "ranks cannot share a GPU in a run on several machines", "cuda:" + std::to_string(index),
            "give each rank its own GPU");
    return connect_slots(meeting, make_cuda_slots(index), topology);
}

/// Pinned numbers for scalars on their way to the host: made once, used again.
class PinnedScalars : public std::enable_shared_from_this<PinnedScalars> {
public:
    struct Scalar {
        at::Tensor host = at::empty({}, at::TensorOptions().dtype(at::kDouble).pinned_memory(true));
        Event event;
    };

    /// Goes back when it is dropped.
    std::shared_ptr<Scalar> take()
    {
        std::unique_ptr<Scalar> scalar;
        if (free_.empty()) {
            scalar = std::make_unique<Scalar>();
        } else {
            scalar = std::move(free_.back());
            free_.pop_back();
        }
        return {scalar.release(), [pool = shared_from_this()](Scalar* used) { pool->free_.emplace_back(used); }};
    }

private:
    std::vector<std::unique_ptr<Scalar>> free_;
};

class CudaBackend final : public Backend {
public:
    explicit CudaBackend(int index)
        : index_(static_cast<c10::DeviceIndex>(index))
        , name_(at::cuda::getDeviceProperties(index_)->name)
        , memory_(static_cast<std::int64_t>(at::cuda::getDeviceProperties(index_)->totalGlobalMem))
    {
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
        std::shared_ptr<PinnedScalars::Scalar> read = scalars_->take();
        read->host.copy_(scalar.detach().to(at::kDouble), /*non_blocking=*/true);
        read->event.record(c10::cuda::getCurrentCUDAStream(index_));
        return [read] {
            read->event.synchronize();
            return *read->host.const_data_ptr<double>();
        };
    }

    std::unique_ptr<Transport> connect(const Rendezvous& rendezvous, const Topology& topology) override
    {
        return rendezvous.size == 1 ? no_transport() : connect_gpus(rendezvous, index_, topology);
    }

private:
    c10::DeviceIndex index_;
    std::string name_;
    std::int64_t memory_;
    Mark zero_;
    std::shared_ptr<PinnedScalars> scalars_ = std::make_shared<PinnedScalars>();
};

} // namespace

} // namespace pipebd::engine

extern "C" {

/// GPUs that CUDA sees.
__attribute__((visibility("default"))) int pipebd_cuda_count()
{
    pipebd::engine::prepare_environment();
    return static_cast<int>(c10::cuda::device_count());
}

/// The backend of one GPU; the caller owns it. Throws pipebd::Error.
__attribute__((visibility("default"))) pipebd::engine::Backend* pipebd_cuda_backend(int index)
{
    pipebd::engine::prepare_environment();
    try {
        return new pipebd::engine::CudaBackend(index);
    } catch (const c10::Error& error) {
        throw pipebd::Error(pipebd::Code::System,
            "the GPU cannot be used (" + pipebd::foreign_reason(error.what_without_backtrace()) + ")",
            "cuda:" + std::to_string(index), "see `pipebd doctor`");
    }
}
}
