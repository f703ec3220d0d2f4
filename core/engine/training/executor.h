// Executor: the interpreter of programs. It knows instructions, not strategies: which instruction comes next, on which batch, and
// who does it (links, teacher_work, student_work, objective).
//
// One thread a rank. Sends and all-reduces are posted and waited for by the instruction that needs them. An instruction works on
// the batch of step + ahead and is left out where there is no such batch, or where a resumed run has done it before its checkpoint.
#pragma once

#include "base/error.h"
#include "engine/data/architecture_steps.h"
#include "engine/training/links.h"
#include "engine/training/run_parts.h"
#include "engine/training/step_report.h"
#include "engine/training/values.h"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace pipebd::engine {

class Executor {
public:
    /// `steps` of each phase. Throws Error{BadRequest} if the program holds an instruction that cannot be executed.
    Executor(const RunParts& parts, std::int64_t steps);
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

    /// As StepReport::take_loss().
    std::optional<double> take_loss(int block) { return report_.take_loss(block); }

private:
    struct Work; // of a phase

    void begin_phase(int phase, std::int64_t first_batch);
    void run_step(std::int64_t step);
    void end_phase();

    void perform(std::size_t index, std::int64_t batch);
    void wait_for_inputs(const schedule::Instruction& instruction, std::int64_t batch);
    void execute(const schedule::Instruction& instruction, std::int64_t batch);
    void load(const schedule::Instruction& instruction, std::int64_t batch);
    void drop_last_uses(std::size_t index, std::int64_t batch);
    Error out_of_memory(const std::string& place, std::int64_t asked = 0) const;

    const std::vector<schedule::Instruction>& instructions(int phase) const;

    RunParts parts_;
    std::int64_t steps_;
    ArchitectureSteps architecture_;
    std::vector<schedule::Training> trainings_; // by phase
    std::vector<std::vector<std::int64_t>> first_steps_; // by phase and rank
    RelayedShapes shapes_;
    StepReport report_;
    Values values_;
    std::unique_ptr<Work> work_; // of the phase at hand
    std::map<int, std::int64_t> updates_; // by block
    bool stops_ = false;
};

} // namespace pipebd::engine
