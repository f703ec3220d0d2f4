#include "cli/print_plan.h"

#include "base/units.h"
#include "cli/table.h"

#include <algorithm>
#include <numeric>

namespace pipebd::cli {

namespace {

std::string blocks_of(const schedule::Stage& stage)
{
    const std::string first = std::to_string(stage.first);
    return stage.last - stage.first == 1 ? first : first + "-" + std::to_string(stage.last - 1);
}

/// "0-2 on 0,1 | 3-5 on 2"
std::string stages_of(const schedule::Schedule& schedule)
{
    std::string text;
    for (const schedule::Stage& stage : schedule.stages) {
        text += (text.empty() ? "" : " | ") + blocks_of(stage) + " on ";
        for (std::size_t i = 0; i < stage.devices.size(); ++i)
            text += (i == 0 ? "" : ",") + std::to_string(stage.devices[i]);
    }
    return text;
}

double mean(const std::vector<double>& values)
{
    return values.empty() ? 0 : std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

std::string time_at(const schedule::TimeBySamples& times, int samples)
{
    const auto found = times.find(samples);
    return found == times.end() ? "-" : format_milliseconds(found->second);
}

} // namespace

std::string plan_table(const schedule::Plan& plan)
{
    Table table({"strategy", "blocks on devices", ">step", ">samples/s", ">over dp", ">utilisation", ">memory"});
    for (const schedule::PlannedStrategy& planned : plan.strategies) {
        const schedule::Schedule& schedule = planned.schedule;
        if (!schedule.feasible) {
            table.add({schedule.strategy, "not possible: " + schedule.why_not, "", "", "", "", ""});
            continue;
        }
        const auto memory = std::max_element(planned.memory_bytes.begin(), planned.memory_bytes.end());
        table.add({schedule.strategy, stages_of(schedule), format_milliseconds(planned.simulation.step),
            fixed(planned.throughput, 1), planned.speedup > 0 ? fixed(planned.speedup, 2) : "-",
            percent(mean(planned.simulation.utilisation)), memory == planned.memory_bytes.end() ? "-" : format_bytes(*memory)});
    }
    return table.text();
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
