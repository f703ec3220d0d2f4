// The transport between ranks of one machine of which some share a GPU: rings of slots in device memory that ranks open of one
// another (docs/adr/0008-slots-between-ranks-that-share-a-gpu.md).
//
// A transfer is cut into pieces of a slot's size. The host of the writer puts "copy into the slot, event" in order on a stream of
// its device and then counts the piece as written; from then on the reader's host may put "wait for the event, copy out, event" on
// its own. So hosts wait for each other only until work is posted, devices for each other by events. Nothing runs in a thread of
// its own: whenever the interpreter posts or waits here, all that can go on goes on.
// An all-reduce sends every rank's tensor to all and sums in the order of ranks: the same bits on each.
#pragma once

#include "engine/transport/slot_device.h"
#include "engine/transport/transport.h"

#include <memory>
#include <sys/types.h>
#include <unistd.h>

namespace pipebd::engine {

struct SlotSettings {
    int slots = 4; // of an edge
    int group_slots = 2; // of each ring of a group: there are many, and drivers open about a thousand events between processes
    std::int64_t slot_bytes = 8 << 20; // of edges and gradients
    std::int64_t small_slot_bytes = 64 << 10; // of batch statistics and barriers
    pid_t process = getpid(); // whose end the others are to notice
};

/// Collective: every rank calls it with the same topology and settings. Throws Error{OutOfMemory}, or {System} if the device or
/// the machine does not let ranks share memory.
///
/// The destructor is collective as well: it returns when nobody needs this rank's memory any more.
std::unique_ptr<Transport> connect_slots(std::shared_ptr<Meeting> meeting, std::unique_ptr<SlotDevice> device,
    const Topology& topology, const SlotSettings& settings = {});

} // namespace pipebd::engine
