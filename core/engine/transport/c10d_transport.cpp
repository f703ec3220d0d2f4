// The transport over c10d; c10d is seen here and in store_meeting.cpp. Compiled twice: into the engine for Gloo, and with
// USE_C10D_NCCL into the CUDA module for NCCL.
//
// Gloo: one process group over all ranks carries every edge, told apart by tags; a thread an edge waits for what was posted,
// because a posted Gloo operation does not complete until somebody waits for it. NCCL: a communicator an edge and a group, each on
// a stream of its own; waiting only orders streams. Both make every connection at start, in one global order.

#include "engine/transport/transport.h"

#include "base/error.h"
#include "engine/transport/c10d_errors.h"
#include "engine/transport/errands.h"
#include "engine/transport/store_meeting.h"

#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#ifdef USE_C10D_NCCL
#include <ATen/ops/zeros.h>
#include <torch/csrc/distributed/c10d/ProcessGroupNCCL.hpp>
#else
#include <ATen/ops/empty.h>
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#endif

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <map>

namespace pipebd::engine {

namespace {

using Work = c10::intrusive_ptr<c10d::Work>;
using BackendPointer = c10::intrusive_ptr<c10d::Backend>;

#ifndef USE_C10D_NCCL
/// What ranks on several machines talk over: the interface that the user names for Gloo, as with PyTorch, else the one towards
/// rank 0.
auto gloo_device(const Rendezvous& rendezvous)
{
    using c10d::ProcessGroupGloo;
    if (rendezvous.one_machine)
        return ProcessGroupGloo::createDeviceForHostname("127.0.0.1");
    const char* interfaces = std::getenv("GLOO_SOCKET_IFNAME");
    if (interfaces != nullptr && *interfaces != '\0')
        return ProcessGroupGloo::createDeviceForInterface(std::string(interfaces, std::strcspn(interfaces, ",")));
    return ProcessGroupGloo::createDeviceForHostname(address_towards_master(rendezvous));
}
#endif

/// A process group of `size` ranks of which this is `rank`; `name` is the same on all of them and used once.
BackendPointer make_group(
    const StorePointer& store, const std::string& name, int rank, int size, [[maybe_unused]] const Rendezvous& rendezvous)
{
    auto prefixed = c10::make_intrusive<c10d::PrefixStore>("pipebd/" + name, store);
#ifdef USE_C10D_NCCL
    auto options = c10d::ProcessGroupNCCL::Options::create(true);
    options->timeout = unlimited;
    options->group_name = name;
    return c10::make_intrusive<c10d::ProcessGroupNCCL>(prefixed, rank, size, options);
#else
    auto options = c10d::ProcessGroupGloo::Options::create(unlimited);
    options->devices.push_back(gloo_device(rendezvous));
    options->threads = 1;
    return c10::make_intrusive<c10d::ProcessGroupGloo>(prefixed, rank, size, options);
#endif
}

class C10dTransport final : public Transport {
public:
    C10dTransport(std::shared_ptr<StoreMeeting> meeting, const Topology& topology)
        : meeting_(std::move(meeting))
        , rank_(meeting_->rank())
        , size_(meeting_->size())
        , store_(meeting_->store())
    {
        const Waiting joining = meeting_->joining();
        waiting_ = joining;
        as_ours("while the ranks were meeting at " + meeting_->rendezvous().address, [&] {
            meeting_->gather({}, joining); // who is missing is named
            world_ = connect_group("world", rank_, size_);
            warm_up(world_);
            int number = 0;
            for (const Edge& edge : topology.edges)
                add_edge(edge, number++, static_cast<int>(topology.edges.size()));
            number = 0;
            for (const std::vector<int>& ranks : topology.groups)
                add_group(ranks, number++);
            barrier();
        });
        waiting_ = {};
        connected_ = true;
    }

    int rank() const override { return rank_; }
    int size() const override { return size_; }

    std::unique_ptr<Pending> send(const at::Tensor& tensor, const Edge& edge) override
    {
        Channel& channel = channel_of(edge);
        return post("sending from " + to_string(edge), channel.errands.get(), tensor,
            [&](std::vector<at::Tensor>& tensors) { return channel.group->send(tensors, channel.peer, channel.next_tag()); });
    }

    std::unique_ptr<Pending> receive(const at::Tensor& into, const Edge& edge) override
    {
        Channel& channel = channel_of(edge);
        return post("receiving from " + to_string(edge), channel.errands.get(), into,
            [&](std::vector<at::Tensor>& tensors) { return channel.group->recv(tensors, channel.peer, channel.next_tag()); });
    }

