#include "schedule/phase_run.h"

#include <algorithm>

namespace pipebd::schedule {

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
        stuck.why = "it waits for something that device " + std::to_string(phase_.links[channel].from) + " never sends";
        break;
    case Waits::Departure:
        stuck.why = "it waits until device " + std::to_string(phase_.links[channel].to) + " has room, which never happens";
        break;
    case Waits::Match:
        stuck.why = phase_.devices[stuck.device].instructions[stuck.index].op == Op::AllReduce
            ? "another device of the group reduces another block at this point"
            : "its counterpart on the other device transfers something else";
        break;
    default:
        stuck.why = "it waits for a device that never reaches it";
    }
    stuck.why += " (step " + std::to_string(found->step) + ')';
    return stuck;
}

DeviceTime PhaseRun::time(std::size_t device) const
{
    const DeviceState& state = devices_[device];
    DeviceTime time;
    if (phase_.devices[device].instructions.empty())
        return time;
    const double begin = before_measured_ < 0 ? state.entry : state.step_ends[static_cast<std::size_t>(before_measured_)];
    const int steps = last_measured_ - before_measured_;
    time.waited.fill = state.waited.fill / steps;
    time.waited.others = state.waited.others / steps;
    time.waited.communication = state.waited.communication / steps;
    time.waited.barrier = state.waited.barrier / steps;
    const double step = (state.step_ends[static_cast<std::size_t>(last_measured_)] - begin) / steps;
    time.busy = std::max(0.0, step - time.waited.total());
    return time;
}

double PhaseRun::fill(std::size_t device) const
{
    return devices_[device].begin == not_yet ? 0 : devices_[device].begin - devices_[device].entry;
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
