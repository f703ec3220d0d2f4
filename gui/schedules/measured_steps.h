// Measured steps: what runs of a lab have measured of what is planned.
#pragma once

#include "gui/lab/lab_follower.h"
#include "gui/schedules/strategy_table_model.h"

#include <QString>

#include <map>
#include <memory>
#include <string>

namespace pipebd::gui {

/// What was asked of runs before, so that a database is opened once. For one thread at a time.
class RunSettingsCache {
public:
    struct Known {
        int batch = 0; // 0: cannot be read
        std::string stages; // placed by hand; empty: none
    };
    Known of(const store::RunRecord& run);

private:
    std::map<std::filesystem::path, Known> m_known;
};

/// Of the newest finished run for each strategy, by the title that a plan gives it, that trained `pair` on `devices` devices with
/// batches of `batch` samples; of runs with stages placed by hand only those with `byHand`. Reads databases: not for the GUI
/// thread.
std::map<QString, MeasuredStep> measuredSteps(
    const RunRecords& runs, const std::string& pair, int devices, int batch, const std::string& byHand, RunSettingsCache& cache);

} // namespace pipebd::gui
