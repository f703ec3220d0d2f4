#include "fuzz.h"

#include "schedule/profile.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    return feed(
        data, size, [](std::string_view text) { pipebd::schedule::to_json(pipebd::schedule::profile_from_json(text, "input")); });
}
