// The transport over c10d, and the only source that sees c10d. Compiled twice: into the engine for Gloo, and with USE_C10D_NCCL
// into the CUDA module for NCCL.
//
// Gloo: one process group over all ranks carries every edge, told apart by tags; a thread an edge waits for what was posted,
// because a posted Gloo operation does not complete until somebody waits for it. NCCL: a communicator an edge and a group, each on
// a stream of its own; waiting only orders streams. Both make every connection at start, in one global order.

#include "engine/transport.h"

#include "base/error.h"
#include "engine/backend.h"

#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#ifdef USE_C10D_NCCL
#include <ATen/ops/zeros.h>
#include <torch/csrc/distributed/c10d/ProcessGroupNCCL.hpp>
#else
#include <ATen/ops/empty.h>
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#endif
#include <torch/csrc/distributed/c10d/TCPStore.hpp>

#include <algorithm>
#include <condition_variable>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <map>
#include <mutex>
#include <thread>

namespace pipebd::engine {

namespace {

using Work = c10::intrusive_ptr<c10d::Work>;
using BackendPointer = c10::intrusive_ptr<c10d::Backend>;

/// The current exception as one of ours; `doing` says what this rank was at.
std::exception_ptr as_error(const std::string& doing)
{
    try {
        throw;
    } catch (const Error&) {
        return std::current_exception();
    } catch (const c10::Error& error) {
        std::string text = error.what_without_backtrace();
        bool late = text.find("imed out") != std::string::npos || text.find("imeout") != std::string::npos;
        return std::make_exception_ptr(Error(late ? Code::TimedOut : Code::RankDied,
            "the connection between ranks broke (" + text.substr(0, text.find('\n')) + ")", doing,
            "look for the rank that ended first"));
    } catch (const std::exception& error) {
        std::string text = error.what();
        return std::make_exception_ptr(
            Error(Code::RankDied, "the connection between ranks broke (" + text.substr(0, text.find('\n')) + ")", doing,
                "look for the rank that ended first"));
    }
}

/// Waits for posted operations on a thread of its own, in the order in which they were posted.
class Waiter {
public:
    struct Item {
        Work work;
        at::Tensor tensor; // kept until done
        std::string doing;
        bool done = false;
        double ready = -1; // when posted; once done, no earlier than the one before was
        double finished = -1;
        std::exception_ptr error;
    };

    Waiter()
        : thread_([this] { run(); })
    {
    }

    ~Waiter()
    {
        {
            std::lock_guard lock(mutex_);
            stop_ = true;
        }
        changed_.notify_all();
        thread_.join();
    }

    std::shared_ptr<Item> add(Work work, at::Tensor tensor, std::string doing)
    {
        auto item = std::make_shared<Item>();
        item->work = std::move(work);
        item->tensor = std::move(tensor);
        item->doing = std::move(doing);
        item->ready = run_milliseconds();
        {
            std::lock_guard lock(mutex_);
            queue_.push_back(item);
        }
        changed_.notify_all();
        return item;
    }

