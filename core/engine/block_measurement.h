// BlockMeasurement: what one block of a pair costs on this rank: the teacher's forward pass, and the student's forward pass,
// backward pass and update, each repeated over the paths that stand for all (sampled_paths.h).
#pragma once

#include "engine/device/backend.h"
#include "engine/figure.h"
#include "engine/training/models.h"
#include "schedule/profile.h"

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace pipebd::engine {

/// What goes from block to block.
struct Activations {
    at::Tensor teacher;
    at::Tensor student; // the teacher's, unless blocks of the two give different shapes
};

/// Milliseconds since the run's start, once the device has done what it was asked for.
double settled_milliseconds(Backend& backend);

class BlockMeasurement {
public:
    /// `context` says how the student is run. `experiment` and `backend` outlive it.
    BlockMeasurement(
        const experiment::Experiment& experiment, const Pair& pair, int block, const Context& context, Backend& backend);

    /// Once. `begins` is told of every pass, with the repeat that it belongs to; that of repeat 0 are the warm-up.
    void run(const Activations& input, const std::function<void(std::size_t repeat)>& begins);

    /// What the block gave last.
    const Activations& output() const { return output_; }

    /// What passes over `samples` samples took.
    void store_passes(int samples, schedule::BlockProfile& result) const;
    /// The update, which does not depend on `samples`, and memory, of which activations do.
    void store_sizes(int samples, schedule::BlockProfile& result) const;
    std::int64_t mean_gradient_bytes() const { return static_cast<std::int64_t>(mean_gradient_bytes_); }

private:
    struct Pass {
        double teacher_forward = 0; // milliseconds, all four
        double student_forward = 0;
        double student_backward = 0;
        double update = 0;
        std::int64_t gradient_bytes = 0;
    };

    Pass pass(const SampledPath& path, const Activations& input, bool teaches);
    at::Tensor student_loss(const at::Tensor& input);
    double now() { return settled_milliseconds(backend_); }

    const experiment::Experiment& experiment_;
    const std::string& loss_;
    Context context_;
    Backend& backend_;
    Models models_;
    Block& teacher_;
    Block& student_;
    Optimizer& optimizer_;
    std::vector<SampledPath> warm_up_; // one of which is the largest: also what memory is measured on
    std::vector<SampledPath> sampled_;
    Figure teacher_forward_;
    Figure student_forward_;
    Figure student_backward_;
    Figure update_;
    std::int64_t peak_ = 0;
    std::int64_t gradient_bytes_ = 0; // of the largest path
    double mean_gradient_bytes_ = 0;
    Activations output_;
};

} // namespace pipebd::engine
