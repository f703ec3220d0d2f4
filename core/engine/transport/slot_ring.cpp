#include "engine/transport/slot_ring.h"

namespace pipebd::engine {

SlotRing::SlotRing(std::span<std::atomic<std::uint64_t>> words, int slots)
    : words_(words)
    , slots_(static_cast<std::uint64_t>(slots))
{
}

std::optional<int> SlotRing::slot_to_write() const
{
    const std::uint64_t written = writer().load(std::memory_order_relaxed);
    for (const std::atomic<std::uint64_t>& read : words_.subspan(1)) {
        if (written - read.load(std::memory_order_acquire) >= slots_)
            return std::nullopt;
    }
    return static_cast<int>(written % slots_);
}

bool SlotRing::is_used_again() const
{
    return writer().load(std::memory_order_relaxed) >= slots_;
}

void SlotRing::written()
{
    writer().fetch_add(1, std::memory_order_release);
}

std::optional<int> SlotRing::slot_to_read(std::size_t reader) const
{
    const std::uint64_t read = words_[1 + reader].load(std::memory_order_relaxed);
    if (writer().load(std::memory_order_acquire) == read)
        return std::nullopt;
    return static_cast<int>(read % slots_);
}

void SlotRing::read(std::size_t reader)
{
    words_[1 + reader].fetch_add(1, std::memory_order_release);
}

} // namespace pipebd::engine
