#include "engine/training/checkpoint_rhythm.h"

#include <algorithm>
#include <cmath>

namespace pipebd::engine {

namespace {

constexpr double enough_milliseconds = 5'000; // for a figure that lasts
constexpr double most_rounds = 1e12;

} // namespace

std::optional<double> CheckpointRhythm::measured(std::int64_t round, Time now)
{
    if (minutes_ <= 0)
        return std::nullopt;
    if (round == begin_)
        began_ = now;
    if (round != begin_ + measuring_)
        return std::nullopt;
    return std::chrono::duration<double, std::milli>(now - began_).count() / static_cast<double>(measuring_);
}

void CheckpointRhythm::agree(std::int64_t round, double milliseconds)
{
    const double interval = minutes_ * 60'000;
    const auto measured = static_cast<double>(round - begin_);
    if (milliseconds * measured < std::min(enough_milliseconds, interval)) {
        measuring_ *= 2;
        return;
    }
    rounds_ = std::max<std::int64_t>(1, std::llround(std::min(interval / milliseconds, most_rounds)));
    minutes_ = 0;
}

} // namespace pipebd::engine
