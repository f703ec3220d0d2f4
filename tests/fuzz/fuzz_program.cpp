#include "fuzz.h"

#include "schedule/program.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    return feed(data, size, [](std::string_view text) { pipebd::schedule::to_text(pipebd::schedule::from_text(text)); });
}
