#include "engine/device/backend.h"

#include "base/error.h"

#include <dlfcn.h>
#include <unistd.h>

namespace pipebd::engine {

std::unique_ptr<Backend> make_cpu_backend(const experiment::Device& device);

namespace {

bool driver_is_there()
{
    // Opened, not linked: the engine must start where there is no driver.
    void* driver = dlopen("libcuda.so.1", RTLD_LAZY | RTLD_LOCAL);
    return driver != nullptr;
}

/// The module's functions; null where it is not built or its libraries are not there. `reason` says which.
struct CudaModule {
    int (*count)() = nullptr;
    Backend* (*make)(int index) = nullptr;
    std::string reason;
};

const CudaModule& cuda_module()
{
    static const CudaModule module = [] {
        CudaModule result;
        if (!driver_is_there()) {
            result.reason = "no NVIDIA driver";
            return result;
        }
        std::string path = "libpipebd-cuda.so";
        char self[4096];
        ssize_t length = readlink("/proc/self/exe", self, sizeof self);
        if (length > 0) {
            std::string program(self, static_cast<std::size_t>(length));
            path = program.substr(0, program.rfind('/') + 1) + path;
        }
        void* handle = dlopen(path.c_str(), RTLD_NOW | RTLD_GLOBAL);
        if (handle == nullptr) {
            result.reason = dlerror();
            return result;
        }
        result.count = reinterpret_cast<int (*)()>(dlsym(handle, "pipebd_cuda_count"));
        result.make = reinterpret_cast<Backend* (*)(int)>(dlsym(handle, "pipebd_cuda_backend"));
        if (result.count == nullptr || result.make == nullptr)
            result.reason = path + " has a different version";
        return result;
    }();
    return module;
}

} // namespace

int gpu_count()
{
    const CudaModule& module = cuda_module();
    return module.reason.empty() ? module.count() : 0;
}

std::unique_ptr<Backend> make_backend(const experiment::Device& device)
{
    if (device.kind == experiment::Device::Kind::Cpu)
        return make_cpu_backend(device);
    const CudaModule& module = cuda_module();
    if (!module.reason.empty())
        throw Error(Code::NotFound, "this device cannot be used (" + module.reason + ")", experiment::to_string(device),
            "use cpu devices, or see `pipebd doctor`");
    if (int count = module.count(); device.index >= count)
        throw Error(Code::NotFound, "the device does not exist", experiment::to_string(device),
            "there are " + std::to_string(count) + " GPUs; see `pipebd doctor`");
    return std::unique_ptr<Backend>(module.make(device.index));
}

} // namespace pipebd::engine
