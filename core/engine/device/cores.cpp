#include "engine/device/cores.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <thread>

#include <sched.h>

namespace pipebd::engine {

int usable_cores()
{
    cpu_set_t allowed;
    CPU_ZERO(&allowed);
    int cores = sched_getaffinity(0, sizeof allowed, &allowed) == 0 ? CPU_COUNT(&allowed)
                                                                    : static_cast<int>(std::thread::hardware_concurrency());
    std::ifstream quota_file("/sys/fs/cgroup/cpu.max");
    double quota = 0;
    double period = 0;
    if (quota_file >> quota >> period && period > 0)
        cores = std::min(cores, static_cast<int>(std::ceil(quota / period)));
    return std::max(1, cores);
}

int reading_threads(const experiment::RunSpec& spec)
{
    constexpr int most = 16;
    if (spec.experiment.data.workers)
        return static_cast<int>(*spec.experiment.data.workers);
    if (spec.devices.empty() || spec.devices.front().kind == experiment::Device::Kind::Cpu)
        return 0;
    return std::clamp(usable_cores() / static_cast<int>(spec.devices.size()) - 2, 0, most);
}

} // namespace pipebd::engine
