// An index of a container from a number of a device, a block or a step, none of which is below 0 here. For this folder only.
#pragma once

#include <cstddef>

namespace pipebd::schedule {

inline std::size_t at(int number)
{
    return static_cast<std::size_t>(number);
}

} // namespace pipebd::schedule