    void wait(Item& item, const std::function<void(const std::string&)>& waiting)
    {
        std::unique_lock lock(mutex_);
        while (!item.done) {
            if (changed_.wait_for(lock, waiting_interval) == std::cv_status::timeout && !item.done && waiting) {
                lock.unlock();
                waiting(item.doing);
                lock.lock();
            }
        }
        if (item.error)
            std::rethrow_exception(item.error);
    }

private:
    void run()
    {
        std::unique_lock lock(mutex_);
        for (;;) {
            changed_.wait(lock, [this] { return stop_ || !queue_.empty(); });
            if (queue_.empty())
                return;
            std::shared_ptr<Item> item = queue_.front();
            lock.unlock();
            std::exception_ptr error;
            try {
                item->work->wait(transport_timeout);
            } catch (...) {
                error = as_error(item->doing);
            }
            double finished = run_milliseconds();
            lock.lock();
            queue_.pop_front();
            item->error = error;
            item->ready = std::max(item->ready, free_);
            item->finished = free_ = finished;
            item->work.reset();
            item->tensor = at::Tensor();
            item->done = true;
            changed_.notify_all();
        }
    }

    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<std::shared_ptr<Item>> queue_;
    double free_ = -1; // when the last was done
    bool stop_ = false;
    std::thread thread_;
};

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
BackendPointer make_group(const c10::intrusive_ptr<c10d::Store>& store, const std::string& name, int rank, int size,
    [[maybe_unused]] const Rendezvous& rendezvous)
{
    auto prefixed = c10::make_intrusive<c10d::PrefixStore>("pipebd/" + name, store);
#ifdef USE_C10D_NCCL
    auto options = c10d::ProcessGroupNCCL::Options::create(true);
    options->timeout = std::chrono::duration_cast<std::chrono::milliseconds>(transport_timeout);
    options->group_name = name;
    return c10::make_intrusive<c10d::ProcessGroupNCCL>(prefixed, rank, size, options);
#else
    auto options
        = c10d::ProcessGroupGloo::Options::create(std::chrono::duration_cast<std::chrono::milliseconds>(transport_timeout));
    options->devices.push_back(gloo_device(rendezvous));
    options->threads = 1;
    return c10::make_intrusive<c10d::ProcessGroupGloo>(prefixed, rank, size, options);
#endif
}

c10::intrusive_ptr<c10d::Store> open_store(const Rendezvous& rendezvous)
{
    c10d::TCPStoreOptions options;
    options.port = rendezvous.port;
    options.isServer = rendezvous.rank == 0 && rendezvous.serve;
    options.numWorkers = rendezvous.size;
    options.waitWorkers = false;
    options.timeout = std::chrono::duration_cast<std::chrono::milliseconds>(transport_timeout);
    if (options.isServer && rendezvous.listen_descriptor)
        options.masterListenFd = *rendezvous.listen_descriptor;
    try {
        auto store = c10::make_intrusive<c10d::TCPStore>(rendezvous.address, options);
        return c10::make_intrusive<c10d::PrefixStore>("attempt" + rendezvous.attempt, std::move(store));
    } catch (...) {
        std::rethrow_exception(as_error("while the ranks were meeting at " + rendezvous.address));
    }
}

/// At c10d's store.
class StoreMeeting final : public Meeting, public std::enable_shared_from_this<StoreMeeting> {
public:
    explicit StoreMeeting(const Rendezvous& rendezvous)
        : rendezvous_(rendezvous)
        , store_(open_store(rendezvous))
    {
    }

    int rank() const override { return rendezvous_.rank; }
    int size() const override { return rendezvous_.size; }
    const Rendezvous& rendezvous() const { return rendezvous_; }
    const c10::intrusive_ptr<c10d::Store>& store() const { return store_; }

    std::vector<std::string> gather(const std::string& text, const std::function<void(const std::string&)>& waiting) override
    {
        const std::string doing = "waiting for all ranks";
        const std::string name = "pipebd/gather/" + std::to_string(gathered_++) + "/";
        std::vector<std::string> said;
        try {
            store_->set(name + std::to_string(rank()), std::vector<std::uint8_t>(text.begin(), text.end()));
            const auto end = std::chrono::steady_clock::now() + transport_timeout;
            for (int other = 0; other < size(); ++other) {
                const std::string key = name + std::to_string(other);
                while (!store_->check({key})) {
                    if (std::chrono::steady_clock::now() >= end)
                        throw Error(Code::TimedOut,
                            "rank " + std::to_string(other) + " has not come within " + std::to_string(transport_timeout.count())
                                + " s",
                            doing, "see that it was started, and what it said");
                    std::this_thread::sleep_for(std::chrono::milliseconds(1));
                    if (waiting)
                        waiting(doing);
                }
                const std::vector<std::uint8_t> bytes = store_->get(key);
                said.emplace_back(bytes.begin(), bytes.end());
            }
        } catch (...) {
            std::rethrow_exception(as_error(doing));
        }
        return said;
    }

