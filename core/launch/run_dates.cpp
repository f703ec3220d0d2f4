#include "launch/run_dates.h"

#include "store/run_record.h"

#include <ctime>
#include <utility>

namespace pipebd::launch {

std::chrono::nanoseconds time_since_boot()
{
    timespec now{};
    ::clock_gettime(CLOCK_BOOTTIME, &now);
    return std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
}

RunDates::RunDates(std::function<std::chrono::nanoseconds()> passing, std::chrono::system_clock::time_point begin)
    : passing_(std::move(passing))
    , begin_(begin)
    , passed_(passing_())
{
}

std::string RunDates::now() const
{
    return store::utc_text(begin_ + std::chrono::duration_cast<std::chrono::system_clock::duration>(passing_() - passed_));
}

} // namespace pipebd::launch
