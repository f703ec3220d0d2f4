#include "cli/turns.h"

#include "base/units.h"

#include <algorithm>
#include <cstdint>

namespace pipebd::cli {

Turns::Turns(const Context& context, const std::string& command, std::size_t count)
    : count_(static_cast<double>(count))
    , line_(context.progress)
    , scratch_(context, command)
{
}

store::RunRecord Turns::take(
    const launch::TrainingRequest& request, const schedule::PlannedStrategy& planned, const std::string& doing)
{
    const auto show = [&](const launch::Progress& progress) {
        const double steps = static_cast<double>(std::max<std::int64_t>(progress.steps, 1));
        const double share = (taken_ + static_cast<double>(progress.steps_done) / steps) / count_;
        line_.show(share, doing + time_left(share));
    };
    store::RunRecord run = scratch_.train(request, planned, show);
    ++taken_;
    return run;
}

std::string Turns::time_left(double share) const
{
    if (taken_ < 1)
        return {};
    const double passed = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begun_).count();
    return ", " + format_milliseconds(passed / share * (1 - share)) + " left";
}

} // namespace pipebd::cli
