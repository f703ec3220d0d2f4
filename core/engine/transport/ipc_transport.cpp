#include "engine/transport/ipc_transport.h"

#include "base/error.h"
#include "engine/transport/shared_words.h"
#include "engine/transport/slot_ring.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/zeros.h>
#include <ATen/record_function.h>

#include <algorithm>
#include <deque>
#include <map>
#include <numeric>
#include <optional>
#include <poll.h>
#include <sstream>
#include <sys/syscall.h>
#include <utility>

namespace pipebd::engine {

namespace {

using Clock = std::chrono::steady_clock;
using Ranks = std::vector<int>;

/// A ring as all ranks know it. The readers of an edge do not include its writer, those of a group do.
struct RingPlan {
    int writer = 0;
    Ranks readers;
    int slots = 0;
    std::int64_t slot_bytes = 0;
};

/// All rings of a job, numbered alike on every rank.
struct Plan {
    std::vector<RingPlan> rings;
    std::map<Edge, std::size_t> edges;
    std::map<Ranks, std::size_t> gradients; // the first of a ring for each rank of the group
    std::map<Ranks, std::size_t> statistics;
    std::size_t world = 0;

    Plan(const Topology& topology, int ranks, const SlotSettings& settings)
    {
        for (const Edge& edge : topology.edges) {
            edges.emplace(edge, rings.size());
            rings.push_back({edge.from, {edge.to}, settings.slots, settings.slot_bytes});
        }
        for (const Ranks& group : topology.groups) {
            gradients.emplace(group, add(group, settings.group_slots, settings.slot_bytes));
            statistics.emplace(group, add(group, settings.group_slots, settings.small_slot_bytes));
        }
        Ranks all(static_cast<std::size_t>(ranks));
        std::iota(all.begin(), all.end(), 0);
        world = add(all, settings.group_slots, settings.small_slot_bytes);
    }

    std::size_t add(const Ranks& group, int slots, std::int64_t slot_bytes)
    {
        for (int writer : group)
            rings.push_back({writer, group, slots, slot_bytes});
        return rings.size() - group.size();
    }
};

/// A ring as one rank uses it.
struct Ring {
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

/// Something posted.
struct Operation {
    at::Tensor tensor; // contiguous; kept until waited for
    std::string doing;
    SlotDevice::Event ready; // on the device, the tensor may be used
    SlotDevice::Event done;
    std::int64_t elements = 0; // done with
    bool posted = false; // all of it is in order on the device
    bool dropped = false; // nobody will wait for it
};

/// What the queues of a rank have in common.
struct Common {
    SlotDevice& device;
    SharedWords& shared;
    int rank;
};

/// Operations on the same rings, one after another, on a stream of their own.
class Queue {
public:
    explicit Queue(const Common& common)
        : common_(common)
        , stream_(common.device.make_stream())
    {
    }
    virtual ~Queue() = default;

    std::shared_ptr<Operation> post(const at::Tensor& tensor, std::string doing)
    {
        auto operation = std::make_shared<Operation>();
        operation->tensor = in_memory_order(tensor.detach()).view({-1});
        operation->doing = std::move(doing);
        operation->ready = common_.device.make_event();
        operation->done = common_.device.make_event();
        common_.device.record(operation->ready, nullptr);
        operations_.push_back(operation);
        return operation;
    }

    /// Posts to the device what can be posted now. Returns whether that was anything.
    bool advance()
    {
        bool any = false;
        while (!operations_.empty()) {
            Operation& operation = *operations_.front();
            if (operation.ready)
                common_.device.wait(stream_, std::exchange(operation.ready, nullptr));
            while (operation.elements < operation.tensor.numel()) {
                if (!step(operation))
                    return any;
                any = true;
            }
            common_.device.record(operation.done, stream_);
            operation.posted = true;
            if (operation.dropped)
                common_.device.keep(operation.tensor, stream_);
            operations_.pop_front();
            any = true;
        }
        return any;
    }

