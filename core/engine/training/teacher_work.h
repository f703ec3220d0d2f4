// TeacherWork: what a rank does with the teacher's blocks in one phase.
#pragma once

#include "engine/training/run_parts.h"
#include "engine/training/values.h"

#include <cstdint>

namespace pipebd::engine {

class TeacherWork {
public:
    /// All outlive it.
    TeacherWork(const RunParts& parts, const RankPhase& phase, Values& values);

    void forward(const schedule::Instruction& instruction, std::int64_t batch);

private:
    const RunParts& parts_;
    const RankPhase& phase_;
    Values& values_;
};

} // namespace pipebd::engine
