// A device for the transport between ranks that share one, without a GPU: ranks are threads, streams are threads that run late, and
// events order them as CUDA's do. What CUDA leaves undefined is noted in `Machine::faults`.
#pragma once

#include "base/error.h"
#include "engine/transport/slot_device.h"
#include "engine/transport/transport.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/from_blob.h>

#include <atomic>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <exception>
#include <functional>
#include <map>
#include <mutex>
#include <random>
#include <thread>
#include <vector>

namespace pipebd::engine {

/// Recorded and passed points of work; waiting for it means waiting for what was recorded when the wait was posted.
struct StandInEvent : std::enable_shared_from_this<StandInEvent> {
    std::mutex mutex;
    std::condition_variable changed;
    int recorded = 0;
    int passed = 0;
    bool owner_is_gone = false;
};

struct StandInMemory : std::enable_shared_from_this<StandInMemory> {
    std::vector<char> bytes;
    std::atomic<int> openings = 0;
};

/// Work in order, on a thread that takes its time.
class StandInStream {
public:
    explicit StandInStream(unsigned seed)
        : random_(seed)
        , thread_([this] { run(); })
    {
    }
    ~StandInStream()
    {
        {
            std::lock_guard lock(mutex_);
            stop_ = true;
        }
        changed_.notify_all();
        thread_.join();
    }

    void add(std::function<void()> work)
    {
        std::lock_guard lock(mutex_);
        queue_.push_back(std::move(work));
        changed_.notify_all();
    }

    void finish()
    {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [this] { return queue_.empty() && !busy_; });
    }

private:
    void run()
    {
        std::unique_lock lock(mutex_);
        for (;;) {
            changed_.wait(lock, [this] { return stop_ || !queue_.empty(); });
            if (queue_.empty())
                return;
            std::function<void()> work = std::move(queue_.front());
            queue_.pop_front();
            busy_ = true;
            lock.unlock();
            for (auto yields = random_() % 20; yields > 0; --yields)
                std::this_thread::yield();
            work();
            work = nullptr;
            lock.lock();
            busy_ = false;
            changed_.notify_all();
        }
    }

    std::mt19937 random_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<std::function<void()>> queue_;
    bool busy_ = false;
    bool stop_ = false;
    std::thread thread_;
};

/// What the ranks share.
struct Machine {
    explicit Machine(int ranks)
        : ranks(ranks)
    {
    }

    const int ranks;
    std::mutex mutex;
    std::condition_variable changed;
    std::map<std::string, std::shared_ptr<StandInEvent>> events; // by handle
    std::map<std::string, std::shared_ptr<StandInMemory>> memories;
    std::map<std::pair<std::int64_t, int>, std::string> said; // by number of the gathering and rank
    OwnBoard board;
    std::vector<std::string> faults;
    int kept = 0; // tensors, by SlotDevice::keep()
    bool has_failed = false;

    void note(const std::string& fault)
    {
        std::lock_guard lock(mutex);
        faults.push_back(fault);
    }
};

class StandInDevice final : public SlotDevice {
public:
    StandInDevice(Machine& machine, int rank)
        : machine_(machine)
        , rank_(rank)
        , current_(std::static_pointer_cast<StandInStream>(make_stream()))
    {
    }

    /// The rank's own work.
    void compute(std::function<void()> work) { current_->add(std::move(work)); }

    at::Device device() const override { return at::kCPU; }

    Stream make_stream() override
    {
        auto stream = std::make_shared<StandInStream>(static_cast<unsigned>(1000 * rank_ + static_cast<int>(streams_.size())));
        streams_.push_back(stream);
        return stream;
    }

    Event make_event() override { return std::make_shared<StandInEvent>(); }

    Event make_shared_event() override
    {
        auto event = std::make_shared<StandInEvent>();
        return Event(event.get(), [event](void*) {
            std::lock_guard lock(event->mutex);
            event->owner_is_gone = true;
        });
    }

    std::string handle_of_event(const Event& shared) override
    {
        std::lock_guard lock(machine_.mutex);
        std::string handle = "event" + std::to_string(machine_.events.size());
        machine_.events[handle] = state_of(shared);
        return handle;
    }

    Event open_event(const std::string& handle) override
    {
        std::lock_guard lock(machine_.mutex);
        return machine_.events.at(handle);
    }

    Memory allocate(std::int64_t bytes) override
    {
        auto memory = std::make_shared<StandInMemory>();
        memory->bytes.resize(static_cast<std::size_t>(bytes));
        return Memory(memory.get(), [memory, this](void*) {
            if (memory->openings != 0)
                machine_.note("memory was freed that another rank had open");
        });
    }

