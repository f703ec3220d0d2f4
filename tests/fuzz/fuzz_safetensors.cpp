#include "fuzz.h"

#include "base/safetensors.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    return feed(data, size, [](std::string_view text) { pipebd::SafetensorsFile(std::as_bytes(std::span(text)), "input"); });
}
