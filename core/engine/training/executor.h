// Executor: the interpreter of programs. It knows instructions, not strategies.
//
// One thread a rank. Sends and all-reduces are posted and waited for by the instruction that needs them; receives are posted
// `RunSpec::buffers` batches ahead of their use, which bounds how far devices may skew. An instruction works on the batch of
// step + ahead and is left out where there is no such batch, or where a run that goes on from a checkpoint has done it already.
#pragma once

#include "base/error.h"
#include "engine/data/architecture_steps.h"
#include "engine/data/data_set.h"
#include "engine/data/loader.h"
#include "engine/device/backend.h"
#include "engine/report/reported_steps.h"
#include "engine/report/reporter.h"
#include "engine/report/telemetry.h"
#include "engine/training/models.h"
#include "engine/training/values.h"
#include "experiment/run_spec.h"

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace pipebd::engine {

class Executor {
public:
    struct Parts {
        const experiment::RunSpec& spec;
        const Pair& pair;
        const DataSet& data;
        Backend& backend;
        Transport& transport;
        Reporter& reporter;
        Models& models;
    };

    /// `steps` of each phase. Throws Error{BadRequest} if the program holds an instruction that cannot be executed.
    Executor(const Parts& parts, std::int64_t steps);
    ~Executor();

    /// Runs every phase to its end. `after_round(n)` is called on every rank after its n-th step over all phases, from
    /// first_round() + 1 on, those included in which it has nothing to do. Throws Error{RankDied}, {TimedOut}, {NotFinite},
    /// {OutOfMemory}.
    void run(const std::function<void(std::int64_t round)>& after_round);

    /// From after_round: run() returns without another step. What was posted for later steps is left as it is.
    void stop() { stops_ = true; }

    /// Rounds before any rank has something to do: 0 unless the run goes on from a checkpoint. The same on every rank.
    std::int64_t first_round() const;

    /// Steps that `block` has been updated, those before the checkpoint that the run goes on from included.
    std::int64_t updates_of(int block) const;

    /// Mean of the losses of `block` on training samples that were reported here since this was last asked; none if there were
    /// none.
    std::optional<double> take_loss(int block);

private:
    struct GradientWork;
    struct ReceiveQueue;

    void begin_phase();
    void run_step(std::int64_t step);
    void end_phase();
    void report_rest();

    Error out_of_memory(const std::string& place, std::int64_t asked = 0) const;
    void drop_last_uses(std::size_t index, std::int64_t batch);
    void wait_for_inputs(const schedule::Instruction& instruction, std::int64_t batch);
    void execute(const schedule::Instruction& instruction, std::int64_t batch);
    void load(const schedule::Instruction& instruction, std::int64_t batch);
    void teacher_forward(const schedule::Instruction& instruction, std::int64_t batch);
    void student_forward(const schedule::Instruction& instruction, std::int64_t batch);
    void loss(const schedule::Instruction& instruction, std::int64_t batch);
    void student_backward(const schedule::Instruction& instruction, std::int64_t batch);
    void all_reduce(const schedule::Instruction& instruction, std::int64_t batch);
    void update(const schedule::Instruction& instruction, std::int64_t batch);
    void send(const schedule::Instruction& instruction, std::int64_t batch);
    void receive(const schedule::Instruction& instruction, std::int64_t batch);

    schedule::Rows rows_of(const schedule::Instruction& instruction) const;
    Context student_context(int block, std::int64_t batch, schedule::Rows rows = {}) const;
    std::vector<at::Tensor> updated_by(int block, std::int64_t batch) const;
    const std::vector<schedule::Instruction>& instructions() const;
    const schedule::Training& training() const; // of the phase
    void add_loss(int block, const at::Tensor& value);
    void report_step(std::int64_t step);
    void report_losses(bool all);
    bool is_reported(std::int64_t step) const;

    Parts parts_;
    std::int64_t steps_;
    ArchitectureSteps architecture_;
    int batch_;
    std::vector<schedule::Training> trainings_; // by phase
    std::vector<std::vector<std::int64_t>> first_steps_; // by phase and rank
    int phase_ = 0;
    std::int64_t first_batch_ = 0; // of the phase
    bool stops_ = false;

    std::vector<std::vector<std::int64_t>> shapes_; // of each block's output, a sample
    std::vector<std::string> texts_; // of each instruction of the phase
    std::vector<std::vector<schedule::Value>> last_uses_;
    std::map<int, std::vector<int>> groups_; // block -> ranks that share it in this phase
    Values values_;

    std::map<int, std::shared_ptr<GradientWork>> gradients_; // by block
    std::map<Edge, std::shared_ptr<ReceiveQueue>> receives_;
    struct Sent {
        std::unique_ptr<Pending> pending;
        std::int64_t step;
        int index;
        bool measured;
    };
    struct SendQueue {
        int per_step = 0;
        std::deque<Sent> posted;
    };
    std::map<Edge, SendQueue> sends_;
    void finish_send(Sent& sent);

    struct PendingLoss {
        std::int64_t step; // in which it was computed
        std::int64_t batch;
        int block;
        bool architecture;
        std::function<double()> value;
    };
    std::deque<PendingLoss> losses_;
    std::map<int, std::int64_t> updates_;
    struct Mean {
        double sum = 0;
        int count = 0;
    };
    std::map<int, Mean> mean_losses_; // by block
    std::unique_ptr<Loader> loader_; // of the phase, from its first Load on

    struct MeasuredSpan {
        std::int64_t step;
        int index;
        Mark start;
        Mark end;
    };
    std::vector<MeasuredSpan> spans_;
    class MeasuredReceive;
    void report_spans();
    void report_span(std::int64_t step, int index, double start, double end);
    void report_span(std::int64_t step, int index, const Pending& done);
    void report_memory(std::int64_t step, double now);

    int index_ = 0; // of the instruction at hand
    std::int64_t step_ = 0; // at hand
    bool measuring_ = false; // spans of this step are reported
    double last_step_end_ = 0; // of the last one that was reported
    std::int64_t unreported_ = 0; // steps since then
    ReportedSteps reported_;
    std::int64_t most_instructions_ = 0; // of a step of all phases, on one device
    double last_memory_ = -1e9;
    std::unique_ptr<Telemetry> telemetry_; // null on a CPU
    double last_telemetry_ = -1e9;
};

} // namespace pipebd::engine
