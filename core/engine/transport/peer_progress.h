// PeerProgress: what a rank knows of the others' progress where no supervisor follows them all, as under torchrun.
//
// Every rank says now and then how often it has reported anything, and how often work. Who waits for the others gives up if one of
// them reports nothing any more, or if all of them only wait: never because of how long it has waited. One thread.
#pragma once

#include "base/error.h"
#include "base/fair_clock.h"

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace pipebd::engine {

/// What a rank says of itself.
struct ProgressReport {
    std::int64_t beats = 0; // reports so far
    std::int64_t work = 0; // those of them that were of work, not of waiting
    bool left = false; // its work is done: it reports nothing any more

    std::string text() const;
    /// Throws Error{Protocol}.
    static ProgressReport from_text(const std::string& text);
    bool operator==(const ProgressReport&) const = default;
};

class PeerProgress {
public:
    struct Limits {
        std::chrono::milliseconds silence{10'000}; // without any report of a rank
        std::chrono::milliseconds stall{60'000}; // in which no rank reports work
    };

    /// Of `size` ranks, of which `self` asks.
    PeerProgress(
        int self, int size, const Limits& limits, std::function<FairClock::Clock::time_point()> now = &FairClock::Clock::now);

    void heard(int rank, const ProgressReport& report);

    /// Whether waiting has become senseless: an Error{TimedOut} that names the rank. To be asked several times a second while
    /// waiting; the time between two questions counts for `longest_pause` at most.
    std::optional<Error> verdict(const std::string& doing);

    static constexpr std::chrono::milliseconds longest_pause{1000};

private:
    struct Peer {
        ProgressReport report;
        FairClock::Clock::time_point reported;
    };

    std::size_t self_;
    Limits limits_;
    FairClock clock_;
    std::vector<Peer> peers_;
    FairClock::Clock::time_point worked_; // when any rank last had
};

} // namespace pipebd::engine