    std::unique_ptr<Pending> all_reduce(const at::Tensor& tensor, const std::vector<int>& ranks) override
    {
        RankGroup& group = group_of(ranks);
        return post("all-reduce", group.errands.get(), tensor,
            [&](std::vector<at::Tensor>& tensors) { return group.gradients->allreduce(tensors); });
    }

    Group* group(const std::vector<int>& ranks) override { return ranks.size() < 2 ? nullptr : &group_of(ranks); }

    void barrier() override
    {
        const std::string doing = "barrier";
#ifdef USE_C10D_NCCL
        // c10d's own barrier would hold up the host.
        post(doing, nullptr, barrier_tensor_, [&](std::vector<at::Tensor>& tensors) { return world_->allreduce(tensors); })->wait();
#else
        post(doing, world_errands_.get(), at::Tensor(), [&](std::vector<at::Tensor>&) { return world_->barrier(); })->wait();
#endif
    }

    std::vector<std::string> gather(const std::string& text) override
    {
        return meeting_->gather(text, told_);
    }

    void reported(bool worked) override
    {
        meeting_->reported(worked);
    }

    Board& board() override
    {
        return meeting_->board();
    }

private:
    /// One end of an edge.
    struct Channel {
        BackendPointer group;
        int peer = 0; // the other end, as a rank of `group`
        int number = 0; // of the edge
        int stride = 1; // distance of successive tags
        int sequence = 0;
        std::unique_ptr<Errands> errands;

        int next_tag()
        {
            int tag = number + stride * sequence;
            sequence = (sequence + 1) % 4096;
            return tag;
        }
    };

    struct RankGroup final : Group {
        BackendPointer gradients; // asynchronous all-reduces
        BackendPointer statistics; // those in the middle of a pass: never queued behind the others
        int count = 0;
        std::unique_ptr<Errands> errands; // none where waiting only orders streams
        C10dTransport* transport = nullptr;

        int size() const override { return count; }
        void sum(at::Tensor& tensor) override
        {
            const std::string doing = "all-reduce of batch statistics";
            as_ours(doing, [&] {
                std::vector<at::Tensor> tensors{tensor};
                const Work work = statistics->allreduce(tensors);
                if (errands)
                    wait_in_slices(
                        doing, transport->told_, [&](std::chrono::milliseconds slice) { return is_done_within(*work, slice); });
                else
                    work->wait(); // orders streams, does not hold up the host
            });
        }
    };

    /// Where waiting blocks the host: a thread waits.
    class WaitedFor final : public Pending {
    public:
        WaitedFor(C10dTransport& transport, Errands& errands, std::shared_ptr<Errands::Errand> errand)
            : transport_(transport)
            , errands_(errands)
            , errand_(std::move(errand))
        {
        }

        void wait() override { errands_.wait(*errand_, transport_.told_); }
        double ready() const override { return errand_->ready; }
        double finished() const override { return errand_->finished; }

    private:
        C10dTransport& transport_;
        Errands& errands_;
        std::shared_ptr<Errands::Errand> errand_;
    };

    /// Where waiting only orders streams.
    class Ordered final : public Pending {
    public:
        Ordered(Work work, at::Tensor tensor, std::string doing)
            : work_(std::move(work))
            , tensor_(std::move(tensor))
            , doing_(std::move(doing))
        {
        }

        void wait() override
        {
            if (!work_)
                return;
            as_ours(doing_, [this] { work_->wait(); });
            work_.reset();
            tensor_ = at::Tensor();
        }

    private:
        Work work_;
        at::Tensor tensor_; // kept until then
        std::string doing_;
    };

    /// A thread to wait on where waiting blocks the host; none where it only orders streams.
    static std::unique_ptr<Errands> make_errands()
    {
#ifdef USE_C10D_NCCL
        return nullptr;
#else
        return std::make_unique<Errands>();
#endif
    }

    /// As make_group, saying meanwhile that this rank waits for the others.
    BackendPointer connect_group(const std::string& name, int rank, int size)
    {
        const std::string doing = "connecting to the other ranks";
        told_(doing);
#ifdef USE_C10D_NCCL
        return make_group(store_, name, rank, size, meeting_->rendezvous()); // by the thread that holds the device
#else
        auto group = std::make_shared<BackendPointer>();
        meeting_->ask(doing, told_, [group, name, rank, size, store = store_, rendezvous = meeting_->rendezvous()] {
            *group = make_group(store, name, rank, size, rendezvous);
        });
        return *group;
#endif
    }

