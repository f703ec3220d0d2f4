#include "cli/scratch_runs.h"

#include "base/error.h"

#include <utility>

namespace pipebd::cli {

ScratchRuns::ScratchRuns(const Context& context, std::string command)
    : context_(context)
    , command_(std::move(command))
    , lab_(folder_.path())
{
}

store::RunRecord ScratchRuns::train(launch::TrainingRequest request, const schedule::PlannedStrategy& planned,
    const std::function<void(const launch::Progress&)>& progress)
{
    request.planned = planned;
    request.devices.resize(static_cast<std::size_t>(planned.program.devices()));
    store::RunRecord run = launch::train(lab_, request, progress, context_.cancel);
    if (run.state == store::RunState::Cancelled)
        throw Error(Code::Cancelled, "cancelled", command_);
    if (run.state != store::RunState::Finished)
        throw Error(Code::RankDied, "the run under " + planned.schedule.strategy + " failed", run.error);
    return run;
}

} // namespace pipebd::cli
