#include "engine/executor.h"

#include "base/foreign_error.h"
#include "base/units.h"
#include "engine/block_costs.h"
#include "engine/loss.h"
#include "engine/measured_steps.h"
#include "engine/out_of_memory.h"
#include "engine/precision.h"
#include "schedule/resume.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>
#include <torch/csrc/autograd/autograd.h>

#include <algorithm>
#include <utility>

namespace pipebd::engine {

using experiment::Metric;
using schedule::Instruction;
using schedule::Need;
using schedule::Op;
using schedule::Rows;
using schedule::Training;
using schedule::Value;
using Kind = Value::Kind;

namespace {

/// The elements of `tensor` in its own memory order, inside `flat` from `offset`.
at::Tensor view_into(const at::Tensor& flat, std::int64_t offset, const at::Tensor& tensor)
{
    return flat.as_strided(tensor.sizes(), tensor.strides(), flat.storage_offset() + offset);
}

/// In the memory order in which the other end receives it.
at::Tensor dense(const at::Tensor& tensor)
{
    return tensor.dim() == 4 ? tensor.contiguous(at::MemoryFormat::ChannelsLast) : tensor.contiguous();
}

/// Whose outputs go from rank to rank.
Network relayed(const experiment::RunSpec& spec)
{
    const bool student = spec.program.end_to_end() && spec.experiment.train.network != "teacher";
    return student ? Network::Student : Network::Teacher;
}

/// Of one step of all phases, on the device that has most.
std::int64_t most_instructions(const schedule::Program& program)
{
    std::vector<std::int64_t> counts(static_cast<std::size_t>(program.devices()));
    for (const schedule::Phase& phase : program.phases)
        for (std::size_t device = 0; device < counts.size(); ++device)
            counts[device] += static_cast<std::int64_t>(phase.devices[device].instructions.size());
    return counts.empty() ? 0 : *std::max_element(counts.begin(), counts.end());
}

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

} // namespace

/// What is between forward and update of one block.
struct Executor::GradientWork {
    struct Graph {
        Rows rows;
        at::Tensor input; // end to end: the leaf whose gradient the block before needs
        at::Tensor output; // end to end: the student's output; blockwise: the weighted loss
    };
    std::vector<Graph> graphs;
    at::Tensor loss; // of this step so far, weighted by rows
    at::Tensor flat; // gradients in memory order, then the loss
    std::unique_ptr<Pending> all_reduce;
    std::int64_t all_reduce_step = 0;
    int all_reduce_index = 0;
};

/// A received tensor whose instruction is reported once it has been waited for.
class Executor::MeasuredReceive final : public Pending {
public:
    MeasuredReceive(Executor& executor, std::unique_ptr<Pending> pending)
        : executor_(executor)
        , pending_(std::move(pending))
        , step_(executor.step_)
        , index_(executor.index_)
    {
    }

    void wait() override
    {
        pending_->wait();
        executor_.report_span(step_, index_, *pending_);
    }

private:
    Executor& executor_;
    std::unique_ptr<Pending> pending_;
    std::int64_t step_;
    int index_;
};

/// Receives on one edge, posted ahead of the instructions that take them.
struct Executor::ReceiveQueue {
    explicit ReceiveQueue(std::int64_t first_step)
        : next_step(first_step)
    {
    }

