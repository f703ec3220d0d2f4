#include "engine/transport/ipc_transport.h"

#include "base/error.h"
#include "engine/transport/open_rings.h"
#include "engine/transport/shared_words.h"
#include "engine/transport/slot_queues.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/zeros.h>
#include <ATen/record_function.h>

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

namespace pipebd::engine {

namespace {

using Clock = std::chrono::steady_clock;

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
        OpenRings open = open_rings(plan_, shared_, *device_, *meeting_, settings_.process);
        rings_ = std::move(open.rings);
        peers_ = std::move(open.peers);
        make_queues();
    }

    ~SlotTransport() override
    {
        try {
            wait_until("the last transfers", [this] {
                return has_failed_
                    || std::all_of(queues_.begin(), queues_.end(), [](const SlotQueue* queue) { return queue->is_empty(); });
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
        std::shared_ptr<SlotQueue> gradients;
        std::shared_ptr<SlotQueue> statistics; // in the middle of a pass: never queued behind the others

        int size() const override { return count; }
        void sum(at::Tensor& tensor) override { transport->post(statistics, tensor, "all-reduce of batch statistics")->wait(); }
    };

    class Posted final : public Pending {
    public:
        Posted(SlotTransport& transport, const std::shared_ptr<SlotQueue>& queue, std::shared_ptr<SlotOperation> operation)
            : transport_(transport)
            , queue_(queue)
            , operation_(std::move(operation))
        {
        }
        ~Posted() override
        {
            const std::shared_ptr<SlotQueue> queue = queue_.lock(); // none once the transport has been taken down
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
        std::weak_ptr<SlotQueue> queue_;
        std::shared_ptr<SlotOperation> operation_; // none once waited for
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

    void make_queues()
    {
        const QueueSurroundings common{*device_, shared_, rank()};
        auto sum = [&](std::size_t first, std::size_t count) {
            std::vector<OpenRing*> rings;
            for (std::size_t i = 0; i < count; ++i)
                rings.push_back(&rings_.at(first + i));
            return sum_queue(common, std::move(rings));
        };
        for (const auto& [edge, number] : plan_.edges) {
            if (edge.from == rank())
                add(sends_[edge] = send_queue(common, rings_.at(number)));
            else if (edge.to == rank())
                add(receives_[edge] = receive_queue(common, rings_.at(number)));
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

    void add(const std::shared_ptr<SlotQueue>& queue) { queues_.push_back(queue.get()); }

    std::unique_ptr<Pending> post(const std::shared_ptr<SlotQueue>& queue, const at::Tensor& tensor, const std::string& doing)
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
        for (SlotQueue* queue : queues_)
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

    static const std::shared_ptr<SlotQueue>& queue_of(const std::map<Edge, std::shared_ptr<SlotQueue>>& queues, const Edge& edge)
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
    RingsPlan plan_;
    std::size_t closed_ = 0; // the first of the words that say so
    SharedWords shared_;
    at::Tensor barrier_tensor_;
    std::map<std::size_t, OpenRing> rings_; // by number
    std::vector<Peer> peers_; // by rank
    std::map<Edge, std::shared_ptr<SlotQueue>> sends_;
    std::map<Edge, std::shared_ptr<SlotQueue>> receives_;
    std::map<Ranks, RankGroup> groups_;
    std::shared_ptr<SlotQueue> world_;
    std::vector<SlotQueue*> queues_;
    bool has_failed_ = false; // what is still posted may never be done
};

} // namespace

std::unique_ptr<Transport> connect_slots(
    std::shared_ptr<Meeting> meeting, std::unique_ptr<SlotDevice> device, const Topology& topology, const SlotSettings& settings)
{
    return std::make_unique<SlotTransport>(std::move(meeting), std::move(device), topology, settings);
}

} // namespace pipebd::engine
