// Loader: the shards that a rank's program loads in one phase, made ahead of their use by a thread of its own.
//
// At most `limit` shards are ahead. They come in the order in which the phase's Load instructions are executed, whatever the batch
// the phase begins with, and are the same bits as without the thread. For a GPU they lie in pinned memory, so that the copy to the
// device need not be waited for; the caller makes that copy, on its own stream.
//
// The thread uses no other threads of LibTorch than itself. On a CPU rank it competes with the rank's own work for the rank's
// core: a batch costs what it would cost anyway, less what is made while the rank waits for others. For the digits that is 0.6 ms
// of a step of 600 ms (docs/measurements.md), so CPU and GPU ranks do the same.
#pragma once

#include "engine/data/architecture_steps.h"
#include "engine/data/sample_stream.h"
#include "schedule/program.h"

#include <ATen/core/Tensor.h>

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <exception>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

namespace pipebd::engine {

class Loader {
public:
    /// Begins to load for the batches [first, end) of the Load instructions among `instructions`; those of `architecture` are of
    /// held-out samples. `data` outlives it.
    Loader(const experiment::Experiment& experiment, const DataSet& data, const schedule::Program& program,
        const std::vector<schedule::Instruction>& instructions, std::int64_t first, std::int64_t end, at::Device device,
        const ArchitectureSteps& architecture);
    /// Waits for the shard that is being made.
    ~Loader();
    Loader(const Loader&) = delete;

    /// The next shard, which must be that of `batch` and `rows`: on the CPU, the input as the run's weights are. Waits for it.
    /// Throws what making it has thrown.
    Batch next(std::int64_t batch, schedule::Rows rows);

private:
    struct Shard {
        std::int64_t batch = 0;
        schedule::Rows rows;
        Batch values;
    };

    void work(std::int64_t first, std::int64_t end);
    Batch make(std::int64_t batch, schedule::Rows rows);

    static constexpr std::size_t limit = 2;

    const experiment::Experiment& experiment_;
    const DataSet& data_;
    ArchitectureSteps architecture_;
    SampleStream stream_;
    SampleStream held_out_;
    at::Device device_;
    struct Load {
        schedule::Rows rows;
        int ahead = 0;
    };
    std::vector<Load> loads_; // of a step

    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<Shard> ready_;
    std::exception_ptr failure_; // after what is ready
    bool prepared_ = false; // the thread's own settings are made
    bool done_ = false; // nothing follows what is ready
    bool stop_ = false;
    std::thread thread_;
};

} // namespace pipebd::engine
