#include "store/resumption.h"

#include "base/error.h"
#include "experiment/run_spec.h"
#include "schedule/resume.h"
#include "store/run_store.h"

#include <algorithm>

namespace pipebd::store {

Resumption resumption_from(const RunRecord& run, const std::string& spec, const std::filesystem::path& checkpoint,
    const experiment::CheckpointManifest& manifest)
{
    const schedule::Program program = experiment::run_spec_from_json(spec, "run " + std::to_string(run.id)).program;
    const auto phases = static_cast<std::int64_t>(std::max<std::size_t>(program.phases.size(), 1));
    const std::int64_t steps = run.steps / phases;
    const std::int64_t kept = schedule::steps_kept(schedule::first_steps(program, manifest.updates(), steps), steps);
    return {.checkpoint = checkpoint, .from = kept, .of = run.steps, .repeated = std::max<std::int64_t>(run.steps_done - kept, 0)};
}

std::optional<Resumption> resumption_of(const RunRecord& run)
{
    if (!is_final(run.state) || run.state == RunState::Finished)
        return std::nullopt;
    try {
        const std::vector<std::filesystem::path> checkpoints = experiment::checkpoints_of(run.folder);
        if (checkpoints.empty())
            return std::nullopt;
        const RunStore store(run.folder / "run.sqlite", RunStore::Mode::ReadOnly);
        return resumption_from(run, store.document("spec"), checkpoints.front(), experiment::read_manifest(checkpoints.front()));
    } catch (const Error&) {
        return std::nullopt; // where it is resumed, it says why that cannot be
    }
}

std::string to_string(const Resumption& resumption)
{
    const std::string repeated = resumption.repeated == 0 ? "none" : std::to_string(resumption.repeated);
    return "from step " + std::to_string(resumption.from) + " of " + std::to_string(resumption.of) + ", " + repeated + " repeated";
}

} // namespace pipebd::store
