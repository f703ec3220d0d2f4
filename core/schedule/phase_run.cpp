#include "schedule/phase_run.h"

#include <algorithm>
#include <utility>

namespace pipebd::schedule {

PhaseRun::PhaseRun(const CompiledPhase& phase, int steps, int buffers, std::vector<double> clocks,
    std::vector<std::vector<Span>>* spans, int phase_index)
    : phase_(phase)
    , steps_(steps)
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
        groups_[g].member.assign(devices_.size(), -1);
        for (std::size_t m = 0; m < phase.groups[g].devices.size(); ++m)
            groups_[g].member[static_cast<std::size_t>(phase.groups[g].devices[m])] = static_cast<int>(m);
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
            clocks_[device] = std::max(clocks_[device], group.operations[which].end);
        } else {
            LinkState& link = links_[static_cast<std::size_t>(channel)];
            if (which >= link.done) {
                link.receiver_waits = true;
                return wait(device, Waits::Arrival, channel);
            }
            clocks_[device] = std::max(clocks_[device], link.transfers[which].end);
        }
    }
    return true;
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
        clocks_[device] = std::max(clocks_[device], link.transfers[k - link.slots].end);
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
        clocks_[device] = std::max(clocks_[device], transfer.end);
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
    std::vector<Posted>& posted = group.members[static_cast<std::size_t>(group.member[device])];
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
    const std::size_t k = group.members[static_cast<std::size_t>(group.member[device])].size();
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
    const std::size_t k = group.members[static_cast<std::size_t>(group.member[device])].size() - 1;
    if (k >= group.done) {
        group.waiting.push_back(static_cast<int>(device));
        return wait(device, Waits::Group, instruction.channel);
    }
    state.at_barrier = false;
    clocks_[device] = group.operations[k].end;
    add_span(device, false, state.step, state.index, clocks_[device], clocks_[device]);
    return true;
}

PhaseRun::Stuck PhaseRun::stuck() const
{
    const auto first = [&](auto waits) { return std::find_if(devices_.begin(), devices_.end(), waits); };
    auto found = first([](const DeviceState& device) { return device.waits == Waits::Match; }); // the others are its consequence
    if (found == devices_.end())
        found = first([](const DeviceState& device) { return device.waits != Waits::No; });
    Stuck stuck;
    if (found == devices_.end())
        return stuck;
    stuck.device = static_cast<std::size_t>(found - devices_.begin());
    stuck.index = found->index;
    const auto channel = static_cast<std::size_t>(found->waits_at);
    switch (found->waits) {
    case Waits::Arrival:
        stuck.why = "it waits for what device " + std::to_string(phase_.links[channel].from) + " never sends";
        break;
    case Waits::Departure:
        stuck.why = "it waits until device " + std::to_string(phase_.links[channel].to) + " has room, which never comes";
        break;
    case Waits::Match:
        stuck.why = phase_.devices[stuck.device].instructions[stuck.index].op == Op::AllReduce
            ? "another device of the group reduces another block at this point"
            : "its counterpart on the other device is about something else";
        break;
    default:
        stuck.why = "it waits for a device that never comes to it";
    }
    stuck.why += " (step " + std::to_string(found->step) + ')';
    return stuck;
}

double PhaseRun::step(std::size_t device) const
{
    const DeviceState& state = devices_[device];
    if (phase_.devices[device].instructions.empty())
        return 0;
    const int last = std::max(0, steps_ - 1 - phase_.most_ahead); // later steps have less to do
    const int first = (last + 1) / 2 - 1;
    const double begin = first < 0 ? state.entry : state.step_ends[static_cast<std::size_t>(first)];
    return (state.step_ends[static_cast<std::size_t>(last)] - begin) / (last - first);
}

double PhaseRun::fill(std::size_t device) const
{
    return devices_[device].begin == not_yet ? 0 : devices_[device].begin - devices_[device].entry;
}

void PhaseRun::add_span(std::size_t device, bool communication, int step, std::size_t index, double start, double end)
{
    if (spans_)
        (*spans_)[device].push_back(
            {static_cast<int>(device), communication, phase_index_, step, static_cast<int>(index), start, end});
}

void PhaseRun::add_communication()
{
    std::vector<std::size_t> own(devices_.size());
    for (std::size_t d = 0; d < devices_.size(); ++d)
        own[d] = (*spans_)[d].size();
    for (std::size_t l = 0; l < links_.size(); ++l)
        for (const Transfer& transfer : links_[l].transfers) {
            const auto add = [&](int device, int step, int index) {
                add_span(
                    static_cast<std::size_t>(device), true, step, static_cast<std::size_t>(index), transfer.start, transfer.end);
            };
            add(phase_.links[l].from, transfer.send_step, transfer.send_index);
            add(phase_.links[l].to, transfer.receive_step, transfer.receive_index);
        }
    for (std::size_t g = 0; g < groups_.size(); ++g) {
        if (phase_.groups[g].operations == 0 || phase_.devices.empty())
            continue;
        for (std::size_t m = 0; m < groups_[g].members.size(); ++m) {
            const auto device = static_cast<std::size_t>(phase_.groups[g].devices[m]);
            for (std::size_t k = 0; k < groups_[g].members[m].size(); ++k) {
                const Posted& posted = groups_[g].members[m][k];
                const auto index = static_cast<std::size_t>(posted.index);
                if (phase_.devices[device].instructions[index].op == Op::AllReduce)
                    add_span(device, true, posted.step, index, groups_[g].operations[k].start, groups_[g].operations[k].end);
            }
        }
    }
    const auto earlier = [](const Span& a, const Span& b) { return a.start < b.start; };
    for (std::size_t d = 0; d < devices_.size(); ++d) {
        std::vector<Span>& spans = (*spans_)[d];
        const auto middle = spans.begin() + static_cast<std::ptrdiff_t>(own[d]);
        std::stable_sort(middle, spans.end(), earlier);
        std::inplace_merge(spans.begin(), middle, spans.end(), earlier);
    }
}

} // namespace pipebd::schedule
