#include "engine/device/out_of_memory.h"

#include <c10/util/Exception.h>

#include <charconv>
#include <string_view>

namespace pipebd::engine {

namespace {

// LibTorch 2.11, c10/core/impl/alloc_cpu.cpp: "DefaultCPUAllocator: can't allocate memory: you tried to allocate N bytes."
constexpr std::string_view of_cpu = "can't allocate memory";
constexpr std::string_view asked = "tried to allocate ";

} // namespace

bool is_out_of_memory(const c10::Error& error) noexcept
{
    return std::string_view(error.msg()).find(of_cpu) != std::string_view::npos;
}

std::int64_t bytes_asked_for(const c10::Error& error) noexcept
{
    const std::string_view text = error.msg();
    const std::size_t place = text.find(asked);
    std::int64_t bytes = 0;
    if (place != std::string_view::npos)
        std::from_chars(text.data() + place + asked.size(), text.data() + text.size(), bytes);
    return bytes;
}

} // namespace pipebd::engine
