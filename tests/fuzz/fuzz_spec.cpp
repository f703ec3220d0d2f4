#include "fuzz.h"

#include "experiment/run_spec.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    return feed(data, size,
        [](std::string_view text) { pipebd::experiment::to_json(pipebd::experiment::run_spec_from_json(text, "input")); });
}
