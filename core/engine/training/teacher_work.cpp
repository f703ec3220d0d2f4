#include "engine/training/teacher_work.h"

#include <utility>

namespace pipebd::engine {

TeacherWork::TeacherWork(const RunParts& parts, const RankPhase& phase, Values& values)
    : parts_(parts)
    , phase_(phase)
    , values_(values)
{
}

void TeacherWork::forward(const schedule::Instruction& instruction, std::int64_t batch)
{
    const schedule::Rows rows = phase_.rows_of(instruction);
    const at::Tensor input = values_.get(needed_by(instruction, phase_.training).front().value, batch, rows);
    at::Tensor output = teach(*parts_.models.teacher.at(instruction.block), input, parts_.spec.experiment.run.dtype);
    values_.put(made_by(instruction, phase_.training).front(), batch, rows, std::move(output));
}

} // namespace pipebd::engine
