// SlotRing: whose turn it is with each slot of a ring that one rank writes and others read.
//
// Pieces go through the slots in turn, and every reader reads every piece. The counters are the words that writer and readers
// share; what they say is that work with a slot has been put in order on a device, not that it is done.
// One writer; each reader has a number. Neither blocks.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace pipebd::engine {

class SlotRing {
public:
    static constexpr std::size_t words_for(std::size_t readers) { return 1 + readers; }

    /// `words` are words_for(readers) of them, zero when the ring is new.
    SlotRing(std::span<std::atomic<std::uint64_t>> words, int slots);

    /// Where the writer's next piece goes; none while a reader has not let go of what was there.
    std::optional<int> slot_to_write() const;
    /// Whether readers have read that slot before, so that they must be waited for on the device.
    bool is_used_again() const;
    void written();

    /// Where the next piece of `reader` is; none while it has not been written.
    std::optional<int> slot_to_read(std::size_t reader) const;
    void read(std::size_t reader);

private:
    std::atomic<std::uint64_t>& writer() const { return words_[0]; }

    std::span<std::atomic<std::uint64_t>> words_; // pieces written; pieces read, by reader
    std::uint64_t slots_;
};

} // namespace pipebd::engine
