// Loaded before a program (LD_PRELOAD): a second after its start the time of day jumps by CLOCK_JUMP seconds.
#include <cstdlib>
#include <ctime>

#include <sys/syscall.h>
#include <unistd.h>

namespace {

constexpr long jumps_after = 1'000'000'000; // ns

timespec read_clock(clockid_t clock)
{
    timespec time = {};
    ::syscall(SYS_clock_gettime, clock, &time); // past the function below
    return time;
}

const timespec begin = read_clock(CLOCK_MONOTONIC);

} // namespace

extern "C" int clock_gettime(clockid_t clock, timespec* time) noexcept
{
    *time = read_clock(clock);
    if (clock != CLOCK_REALTIME)
        return 0;
    const timespec now = read_clock(CLOCK_MONOTONIC);
    const char* jump = std::getenv("CLOCK_JUMP");
    if (jump != nullptr && (now.tv_sec - begin.tv_sec) * 1'000'000'000L + now.tv_nsec - begin.tv_nsec > jumps_after)
        time->tv_sec += std::atol(jump);
    return 0;
}
