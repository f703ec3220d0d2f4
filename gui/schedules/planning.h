// Planning: the question that the schedules page asks, and the answer that it shows. Computed in any thread.
#pragma once

#include "gui/timeline/drawn_timeline.h"
#include "schedule/plan.h"
#include "schedule/what_if.h"

#include <QString>

#include <memory>
#include <string>
#include <vector>

namespace pipebd::gui {

struct PlanQuestion {
    std::shared_ptr<const schedule::Profile> profile;
    int devices = 2;
    schedule::WhatIf whatIf;
    std::vector<std::string> strategies; // all that can be planned on this profile, if empty
    schedule::PipelineOptions pipeline;
    std::vector<schedule::Stage> byHand; // stages to plan beside them; empty: none
    int steps = 4; // that the timelines show
};

struct PlanAnswer {
    PlanQuestion question;
    schedule::Plan plan; // those by hand, if they were asked for, come last
    std::vector<DrawnTimelinePtr> timelines; // by strategy; null for one that is not feasible
    double took = 0; // ms
};

/// Throws Error for what cannot be planned at all.
PlanAnswer answer(PlanQuestion question);

/// Whether `schedule` places contiguous blocks on devices of their own, so that it can be edited by hand.
bool isEditable(const schedule::Schedule& schedule);

} // namespace pipebd::gui
