// if_readable: what is shown of a run as far as it can be read. For this folder only.
#pragma once

#include "base/error.h"

namespace pipebd::store {

/// Calls `read`, and leaves it at that if an Error is thrown: the run's record says what is wrong with it.
template <typename Read>
void if_readable(Read read)
{
    try {
        read();
    } catch (const Error&) {
    }
}

} // namespace pipebd::store
