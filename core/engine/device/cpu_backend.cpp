// The CPU as a device: a rank with a fixed number of threads.

#include "engine/device/backend.h"

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/core/Tensor.h>
#include <c10/core/Allocator.h>
#include <c10/core/CPUAllocator.h>
#include <c10/core/impl/alloc_cpu.h>

#include <atomic>
#include <cstdlib>
#include <fstream>
#include <malloc.h>
#include <new>
#include <string>
#include <unistd.h>

namespace pipebd::engine {

std::unique_ptr<Backend> make_cpu_backend(const experiment::Device& device);

namespace {

/// LibTorch's CPU allocator with its bytes counted.
class CountingAllocator final : public c10::Allocator {
public:
    c10::DataPtr allocate(std::size_t bytes) override
    {
        void* data = nullptr;
        try {
            data = c10::alloc_cpu(bytes);
        } catch (const c10::Error&) {
            throw std::bad_alloc();
        }
        if (data != nullptr) {
            std::int64_t now = bytes_.fetch_add(size_of(data), std::memory_order_relaxed) + size_of(data);
            std::int64_t peak = peak_.load(std::memory_order_relaxed);
            while (now > peak && !peak_.compare_exchange_weak(peak, now, std::memory_order_relaxed)) { }
        }
        return {data, data, &release, c10::Device(c10::DeviceType::CPU)};
    }

    c10::DeleterFnPtr raw_deleter() const override { return &release; }
    void copy_data(void* to, const void* from, std::size_t count) const override { default_copy_data(to, from, count); }

    MemoryUse use() const { return {bytes_.load(std::memory_order_relaxed), peak_.load(std::memory_order_relaxed)}; }
    void reset_peak() { peak_.store(bytes_.load(std::memory_order_relaxed), std::memory_order_relaxed); }

    static CountingAllocator& instance()
    {
        static auto* allocator = new CountingAllocator; // outlives every tensor
        return *allocator;
    }

private:
    static std::int64_t size_of(void* data) { return static_cast<std::int64_t>(malloc_usable_size(data)); }

    static void release(void* data)
    {
        if (data == nullptr)
            return;
        instance().bytes_.fetch_sub(size_of(data), std::memory_order_relaxed);
        c10::free_cpu(data);
    }

    std::atomic<std::int64_t> bytes_ = 0;
    std::atomic<std::int64_t> peak_ = 0;
};

std::string processor_name()
{
    std::ifstream file("/proc/cpuinfo");
    for (std::string line; std::getline(file, line);) {
        if (line.starts_with("model name"))
            return line.substr(line.find(':') + 2);
    }
    return "CPU";
}

/// What programs can still get without swapping.
std::int64_t available_memory()
{
    std::ifstream file("/proc/meminfo");
    for (std::string line; std::getline(file, line);) {
        if (line.starts_with("MemAvailable:"))
            return std::stoll(line.substr(line.find(':') + 1)) * 1024;
    }
    return -1;
}

class CpuBackend final : public Backend {
public:
    explicit CpuBackend(const experiment::Device& device)
        : spec_(device)
    {

        at::set_num_threads(device.threads);
        if (at::get_num_interop_threads() != 1)
            at::set_num_interop_threads(1); // allowed once a process
        at::globalContext().setDeterministicAlgorithms(true, false);
        at::globalContext().setDeterministicFillUninitializedMemory(false);
        c10::SetCPUAllocator(&CountingAllocator::instance(), 1);
    }

    at::Device device() const override { return at::kCPU; }
    std::string name() const override
    {
        return processor_name() + (spec_.threads > 1 ? ", " + std::to_string(spec_.threads) + " threads" : "");
    }
    std::int64_t memory_bytes() const override
    {
        return static_cast<std::int64_t>(sysconf(_SC_PHYS_PAGES)) * static_cast<std::int64_t>(sysconf(_SC_PAGESIZE));
    }
    std::int64_t free_bytes() const override { return available_memory(); }
    void synchronize() override { }
    Mark mark() override { return {run_milliseconds(), nullptr}; }
    double time(const Mark& mark) override { return mark.host; }
    MemoryUse memory() override { return CountingAllocator::instance().use(); }
    void reset_peak() override { CountingAllocator::instance().reset_peak(); }
    std::function<double()> read_later(const at::Tensor& scalar) override
    {
        return [value = scalar.item<double>()] { return value; };
    }
    std::unique_ptr<Transport> connect(const Rendezvous& rendezvous, const Topology& topology) override
    {
        return rendezvous.size == 1 ? no_transport() : connect_gloo(rendezvous, topology);
    }

private:
    experiment::Device spec_;
};

} // namespace

std::unique_ptr<Backend> make_cpu_backend(const experiment::Device& device)
{
    return std::make_unique<CpuBackend>(device);
}

} // namespace pipebd::engine