    std::unique_ptr<Transport> connect(const Topology& topology) override;

private:
    Rendezvous rendezvous_;
    c10::intrusive_ptr<c10d::Store> store_;
    std::int64_t gathered_ = 0;
};

class C10dTransport final : public Transport {
public:
    C10dTransport(std::shared_ptr<StoreMeeting> meeting, const Topology& topology)
        : meeting_(std::move(meeting))
        , rank_(meeting_->rank())
        , size_(meeting_->size())
        , store_(meeting_->store())
    {
        try {
            const Rendezvous& rendezvous = meeting_->rendezvous();
            gather({}); // who is missing is named
            world_ = make_group(store_, "world", rank_, size_, rendezvous);
            warm_up(world_);
            int number = 0;
            for (const Edge& edge : topology.edges)
                add_edge(edge, number++, static_cast<int>(topology.edges.size()), rendezvous);
            number = 0;
            for (const std::vector<int>& ranks : topology.groups)
                add_group(ranks, number++, rendezvous);
            barrier();
        } catch (...) {
            std::rethrow_exception(as_error("while the ranks were meeting at " + meeting_->rendezvous().address));
        }
    }

    int rank() const override { return rank_; }
    int size() const override { return size_; }

    std::unique_ptr<Pending> send(const at::Tensor& tensor, const Edge& edge) override
    {
        Channel& channel = channel_of(edge);
        return post("sending from " + to_string(edge), channel.waiter.get(), tensor,
            [&](std::vector<at::Tensor>& tensors) { return channel.group->send(tensors, channel.peer, channel.next_tag()); });
    }

    std::unique_ptr<Pending> receive(const at::Tensor& into, const Edge& edge) override
    {
        Channel& channel = channel_of(edge);
        return post("receiving from " + to_string(edge), channel.waiter.get(), into,
            [&](std::vector<at::Tensor>& tensors) { return channel.group->recv(tensors, channel.peer, channel.next_tag()); });
    }

