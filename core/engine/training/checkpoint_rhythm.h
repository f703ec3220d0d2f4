// CheckpointRhythm: after which rounds a run saves what it has come to.
//
// Every rank has one. All of them say the same: where an interval in minutes is not known in steps beforehand, the ranks come
// together after a few early rounds (the second, third, fifth, ninth and so on), until so much time has passed that the figure of
// one of them says how long a round takes. None of this is done once it is known.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

namespace pipebd::engine {

class CheckpointRhythm {
public:
    using Time = std::chrono::steady_clock::time_point;

    /// After every so many rounds; 0: never.
    static CheckpointRhythm every(std::int64_t rounds) { return {rounds, 0, 0}; }

    /// About every so many minutes (more than 0), for a run that begins after round `first`.
    static CheckpointRhythm about_every(double minutes, std::int64_t first) { return {0, minutes, first}; }

    /// At the end of each round, in order: milliseconds a round, as measured here, if all ranks are to come together after this one
    /// and agree() on it.
    std::optional<double> measured(std::int64_t round, Time now);

    /// What one rank has measured after `round`, the same on every rank.
    void agree(std::int64_t round, double milliseconds);

    bool is_due(std::int64_t round) const { return rounds_ > 0 && round % rounds_ == 0; }

    /// Rounds between two checkpoints; 0: never, or not known yet.
    std::int64_t rounds() const { return rounds_; }

private:
    CheckpointRhythm(std::int64_t rounds, double minutes, std::int64_t first)
        : rounds_(rounds)
        , minutes_(minutes)
        , begin_(first + 1)
    {
    }

    std::int64_t rounds_;
    double minutes_; // 0: nothing is to be measured any more
    std::int64_t begin_; // the round from whose end on time is taken: the first one prepares what later ones use
    Time began_;
    std::int64_t measuring_ = 1; // rounds from there to where all ranks come together next
};

} // namespace pipebd::engine
