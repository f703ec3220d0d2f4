// Objective: what a student's block is trained for, and so where its backward pass starts: blockwise, its own loss against the
// teacher's output; end to end, the gradient that the block after it sends, which begins at the loss of the whole network.
//
// The only place that knows the one from the other.
#pragma once

#include "engine/training/run_parts.h"
#include "engine/training/student_work.h"
#include "engine/training/values.h"

#include <cstdint>
#include <map>

namespace pipebd::engine {

class Objective {
public:
    /// All outlive it; `students` by block.
    Objective(const RunParts& parts, const RankPhase& phase, Values& values, std::map<int, StudentWork>& students);

    void student_forward(const schedule::Instruction& instruction, std::int64_t batch);
    /// Of the whole network, where the last block is.
    void loss(const schedule::Instruction& instruction, std::int64_t batch);
    void student_backward(const schedule::Instruction& instruction, std::int64_t batch);

private:
    at::Tensor weighted(const at::Tensor& mean, schedule::Rows rows) const;

    const RunParts& parts_;
    const RankPhase& phase_;
    Values& values_;
    std::map<int, StudentWork>& students_;
};

} // namespace pipebd::engine
