// RunFilter: which runs `pipebd runs list` was asked for.
#pragma once

#include "cli/commands.h"
#include "store/annotation.h"
#include "store/run_record.h"

#include <set>

namespace pipebd::cli {

class RunFilter {
public:
    /// Throws Error{BadRequest} for a state that there is not. `options` outlive it.
    explicit RunFilter(const ListRunsOptions& options);

    bool takes(const store::RunRecord& run, const store::Annotation& annotation) const;

private:
    const ListRunsOptions& options_;
    std::set<store::RunState> states_; // none: any
};

} // namespace pipebd::cli
