#include "engine/report/telemetry.h"

#include "base/text.h"

#include <dlfcn.h>

namespace pipebd::engine {

namespace {

// As nvml.h declares them, which has not changed since its version 2 functions.
using Device = void*;
constexpr int success = 0;

struct MemoryInfo {
    unsigned long long total;
    unsigned long long free;
    unsigned long long used;
};

struct Utilization {
    unsigned int gpu; // percent
    unsigned int memory;
};

} // namespace

struct Telemetry::Library {
    void* handle = nullptr;
    int (*init)() = nullptr;
    int (*shutdown)() = nullptr;
    int (*device_by_bus_id)(const char* id, Device* device) = nullptr;
    int (*memory)(Device device, MemoryInfo* memory) = nullptr;
    int (*utilisation)(Device device, Utilization* utilisation) = nullptr;
    int (*power)(Device device, unsigned int* milliwatts) = nullptr;
    bool initialised = false;

    template <typename Function>
    bool find(const char* name, Function& function) const
    {
        function = reinterpret_cast<Function>(dlsym(handle, name));
        return function != nullptr;
    }

    /// Why it cannot be used; empty if it can.
    std::string open(const std::string& name)
    {
        handle = dlopen(name.c_str(), RTLD_LAZY | RTLD_LOCAL);
        if (handle == nullptr)
            return printable(dlerror(), 200);
        if (!find("nvmlInit_v2", init) || !find("nvmlShutdown", shutdown)
            || !find("nvmlDeviceGetHandleByPciBusId_v2", device_by_bus_id) || !find("nvmlDeviceGetMemoryInfo", memory)
            || !find("nvmlDeviceGetUtilizationRates", utilisation) || !find("nvmlDeviceGetPowerUsage", power))
            return name + " has a different version";
        const int status = init();
        initialised = status == success;
        return initialised ? "" : "NVML does not start, error " + std::to_string(status);
    }

    ~Library()
    {
        if (initialised)
            shutdown();
        if (handle != nullptr)
            dlclose(handle);
    }
};

Telemetry::Telemetry(const std::string& library)
    : library_(std::make_unique<Library>())
    , why_not_(library_->open(library))
{
}

Telemetry::~Telemetry() = default;

std::string Telemetry::text() const
{
    return available() ? "available" : "no GPU telemetry (" + why_not_ + ")";
}

Telemetry::Reading Telemetry::read(const std::string& pci_bus_id)
{
    Reading reading;
    if (!available())
        return reading;
    const auto [entry, is_new] = devices_.try_emplace(pci_bus_id, nullptr);
    if (is_new && library_->device_by_bus_id(pci_bus_id.c_str(), &entry->second) != success)
        entry->second = nullptr;
    Device device = entry->second;
    if (device == nullptr)
        return reading;
    if (MemoryInfo memory{}; library_->memory(device, &memory) == success)
        reading.bytes = static_cast<std::int64_t>(memory.used);
    if (Utilization utilisation{}; library_->utilisation(device, &utilisation) == success)
        reading.utilisation = utilisation.gpu / 100.0;
    if (unsigned int milliwatts = 0; library_->power(device, &milliwatts) == success)
        reading.watts = milliwatts / 1000.0;
    return reading;
}

} // namespace pipebd::engine