    std::unique_ptr<Pending> all_reduce(const at::Tensor& tensor, const std::vector<int>& ranks) override
    {
        RankGroup& group = group_of(ranks);
        return post("all-reduce", group.waiter.get(), tensor,
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
        post(doing, world_waiter_.get(), at::Tensor(), [&](std::vector<at::Tensor>&) { return world_->barrier(); })->wait();
#endif
    }

    std::vector<std::string> gather(const std::string& text) override
    {
        return meeting_->gather(text, waiting_);
    }

private:
    /// One end of an edge.
    struct Channel {
        BackendPointer group;
        int peer = 0; // the other end, as a rank of `group`
        int number = 0; // of the edge
        int stride = 1; // distance of successive tags
        int sequence = 0;
        std::unique_ptr<Waiter> waiter;

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
        std::unique_ptr<Waiter> waiter; // none where waiting only orders streams
        C10dTransport* transport = nullptr;

        int size() const override { return count; }
        void sum(at::Tensor& tensor) override
        {
            const std::string doing = "all-reduce of batch statistics";
            try {
                std::vector<at::Tensor> tensors{tensor};
                Work work = statistics->allreduce(tensors);
                if (!waiter) {
                    work->wait(); // orders streams, does not hold up the host
                    return;
                }
                // In slices, so that waiting for a slow rank is not taken for standing still.
                const auto end = std::chrono::steady_clock::now() + transport_timeout;
                for (bool done = false; !done;) {
                    try {
                        work->wait(waiting_interval);
                        done = true;
                    } catch (...) {
                        if (work->isCompleted() || std::chrono::steady_clock::now() >= end)
                            throw;
                        if (transport->waiting_)
                            transport->waiting_(doing);
                    }
                }
            } catch (...) {
                std::rethrow_exception(as_error(doing));
            }
        }
    };

    class Posted final : public Pending {
    public:
        Posted(C10dTransport& transport, Waiter* waiter, std::shared_ptr<Waiter::Item> item)
            : transport_(transport)
            , waiter_(waiter)
            , item_(std::move(item))
        {
        }

        void wait() override
        {
            if (waiter_ != nullptr) {
                waiter_->wait(*item_, transport_.waiting_);
            } else if (item_->work) {
                try {
                    item_->work->wait();
                } catch (...) {
                    std::rethrow_exception(as_error(item_->doing));
                }
                item_->work.reset();
                item_->tensor = at::Tensor();
            }
        }

        double ready() const override { return item_->ready; }
        double finished() const override { return item_->finished; }

    private:
        C10dTransport& transport_;
        Waiter* waiter_;
        std::shared_ptr<Waiter::Item> item_;
    };

    /// A thread to wait on where waiting blocks the host; none where it only orders streams.
    static std::unique_ptr<Waiter> make_waiter()
    {
#ifdef USE_C10D_NCCL
        return nullptr;
#else
        return std::make_unique<Waiter>();
#endif
    }

    void add_edge(const Edge& edge, int number, [[maybe_unused]] int count, [[maybe_unused]] const Rendezvous& rendezvous)
    {
        if (edge.from != rank_ && edge.to != rank_)
            return;
        Channel channel;
        channel.number = number;
        channel.waiter = make_waiter();
#ifdef USE_C10D_NCCL
        int self = edge.from == rank_ ? 0 : 1;
        channel.group = make_group(store_, "edge" + std::to_string(number), self, 2, rendezvous);
        channel.peer = 1 - self;
        warm_up(channel.group, self);
#else
        channel.group = world_;
        channel.peer = edge.from == rank_ ? edge.to : edge.from;
        channel.stride = count;
#endif
        channels_.emplace(edge, std::move(channel));
    }

    void add_group(const std::vector<int>& ranks, int number, const Rendezvous& rendezvous)
    {
        auto self = std::find(ranks.begin(), ranks.end(), rank_);
        if (self == ranks.end())
            return;
        RankGroup group;
        group.count = static_cast<int>(ranks.size());
        group.waiter = make_waiter();
        group.transport = this;
        int position = static_cast<int>(self - ranks.begin());
        group.gradients = make_group(store_, "gradients" + std::to_string(number), position, group.count, rendezvous);
        group.statistics = make_group(store_, "statistics" + std::to_string(number), position, group.count, rendezvous);
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
    std::unique_ptr<Pending> post(std::string doing, Waiter* waiter, const at::Tensor& tensor, Operation operation)
    {
        try {
            std::vector<at::Tensor> tensors;
            if (tensor.defined())
                tensors.push_back(in_memory_order(tensor));
            Work work = operation(tensors);
            at::Tensor kept = tensors.empty() ? at::Tensor() : tensors.front();
            std::shared_ptr<Waiter::Item> item;
            if (waiter != nullptr) {
                item = waiter->add(std::move(work), std::move(kept), std::move(doing));
            } else {
                item = std::make_shared<Waiter::Item>();
                item->work = std::move(work);
                item->tensor = std::move(kept);
                item->doing = std::move(doing);
            }
            return std::make_unique<Posted>(*this, waiter, std::move(item));
        } catch (...) {
            std::rethrow_exception(as_error(doing));
        }
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
    c10::intrusive_ptr<c10d::Store> store_;
    BackendPointer world_;
#ifdef USE_C10D_NCCL
    at::Tensor barrier_tensor_ = at::zeros({1}, at::TensorOptions().device(at::kCUDA).dtype(at::kFloat));
#else
    std::unique_ptr<Waiter> world_waiter_ = make_waiter();
#endif
    std::map<Edge, Channel> channels_;
    std::map<std::vector<int>, RankGroup> groups_;
};

std::unique_ptr<Transport> StoreMeeting::connect(const Topology& topology)
{
    return std::make_unique<C10dTransport>(shared_from_this(), topology);
}

} // namespace

#ifdef USE_C10D_NCCL
std::shared_ptr<Meeting> meet_gpus(const Rendezvous& rendezvous);
std::shared_ptr<Meeting> meet_gpus(const Rendezvous& rendezvous)
{
    return std::make_shared<StoreMeeting>(rendezvous);
}
#else
std::unique_ptr<Transport> connect_gloo(const Rendezvous& rendezvous, const Topology& topology)
{
    return std::make_shared<StoreMeeting>(rendezvous)->connect(topology);
}
#endif

} // namespace pipebd::engine