    /// Nobody waits for it: its tensor may be dropped while the device still works on it.
    void drop(Operation& operation)
    {
        operation.dropped = true;
        if (operation.posted)
            common_.device.keep(operation.tensor, stream_);
    }

    bool is_empty() const { return operations_.empty(); }

protected:
    /// One piece of it, or part of the work on one; false if that has to wait for another rank.
    virtual bool step(Operation& operation) = 0;

    static at::Tensor piece(const Operation& operation, const Ring& ring)
    {
        const std::int64_t left = operation.tensor.numel() - operation.elements;
        return operation.tensor.narrow(0, operation.elements, std::min(left, ring.slot_bytes / operation.tensor.element_size()));
    }

    bool write(Ring& ring, const at::Tensor& tensor)
    {
        const std::optional<int> slot = ring.turns.slot_to_write();
        if (!slot)
            return false;
        SlotDevice& device = common_.device;
        if (ring.turns.is_used_again()) {
            for (const auto& events : ring.free) {
                if (!events.empty())
                    device.wait(stream_, events[static_cast<std::size_t>(*slot)]);
            }
        }
        device.write(stream_, ring.memory, ring.offset(*slot), tensor);
        device.record(ring.full[static_cast<std::size_t>(*slot)], stream_);
        ring.turns.written();
        for (int reader : ring.readers) {
            if (reader != common_.rank)
                common_.shared.ring(reader);
        }
        return true;
    }

    /// The next piece of a ring must be there.
    void read(Ring& ring, const at::Tensor& tensor, bool adds)
    {
        const int slot = ring.turns.slot_to_read(ring.self).value();
        const bool own = ring.writer == common_.rank;
        SlotDevice& device = common_.device;
        if (!own)
            device.wait(stream_, ring.full[static_cast<std::size_t>(slot)]);
        if (adds)
            device.add(stream_, ring.memory, ring.offset(slot), tensor);
        else
            device.read(stream_, ring.memory, ring.offset(slot), tensor);
        if (!own)
            device.record(ring.free[ring.self][static_cast<std::size_t>(slot)], stream_);
        ring.turns.read(ring.self);
        if (!own)
            common_.shared.ring(ring.writer);
    }

private:
    Common common_;
    SlotDevice::Stream stream_;
    std::deque<std::shared_ptr<Operation>> operations_;
};

class SendQueue final : public Queue {
public:
    SendQueue(const Common& common, Ring& ring)
        : Queue(common)
        , ring_(ring)
    {
    }

protected:
    bool step(Operation& operation) override
    {
        const at::Tensor next = piece(operation, ring_);
        if (!write(ring_, next))
            return false;
        operation.elements += next.numel();
        return true;
    }

private:
    Ring& ring_;
};

class ReceiveQueue final : public Queue {
public:
    ReceiveQueue(const Common& common, Ring& ring)
        : Queue(common)
        , ring_(ring)
    {
    }

protected:
    bool step(Operation& operation) override
    {
        if (!ring_.turns.slot_to_read(ring_.self))
            return false;
        const at::Tensor next = piece(operation, ring_);
        read(ring_, next, false);
        operation.elements += next.numel();
        return true;
    }

private:
    Ring& ring_;
};

class SumQueue final : public Queue {
public:
    /// `rings`: one for each rank of the group, in their order.
    SumQueue(const Common& common, std::vector<Ring*> rings)
        : Queue(common)
        , rings_(std::move(rings))
        , own_(**std::find_if(rings_.begin(), rings_.end(), [&](const Ring* ring) { return ring->writer == common.rank; }))
    {
    }

protected:
    bool step(Operation& operation) override
    {
        const at::Tensor next = piece(operation, own_);
        if (!has_written_) {
            has_written_ = write(own_, next);
            return has_written_;
        }
        for (const Ring* ring : rings_) {
            if (!ring->turns.slot_to_read(ring->self))
                return false;
        }
        for (Ring* ring : rings_)
            read(*ring, next, ring != rings_.front());
        has_written_ = false;
        operation.elements += next.numel();
        return true;
    }

private:
    std::vector<Ring*> rings_;
    Ring& own_;
    bool has_written_ = false; // the piece at hand
};

/// A process, to ask whether it lives.
class Peer {
public:
    explicit Peer(pid_t process)
        : descriptor_(static_cast<int>(syscall(SYS_pidfd_open, process, 0)))
    {
    }
    Peer(Peer&& other) noexcept
        : descriptor_(std::exchange(other.descriptor_, -1))
    {
    }
    Peer(const Peer&) = delete;
    ~Peer()
    {
        if (descriptor_ >= 0)
            close(descriptor_);
    }

