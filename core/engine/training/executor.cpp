#include "engine/training/executor.h"

#include "base/foreign_error.h"
#include "base/units.h"
#include "engine/data/loader.h"
#include "engine/device/out_of_memory.h"
#include "engine/training/objective.h"
#include "engine/training/student_work.h"
#include "engine/training/teacher_work.h"
#include "schedule/resume.h"

#include <algorithm>
#include <utility>

namespace pipebd::engine {

using schedule::Instruction;
using schedule::Need;
using schedule::Op;
using Kind = schedule::Value::Kind;

namespace {

void refuse_what_cannot_run(const schedule::Program& program)
{
    for (const schedule::Phase& phase : program.phases) {
        for (const schedule::DeviceProgram& device : phase.devices) {
            for (const Instruction& instruction : device.instructions) {
                if (instruction.op == Op::TeacherUpdate || instruction.view != 0 || instruction.parts != 1)
                    throw Error(Code::BadRequest, "this engine cannot execute an instruction of the program", to_text(instruction),
                        "momentum teachers, two views and split backward passes can only be simulated");
            }
        }
    }
}

bool posts(const Instruction& instruction)
{
    return instruction.op == Op::Send || instruction.op == Op::Receive || instruction.op == Op::AllReduce;
}

std::vector<std::string> texts_of(const std::vector<Instruction>& instructions)
{
    std::vector<std::string> texts;
    for (const Instruction& instruction : instructions)
        texts.push_back(to_text(instruction));
    return texts;
}

/// By block, the ranks that share it.
std::map<int, std::vector<int>> groups_of(const std::vector<Instruction>& instructions)
{
    std::map<int, std::vector<int>> groups;
    for (const Instruction& instruction : instructions)
        if (instruction.op == Op::AllReduce)
            groups[instruction.block] = instruction.group;
    return groups;
}

} // namespace

struct Executor::Work {
    Work(Executor& executor, const RankPhase& of)
        : phase(of)
        , texts(texts_of(of.instructions))
        , last_uses(engine::last_uses(of.instructions, of.training))
        , links(executor.parts_, phase, executor.shapes_, executor.values_, executor.report_)
        , teacher(executor.parts_, phase, executor.values_)
        , objective(executor.parts_, phase, executor.values_, students)
    {
        std::map<int, std::vector<int>> groups = groups_of(of.instructions);
        for (const Instruction& instruction : of.instructions)
            if (instruction.op == Op::StudentForward && !students.contains(instruction.block))
                students.try_emplace(instruction.block, executor.parts_, instruction.block, groups[instruction.block],
                    executor.architecture_, executor.steps_);
    }

