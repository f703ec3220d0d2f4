// Schedule: which devices own which blocks, and how that was decided.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace pipebd::schedule {

/// Blocks [first, last) on `devices`; each device takes 1/devices.size() of the batch.
struct Stage {
    int first = 0;
    int last = 0;
    std::vector<int> devices;
    bool operator==(const Stage&) const = default;
};

enum class Teacher { Frozen, Momentum };

/// The order in which a device of an end-to-end pipeline works on the pieces of a batch. All begin with a piece's forward passes.
enum class PipelineOrder {
    AllForward, // gpipe: all forward passes, teacher's and student's, then all backward passes, the last microbatch first
    OneForwardOneBackward, // 1f1b: after a warm-up a backward pass after each forward pass; the loss of each microbatch by itself
    TeacherAhead, // tspipe: the student's forward passes, then the teacher's of a later batch in the hole before the first gradient
};

/// How a batch goes through an end-to-end pipeline (TSPipe). A piece is one microbatch of one view.
struct Pipeline {
    PipelineOrder order = PipelineOrder::AllForward;
    int microbatches = 1;
    int backward_split = 1; // parts of a piece's backward pass
    int views = 1;
    Teacher teacher = Teacher::Frozen;
    std::vector<int> in_hole; // TeacherAhead, by stage: teacher pieces between the last student forward and the first backward
    std::vector<int> ahead; // TeacherAhead, by stage: batches that its teacher is ahead of its student, not rising

    bool operator==(const Pipeline&) const = default;
};

/// One way to cut blocks into stages and give them devices.
struct Candidate {
    std::vector<Stage> stages;
    double cost = 0; // ms: of the slowest stage
};

struct Schedule {
    std::string strategy;
    int blocks = 0;
    int devices = 0; // of the program; those that own nothing have nothing to do
    int batch = 0;
    std::vector<Stage> stages; // empty if not feasible; the blocks of each follow those of the one before
    std::vector<int> task_order; // layer-wise: the stages in the order in which their device trains them
    Pipeline pipeline; // of an end-to-end strategy
    std::string decided_by; // "fixed", "search", "bin packing", "work stealing", "hand"
    std::int64_t candidates = 1; // that it was decided among
    std::vector<Candidate> ranked; // the best of an exhaustive search, best first
    bool feasible = true;
    std::string why_not; // in words, if not feasible
    std::string note; // what else to know of the decision, in words; mostly empty
};

/// `schedule` without stages, and why there are none.
inline Schedule not_feasible(Schedule schedule, std::string why)
{
    schedule.stages.clear();
    schedule.feasible = false;
    schedule.why_not = std::move(why);
    return schedule;
}

} // namespace pipebd::schedule
