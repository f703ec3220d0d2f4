#include "engine/data/loader.h"

#include "base/error.h"
#include "engine/models/precision.h"

#include <ATen/Parallel.h>
#include <c10/core/DeviceGuard.h>

#include <algorithm>

namespace pipebd::engine {

Loader::Loader(const experiment::Experiment& experiment, const DataSet& data, const schedule::Program& program,
    const std::vector<schedule::Instruction>& instructions, std::int64_t first, std::int64_t end, at::Device device,
    const ArchitectureSteps& architecture)
    : experiment_(experiment)
    , data_(data)
    , architecture_(architecture)
    , stream_(experiment, data.size(DataSet::Split::Train), "order")
    , held_out_(experiment, data.size(DataSet::Split::HeldOut), "held-out order")
    , device_(device)
{
    for (const schedule::Instruction& instruction : instructions) {
        if (instruction.op == schedule::Op::Load)
            loads_.push_back({schedule::rows_of(instruction, experiment.data.batch, program.microbatches), instruction.ahead});
    }
    // A thread's number of threads is its own, but setting it sets that of threads to come and of MKL with it.
    const int threads = at::get_num_threads();
    thread_ = std::thread([this, first, end] { work(first, end); });
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return prepared_; });
    if (threads != 1)
        at::set_num_threads(threads);
}

Loader::~Loader()
{
    {
        std::lock_guard lock(mutex_);
        stop_ = true;
    }
    changed_.notify_all();
    thread_.join();
}

Batch Loader::next(std::int64_t batch, schedule::Rows rows)
{
    Shard shard;
    {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [this] { return !ready_.empty() || done_; });
        if (ready_.empty() && failure_)
            std::rethrow_exception(failure_);
        if (ready_.empty() || ready_.front().batch != batch || ready_.front().rows != rows)
            throw Error(Code::Internal, "a batch is loaded out of order", "batch " + std::to_string(batch));
        shard = std::move(ready_.front());
        ready_.pop_front();
    }
    changed_.notify_all();
    return std::move(shard.values);
}

void Loader::work(std::int64_t first, std::int64_t end)
{
    if (at::get_num_threads() != 1)
        at::set_num_threads(1);
    std::unique_lock lock(mutex_);
    prepared_ = true;
    changed_.notify_all();

    int farthest = 0;
    for (const Load& load : loads_)
        farthest = std::max(farthest, load.ahead);
    try {
        for (std::int64_t step = first - farthest; step < end; ++step) {
            for (const Load& load : loads_) {
                const std::int64_t batch = step + load.ahead;
                if (batch < first || batch >= end)
                    continue;
                changed_.wait(lock, [this] { return stop_ || ready_.size() < limit; });
                if (stop_)
                    return;
                lock.unlock();
                Batch values = make(batch, load.rows);
                lock.lock();
                ready_.push_back({batch, load.rows, std::move(values)});
                changed_.notify_all();
            }
        }
    } catch (...) {
        if (!lock.owns_lock())
            lock.lock();
        failure_ = std::current_exception();
    }
    done_ = true;
    changed_.notify_all();
}

Batch Loader::make(std::int64_t batch, schedule::Rows rows)
{
    const bool held_out = architecture_.contains(batch);
    Batch made = data_.get(held_out ? DataSet::Split::HeldOut : DataSet::Split::Train,
        (held_out ? held_out_ : stream_).samples(architecture_.batch_of(batch), rows));
    if (made.input.is_floating_point())
        made.input = made.input.to(weight_dtype(experiment_.run.dtype));
    if (device_.is_cuda()) {
        const c10::DeviceGuard guard(device_); // whose context pins
        made.input = made.input.pin_memory();
        made.labels = made.labels.pin_memory();
    }
    return made;
}

} // namespace pipebd::engine
