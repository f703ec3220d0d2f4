// StopAgreement: at the end of which round each rank stops when a run is stopped gently, so that nothing it has done is lost and no
// rank waits for one that has stopped.
//
// A stop may come to one rank only; a notice on the board passes it on. A rank that knows of it announces, once and at any moment,
// the earliest round at whose end it can stop: the one it is in, or has just ended. It stops at the latest round that any of its
// members has announced: those that exchange anything with it, directly or through others. So
//   - every rank can still come to that round: who is in the middle of one has announced at least that one, and who has announced
//     an earlier one waits at its end until all have announced, then goes on;
//   - nobody waits for long: announcing needs no step to be finished, only the look() of a thread of its own, whatever its
//     interpreter or its device waits for;
//   - devices that exchange nothing stop each at the end of its own step.
// It holds for programs in which an exchange is in the same step at both ends, as those that train block by block are.
//
// Not thread-safe; copyable, so that a test can walk every order of events.
#pragma once

#include "engine/transport/board.h"
#include "schedule/program.h"

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

namespace pipebd::engine {

class StopAgreement {
public:
    enum class Answer { GoOn, Wait, Stop };

    /// Of `rank`, which is one of `members`, before the first round after `round`.
    StopAgreement(int rank, std::vector<int> members, std::int64_t round);

    /// The run is to stop.
    void ask() { asked_ = true; }
    bool is_asked() const { return asked_; }

    /// Whether the board says that the run is to stop.
    static bool is_asked_on(Board& board);

    /// Learns from the board that the run is to stop, says so there, announces, and reads what others have announced. Throws as the
    /// board does.
    void look(Board& board);

    /// The round at whose end this rank stops, once it is known.
    std::optional<std::int64_t> agreed() const { return agreed_; }

    /// At the end of `round`: into the next one, stop here, or ask again after the next look(). Rounds go up by one.
    Answer at_end_of(std::int64_t round);

private:
    int rank_;
    std::vector<int> members_;
    std::int64_t round_; // the earliest at whose end this rank can stop
    bool asked_ = false;
    bool announced_ = false;
    std::map<int, std::int64_t> heard_; // by member
    std::optional<std::int64_t> agreed_;
};

/// The ranks that `rank` exchanges anything with in any phase, directly or through others, with itself; ascending.
std::vector<int> members_of(const schedule::Program& program, int rank);

} // namespace pipebd::engine