    RankPhase phase;
    std::vector<std::string> texts; // of each instruction
    std::vector<std::vector<schedule::Value>> last_uses;
    std::map<int, StudentWork> students; // by block
    Links links;
    TeacherWork teacher;
    Objective objective;
    std::unique_ptr<Loader> loader; // from the first Load on
};

Executor::Executor(const RunParts& parts, std::int64_t steps)
    : parts_(parts)
    , steps_(steps)
    , architecture_(parts.spec.experiment.architecture, steps)
    , trainings_(schedule::trainings_of(parts.spec.program))
    , first_steps_(schedule::first_steps(parts.spec.program, parts.spec.done, steps))
    , shapes_(RelayedShapes::of(parts.pair, parts.spec.program, parts.spec.experiment.train.network == "teacher"))
    , report_(parts)
{
    refuse_what_cannot_run(parts.spec.program);
    for (std::size_t block = 0; block < parts.spec.done.size(); ++block)
        updates_[static_cast<int>(block)] = parts.spec.done[block];
}

Executor::~Executor() = default;

const std::vector<Instruction>& Executor::instructions(int phase) const
{
    return parts_.spec.program.phases[static_cast<std::size_t>(phase)]
        .devices[static_cast<std::size_t>(parts_.transport.rank())]
        .instructions;
}

std::int64_t Executor::updates_of(int block) const
{
    const auto found = updates_.find(block);
    return found == updates_.end() ? 0 : found->second;
}

std::int64_t Executor::first_round() const
{
    return schedule::first_round(first_steps_, steps_);
}

void Executor::run(const std::function<void(std::int64_t)>& after_round)
{
    const std::int64_t first = first_round();
    std::int64_t round = 0;
    for (int phase = 0; phase < static_cast<int>(parts_.spec.program.phases.size()); ++phase) {
        const std::int64_t first_batch
            = first_steps_[static_cast<std::size_t>(phase)][static_cast<std::size_t>(parts_.transport.rank())];
        const bool idle = instructions(phase).empty() || first_batch == steps_;
        int ahead = 0;
        if (!idle)
            begin_phase(phase, first_batch);
        for (const Instruction& instruction : instructions(phase))
            ahead = std::max(ahead, instruction.ahead);
        for (std::int64_t step = idle ? 0 : std::min<std::int64_t>(0, first_batch - ahead); step < steps_; ++step) {
            const bool works = !idle && step >= first_batch - ahead;
            if (works)
                run_step(step);
            if (step < 0)
                continue;
            if (works && step >= first_batch)
                report_.end_step();
            if (++round > first)
                after_round(round);
            if (stops_) {
                if (work_)
                    report_.rest();
                return;
            }
        }
        if (!idle)
            end_phase();
    }
}

void Executor::begin_phase(int phase, std::int64_t first_batch)
{
    const auto index = static_cast<std::size_t>(phase);
    work_ = std::make_unique<Work>(*this,
        RankPhase{
            phase, instructions(phase), trainings_[index], first_batch, steps_, parts_.batch(), parts_.spec.program.microbatches});
    report_.begin_phase(work_->phase);
}

void Executor::run_step(std::int64_t step)
{
    report_.begin_step(step);
    const std::vector<Instruction>& list = work_->phase.instructions;
    for (std::size_t i = 0; i < list.size(); ++i) {
        const std::int64_t batch = step + list[i].ahead;
        if (!work_->phase.contains(batch))
            continue;
        if (!schedule::is_done(list[i], batch, parts_.spec.done))
            perform(i, batch);
        drop_last_uses(i, batch);
    }
}

void Executor::end_phase()
{
    work_->links.finish();
    report_.rest();
    values_.clear();
    work_.reset();
}

void Executor::perform(std::size_t index, std::int64_t batch)
{
    const Instruction& instruction = work_->phase.instructions[index];
    report_.begin(static_cast<int>(index), work_->texts[index]);
    const auto place = [&] {
        return "step " + std::to_string(report_.place().step) + ", " + work_->texts[index] + " on rank "
            + std::to_string(parts_.transport.rank());
    };
    try {
        wait_for_inputs(instruction, batch);
        if (report_.place().measured && !posts(instruction)) {
            Mark start = parts_.backend.mark();
            execute(instruction, batch);
            report_.computed(std::move(start), parts_.backend.mark());
        } else {
            execute(instruction, batch);
        }
    } catch (const c10::OutOfMemoryError&) {
        throw out_of_memory(place());
    } catch (const std::bad_alloc&) {
        throw out_of_memory(place());
    } catch (const c10::Error& error) {
        if (is_out_of_memory(error))
            throw out_of_memory(place(), bytes_asked_for(error));
        throw Error(Code::Internal, foreign_reason(error.msg()), place());
    }
}

Error Executor::out_of_memory(const std::string& place, std::int64_t asked) const
{
    const auto rank = static_cast<std::size_t>(parts_.transport.rank());
    const std::vector<std::int64_t>& planned = parts_.spec.planned_bytes;
    const std::int64_t used = parts_.backend.memory().bytes;
    std::string what = "the device is out of memory (" + (asked > 0 ? format_bytes(asked) + " requested, " : "") + "in use "
        + format_bytes(used);
    if (rank < planned.size())
        what += ", planned " + format_bytes(planned[rank]);
    if (const std::int64_t free = parts_.backend.free_bytes(); free >= 0)
        what += ", free " + format_bytes(free);
    // An upper bound: what does not grow with the batch is counted as if it did.
    const auto fitting = asked > 0 ? static_cast<std::int64_t>(
                             static_cast<double>(parts_.batch()) * static_cast<double>(used) / static_cast<double>(used + asked))
                                   : 0;
    return {Code::OutOfMemory, what + " of " + format_bytes(parts_.backend.memory_bytes()) + ")", place,
        fitting > 0 ? "use a batch of at most " + std::to_string(fitting) + " (data.batch), or more devices"
                    : "use a smaller batch or more devices"};
}

void Executor::drop_last_uses(std::size_t index, std::int64_t batch)
{
    for (const schedule::Value& value : work_->last_uses[index])
        values_.drop(value, batch);
}

void Executor::wait_for_inputs(const Instruction& instruction, std::int64_t batch)
{
    if (instruction.op == Op::Update)
        return work_->students.at(instruction.block).wait_for_gradients(report_);
    for (const Need& need : needed_by(instruction, work_->phase.training))
        if (!need.held)
            values_.wait_for(need.value, batch);
}

void Executor::execute(const Instruction& instruction, std::int64_t batch)
{
    switch (instruction.op) {
    case Op::Load:
        return load(instruction, batch);
    case Op::TeacherForward:
        return work_->teacher.forward(instruction, batch);
    case Op::StudentForward:
        return work_->objective.student_forward(instruction, batch);
    case Op::Loss:
        return work_->objective.loss(instruction, batch);
    case Op::StudentBackward:
        return work_->objective.student_backward(instruction, batch);
    case Op::AllReduce:
        return work_->students.at(instruction.block).all_reduce(instruction.group, batch, report_);
    case Op::Update:
        work_->students.at(instruction.block).update(batch, report_);
        ++updates_[instruction.block];
        return;
    case Op::Send:
        return work_->links.send(instruction, batch);
    case Op::Receive:
        return work_->links.receive(instruction, batch);
    case Op::Barrier:
        return parts_.transport.barrier();
    case Op::TeacherUpdate:
        break;
    }
    throw Error(Code::Internal, "unknown instruction", to_text(instruction));
}

void Executor::load(const Instruction& instruction, std::int64_t batch)
{
    const RankPhase& phase = work_->phase;
    const at::Device device = parts_.backend.device();
    if (!work_->loader) // the first Load is one of the farthest ahead, so its batch is the first of the phase
        work_->loader = std::make_unique<Loader>(
            parts_.spec.experiment, parts_.data, parts_.spec.program, phase.instructions, batch, phase.end, device, architecture_);
    const schedule::Rows rows = phase.rows_of(instruction);
    const Batch loaded = work_->loader->next(batch, rows);
    values_.put({Kind::Data, 0, 0}, batch, rows, loaded.input.to(device, /*non_blocking=*/true));
    values_.put({Kind::Labels, 0, 0}, batch, rows, loaded.labels.to(device, /*non_blocking=*/true));
}

} // namespace pipebd::engine
