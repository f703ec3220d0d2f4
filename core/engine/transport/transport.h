// Transport: how ranks exchange tensors. Behind it c10d, Gloo between CPU ranks and NCCL between GPUs, or, where ranks share a GPU,
// memory that they open of one another (ipc_transport.h).
//
// Everything is asynchronous: send, receive and all_reduce post and return; Pending::wait() makes what they bring usable. Used by
// one thread, the interpreter's. Errors are Error{RankDied} naming the peer, or what while_waiting()'s callback throws: no fixed
// time decides that a peer is dead (docs/limits.md). Where a supervisor follows all ranks it decides; elsewhere a rank that waits
// gives up, with Error{TimedOut}, once another's reports no longer show that it lives, or nobody's that it works (peer_progress.h).
#pragma once

#include "engine/transport/board.h"
#include "engine/transport/group.h"
#include "engine/transport/peer_progress.h"
#include "engine/transport/sliced_wait.h"
#include "schedule/program.h"

#include <ATen/core/Tensor.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace pipebd::engine {

/// Where the ranks meet: the variables that torchrun sets, and a listening socket where our own launcher hands one over.
struct Rendezvous {
    int rank = 0;
    int local_rank = 0;
    int size = 1;
    std::string address = "127.0.0.1";
    std::uint16_t port = 0;
    std::optional<int> listen_descriptor; // rank 0: serve the store on this socket instead of binding one
    bool serve = true; // rank 0 serves the store; false where an agent already does
    bool one_machine = true; // all ranks are on this one, and talk over its loopback interface
    std::string attempt; // of torchrun, which starts all ranks anew after a failure and may keep its store
    bool supervised = false; // whoever started the ranks follows all of them, and decides how long they may wait
    std::chrono::milliseconds join_limit{180'000}; // not supervised: until all ranks have met
    PeerProgress::Limits limits; // not supervised
    Waiting waiting; // while the ranks meet and connect, as Transport::while_waiting

    /// From RANK, LOCAL_RANK, WORLD_SIZE, LOCAL_WORLD_SIZE, MASTER_ADDR, MASTER_PORT, PIPEBD_LISTEN_FD,
    /// TORCHELASTIC_USE_AGENT_STORE, TORCHELASTIC_RESTART_COUNT, PIPEBD_SUPERVISED. Throws Error{BadRequest} naming the variable
    /// that is missing, no number, or contradicts another.
    static Rendezvous from_environment();
};

/// The address of this machine that the machine of rank 0 is reached from, as a number: where ranks on several machines talk.
/// Throws Error{BadRequest} if there is no way to it, or if it is taken for this machine's loopback interface.
std::string address_towards_master(const Rendezvous& rendezvous);

using schedule::Edge;

/// Everything that will be used, the same on every rank and in the same order: connections are made at start, once.
struct Topology {
    std::vector<Edge> edges;
    std::vector<std::vector<int>> groups; // of ranks, ascending, two or more each
};

/// The edges and groups that a program uses.
Topology topology_of(const schedule::Program& program);

class Pending {
public:
    virtual ~Pending() = default;

    /// Returns once later work on this rank's device may use the tensor (receive, all_reduce) or change it (send).
    virtual void wait() = 0;

    /// Once waited for: when this rank was ready for it (it had been posted, and those before it of the same edge or group were
    /// done), and when it was done; ms since the run's start, negative if that is not known.
    virtual double ready() const { return -1; }
    virtual double finished() const { return -1; }
};

class Transport {
public:
    virtual ~Transport() = default;

    virtual int rank() const = 0;
    virtual int size() const = 0;

    /// `tensor` is dense; its memory order is what travels, so both ends use the same strides. Kept alive until it is sent.
    virtual std::unique_ptr<Pending> send(const at::Tensor& tensor, const Edge& edge) = 0;
    virtual std::unique_ptr<Pending> receive(const at::Tensor& into, const Edge& edge) = 0;

    /// Sums `tensor` (contiguous) over the ranks of `group`, in place.
    virtual std::unique_ptr<Pending> all_reduce(const at::Tensor& tensor, const std::vector<int>& group) = 0;

    /// For layers that must talk in the middle of a pass; null for a group of one.
    virtual Group* group(const std::vector<int>& ranks) = 0;

    /// Over all ranks: later work on this rank's device comes after all earlier work on every rank's.
    virtual void barrier() = 0;

    /// What every rank says, by rank; returns once all have said it. For what all must decide alike; slower than barrier().
    virtual std::vector<std::string> gather(const std::string& text) = 0;

    /// Where ranks leave notices for one another; may be used by any thread, as long as the transport is there.
    virtual Board& board() = 0;

    /// Called a few times a second while this rank waits, with what it waits for. What it throws ends the waiting.
    void while_waiting(Waiting callback) { waiting_ = std::move(callback); }

    /// This rank has reported progress: `worked`, or else that it only waits. For the others, where they decide by it. Any thread.
    virtual void reported([[maybe_unused]] bool worked) { }

protected:
    Waiting waiting_;
};

/// The elements of a dense tensor in memory order, as a contiguous tensor that shares them. Throws Error{Internal} if it is not
/// dense.
at::Tensor in_memory_order(const at::Tensor& tensor);

std::string to_string(const Edge& edge);

/// Ranks that have met: they can pass words, and may now be connected.
class Meeting {
public:
    virtual ~Meeting() = default;

    virtual int rank() const = 0;
    virtual int size() const = 0;

    /// As Transport::gather; `waiting` is called often while this rank waits. Without it this is part of meeting, and bounded as
    /// that.
    virtual std::vector<std::string> gather(const std::string& text, const Waiting& waiting = {}) = 0;

    /// As Transport::reported.
    virtual void reported([[maybe_unused]] bool worked) { }
    /// Between slices of waiting for `doing`. Throws Error{TimedOut} where this rank decides that it is senseless.
    virtual void look_at_others([[maybe_unused]] const std::string& doing) { }

    /// As Transport::board.
    virtual Board& board() = 0;

    /// Connects them by c10d. Collective, once: every rank calls it with the same topology.
    virtual std::unique_ptr<Transport> connect(const Topology& topology) = 0;
};

/// Meets the other ranks and connects to them. Collective: every rank calls it with the same topology.
std::unique_ptr<Transport> connect_gloo(const Rendezvous& rendezvous, const Topology& topology);

/// For a job of one rank: nothing to send, nobody to wait for.
std::unique_ptr<Transport> no_transport();

} // namespace pipebd::engine
