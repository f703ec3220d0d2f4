// Measurements: what the metrics of a training run amount to: curves, rates, and the figures of its record.
//
// One step of a run advances all blocks by one batch. A program of several phases (data parallel training has a phase a block) does
// it in as many pieces; what is measured in one phase is scaled by that phase's share of the predicted step, until all have been
// measured. Not thread-safe.
#pragma once

#include "experiment/metrics.h"
#include "schedule/program.h"
#include "schedule/timeline.h"
#include "store/run_store.h"

#include <cstdint>
#include <deque>
#include <map>
#include <utility>
#include <vector>

namespace pipebd::launch {

/// Each phase's share of the time of `timeline`; equal shares if it has no spans. Sums to 1.
std::vector<double> phase_shares(const schedule::Timeline& timeline, std::size_t phases);

class Measurements {
public:
    /// `steps` of each phase, `batch` samples each; of which block b has had the first done[b] before (empty: none).
    Measurements(const schedule::Program& program, std::int64_t steps, int batch, std::vector<double> shares,
        const std::vector<std::int64_t>& done = {});

    /// Appends to `samples` what `metric` adds to the run's curves:
    /// "step_ms" by rank and "throughput" of the run (from the slowest rank) at step `phase * steps + step`, "loss" and
    /// "architecture_loss" by block (-1 if there is but one loss, end to end) at the step of its phase, "memory_bytes" and
    /// "peak_memory_bytes" by rank and, where the driver tells, "device_memory_bytes", "utilisation" and "power_watts", and
    /// evaluations by their name. A step that cannot be (of a phase or rank that is not there, or out of order) is let be.
    void take(const experiment::Metric& metric, std::vector<store::Sample>& samples);

    std::int64_t steps() const { return steps_ * static_cast<std::int64_t>(phases_.size()); } // to do, summed over phases
    std::int64_t steps_done() const; // by the slowest rank

    /// Milliseconds of one step of all blocks: of the slowest rank, its medians summed over phases, the first tenth left out (ranks
    /// pass from phase to phase on their own). 0 until every phase has been measured; one that was done before is taken to last its
    /// share.
    double step() const;

    /// Samples a second by step(); before that by the rate of the last seconds; 0 if not known.
    double throughput() const;

    double recent_throughput() const; // over the last ten seconds of the run
    double seconds_left() const; // at that rate; -1: not known

    /// By block, up to the first block without a loss yet: newest, mean of the first tenth of its steps, mean of the last tenth; of
    /// those that were reported.
    std::vector<double> newest_loss() const;
    std::vector<double> first_loss() const;
    std::vector<double> final_loss() const;

    double accuracy() const { return accuracy_; } // -1: not measured

private:
    struct RankSteps {
        bool takes_part = false;
        std::int64_t done = 0;
        std::vector<float> milliseconds;
    };
    struct PhaseSteps {
        double share = 0;
        std::int64_t done_before = 0; // by all
        int participants = 0;
        std::vector<RankSteps> ranks;
        std::int64_t done() const;
        double median_of(std::size_t rank) const; // 0 if it has not measured
    };
    struct Loss {
        std::uint32_t step = 0;
        float value = 0;
    };
    struct OpenStep {
        int ranks = 0;
        double slowest = 0;
    };

    void take_step(const experiment::Metric& metric, std::vector<store::Sample>& samples);
    void take_loss(const experiment::Metric& metric, std::vector<store::Sample>& samples);
    double fraction_done() const;

    std::int64_t steps_;
    int batch_;
    std::vector<PhaseSteps> phases_;
    std::map<std::pair<int, std::int64_t>, OpenStep> open_steps_; // not yet done by all ranks
    std::deque<std::pair<double, double>> recent_; // seconds, fraction done
    bool end_to_end_;
    std::vector<std::vector<Loss>> losses_; // by block; one if the network is trained end to end
    double accuracy_ = -1;
};

} // namespace pipebd::launch
