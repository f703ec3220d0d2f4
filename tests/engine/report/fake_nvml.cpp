// A stand-in for libnvidia-ml.so.1 that knows one GPU, 0000:41:00.0. FAKE_NVML=broken: it does not start.
#include <cstdlib>
#include <cstring>

extern "C" {

int nvmlInit_v2();
int nvmlShutdown();
int nvmlDeviceGetHandleByPciBusId_v2(const char* id, void** device);
int nvmlDeviceGetMemoryInfo(void* device, unsigned long long* total_free_used);
int nvmlDeviceGetUtilizationRates(void* device, unsigned int* gpu_memory);
int nvmlDeviceGetPowerUsage(void* device, unsigned int* milliwatts);

static int the_device;
static int starts = 0;

int nvmlInit_v2()
{
    const char* told = std::getenv("FAKE_NVML");
    if (told != nullptr && std::strcmp(told, "broken") == 0)
        return 9;
    ++starts;
    return 0;
}

int nvmlShutdown()
{
    --starts;
    return 0;
}

int nvmlDeviceGetHandleByPciBusId_v2(const char* id, void** device)
{
    if (starts != 1 || std::strcmp(id, "0000:41:00.0") != 0)
        return 6;
    *device = &the_device;
    return 0;
}

int nvmlDeviceGetMemoryInfo(void* device, unsigned long long* total_free_used)
{
    total_free_used[0] = 100ULL << 30;
    total_free_used[1] = 60ULL << 30;
    total_free_used[2] = 40ULL << 30;
    return device == &the_device ? 0 : 2;
}

int nvmlDeviceGetUtilizationRates(void* device, unsigned int* gpu_memory)
{
    gpu_memory[0] = 87;
    gpu_memory[1] = 11;
    return device == &the_device ? 0 : 2;
}

int nvmlDeviceGetPowerUsage(void*, unsigned int*)
{
    return 3; // not supported, as on some GPUs
}
}
