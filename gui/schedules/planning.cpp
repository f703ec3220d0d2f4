#include "gui/schedules/planning.h"

#include "schedule/stages.h"
#include "schedule/strategies.h"

#include <QElapsedTimer>

#include <utility>

namespace pipebd::gui {

namespace {

DrawnTimelinePtr timelineOf(const schedule::PlannedStrategy& planned, const schedule::Costs& costs, int steps)
{
    if (!planned.schedule.feasible)
        return nullptr;
    schedule::Simulation simulation = simulate(planned.program, costs, {.steps = steps});
    return drawnTimeline(QString::fromStdString(title_of(planned.schedule)),
        std::make_shared<const schedule::Program>(planned.program), simulation.timeline, std::move(simulation.memory));
}

} // namespace

PlanAnswer answer(PlanQuestion question)
{
    QElapsedTimer timer;
    timer.start();
    schedule::Profile profile = *question.profile;
    schedule::Cluster cluster = schedule::alike(question.devices);
    PlanAnswer answer;
    std::vector<std::string> notes = suppose(question.whatIf, profile, cluster);
    profile.interpolates = true;
    const schedule::Costs costs(profile, cluster);
    answer.plan = make_plan(costs, question.strategies, {.pipeline = question.pipeline});
    if (!question.byHand.empty()) {
        schedule::Schedule byHand = schedule_by_hand(schedule::strategy_by_hand, question.byHand, costs);
        answer.plan.strategies.push_back(planned(std::move(byHand), costs, data_parallel_step(costs)));
    }
    if (std::string note = interpolation_note(answer.plan); !note.empty())
        notes.push_back(std::move(note));
    answer.plan.notes = std::move(notes);
    for (const schedule::PlannedStrategy& planned : answer.plan.strategies)
        answer.timelines.push_back(timelineOf(planned, costs, question.steps));
    answer.question = std::move(question);
    answer.took = static_cast<double>(timer.nsecsElapsed()) / 1e6;
    return answer;
}

bool isEditable(const schedule::Schedule& schedule)
{
    return schedule.feasible && schedule.task_order.empty() && !schedule::is_end_to_end(schedule.strategy)
        && schedule::fault_of(schedule.stages, schedule.blocks, schedule.devices).empty();
}

} // namespace pipebd::gui
