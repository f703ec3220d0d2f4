#include "schedule/memory_use.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace pipebd::schedule {

namespace {

std::int64_t whole_bytes(double bytes)
{
    constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max();
    return bytes >= static_cast<double>(most) ? most : static_cast<std::int64_t>(bytes);
}

/// 0 of what counts as nothing, or is held throughout.
std::int64_t bytes_per_sample(const Value& value, const Profile& profile)
{
    using Kind = Value::Kind;
    const bool travels
        = value.kind == Kind::TeacherOutput || value.kind == Kind::StudentOutput || value.kind == Kind::StudentGradient;
    return travels ? profile.blocks[static_cast<std::size_t>(value.block)].output_bytes : 0;
}

} // namespace

MemoryUse::MemoryUse(const Program& program, const Costs& costs, Keep keep)
    : program_(program)
    , costs_(costs)
    , keep_(keep)
    , known_(static_cast<std::size_t>(program.devices()))
{
}

double MemoryUse::held_throughout(std::size_t device) const
{
    const std::vector<BlockProfile>& blocks = costs_.profile().blocks;
    std::vector<bool> teaches(blocks.size());
    std::vector<bool> trains(blocks.size());
    for (const Phase& phase : program_.phases)
        for (const Instruction& instruction : phase.devices[device].instructions) {
            const auto block = static_cast<std::size_t>(instruction.block);
            if (instruction.op == Op::TeacherForward)
                teaches[block] = true;
            else if (instruction.op == Op::StudentForward || instruction.op == Op::StudentBackward || instruction.op == Op::Update)
                trains[block] = true;
        }
    double bytes = 0;
    for (std::size_t b = 0; b < blocks.size(); ++b) {
        if (teaches[b])
            bytes += static_cast<double>(blocks[b].teacher_bytes);
        if (trains[b])
            for (std::int64_t part : {blocks[b].student_bytes, blocks[b].gradient_bytes, blocks[b].optimizer_bytes})
                bytes += static_cast<double>(part);
    }
    return bytes;
}

std::vector<MemoryUse::Holding> MemoryUse::holdings(const CompiledPhase& compiled, std::size_t phase, std::size_t device) const
{
    const std::vector<Instruction>& instructions = program_.phases[phase].devices[device].instructions;
    const CompiledDevice& of_device = compiled.devices[device];
    std::vector<std::vector<std::size_t>> users(instructions.size());
    for (std::size_t index = 0, s = 0; index < instructions.size(); ++index)
        for (; s < of_device.sources_end[index]; ++s)
            users[of_device.sources[s]].push_back(index);

    std::vector<Holding> result;
    const auto hold = [&](std::size_t producer, std::vector<std::size_t> until, std::int64_t bytes_a_sample) {
        const int rows = rows_of(instructions[producer], costs_.profile().batch, program_.microbatches).size();
        if (rows > 0 && bytes_a_sample > 0)
            result.push_back({producer, std::move(until), static_cast<double>(bytes_a_sample) * rows});
    };
    for (std::size_t index = 0; index < instructions.size(); ++index) {
        const Instruction& made = instructions[index];
        const auto those_that_are = [&](Op op) {
            std::vector<std::size_t> found;
            std::copy_if(users[index].begin(), users[index].end(), std::back_inserter(found),
                [&](std::size_t user) { return instructions[user].op == op; });
            return found;
        };
        if (made.op == Op::StudentForward)
            hold(index, those_that_are(Op::StudentBackward),
                costs_.profile().blocks[static_cast<std::size_t>(made.block)].activation_bytes);
        // A student's output and the gradient of its input are among the activations of their block, but for those who wait for
        // them.
        const bool apart = made.op == Op::TeacherForward || made.op == Op::Receive;
        for (const Value& value : made_by(made, compiled.training))
            if (std::vector<std::size_t> until = apart ? users[index] : those_that_are(Op::Send); apart || !until.empty())
                hold(index, std::move(until), bytes_per_sample(value, costs_.profile()));
    }
    return result;
}

void MemoryUse::add(const CompiledPhase& compiled, std::size_t phase, std::size_t device, const std::vector<Span>& spans, int steps)
{
    const std::vector<Holding> held = holdings(compiled, phase, device);
    if (held.empty())
        return;
    struct Time {
        double start = 0;
        double end = 0;
    };
    const std::vector<CompiledInstruction>& instructions = compiled.devices[device].instructions;
    const auto batches = static_cast<std::size_t>(steps);
    std::vector<Time> times(instructions.size() * batches); // by instruction, then batch
    for (const Span& span : spans) {
        const auto index = static_cast<std::size_t>(span.index);
        const auto batch = static_cast<std::size_t>(span.step + instructions[index].ahead);
        times[index * batches + batch] = {span.start, span.end};
    }
    std::vector<Change>& changes = known_[device].changes;
    for (const Holding& holding : held)
        for (std::size_t batch = 0; batch < batches; ++batch) {
            const Time& made = times[holding.producer * batches + batch];
            double end = made.end;
            for (std::size_t user : holding.users)
                end = std::max(end, times[user * batches + batch].end);
            if (end > made.start) {
                changes.push_back({made.start, holding.bytes});
                changes.push_back({end, -holding.bytes});
            }
        }
}

void MemoryUse::add_point(Known& known, double time) const
{
    const MemoryPoint point{std::max(time, 0.0), whole_bytes(known.bytes)};
    known.peak = std::max(known.peak, point.bytes);
    if (keep_ == Keep::Peaks)
        return;
    if (time <= 0 && !known.points.empty())
        known.points.back() = point;
    else if (known.points.empty() || point.bytes != known.points.back().bytes)
        known.points.push_back(point);
}

void MemoryUse::settle(std::size_t device, double until)
{
    Known& known = known_[device];
    if (!std::exchange(known.begun, true)) {
        known.bytes = held_throughout(device);
        add_point(known, 0);
    }
    std::vector<Change>& changes = known.changes;
    const auto later = std::partition(changes.begin(), changes.end(), [&](const Change& change) { return change.time < until; });
    std::sort(changes.begin(), later, [](const Change& a, const Change& b) { return a.time < b.time; });
    for (auto change = changes.begin(); change != later;) {
        const double time = change->time;
        for (; change != later && change->time == time; ++change)
            known.bytes += change->bytes;
        add_point(known, time);
    }
    changes.erase(changes.begin(), later);
}

std::int64_t MemoryUse::peak(std::size_t device)
{
    settle(device, std::numeric_limits<double>::infinity());
    return known_[device].peak;
}

std::vector<MemoryPoint> MemoryUse::take_points(std::size_t device)
{
    return std::exchange(known_[device].points, {});
}

} // namespace pipebd::schedule
