#include "engine/data/architecture_steps.h"

#include <algorithm>
#include <cmath>

namespace pipebd::engine {

ArchitectureSteps::ArchitectureSteps(const experiment::Architecture& architecture, std::int64_t steps)
    : first_(static_cast<std::int64_t>(std::floor(architecture.after * static_cast<double>(steps))))
    , period_(architecture.train ? architecture.every + 1 : 0)
{
}

bool ArchitectureSteps::contains(std::int64_t step) const
{
    return before(step + 1) > before(step);
}

std::int64_t ArchitectureSteps::before(std::int64_t step) const
{
    return period_ > 0 ? std::max<std::int64_t>(0, step - first_) / period_ : 0;
}

} // namespace pipebd::engine
