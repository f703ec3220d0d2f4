// StepReport: what the executor tells of its steps: losses, measured instructions, durations, memory.
//
// Reading a loss or a mark waits for the device, so those of a step are told in the next one where the device works behind the
// host's back.
#pragma once

#include "engine/device/backend.h"
#include "engine/report/reported_steps.h"
#include "engine/report/reporter.h"
#include "engine/report/telemetry.h"
#include "engine/training/run_parts.h"

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace pipebd::engine {

class StepReport {
public:
    /// An instruction of a step.
    struct Place {
        std::int64_t step = 0;
        int index = 0;
        bool measured = false; // when it begins and ends is reported
    };

    explicit StepReport(const RunParts& parts);

    /// `phase` outlives its steps.
    void begin_phase(const RankPhase& phase);
    void begin_step(std::int64_t step);
    void begin(int index, const std::string& text);
    Place place() const { return place_; }

    void computed(Mark start, Mark end); // by the instruction at hand
    void transferred(const Place& place, const Pending& done); // by one that was posted; nothing if that was not measured

    /// Of `block` on `batch`; a scalar, weighted over the whole batch.
    void loss(int block, std::int64_t batch, bool architecture, const at::Tensor& value);

    /// Throws Error{NotFinite} for a loss; so does rest().
    void end_step();
    /// All that has not been told yet.
    void rest();

    /// Mean of the losses of `block` on training samples that were reported here since this was last asked; none if there were
    /// none.
    std::optional<double> take_loss(int block);

private:
    void report_losses(bool all);
    void report_spans();
    void report_memory(double now);
    bool is_reported(std::int64_t step) const;

    RunParts parts_;
    const RankPhase* phase_ = nullptr;
    Place place_;
    std::int64_t most_instructions_; // of a step of all phases, on one device

    struct PendingLoss {
        std::int64_t step; // in which it was computed
        std::int64_t batch;
        int block;
        bool architecture;
        std::function<double()> value;
    };
    std::deque<PendingLoss> losses_;
    struct Mean {
        double sum = 0;
        int count = 0;
    };
    std::map<int, Mean> mean_losses_; // by block

    struct MeasuredSpan {
        std::int64_t step;
        int index;
        Mark start;
        Mark end;
    };
    std::vector<MeasuredSpan> spans_;

    double last_step_end_ = 0; // of the last one that was reported
    std::int64_t unreported_ = 0; // steps since then
    ReportedSteps reported_;
    double last_memory_ = -1e9;
    std::unique_ptr<Telemetry> telemetry_; // null on a CPU
    double last_telemetry_ = -1e9;
};

} // namespace pipebd::engine
