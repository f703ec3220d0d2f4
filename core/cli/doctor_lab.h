// What `pipebd doctor` looks at in a lab: its library, the seals of its runs, and what killed processes have left behind.
#pragma once

#include "cli/findings.h"
#include "store/lab.h"

namespace pipebd::cli {

/// Removes what killed processes have left where it can; with `repair` it also makes new databases of what can be read of damaged
/// ones, and says what was saved and what was lost.
void look_at_lab(Findings& findings, const store::Lab& lab, bool repair);

} // namespace pipebd::cli
