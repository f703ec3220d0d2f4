// Damage: that what is printed of a run may not be what was measured.
#pragma once

#include "base/text.h"
#include "store/run_damage.h"

#include <iostream>

namespace pipebd::cli {

/// Says on standard error if the seals of `run` are broken; returns whether they are.
inline bool warn_if_damaged(const store::RunRecord& run)
{
    const std::string warning = store::damage_warning(run);
    if (!warning.empty())
        std::cerr << "pipebd: warning: " << printable(warning) << "\n";
    return !warning.empty();
}

} // namespace pipebd::cli