    std::string handle_of_memory(const Memory& own) override
    {
        std::lock_guard lock(machine_.mutex);
        std::string handle = "memory" + std::to_string(machine_.memories.size());
        machine_.memories[handle] = memory_of(own);
        return handle;
    }

    Memory open_memory(const std::string& handle) override
    {
        std::lock_guard lock(machine_.mutex);
        std::shared_ptr<StandInMemory> memory = machine_.memories.at(handle);
        ++memory->openings;
        return Memory(memory.get(), [memory](void*) { --memory->openings; });
    }

    void record(const Event& event, const Stream& stream) override
    {
        auto state = state_of(event);
        std::lock_guard lock(state->mutex);
        stream_of(stream).add([state, point = ++state->recorded] {
            std::lock_guard inner(state->mutex);
            state->passed = std::max(state->passed, point);
            state->changed.notify_all();
        });
    }

    void wait(const Stream& stream, const Event& event) override
    {
        auto state = state_of(event);
        std::lock_guard lock(state->mutex);
        if (state->owner_is_gone)
            machine_.note("an event was waited for after its owner's end");
        stream_of(stream).add([state, point = state->recorded] {
            std::unique_lock inner(state->mutex);
            state->changed.wait(inner, [&] { return state->passed >= point; });
        });
    }

    void write(const Stream& stream, const Memory& memory, std::int64_t offset, const at::Tensor& tensor) override
    {
        stream_of(stream).add([slot = memory_of(memory), offset, tensor] {
            std::memcpy(slot->bytes.data() + offset, tensor.const_data_ptr(), tensor.nbytes());
        });
    }

    void read(const Stream& stream, const Memory& memory, std::int64_t offset, const at::Tensor& tensor) override
    {
        stream_of(stream).add([slot = memory_of(memory), offset, tensor] {
            std::memcpy(tensor.mutable_data_ptr(), slot->bytes.data() + offset, tensor.nbytes());
        });
    }

    void add(const Stream& stream, const Memory& memory, std::int64_t offset, const at::Tensor& tensor) override
    {
        stream_of(stream).add([slot = memory_of(memory), offset, tensor] {
            tensor.add_(at::from_blob(slot->bytes.data() + offset, tensor.sizes(), tensor.options()));
        });
    }

    void keep(const at::Tensor& tensor, const Stream& stream) override
    {
        stream_of(stream).add([tensor] {});
        std::lock_guard lock(machine_.mutex);
        ++machine_.kept;
    }

    void finish() override
    {
        for (const auto& stream : streams_)
            stream->finish();
    }

private:
    static std::shared_ptr<StandInEvent> state_of(const Event& event)
    {
        return static_cast<StandInEvent*>(event.get())->shared_from_this();
    }
    static std::shared_ptr<StandInMemory> memory_of(const Memory& memory)
    {
        return static_cast<StandInMemory*>(memory.get())->shared_from_this();
    }

    StandInStream& stream_of(const Stream& stream) { return stream ? *static_cast<StandInStream*>(stream.get()) : *current_; }

    Machine& machine_;
    int rank_;
    std::vector<std::shared_ptr<StandInStream>> streams_;
    std::shared_ptr<StandInStream> current_;
};

/// Threads that meet at a Machine.
class StandInMeeting final : public Meeting {
public:
    StandInMeeting(Machine& machine, int rank)
        : machine_(machine)
        , rank_(rank)
    {
    }

    int rank() const override { return rank_; }
    int size() const override { return machine_.ranks; }

    std::vector<std::string> gather(const std::string& text, const std::function<void(const std::string&)>& waiting) override
    {
        const std::int64_t number = gathered_++;
        std::unique_lock lock(machine_.mutex);
        machine_.said[{number, rank_}] = text;
        machine_.changed.notify_all();
        std::vector<std::string> all;
        while (static_cast<int>(all.size()) < machine_.ranks) {
            auto found = machine_.said.find({number, static_cast<int>(all.size())});
            if (found != machine_.said.end()) {
                all.push_back(found->second);
                continue;
            }
            machine_.changed.wait_for(lock, std::chrono::milliseconds(1));
            if (machine_.has_failed)
                throw Error(Code::RankDied, "another rank has failed", "gather");
            if (waiting) {
                lock.unlock();
                waiting("gather");
                lock.lock();
            }
        }
        return all;
    }

    Board& board() override { return machine_.board; }

    std::unique_ptr<Transport> connect(const Topology&) override { return no_transport(); }

private:
    Machine& machine_;
    int rank_;
    std::int64_t gathered_ = 0;
};

} // namespace pipebd::engine