    bool has_ended() const
    {
        pollfd question{descriptor_, POLLIN, 0};
        return descriptor_ < 0 || poll(&question, 1, 0) > 0;
    }

private:
    int descriptor_;
};

/// What a rank tells the others of itself while they connect: words by name.
class Words {
public:
    void set(const std::string& name, const std::string& word) { text_ << name << ' ' << word << '\n'; }
    std::string text() const { return text_.str(); }

    static std::map<std::string, std::string> read(const std::string& text)
    {
        std::map<std::string, std::string> words;
        std::istringstream stream(text);
        for (std::string name, word; stream >> name >> word;)
            words[name] = word;
        return words;
    }

private:
    std::ostringstream text_;
};

class SlotTransport final : public Transport {
public:
    SlotTransport(std::shared_ptr<Meeting> meeting, std::unique_ptr<SlotDevice> device, const Topology& topology,
        const SlotSettings& settings)
        : meeting_(std::move(meeting))
        , settings_(settings)
        , device_(std::move(device))
        , plan_(topology, meeting_->size(), settings)
        , shared_(share())
        , barrier_tensor_(at::zeros({1}, at::TensorOptions().device(device_->device()).dtype(at::kFloat)))
    {
        open_rings();
        make_queues();
    }

    ~SlotTransport() override
    {
        try {
            wait_until("the last transfers", [this] {
                return has_failed_
                    || std::all_of(queues_.begin(), queues_.end(), [](const Queue* queue) { return queue->is_empty(); });
            });
            device_->finish();
        } catch (const std::exception&) {
            // Others have failed, and say so.
        }
        leave();
    }

    int rank() const override { return meeting_->rank(); }
    int size() const override { return meeting_->size(); }

    std::unique_ptr<Pending> send(const at::Tensor& tensor, const Edge& edge) override
    {
        return post(queue_of(sends_, edge), tensor, "sending from " + to_string(edge));
    }

    std::unique_ptr<Pending> receive(const at::Tensor& into, const Edge& edge) override
    {
        return post(queue_of(receives_, edge), into, "receiving from " + to_string(edge));
    }

    std::unique_ptr<Pending> all_reduce(const at::Tensor& tensor, const Ranks& group) override
    {
        return post(group_of(group).gradients, tensor, "all-reduce");
    }

    Group* group(const Ranks& ranks) override { return ranks.size() < 2 ? nullptr : &group_of(ranks); }

    void barrier() override { post(world_, barrier_tensor_, "barrier")->wait(); }

    std::vector<std::string> gather(const std::string& text) override
    {
        advance();
        return meeting_->gather(text, [this](const std::string& doing) {
            advance(); // others may wait for it before they say anything
            tell(doing);
        });
    }

    void reported(bool worked) override { meeting_->reported(worked); }

    Board& board() override { return meeting_->board(); }

private:
    struct RankGroup final : Group {
        int count = 0;
        SlotTransport* transport = nullptr;
        std::shared_ptr<Queue> gradients;
        std::shared_ptr<Queue> statistics; // in the middle of a pass: never queued behind the others

