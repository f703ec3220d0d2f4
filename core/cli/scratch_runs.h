// ScratchRuns: runs that nobody is to find among their own, in a temporary folder that is gone with this.
#pragma once

#include "base/temporary_folder.h"
#include "cli/context.h"
#include "launch/training.h"

#include <functional>
#include <string>

namespace pipebd::cli {

class ScratchRuns {
public:
    /// `command` is who makes them, as in "pipebd verify".
    ScratchRuns(const Context& context, std::string command);

    /// What `request` asks for under `planned`, on as many of its devices as that needs. Throws Error{Cancelled}, or an Error that
    /// says why the run failed.
    store::RunRecord train(launch::TrainingRequest request, const schedule::PlannedStrategy& planned,
        const std::function<void(const launch::Progress&)>& progress = {});

private:
    const Context& context_;
    std::string command_;
    TemporaryFolder folder_;
    store::Lab lab_;
};

} // namespace pipebd::cli
