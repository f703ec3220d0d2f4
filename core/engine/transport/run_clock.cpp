#include "engine/transport/run_clock.h"

#include <cstdint>
#include <cstdlib>
#include <ctime>
#include <string>

namespace pipebd::engine {

namespace {

std::int64_t monotonic_nanoseconds()
{
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

std::int64_t clock_zero()
{
    const char* zero = std::getenv("PIPEBD_CLOCK_ZERO");
    if (zero != nullptr)
        return std::strtoll(zero, nullptr, 10);
    const std::int64_t now = monotonic_nanoseconds();
    setenv("PIPEBD_CLOCK_ZERO", std::to_string(now).c_str(), 0); // the CUDA module's clock starts at the same time
    return now;
}

} // namespace

double run_milliseconds()
{
    static const std::int64_t zero = clock_zero();
    return static_cast<double>(monotonic_nanoseconds() - zero) * 1e-6;
}

} // namespace pipebd::engine