    void add_edge(const Edge& edge, int number, [[maybe_unused]] int count)
    {
        if (edge.from != rank_ && edge.to != rank_)
            return;
        Channel channel;
        channel.number = number;
        channel.errands = make_errands();
#ifdef USE_C10D_NCCL
        int self = edge.from == rank_ ? 0 : 1;
        channel.group = connect_group("edge" + std::to_string(number), self, 2);
        channel.peer = 1 - self;
        warm_up(channel.group, self);
#else
        channel.group = world_;
        channel.peer = edge.from == rank_ ? edge.to : edge.from;
        channel.stride = count;
#endif
        channels_.emplace(edge, std::move(channel));
    }

    void add_group(const std::vector<int>& ranks, int number)
    {
        auto self = std::find(ranks.begin(), ranks.end(), rank_);
        if (self == ranks.end())
            return;
        RankGroup group;
        group.count = static_cast<int>(ranks.size());
        group.errands = make_errands();
        group.transport = this;
        int position = static_cast<int>(self - ranks.begin());
        group.gradients = connect_group("gradients" + std::to_string(number), position, group.count);
        group.statistics = connect_group("statistics" + std::to_string(number), position, group.count);
        warm_up(group.gradients);
        warm_up(group.statistics);
        groups_.emplace(ranks, std::move(group));
    }

    /// Opens the communicator now, while every member is at the same place: that of an edge by sending from its first end to its
    /// second (`end`), that of a group by an all-reduce. c10d keeps a communicator for each of the two.
    static void warm_up([[maybe_unused]] const BackendPointer& group, [[maybe_unused]] int end = -1)
    {
#ifdef USE_C10D_NCCL
        std::vector<at::Tensor> tensors{at::zeros({1}, at::TensorOptions().device(at::kCUDA).dtype(at::kFloat))};
        Work work = end < 0 ? group->allreduce(tensors) : end == 0 ? group->send(tensors, 1, 0) : group->recv(tensors, 0, 0);
        work->wait();
#endif
    }

    template <typename Operation>
    std::unique_ptr<Pending> post(const std::string& doing, Errands* errands, const at::Tensor& tensor, Operation operation)
    {
        return as_ours(doing, [&]() -> std::unique_ptr<Pending> {
            std::vector<at::Tensor> tensors;
            if (tensor.defined())
                tensors.push_back(in_memory_order(tensor));
            Work work = operation(tensors);
            at::Tensor kept = tensors.empty() ? at::Tensor() : tensors.front();
            if (errands == nullptr)
                return std::make_unique<Ordered>(std::move(work), std::move(kept), doing);
            return std::make_unique<WaitedFor>(*this, *errands,
                errands->post(doing,
                    [work = std::move(work), kept = std::move(kept), doing] { as_ours(doing, [&] { work->wait(unlimited); }); }));
        });
    }

    Channel& channel_of(const Edge& edge)
    {
        auto found = channels_.find(edge);
        if (found == channels_.end())
            throw Error(Code::Internal, "no connection was made from " + to_string(edge), "transport");
        return found->second;
    }

    RankGroup& group_of(const std::vector<int>& ranks)
    {
        auto found = groups_.find(ranks);
        if (found == groups_.end())
            throw Error(Code::Internal, "no group of these ranks was made", "transport");
        return found->second;
    }

    std::shared_ptr<StoreMeeting> meeting_;
    int rank_;
    int size_;
    StorePointer store_;
    const Waiting told_ = [this](const std::string& doing) {
        if (waiting_)
            waiting_(doing);
        if (connected_)
            meeting_->look_at_others(doing);
    };
    bool connected_ = false; // from here on every rank reports its progress
    BackendPointer world_;
#ifdef USE_C10D_NCCL
    at::Tensor barrier_tensor_ = at::zeros({1}, at::TensorOptions().device(at::kCUDA).dtype(at::kFloat));
#else
    std::unique_ptr<Errands> world_errands_ = make_errands();
#endif
    std::map<Edge, Channel> channels_;
    std::map<std::vector<int>, RankGroup> groups_;
};

class C10dMeeting final : public StoreMeeting {
public:
    using StoreMeeting::StoreMeeting;

    std::unique_ptr<Transport> connect(const Topology& topology) override
    {
        return std::make_unique<C10dTransport>(shared_from_this(), topology);
    }
};

} // namespace

#ifdef USE_C10D_NCCL
std::shared_ptr<Meeting> meet_gpus(const Rendezvous& rendezvous);
std::shared_ptr<Meeting> meet_gpus(const Rendezvous& rendezvous)
{
    return std::make_shared<C10dMeeting>(rendezvous);
}
#else
std::unique_ptr<Transport> connect_gloo(const Rendezvous& rendezvous, const Topology& topology)
{
    return std::make_shared<C10dMeeting>(rendezvous)->connect(topology);
}
#endif

} // namespace pipebd::engine
