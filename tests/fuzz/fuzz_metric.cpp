#include "fuzz.h"

#include "experiment/metrics.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    return feed(data, size, [](std::string_view text) { pipebd::experiment::to_line(pipebd::experiment::metric_from_line(text)); });
}