    struct Posted {
        Rows rows;
        at::Tensor buffer;
        std::unique_ptr<Pending> pending;
    };
    std::vector<std::size_t> instructions; // of the phase, on this edge
    std::size_t next = 0; // in `instructions`, to be posted
    std::int64_t next_step; // the first is the one in which the farthest ahead of them has the phase's first batch
    std::deque<Posted> posted;
};

Executor::Executor(const Parts& parts, std::int64_t steps)
    : parts_(parts)
    , steps_(steps)
    , architecture_(parts.spec.experiment.architecture, steps)
    , batch_(parts.spec.experiment.data.batch)
    , trainings_(schedule::trainings_of(parts.spec.program))
    , first_steps_(schedule::first_steps(parts.spec.program, parts.spec.done, steps))
    , shapes_(output_shapes(parts.pair, relayed(parts.spec)))
    , most_instructions_(most_instructions(parts.spec.program))
{
    refuse_what_cannot_run(parts.spec.program);
    for (std::size_t block = 0; block < parts.spec.done.size(); ++block)
        updates_[static_cast<int>(block)] = parts.spec.done[block];
    if (!parts.backend.pci_bus_id().empty())
        telemetry_ = std::make_unique<Telemetry>();
}

Executor::~Executor() = default;

const std::vector<Instruction>& Executor::instructions() const
{
    return parts_.spec.program.phases[static_cast<std::size_t>(phase_)]
        .devices[static_cast<std::size_t>(parts_.transport.rank())]
        .instructions;
}

const Training& Executor::training() const
{
    return trainings_[static_cast<std::size_t>(phase_)];
}

std::int64_t Executor::updates_of(int block) const
{
    auto found = updates_.find(block);
    return found == updates_.end() ? 0 : found->second;
}

std::int64_t Executor::first_round() const
{
    return schedule::first_round(first_steps_, steps_);
}

std::optional<double> Executor::take_loss(int block)
{
    const Mean mean = std::exchange(mean_losses_[block], {});
    return mean.count > 0 ? std::optional<double>(mean.sum / mean.count) : std::nullopt;
}

Rows Executor::rows_of(const Instruction& instruction) const
{
    return schedule::rows_of(instruction, batch_, parts_.spec.program.microbatches);
}

Context Executor::student_context(int block, std::int64_t batch, Rows rows) const
{
    Context context;
    context.training = true;
    context.seed = parts_.spec.experiment.seed;
    context.step = batch;
    context.first_row = rows.begin;
    context.architecture = architecture_.contains(batch);
    auto group = groups_.find(block);
    if (group != groups_.end() && parts_.spec.experiment.run.batch_norm == "sync")
        context.group = parts_.transport.group(group->second);
    return context;
}

void Executor::run(const std::function<void(std::int64_t)>& after_round)
{
    const std::int64_t first = first_round();
    std::int64_t round = 0;
    last_step_end_ = run_milliseconds();
    for (phase_ = 0; phase_ < static_cast<int>(parts_.spec.program.phases.size()); ++phase_) {
        first_batch_ = first_steps_[static_cast<std::size_t>(phase_)][static_cast<std::size_t>(parts_.transport.rank())];
        const bool idle = instructions().empty() || first_batch_ == steps_;
        int ahead = 0;
        if (!idle)
            begin_phase();
        for (const Instruction& instruction : instructions())
            ahead = std::max(ahead, instruction.ahead);
        for (std::int64_t step = idle ? 0 : std::min<std::int64_t>(0, first_batch_ - ahead); step < steps_; ++step) {
            const bool works = !idle && step >= first_batch_ - ahead;
            if (works)
                run_step(step);
            if (step < 0)
                continue;
            if (works && step >= first_batch_)
                report_step(step);
            if (++round > first)
                after_round(round);
            if (stops_) {
                report_rest();
                return;
            }
        }
        if (!idle)
            end_phase();
    }
}

void Executor::begin_phase()
{
    const std::vector<Instruction>& list = instructions();
    texts_.clear();
    groups_.clear();
    receives_.clear();
    sends_.clear();
    last_uses_ = last_uses(list, training());
    for (std::size_t i = 0; i < list.size(); ++i) {
        const Instruction& instruction = list[i];
        texts_.push_back(to_text(instruction));
        if (instruction.op == Op::AllReduce)
            groups_[instruction.block] = instruction.group;
        if (instruction.op == Op::StudentForward && !gradients_.contains(instruction.block))
            gradients_[instruction.block] = std::make_shared<GradientWork>();
        if (instruction.op == Op::Send)
            ++sends_[{parts_.transport.rank(), instruction.peer, instruction.payload}].per_step;
        if (instruction.op == Op::Receive) {
            Edge edge{instruction.peer, parts_.transport.rank(), instruction.payload};
            std::shared_ptr<ReceiveQueue>& queue = receives_[edge];
            if (!queue)
                queue = std::make_shared<ReceiveQueue>(first_batch_);
            queue->instructions.push_back(i);
            queue->next_step = std::min(queue->next_step, first_batch_ - instruction.ahead);
        }
    }
}

void Executor::run_step(std::int64_t step)
{
    const std::vector<Instruction>& list = instructions();
    step_ = step;
    measuring_ = is_measured(step, most_instructions_);
    for (std::size_t i = 0; i < list.size(); ++i) {
        std::int64_t batch = step + list[i].ahead;
        if (batch < first_batch_ || batch >= steps_)
            continue;
        if (schedule::is_done(list[i], batch, parts_.spec.done)) {
            drop_last_uses(i, batch);
            continue;
        }
        index_ = static_cast<int>(i);
        auto place = [&] {
            return "step " + std::to_string(step) + ", " + texts_[i] + " on rank " + std::to_string(parts_.transport.rank());
        };
        parts_.reporter.heartbeat(step, texts_[i], phase_);
        try {
            wait_for_inputs(list[i], batch);
            bool posts = list[i].op == Op::Send || list[i].op == Op::Receive || list[i].op == Op::AllReduce;
            if (measuring_ && !posts) {
                Mark start = parts_.backend.mark();
                execute(list[i], batch);
                spans_.push_back({step, index_, start, parts_.backend.mark()});
            } else {
                execute(list[i], batch);
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
        drop_last_uses(i, batch);
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
    const auto fitting = asked > 0
        ? static_cast<std::int64_t>(static_cast<double>(batch_) * static_cast<double>(used) / static_cast<double>(used + asked))
        : 0;
    return {Code::OutOfMemory, what + " of " + format_bytes(parts_.backend.memory_bytes()) + ")", place,
        fitting > 0 ? "use a batch of at most " + std::to_string(fitting) + " (data.batch), or more devices"
                    : "use a smaller batch or more devices"};
}

void Executor::drop_last_uses(std::size_t index, std::int64_t batch)
{
    for (const Value& value : last_uses_[index])
        values_.drop(value, batch);
}

void Executor::end_phase()
{
    for (auto& [edge, queue] : sends_) {
        for (Sent& sent : queue.posted)
            finish_send(sent);
        queue.posted.clear();
    }
    report_rest();
    loader_.reset();
    values_.clear();
}

void Executor::report_rest()
{
    report_losses(true);
    report_spans();
    report_memory(step_, run_milliseconds());
}

void Executor::wait_for_inputs(const Instruction& instruction, std::int64_t batch)
{
    if (instruction.op == Op::Update) {
        GradientWork& work = *gradients_[instruction.block];
        if (work.all_reduce) {
            work.all_reduce->wait();
            if (is_measured(work.all_reduce_step, most_instructions_))
                report_span(work.all_reduce_step, work.all_reduce_index, *work.all_reduce);
        }
        return;
    }
    for (const Need& need : needed_by(instruction, training()))
        if (!need.held)
            values_.wait_for(need.value, batch);
}

void Executor::execute(const Instruction& instruction, std::int64_t batch)
{
    switch (instruction.op) {
    case Op::Load:
        return load(instruction, batch);
    case Op::TeacherForward:
        return teacher_forward(instruction, batch);
    case Op::StudentForward:
        return student_forward(instruction, batch);
    case Op::Loss:
        return loss(instruction, batch);
    case Op::StudentBackward:
        return student_backward(instruction, batch);
    case Op::AllReduce:
        return all_reduce(instruction, batch);
    case Op::Update:
        return update(instruction, batch);
    case Op::Send:
        return send(instruction, batch);
    case Op::Receive:
        return receive(instruction, batch);
    case Op::Barrier:
        return parts_.transport.barrier();
    case Op::TeacherUpdate:
        break;
    }
    throw Error(Code::Internal, "unknown instruction", to_text(instruction));
}

void Executor::load(const Instruction& instruction, std::int64_t batch)
{
    Rows rows = rows_of(instruction);
    at::Device device = parts_.backend.device();
    if (!loader_) // the first Load is one of the farthest ahead, so its batch is the first of the phase
        loader_ = std::make_unique<Loader>(
            parts_.spec.experiment, parts_.data, parts_.spec.program, instructions(), batch, steps_, device, architecture_);
    Batch loaded = loader_->next(batch, rows);
    values_.put({Kind::Data, 0, 0}, batch, rows, loaded.input.to(device, /*non_blocking=*/true));
    values_.put({Kind::Labels, 0, 0}, batch, rows, loaded.labels.to(device, /*non_blocking=*/true));
}

void Executor::teacher_forward(const Instruction& instruction, std::int64_t batch)
{
    Rows rows = rows_of(instruction);
    at::Tensor input = values_.get(needed_by(instruction, training()).front().value, batch, rows);
    at::Tensor output = teach(*parts_.models.teacher.at(instruction.block), input, parts_.spec.experiment.run.dtype);
    values_.put({Kind::TeacherOutput, instruction.block, 0}, batch, rows, std::move(output));
}

void Executor::student_forward(const Instruction& instruction, std::int64_t batch)
{
    const experiment::Experiment& experiment = parts_.spec.experiment;
    int block = instruction.block;
    Rows rows = rows_of(instruction);
    const bool end_to_end = training().end_to_end;
    const schedule::Needs needs = needed_by(instruction, training());
    at::Tensor input = values_.get(needs.front().value, batch, rows).detach();
    if (end_to_end && block > 0)
        input.requires_grad_(true);

    Precision precision(experiment.run.dtype, parts_.backend.device().type());
    at::Tensor output = parts_.models.student.at(block)->forward(input, student_context(block, batch, rows));
    GradientWork& work = *gradients_[block];
    if (end_to_end) {
        values_.put({Kind::StudentOutput, block, 0}, batch, rows, output.detach());
        work.graphs.push_back({rows, std::move(input), std::move(output)});
        return;
    }
    at::Tensor target = values_.get(needs.back().value, batch, rows);
    at::Tensor value = distillation_loss(loss_of(experiment.distill, block, parts_.spec.program.blocks), output, target);
    // The gradient of the mean over the whole batch is the sum of the shards' gradients by their share of rows.
    if (rows.size() != batch_)
        value = value.mul(static_cast<double>(rows.size()) / batch_);
    add_loss(block, value);
    work.graphs.push_back({rows, {}, std::move(value)});
}

void Executor::add_loss(int block, const at::Tensor& value)
{
    at::Tensor& loss = gradients_[block]->loss;
    at::Tensor detached = value.detach();
    loss = loss.defined() ? loss.add(detached) : detached;
}

void Executor::loss(const Instruction& instruction, std::int64_t batch)
{
    Rows rows = rows_of(instruction);
    int last = parts_.spec.program.blocks - 1;
    at::Tensor logits = values_.get({Kind::StudentOutput, last, 0}, batch, rows).detach().requires_grad_(true);
    at::Tensor labels = values_.get({Kind::Labels, 0, 0}, batch, rows);
    at::Tensor value = label_loss(logits.to(weight_dtype(parts_.spec.experiment.run.dtype)), labels);
    if (rows.size() != batch_)
        value = value.mul(static_cast<double>(rows.size()) / batch_);
    add_loss(last, value);
    torch::autograd::backward({value}, {});
    values_.put({Kind::StudentGradient, last, 0}, batch, rows, logits.grad());
}

void Executor::student_backward(const Instruction& instruction, std::int64_t batch)
{
    int block = instruction.block;
    Rows rows = rows_of(instruction);
    std::vector<GradientWork::Graph>& graphs = gradients_[block]->graphs;
    auto graph = std::find_if(graphs.begin(), graphs.end(), [&](const auto& candidate) { return candidate.rows == rows; });
    if (graph == graphs.end())
        throw Error(Code::Internal, "a backward pass without its forward pass", to_text(instruction));
    if (training().end_to_end) {
        at::Tensor gradient = values_.get({Kind::StudentGradient, block, 0}, batch, rows);
        torch::autograd::backward({graph->output}, {gradient.to(graph->output.scalar_type())});
        if (block > 0)
            values_.put({Kind::StudentGradient, block - 1, 0}, batch, rows, graph->input.grad());
    } else if (const std::vector<at::Tensor> updated = updated_by(block, batch); !updated.empty()) {
        torch::autograd::backward({graph->output}, {}, std::nullopt, false, updated);
    }
    graphs.erase(graph);
}

std::vector<at::Tensor> Executor::updated_by(int block, std::int64_t batch) const
{
    const Block& student = *parts_.models.student.at(block);
    std::vector<at::Tensor> parameters;
    for (std::size_t index : student.active_parameters(student_context(block, batch)))
        parameters.push_back(student.parameters()[index].tensor);
    return parameters;
}

void Executor::all_reduce(const Instruction& instruction, std::int64_t batch)
{
    if (instruction.group.size() < 2)
        return;
    int block = instruction.block;
    GradientWork& work = *gradients_[block];
    const std::vector<at::Tensor> parameters = updated_by(block, batch);
    std::int64_t elements = 1;
    for (const at::Tensor& parameter : parameters)
        elements += parameter.numel();
    at::NoGradGuard no_grad;
    work.flat = at::empty({elements}, (parameters.empty() ? work.loss : parameters.front()).options().requires_grad(false));
    std::int64_t offset = 0;
    for (const at::Tensor& parameter : parameters) {
        at::Tensor slice = view_into(work.flat, offset, parameter);
        slice.copy_(parameter.grad());
        parameter.mutable_grad() = slice;
        offset += parameter.numel();
    }
    work.flat.narrow(0, offset, 1).copy_(work.loss.reshape({1}));
    work.loss = work.flat.narrow(0, offset, 1).squeeze(0);
    work.all_reduce_step = step_;
    work.all_reduce_index = index_;
    work.all_reduce = parts_.transport.all_reduce(work.flat, instruction.group);
}

void Executor::update(const Instruction& instruction, std::int64_t batch)
{
    int block = instruction.block;
    GradientWork& work = *gradients_[block];
    std::vector<std::size_t> active = parts_.models.student.at(block)->active_parameters(student_context(block, batch));
    {
        at::NoGradGuard no_grad;
        const experiment::Experiment& experiment = parts_.spec.experiment;
        parts_.models.optimizer.at(block)->update(active,
            architecture_.contains(batch) ? experiment.architecture.learning_rate : learning_rate(experiment.train, batch, steps_));
    }
    ++updates_[block];
    auto group = groups_.find(block);
    bool reports = group == groups_.end() || group->second.front() == parts_.transport.rank();
    if (work.loss.defined() && reports)
        losses_.push_back({step_, batch, block, architecture_.contains(batch), parts_.backend.read_later(work.loss)});
    work.loss = at::Tensor();
    work.flat = at::Tensor();
    work.all_reduce.reset();
}

void Executor::send(const Instruction& instruction, std::int64_t batch)
{
    Edge edge{parts_.transport.rank(), instruction.peer, instruction.payload};
    Rows rows = rows_of(instruction);
    SendQueue& queue = sends_.at(edge);
    while (static_cast<int>(queue.posted.size()) >= parts_.spec.buffers * queue.per_step) {
        finish_send(queue.posted.front());
        queue.posted.pop_front();
    }
    queue.posted.push_back(
        {parts_.transport.send(dense(values_.get(value_of(instruction), batch, rows)), edge), step_, index_, measuring_});
}

void Executor::finish_send(Sent& sent)
{
    sent.pending->wait();
    if (sent.measured)
        report_span(sent.step, sent.index, *sent.pending);
}

void Executor::receive(const Instruction& instruction, std::int64_t batch)
{
    Edge edge{instruction.peer, parts_.transport.rank(), instruction.payload};
    ReceiveQueue& queue = *receives_.at(edge);
    const std::vector<Instruction>& list = instructions();
    std::size_t ahead = queue.instructions.size() * static_cast<std::size_t>(parts_.spec.buffers);
    while (queue.posted.size() < ahead && queue.next_step < steps_) {
        const Instruction& next = list[queue.instructions[queue.next]];
        std::int64_t next_batch = queue.next_step + next.ahead;
        if (++queue.next == queue.instructions.size()) {
            queue.next = 0;
            ++queue.next_step;
        }
        if (next_batch < first_batch_ || next_batch >= steps_)
            continue;
        Rows rows = rows_of(next);
        std::vector<std::int64_t> shape = shapes_[static_cast<std::size_t>(next.block)];
        shape.insert(shape.begin(), rows.size());
        at::TensorOptions options
            = at::TensorOptions().device(parts_.backend.device()).dtype(relay_dtype(parts_.spec.experiment.run.dtype));
        at::Tensor buffer = shape.size() == 4 ? at::empty(shape, options.memory_format(at::MemoryFormat::ChannelsLast))
                                              : at::empty(shape, options);
        std::unique_ptr<Pending> pending = parts_.transport.receive(buffer, edge);
        queue.posted.push_back({rows, std::move(buffer), std::move(pending)});
    }
    ReceiveQueue::Posted received = std::move(queue.posted.front());
    queue.posted.pop_front();
    if (measuring_)
        received.pending = std::make_unique<MeasuredReceive>(*this, std::move(received.pending));
    values_.put(value_of(instruction), batch, received.rows, std::move(received.buffer), std::move(received.pending));
}

} // namespace pipebd::engine
