// The rings of slots between ranks that share a GPU: planned alike by every rank, then made and opened.
#pragma once

#include "engine/transport/ipc_transport.h"
#include "engine/transport/shared_words.h"
#include "engine/transport/slot_ring.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <sys/types.h>
#include <vector>

namespace pipebd::engine {

using Ranks = std::vector<int>;

/// A ring as all ranks know it. The readers of an edge do not include its writer, those of a group do.
struct RingPlan {
    int writer = 0;
    Ranks readers;
    int slots = 0;
    std::int64_t slot_bytes = 0;
};

/// All rings of a job, numbered alike on every rank.
struct RingsPlan {
    std::vector<RingPlan> rings;
    std::map<Edge, std::size_t> edges;
    std::map<Ranks, std::size_t> gradients; // the first of a ring for each rank of the group
    std::map<Ranks, std::size_t> statistics;
    std::size_t world = 0;

    RingsPlan(const Topology& topology, int ranks, const SlotSettings& settings);

private:
    std::size_t add(const Ranks& group, int slots, std::int64_t slot_bytes);
};

/// A ring as one rank uses it.
struct OpenRing {
    SlotRing turns;
    int writer;
    std::int64_t slot_bytes;
    Ranks readers;
    std::size_t self = 0; // among `readers`, if this rank is one
    SlotDevice::Memory memory;
    std::vector<SlotDevice::Event> full; // by slot
    // By reader and slot. What this rank itself reads of its own ring is in order on its stream: no event.
    std::vector<std::vector<SlotDevice::Event>> free;

    std::int64_t offset(int slot) const { return slot * slot_bytes; }
};

/// A process, to ask whether it lives.
class Peer {
public:
    explicit Peer(pid_t process);
    Peer(Peer&& other) noexcept;
    Peer(const Peer&) = delete;
    ~Peer();

    bool has_ended() const;

private:
    int descriptor_;
};

struct OpenRings {
    std::map<std::size_t, OpenRing> rings; // those that this rank writes or reads, by number
    std::vector<Peer> peers; // by rank
};

/// Makes what this rank owns of the rings, tells the others, and opens what they own. Collective: it returns once all have opened
/// what they need. The counters of the rings are the first of `shared`; `process`: whose end the others are to notice. `device`
/// outlives what comes back.
OpenRings open_rings(const RingsPlan& plan, const SharedWords& shared, SlotDevice& device, Meeting& meeting, pid_t process);

} // namespace pipebd::engine
