#include "engine/training/links.h"

#include "engine/models/block_costs.h"
#include "engine/models/precision.h"

#include <ATen/ops/empty.h>

#include <algorithm>
#include <utility>

namespace pipebd::engine {

using schedule::Instruction;
using schedule::Op;
using schedule::Payload;

namespace {

/// In the memory order in which the other end receives it.
at::Tensor dense(const at::Tensor& tensor)
{
    return tensor.dim() == 4 ? tensor.contiguous(at::MemoryFormat::ChannelsLast) : tensor.contiguous();
}

bool sends(const schedule::Program& program, bool teacher)
{
    for (const schedule::Phase& phase : program.phases)
        for (const schedule::DeviceProgram& device : phase.devices)
            for (const Instruction& instruction : device.instructions)
                if (instruction.op == Op::Send && (instruction.payload == Payload::TeacherOutput) == teacher)
                    return true;
    return false;
}

} // namespace

/// Reported once it has been waited for.
class Links::Measured final : public Pending {
public:
    Measured(StepReport& report, std::unique_ptr<Pending> pending)
        : report_(report)
        , pending_(std::move(pending))
        , place_(report.place())
    {
    }

    void wait() override
    {
        pending_->wait();
        report_.transferred(place_, *pending_);
    }

private:
    StepReport& report_;
    std::unique_ptr<Pending> pending_;
    StepReport::Place place_;
};

RelayedShapes RelayedShapes::of(const Pair& pair, const schedule::Program& program, bool teacher_is_trained)
{
    RelayedShapes shapes;
    if (sends(program, true))
        shapes.teacher = output_shapes(pair, Network::Teacher);
    if (sends(program, false))
        shapes.student = output_shapes(pair, teacher_is_trained ? Network::Teacher : Network::Student);
    return shapes;
}

const std::vector<std::int64_t>& RelayedShapes::of(const Instruction& transfer) const
{
    return (transfer.payload == Payload::TeacherOutput ? teacher : student).at(static_cast<std::size_t>(transfer.block));
}

Links::Links(const RunParts& parts, const RankPhase& phase, const RelayedShapes& shapes, Values& values, StepReport& report)
    : parts_(parts)
    , phase_(phase)
    , shapes_(shapes)
    , values_(values)
    , report_(report)
{
    const int rank = parts.transport.rank();
    for (std::size_t i = 0; i < phase.instructions.size(); ++i) {
        const Instruction& instruction = phase.instructions[i];
        if (instruction.op == Op::Send)
            ++sends_[edge_of(instruction, rank)].per_step;
        if (instruction.op == Op::Receive) {
            ReceiveQueue& queue = receives_[edge_of(instruction, rank)];
            const std::int64_t first = phase.begin - instruction.ahead;
            queue.next_step = queue.instructions.empty() ? first : std::min(queue.next_step, first);
            queue.instructions.push_back(i);
        }
    }
}

void Links::send(const Instruction& instruction, std::int64_t batch)
{
    const Edge edge = edge_of(instruction, parts_.transport.rank());
    SendQueue& queue = sends_.at(edge);
    while (static_cast<int>(queue.posted.size()) >= parts_.spec.buffers * queue.per_step) {
        finish(queue.posted.front());
        queue.posted.pop_front();
    }
    const at::Tensor value = values_.get(value_of(instruction), batch, phase_.rows_of(instruction));
    queue.posted.push_back(
        {parts_.transport.send(dense(value.to(relay_dtype(parts_.spec.experiment.run.dtype))), edge), report_.place()});
}

void Links::finish(Sent& sent)
{
    sent.pending->wait();
    report_.transferred(sent.place, *sent.pending);
}

void Links::finish()
{
    for (auto& [edge, queue] : sends_) {
        for (Sent& sent : queue.posted)
            finish(sent);
        queue.posted.clear();
    }
}

void Links::receive(const Instruction& instruction, std::int64_t batch)
{
    const Edge edge = edge_of(instruction, parts_.transport.rank());
    ReceiveQueue& queue = receives_.at(edge);
    const std::size_t ahead = queue.instructions.size() * static_cast<std::size_t>(parts_.spec.buffers);
    while (queue.posted.size() < ahead && queue.next_step < phase_.end) {
        const Instruction& next = phase_.instructions[queue.instructions[queue.next]];
        const std::int64_t next_batch = queue.next_step + next.ahead;
        if (++queue.next == queue.instructions.size()) {
            queue.next = 0;
            ++queue.next_step;
        }
        if (phase_.contains(next_batch))
            queue.posted.push_back(post(next, edge));
    }
    Received received = std::move(queue.posted.front());
    queue.posted.pop_front();
    if (report_.place().measured)
        received.pending = std::make_unique<Measured>(report_, std::move(received.pending));
    values_.put(value_of(instruction), batch, received.rows, std::move(received.buffer), std::move(received.pending));
}

Links::Received Links::post(const Instruction& instruction, const Edge& edge)
{
    const schedule::Rows rows = phase_.rows_of(instruction);
    std::vector<std::int64_t> shape = shapes_.of(instruction);
    shape.insert(shape.begin(), rows.size());
    const at::TensorOptions options
        = at::TensorOptions().device(parts_.backend.device()).dtype(relay_dtype(parts_.spec.experiment.run.dtype));
    at::Tensor buffer
        = shape.size() == 4 ? at::empty(shape, options.memory_format(at::MemoryFormat::ChannelsLast)) : at::empty(shape, options);
    std::unique_ptr<Pending> pending = parts_.transport.receive(buffer, edge);
    return {rows, std::move(buffer), std::move(pending)};
}

} // namespace pipebd::engine