        int size() const override { return count; }
        void sum(at::Tensor& tensor) override { transport->post(statistics, tensor, "all-reduce of batch statistics")->wait(); }
    };

    class Posted final : public Pending {
    public:
        Posted(SlotTransport& transport, const std::shared_ptr<Queue>& queue, std::shared_ptr<Operation> operation)
            : transport_(transport)
            , queue_(queue)
            , operation_(std::move(operation))
        {
        }
        ~Posted() override
        {
            const std::shared_ptr<Queue> queue = queue_.lock(); // none once the transport has been taken down
            if (operation_ && queue)
                queue->drop(*operation_);
        }

        void wait() override
        {
            if (!operation_)
                return;
            transport_.wait_until(operation_->doing, [&] { return operation_->posted; });
            transport_.device_->wait(nullptr, operation_->done);
            operation_.reset();
        }

    private:
        SlotTransport& transport_;
        std::weak_ptr<Queue> queue_;
        std::shared_ptr<Operation> operation_; // none once waited for
    };

    /// The counters of all rings, then for each rank whether it is done with the memory of the others.
    SharedWords share()
    {
        std::size_t words = 0;
        for (const RingPlan& ring : plan_.rings)
            words += SlotRing::words_for(ring.readers.size());
        closed_ = words;
        words += static_cast<std::size_t>(size());

        std::optional<SharedWords> shared;
        if (rank() == 0)
            shared.emplace(words, size());
        const std::string address = meeting_->gather(shared ? shared->address() : "").front();
        if (!shared)
            shared.emplace(address, words, size());
        meeting_->gather(""); // all have it
        shared->hide();
        return std::move(*shared);
    }

    static std::string name_of(std::size_t ring, const std::string& part) { return std::to_string(ring) + part; }
    static std::string full_name(std::size_t ring, int slot) { return name_of(ring, ".full." + std::to_string(slot)); }
    static std::string free_name(std::size_t ring, int reader, int slot)
    {
        return name_of(ring, ".free." + std::to_string(reader) + "." + std::to_string(slot));
    }

    /// Makes what this rank owns of the rings, tells the others, and opens what they own.
    void open_rings()
    {
        Words own;
        own.set("process", std::to_string(settings_.process));
        std::size_t words = 0;
        for (std::size_t number = 0; number < plan_.rings.size(); ++number) {
            const RingPlan& plan = plan_.rings[number];
            const std::size_t count = SlotRing::words_for(plan.readers.size());
            add_ring(number, SlotRing(shared_.words().subspan(words, count), plan.slots), own);
            words += count;
        }
        std::vector<std::map<std::string, std::string>> said;
        for (const std::string& text : meeting_->gather(own.text()))
            said.push_back(Words::read(text));
        for (auto& [number, ring] : rings_)
            open_parts(number, ring, said);
        for (auto& words_of_rank : said)
            peers_.emplace_back(static_cast<pid_t>(std::stol(words_of_rank.at("process"))));
        meeting_->gather(""); // all have opened what they need
    }

    void add_ring(std::size_t number, const SlotRing& turns, Words& words)
    {
        const RingPlan& plan = plan_.rings[number];
        const auto self = std::find(plan.readers.begin(), plan.readers.end(), rank());
        const bool writes = plan.writer == rank();
        if (!writes && self == plan.readers.end())
            return;
        Ring ring{turns, plan.writer, plan.slot_bytes, plan.readers, static_cast<std::size_t>(self - plan.readers.begin()), nullptr,
            std::vector<SlotDevice::Event>(static_cast<std::size_t>(plan.slots)), {}};
        ring.free.resize(plan.readers.size());
        if (writes) {
            ring.memory = device_->allocate(plan.slot_bytes * plan.slots);
            words.set(name_of(number, ".memory"), device_->handle_of_memory(ring.memory));
        }
        for (int slot = 0; slot < plan.slots; ++slot) {
            const SlotDevice::Event event = device_->make_shared_event();
            if (writes)
                ring.full[static_cast<std::size_t>(slot)] = event;
            else
                ring.free[ring.self].push_back(event);
            words.set(writes ? full_name(number, slot) : free_name(number, rank(), slot), device_->handle_of_event(event));
        }
        rings_.emplace(number, std::move(ring));
    }

