#include "cli/print_plan.h"

#include "base/units.h"
#include "cli/table.h"
#include "schedule/stages.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <numeric>

namespace pipebd::cli {

namespace {

using schedule::Idle;
using schedule::PlannedStrategy;

const std::string shortage_mark = "!";

double mean(const std::vector<double>& values)
{
    return values.empty() ? 0 : std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

std::string time_at(const schedule::TimeBySamples& times, int samples)
{
    const auto found = times.find(samples);
    return found == times.end() ? "-" : format_milliseconds(found->second);
}

std::string ratio(double value)
{
    return value > 0 ? fixed(value, 2) : "-";
}

bool has(const schedule::Plan& plan, bool end_to_end)
{
    return std::any_of(plan.strategies.begin(), plan.strategies.end(), [&](const PlannedStrategy& planned) {
        return planned.schedule.feasible && schedule::is_end_to_end(planned.schedule.strategy) == end_to_end;
    });
}

/// "~21.4 ms": it rests on times that were not measured.
std::string marked_step(const PlannedStrategy& planned)
{
    const std::string step = format_milliseconds(planned.simulation.step);
    return planned.interpolated.empty() ? step : std::string(schedule::interpolation_mark) + step;
}

/// "11.2 GiB", "!11.2 GiB" where there is not so much: on the device that needs the most.
std::string marked_memory(const PlannedStrategy& planned)
{
    const auto most = std::max_element(planned.memory_bytes.begin(), planned.memory_bytes.end());
    if (most == planned.memory_bytes.end())
        return "-";
    return (planned.memory_shortage.empty() ? "" : shortage_mark) + format_bytes(*most);
}

/// A line for each strategy that needs more memory than there is.
std::string shortages(const schedule::Plan& plan)
{
    std::string text;
    for (const PlannedStrategy& planned : plan.strategies)
        if (!planned.memory_shortage.empty())
            text += shortage_mark + (" " + title_of(planned.schedule)) + " does not fit: " + planned.memory_shortage + "\n";
    return text;
}

/// `kind`: what the first heading says; the strategies of that kind that can run.
std::string table_of(const schedule::Plan& plan, const char* kind, bool end_to_end)
{
    if (!has(plan, end_to_end))
        return {};
    Table table(
        {kind, "blocks on devices", ">step", ">samples/s", end_to_end ? ">over ddp" : ">over dp", ">utilisation", ">memory"});
    for (const PlannedStrategy& planned : plan.strategies) {
        if (!planned.schedule.feasible || schedule::is_end_to_end(planned.schedule.strategy) != end_to_end)
            continue;
        table.add({title_of(planned.schedule), placement_text(planned.schedule), marked_step(planned), fixed(planned.throughput, 1),
            ratio(end_to_end ? planned.over_ddp : planned.speedup), percent(mean(planned.simulation.utilisation)),
            marked_memory(planned)});
    }
    return table.text();
}

/// Of the step, on the mean device; "-" where there is none.
std::string share(const PlannedStrategy& planned, double Idle::*cause)
{
    double sum = 0;
    for (const Idle& idle : planned.simulation.idle)
        sum += idle.*cause;
    const double all = planned.simulation.step * static_cast<double>(planned.simulation.idle.size());
    return all > 0 && sum / all >= 0.0005 ? percent(sum / all) : "-";
}

/// How much longer the slowest device computes than the mean one.
std::string imbalance_of(const PlannedStrategy& planned)
{
    const std::vector<double>& busy = planned.simulation.busy;
    const double average = mean(busy);
    return average > 0 ? fixed(*std::max_element(busy.begin(), busy.end()) / average, 2) : "-";
}

std::string decision_of(const schedule::Schedule& schedule)
{
    std::string text = schedule.decided_by;
    if (schedule.candidates == std::numeric_limits<std::int64_t>::max())
        text += " of more than 9e18";
    else if (schedule.candidates > 1)
        text += " of " + std::to_string(schedule.candidates);
    return schedule.note.empty() ? text : text + ": " + schedule.note;
}

std::string waste_table(const schedule::Plan& plan)
{
    if (!has(plan, false) && !has(plan, true))
        return {};
    const bool knows_epoch = plan.samples > 0;
    std::vector<std::string> headings = {"per step", ">teacher forwards", ">dataset reads", ">relayed", ">max/mean work",
        ">idle: fill", ">imbalance", ">data", ">communication", ">barrier"};
    if (knows_epoch)
        headings.push_back(">epoch");
    headings.push_back("decided by");
    Table table(std::move(headings));
    for (const PlannedStrategy& planned : plan.strategies) {
        if (!planned.schedule.feasible)
            continue;
        std::vector<std::string> row = {title_of(planned.schedule), std::to_string(planned.teacher_forwards),
            std::to_string(planned.dataset_reads), planned.relayed_bytes > 0 ? format_bytes(planned.relayed_bytes) : "-",
            imbalance_of(planned), share(planned, &Idle::fill), share(planned, &Idle::imbalance), share(planned, &Idle::data),
            share(planned, &Idle::communication), share(planned, &Idle::barrier)};
        if (knows_epoch)
            row.push_back(format_milliseconds(planned.epoch));
        row.push_back(decision_of(planned.schedule));
        table.add(std::move(row));
    }
    return "\n" + table.text();
}

std::string ranked_table(const schedule::Schedule& schedule)
{
    if (schedule.ranked.empty())
        return {};
    Table table({">" + schedule.strategy, ">slowest stage", "blocks on devices"});
    for (std::size_t i = 0; i < schedule.ranked.size(); ++i)
        table.add({std::to_string(i + 1), format_milliseconds(schedule.ranked[i].cost), to_text(schedule.ranked[i].stages)});
    return "\n" + table.text();
}

} // namespace

std::string impossible_ones(const schedule::Plan& plan)
{
    std::string text;
    for (const PlannedStrategy& planned : plan.strategies)
        if (!planned.schedule.feasible)
            text += title_of(planned.schedule) + " is not possible: " + planned.schedule.why_not + "\n";
    return text;
}

std::string plan_table(const schedule::Plan& plan, const std::string& to_measure)
{
    const std::string blockwise = table_of(plan, "block by block", false);
    const std::string end_to_end = table_of(plan, "end to end", true);
    std::string note = interpolation_note(plan);
    if (!note.empty())
        note += (to_measure.empty() ? "" : "; to measure: " + to_measure) + "\n";
    return blockwise + (blockwise.empty() || end_to_end.empty() ? "" : "\n") + end_to_end + note + shortages(plan)
        + impossible_ones(plan);
}

std::string plan_text(const schedule::Plan& plan, const std::string& to_measure)
{
    std::string text;
    for (const std::string& note : plan.notes)
        text += note + "\n";
    text += plan_table(plan, to_measure) + waste_table(plan);
    for (const PlannedStrategy& planned : plan.strategies)
        text += ranked_table(planned.schedule);
    return text;
}

std::string programs_text(const schedule::Plan& plan)
{
    std::string text;
    for (const PlannedStrategy& planned : plan.strategies) {
        if (!planned.schedule.feasible) {
            text += "# " + title_of(planned.schedule) + " is not possible: " + planned.schedule.why_not + "\n";
            continue;
        }
        if (plan.strategies.size() > 1)
            text += "# " + title_of(planned.schedule) + "\n";
        text += to_text(planned.program);
    }
    return text;
}

std::string profile_table(const schedule::Profile& profile)
{
    Table table({"block", ">teacher forward", ">student forward", ">student backward", ">update", ">output"});
    for (const schedule::BlockProfile& block : profile.blocks)
        table.add({block.name, time_at(block.teacher_forward, profile.batch), time_at(block.student_forward, profile.batch),
            time_at(block.student_backward, profile.batch), format_milliseconds(block.update),
            format_bytes(block.output_bytes * profile.batch)});
    return table.text();
}

} // namespace pipebd::cli
