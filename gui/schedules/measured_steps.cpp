#include "gui/schedules/measured_steps.h"

#include "base/error.h"
#include "experiment/run_spec.h"
#include "schedule/plan.h"
#include "store/run_store.h"

namespace pipebd::gui {

RunSettingsCache::Known RunSettingsCache::of(const store::RunRecord& run)
{
    const auto found = m_known.find(run.folder);
    if (found != m_known.end())
        return found->second;
    Known known;
    try {
        const store::RunStore store(run.folder / "run.sqlite", store::RunStore::Mode::ReadOnly);
        const experiment::Experiment experiment
            = experiment::run_spec_from_json(store.document("spec"), run.folder.string()).experiment;
        known = {experiment.data.batch, experiment.run.stages};
    } catch (const Error&) {
        // A run that cannot be read is told on its own page, and has measured nothing here.
    }
    return m_known[run.folder] = known;
}

std::map<QString, MeasuredStep> measuredSteps(
    const RunRecords& runs, const std::string& pair, int devices, int batch, const std::string& byHand, RunSettingsCache& cache)
{
    std::map<QString, MeasuredStep> measured;
    for (const store::RunRecord& run : *runs) { // newest first
        if (run.state != store::RunState::Finished || !(run.measured_step > 0) || run.pair != pair
            || static_cast<int>(run.devices.size()) != devices)
            continue;
        const RunSettingsCache::Known known = cache.of(run);
        if (known.batch != batch || (!known.stages.empty() && known.stages != byHand))
            continue;
        schedule::Schedule planned;
        planned.strategy = run.strategy;
        planned.decided_by = known.stages.empty() ? "" : "hand";
        measured.try_emplace(QString::fromStdString(title_of(planned)), MeasuredStep{run.id, run.measured_step});
    }
    return measured;
}

} // namespace pipebd::gui