    void open_parts(std::size_t number, Ring& ring, const std::vector<std::map<std::string, std::string>>& said)
    {
        auto word = [&](int of, const std::string& name) { return said[static_cast<std::size_t>(of)].at(name); };
        if (ring.writer != rank())
            ring.memory = device_->open_memory(word(ring.writer, name_of(number, ".memory")));
        for (int slot = 0; slot < plan_.rings[number].slots; ++slot) {
            if (ring.writer != rank()) {
                ring.full[static_cast<std::size_t>(slot)] = device_->open_event(word(ring.writer, full_name(number, slot)));
                continue;
            }
            for (std::size_t i = 0; i < ring.readers.size(); ++i) {
                const int reader = ring.readers[i];
                if (reader != rank())
                    ring.free[i].push_back(device_->open_event(word(reader, free_name(number, reader, slot))));
            }
        }
    }

    void make_queues()
    {
        const Common common{*device_, shared_, rank()};
        auto sum = [&](std::size_t first, std::size_t count) {
            std::vector<Ring*> rings;
            for (std::size_t i = 0; i < count; ++i)
                rings.push_back(&rings_.at(first + i));
            return std::make_shared<SumQueue>(common, std::move(rings));
        };
        for (const auto& [edge, number] : plan_.edges) {
            if (edge.from == rank())
                add(sends_[edge] = std::make_shared<SendQueue>(common, rings_.at(number)));
            else if (edge.to == rank())
                add(receives_[edge] = std::make_shared<ReceiveQueue>(common, rings_.at(number)));
        }
        for (const auto& [ranks, number] : plan_.gradients) {
            if (std::find(ranks.begin(), ranks.end(), rank()) == ranks.end())
                continue;
            RankGroup& group = groups_[ranks];
            group.count = static_cast<int>(ranks.size());
            group.transport = this;
            add(group.gradients = sum(number, ranks.size()));
            add(group.statistics = sum(plan_.statistics.at(ranks), ranks.size()));
        }
        add(world_ = sum(plan_.world, static_cast<std::size_t>(size())));
    }

    void add(const std::shared_ptr<Queue>& queue) { queues_.push_back(queue.get()); }

    std::unique_ptr<Pending> post(const std::shared_ptr<Queue>& queue, const at::Tensor& tensor, const std::string& doing)
    {
        auto posted = std::make_unique<Posted>(*this, queue, queue->post(tensor, doing));
        advance();
        return posted;
    }

    bool advance()
    {
        const at::NoGradGuard no_grad;
        const at::DisableRecordFunctionGuard unnoticed; // it is no work of this rank's, which may be waiting
        bool any = false;
        for (Queue* queue : queues_)
            any |= queue->advance();
        return any;
    }

    void tell(const std::string& doing)
    {
        if (waiting_)
            waiting_(doing);
        meeting_->look_at_others(doing);
    }

    /// Goes on with everything until `is_so`. Throws Error{RankDied}, or what being told of it throws.
    template <typename Condition>
    void wait_until(const std::string& doing, Condition is_so)
    {
        try {
            wait_in_slices(
                doing,
                [this](const std::string& what) {
                    tell(what);
                    refuse_to_wait_for_the_dead(what);
                },
                [&](std::chrono::milliseconds slice) { return advances_until(is_so, slice); });
        } catch (...) {
            has_failed_ = true;
            throw;
        }
    }

