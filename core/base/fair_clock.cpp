#include "base/fair_clock.h"

#include <utility>

namespace pipebd {

FairClock::FairClock(std::function<Clock::time_point()> now)
    : now_(std::move(now))
    , turned_(now_())
{
}

void FairClock::turned(std::chrono::milliseconds turn)
{
    const Clock::time_point now = now_();
    const Clock::duration late = now - turned_ - turn;
    if (late > unnoticed)
        late_ += late;
    turned_ = now;
}

} // namespace pipebd
