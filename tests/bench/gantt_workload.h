// Timelines to draw, of made-up devices.
#pragma once

#include "gui/timeline/drawn_timeline.h"
#include "schedule/strategies.h"

namespace pipebd::gui {

inline schedule::Profile uneven_profile(int blocks, int devices, double load = 0.002)
{
    schedule::Profile profile;
    profile.batch = 256;
    profile.link = {0.05, 2e5};
    for (int b = 0; b < blocks; ++b) {
        schedule::BlockProfile block;
        const double weight = 1 + 0.35 * ((b * 5) % 4);
        for (int g = 1; g <= devices; ++g) {
            const int n = schedule::shard_size(profile.batch, g);
            profile.load[n] = load * n;
            block.teacher_forward[n] = 0.004 * weight * n + 0.05;
            block.student_forward[n] = 0.006 * weight * n + 0.05;
            block.student_backward[n] = 0.012 * weight * n + 0.05;
            block.all_reduce[g] = 0.4;
        }
        block.update = 0.3;
        block.output_bytes = 3'000;
        profile.blocks.push_back(block);
    }
    return profile;
}

inline DrawnTimelinePtr drawn(const char* strategy, const schedule::Profile& profile, int devices, int steps,
    DrawnTimeline::Kind kind = DrawnTimeline::Kind::Predicted)
{
    const schedule::Cluster cluster = schedule::alike(devices);
    auto program = std::make_shared<schedule::Program>(
        schedule::make_program(schedule::make_schedule(strategy, schedule::Costs(profile, cluster))));
    schedule::Simulation simulation = schedule::simulate(*program, profile, {steps, 2, true});
    return drawnTimeline(QLatin1String(strategy), program, simulation.timeline, std::move(simulation.memory), kind);
}

} // namespace pipebd::gui