    /// Whether it `is_so` within `slice`.
    template <typename Condition>
    bool advances_until(Condition is_so, std::chrono::milliseconds slice)
    {
        const Clock::time_point end = Clock::now() + slice;
        for (;;) {
            const std::uint32_t heard = shared_.rings(rank());
            const bool any = advance();
            if (is_so())
                return true;
            const Clock::time_point now = Clock::now();
            if (now >= end)
                return false;
            if (!any)
                shared_.listen(rank(), heard, std::chrono::ceil<std::chrono::milliseconds>(end - now));
        }
    }

    bool is_closed(int other) const { return shared_.words()[closed_ + static_cast<std::size_t>(other)].load() != 0; }
    bool has_ended(int other) const { return peers_[static_cast<std::size_t>(other)].has_ended(); }

    void refuse_to_wait_for_the_dead(const std::string& doing)
    {
        for (int other = 0; other < size(); ++other) {
            // In this order: a rank closes before it ends.
            if (other == rank() || !has_ended(other) || is_closed(other))
                continue;
            throw Error(Code::RankDied, "rank " + std::to_string(other) + " has ended", doing, "see its last lines of output");
        }
    }

    /// An owner must outlive the use of its memory and events: each rank closes those of the others, then waits until all that have
    /// opened its own have done so, or are gone.
    void leave()
    {
        for (auto& [number, ring] : rings_) {
            if (ring.writer != rank()) {
                ring.memory.reset();
                ring.full.clear();
                continue;
            }
            for (auto& events : ring.free)
                events.clear();
        }
        shared_.words()[closed_ + static_cast<std::size_t>(rank())].store(1);
        for (int other = 0; other < size(); ++other)
            shared_.ring(other);
        auto done = [this] {
            for (int other = 0; other < size(); ++other) {
                if (!has_ended(other) && !is_closed(other))
                    return false;
            }
            return true;
        };
        // However long: rank 0 may be evaluating.
        try {
            wait_in_slices(
                "waiting for the other ranks to end", [this](const std::string& doing) { tell(doing); },
                [&](std::chrono::milliseconds slice) {
                    const std::uint32_t heard = shared_.rings(rank());
                    if (!done())
                        shared_.listen(rank(), heard, slice);
                    return done();
                });
        } catch (const std::exception&) {
            // This rank's work is done; nothing more can be waited for.
        }
    }

    static const std::shared_ptr<Queue>& queue_of(const std::map<Edge, std::shared_ptr<Queue>>& queues, const Edge& edge)
    {
        auto found = queues.find(edge);
        if (found == queues.end())
            throw Error(Code::Internal, "no connection was made from " + to_string(edge), "transport");
        return found->second;
    }

    RankGroup& group_of(const Ranks& ranks)
    {
        auto found = groups_.find(ranks);
        if (found == groups_.end())
            throw Error(Code::Internal, "no group of these ranks was made", "transport");
        return found->second;
    }

    std::shared_ptr<Meeting> meeting_;
    SlotSettings settings_;
    std::unique_ptr<SlotDevice> device_;
    Plan plan_;
    std::size_t closed_ = 0; // the first of the words that say so
    SharedWords shared_;
    at::Tensor barrier_tensor_;
    std::map<std::size_t, Ring> rings_; // by number
    std::vector<Peer> peers_; // by rank
    std::map<Edge, std::shared_ptr<Queue>> sends_;
    std::map<Edge, std::shared_ptr<Queue>> receives_;
    std::map<Ranks, RankGroup> groups_;
    std::shared_ptr<Queue> world_;
    std::vector<Queue*> queues_;
    bool has_failed_ = false; // what is still posted may never be done
};

} // namespace

std::unique_ptr<Transport> connect_slots(
    std::shared_ptr<Meeting> meeting, std::unique_ptr<SlotDevice> device, const Topology& topology, const SlotSettings& settings)
{
    return std::make_unique<SlotTransport>(std::move(meeting), std::move(device), topology, settings);
}

} // namespace pipebd::engine
