#include "schedule/phase_run.h"

#include <algorithm>
#include <utility>

namespace pipebd::schedule {

PhaseRun::PhaseRun(const CompiledPhase& phase, int steps, int buffers, std::vector<double> clocks,
    std::vector<std::vector<Span>>* spans, int phase_index)
    : phase_(phase)
    , steps_(steps)
    , last_measured_(std::max(0, steps - 1 - phase.most_ahead))
    , before_measured_((last_measured_ + 1) / 2 - 1)
    , phase_index_(phase_index)
    , clocks_(std::move(clocks))
    , spans_(spans)
    , devices_(phase.devices.size())
    , links_(phase.links.size())
    , groups_(phase.groups.size())
{
    const auto count = static_cast<std::size_t>(steps);
    for (std::size_t d = 0; d < devices_.size(); ++d) {
        devices_[d].step = -phase.most_ahead;
        devices_[d].entry = clocks_[d];
        devices_[d].step_ends.resize(count);
        devices_[d].brought.assign(phase.devices[d].bringers.size(), std::vector<std::size_t>(count));
    }
    for (std::size_t l = 0; l < links_.size(); ++l) {
        const auto transfers = static_cast<std::size_t>(phase.links[l].transfers);
        links_[l].transfers.resize(transfers * count);
        links_[l].slots = transfers * static_cast<std::size_t>(buffers);
    }
    for (std::size_t g = 0; g < groups_.size(); ++g) {
        groups_[g].operations.resize(static_cast<std::size_t>(phase.groups[g].operations) * count);
        groups_[g].members.resize(phase.groups[g].devices.size());
    }
}

bool PhaseRun::run()
{
    for (std::size_t d = devices_.size(); d > 0; --d)
        wake(static_cast<int>(d - 1));
    while (!ready_.empty()) {
        const std::size_t device = ready_.back();
        ready_.pop_back();
        devices_[device].queued = false;
        go_on(device);
    }
    const bool all
        = std::all_of(devices_.begin(), devices_.end(), [](const DeviceState& device) { return device.waits == Waits::No; });
    if (all && spans_)
        add_communication();
    return all;
}

void PhaseRun::wake(int device)
{
    DeviceState& state = devices_[static_cast<std::size_t>(device)];
    if (!state.queued) {
        state.queued = true;
        ready_.push_back(static_cast<std::size_t>(device));
    }
}

void PhaseRun::go_on(std::size_t device)
{
    const std::vector<CompiledInstruction>& instructions = phase_.devices[device].instructions;
    DeviceState& state = devices_[device];
    state.waits = Waits::No;
    if (instructions.empty())
        return;
    const int end = steps_ - phase_.least_ahead;
    for (; state.step < end; ++state.step) {
        state.measured = state.step <= last_measured_ && (before_measured_ < 0 || state.step > before_measured_);
        for (; state.index < instructions.size(); ++state.index) {
            const CompiledInstruction& instruction = instructions[state.index];
            const int batch = state.step + instruction.ahead;
            if (batch >= 0 && batch < steps_ && !execute(device, instruction, batch))
                return;
        }
        state.index = 0;
        if (state.step >= 0 && state.step < steps_)
            state.step_ends[static_cast<std::size_t>(state.step)] = clocks_[device];
    }
}

bool PhaseRun::wait(std::size_t device, Waits reason, int channel)
{
    devices_[device].waits = reason;
    devices_[device].waits_at = channel;
    return false;
}

bool PhaseRun::execute(std::size_t device, const CompiledInstruction& instruction, int batch)
{
    if (!wait_for_needs(device, instruction, batch))
        return false;
    switch (instruction.op) {
    case Op::Send:
        if (!send(device, instruction, batch))
            return false;
        break;
    case Op::Receive:
        return receive(device, instruction, batch);
    case Op::AllReduce:
        return all_reduce(device, instruction, batch);
    case Op::Barrier:
        return barrier(device, instruction);
    default: {
        DeviceState& state = devices_[device];
        const double start = clocks_[device];
        clocks_[device] = start + instruction.duration;
        if (state.step >= 0)
            state.begin = std::min(state.begin, start);
        add_span(device, false, state.step, state.index, start, clocks_[device]);
    }
    }
    release_buffers(device, instruction, batch);
    return true;
}

bool PhaseRun::wait_for_needs(std::size_t device, const CompiledInstruction& instruction, int batch)
{
    const CompiledDevice& compiled = phase_.devices[device];
    for (std::size_t n = instruction.needs_begin; n < instruction.needs_end; ++n) {
        const auto bringer = static_cast<std::size_t>(compiled.needs[n].bringer);
        const int channel = compiled.bringers[bringer];
        const std::size_t which = devices_[device].brought[bringer][static_cast<std::size_t>(batch)];
        if (instruction.op == Op::Update) { // of all-reduces
            GroupState& group = groups_[static_cast<std::size_t>(channel)];
            if (which >= group.done) {
                group.waiting.push_back(static_cast<int>(device));
                return wait(device, Waits::Group, channel);
            }
            await_reduction(device, group.operations[which]);
        } else {
            LinkState& link = links_[static_cast<std::size_t>(channel)];
            if (which >= link.done) {
                link.receiver_waits = true;
                return wait(device, Waits::Arrival, channel);
            }
            await_arrival(device, link.transfers[which]);
        }
    }
    return true;
}

void PhaseRun::await_arrival(std::size_t device, const Transfer& transfer)
{
    DeviceState& state = devices_[device];
    double& clock = clocks_[device];
    if (transfer.end > clock) {
        if (state.measured) {
            const double posted = std::clamp(transfer.posted, clock, transfer.end);
            (state.fills ? state.waited.fill : state.waited.others) += posted - clock;
            state.waited.communication += transfer.end - posted;
        }
        clock = transfer.end;
    }
    state.fills = false;
}

void PhaseRun::await_departure(std::size_t device, const Transfer& transfer)
{
    DeviceState& state = devices_[device];
    double& clock = clocks_[device];
    if (transfer.end <= clock)
        return;
    if (state.measured) {
        const double has_room = std::clamp(transfer.start, clock, transfer.end); // those before it have left already
        state.waited.others += has_room - clock;
        state.waited.communication += transfer.end - has_room;
    }
    clock = transfer.end;
}

void PhaseRun::await_reduction(std::size_t device, const Operation& operation)
{
    DeviceState& state = devices_[device];
    double& clock = clocks_[device];
    if (operation.end <= clock)
        return;
    if (state.measured) {
        const double ready = std::clamp(operation.ready, clock, operation.end);
        state.waited.others += ready - clock;
        state.waited.communication += operation.end - ready;
    }
    clock = operation.end;
}

void PhaseRun::release_buffers(std::size_t device, const CompiledInstruction& instruction, int batch)
{
    const CompiledDevice& compiled = phase_.devices[device];
    if (instruction.op == Op::Update)
        return;
    for (std::size_t n = instruction.needs_begin; n < instruction.needs_end; ++n)
        if (compiled.needs[n].last_use) {
            const auto bringer = static_cast<std::size_t>(compiled.needs[n].bringer);
            const int channel = compiled.bringers[bringer];
            const std::size_t which = devices_[device].brought[bringer][static_cast<std::size_t>(batch)];
            links_[static_cast<std::size_t>(channel)].transfers[which].released = clocks_[device];
            advance(channel);
        }
}

bool PhaseRun::matches(const LinkState& link, std::size_t transfer, int content, int batch) const
{
    return link.transfers[transfer].content == content && link.transfers[transfer].batch == batch;
}

bool PhaseRun::send(std::size_t device, const CompiledInstruction& instruction, int batch)
{
    DeviceState& state = devices_[device];
    LinkState& link = links_[static_cast<std::size_t>(instruction.channel)];
    const std::size_t k = link.posted;
    if (k >= link.slots + link.done) {
        link.sender_waits = true;
        return wait(device, Waits::Departure, instruction.channel);
    }
    if (k < link.received && !matches(link, k, instruction.content, batch))
        return wait(device, Waits::Match, instruction.channel);
    if (k >= link.slots)
        await_departure(device, link.transfers[k - link.slots]);
    Transfer& transfer = link.transfers[k];
    transfer.posted = clocks_[device];
    transfer.duration = instruction.duration;
    transfer.content = instruction.content;
    transfer.batch = batch;
    transfer.send_index = static_cast<int>(state.index);
    transfer.send_step = state.step;
    ++link.posted;
    advance(instruction.channel);
    return true;
}

bool PhaseRun::receive(std::size_t device, const CompiledInstruction& instruction, int batch)
{
    DeviceState& state = devices_[device];
    LinkState& link = links_[static_cast<std::size_t>(instruction.channel)];
    const std::size_t k = link.received;
    if (k < link.posted && !matches(link, k, instruction.content, batch))
        return wait(device, Waits::Match, instruction.channel);
    if (instruction.unused && k >= link.done) {
        link.receiver_waits = true;
        return wait(device, Waits::Arrival, instruction.channel);
    }
    Transfer& transfer = link.transfers[k];
    transfer.content = instruction.content;
    transfer.batch = batch;
    transfer.receive_index = static_cast<int>(state.index);
    transfer.receive_step = state.step;
    ++link.received;
    state.brought[static_cast<std::size_t>(instruction.bringer)][static_cast<std::size_t>(batch)] = k;
    if (instruction.unused) {
        await_arrival(device, transfer);
        transfer.released = clocks_[device];
        advance(instruction.channel);
    }
    return true;
}

void PhaseRun::advance(int channel)
{
    LinkState& link = links_[static_cast<std::size_t>(channel)];
    const std::size_t before = link.done;
    for (; link.done < link.posted; ++link.done) {
        Transfer& transfer = link.transfers[link.done];
        transfer.start = std::max(transfer.posted, link.free);
        if (link.done >= link.slots) {
            const double released = link.transfers[link.done - link.slots].released;
            if (released == not_yet)
                break;
            transfer.start = std::max(transfer.start, released);
        }
        transfer.end = link.free = transfer.start + transfer.duration;
    }
    if (link.done == before)
        return;
    if (std::exchange(link.receiver_waits, false))
        wake(phase_.links[static_cast<std::size_t>(channel)].to);
    if (std::exchange(link.sender_waits, false))
        wake(phase_.links[static_cast<std::size_t>(channel)].from);
}

bool PhaseRun::post(std::size_t device, const CompiledInstruction& instruction)
{
    const DeviceState& state = devices_[device];
    GroupState& group = groups_[static_cast<std::size_t>(instruction.channel)];
    std::vector<Posted>& posted = group.members[static_cast<std::size_t>(instruction.member)];
    Operation& operation = group.operations[posted.size()];
    if (operation.posted > 0 && operation.content != instruction.content)
        return wait(device, Waits::Match, instruction.channel);
    posted.push_back({static_cast<int>(state.index), state.step});
    operation.content = instruction.content;
    operation.ready = std::max(operation.ready, clocks_[device]);
    if (++operation.posted == group.members.size()) {
        operation.start = std::max(operation.ready, group.free);
        operation.end = group.free = operation.start + instruction.duration;
        ++group.done;
        for (int waiting : std::exchange(group.waiting, {}))
            wake(waiting);
    }
    return true;
}

bool PhaseRun::all_reduce(std::size_t device, const CompiledInstruction& instruction, int batch)
{
    const GroupState& group = groups_[static_cast<std::size_t>(instruction.channel)];
    const std::size_t k = group.members[static_cast<std::size_t>(instruction.member)].size();
    if (!post(device, instruction))
        return false;
    devices_[device].brought[static_cast<std::size_t>(instruction.bringer)][static_cast<std::size_t>(batch)] = k;
    return true;
}

bool PhaseRun::barrier(std::size_t device, const CompiledInstruction& instruction)
{
    DeviceState& state = devices_[device];
    GroupState& group = groups_[static_cast<std::size_t>(instruction.channel)];
    if (!std::exchange(state.at_barrier, true))
        post(device, instruction);
    const std::size_t k = group.members[static_cast<std::size_t>(instruction.member)].size() - 1;
    if (k >= group.done) {
        group.waiting.push_back(static_cast<int>(device));
        return wait(device, Waits::Group, instruction.channel);
    }
    state.at_barrier = false;
    state.fills = true;
    if (state.measured)
        state.waited.barrier += group.operations[k].end - clocks_[device];
    clocks_[device] = group.operations[k].end;
    add_span(device, false, state.step, state.index, clocks_[device], clocks_[device]);
    return true;
}

void PhaseRun::add_span(std::size_t device, bool communication, int step, std::size_t index, double start, double end)
{
    if (spans_)
        (*spans_)[device].push_back(
            {static_cast<int>(device), communication, phase_index_, step, static_cast<int>(index), start, end});
}

} // namespace pipebd::schedule
