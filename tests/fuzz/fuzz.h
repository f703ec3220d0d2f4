// What every fuzz target is: bytes go to a reader, which returns or throws pipebd::Error. Anything else is a fault.
#pragma once

#include "base/error.h"

#include <cstddef>
#include <cstdint>
#include <string_view>

template <typename Reader>
int feed(const std::uint8_t* data, std::size_t size, Reader reader)
{
    try {
        reader(std::string_view(reinterpret_cast<const char*>(data), size));
    } catch (const pipebd::Error&) {
    }
    return 0;
}
