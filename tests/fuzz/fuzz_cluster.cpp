#include "fuzz.h"

#include "experiment/cluster_file.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    return feed(data, size, [](std::string_view text) { pipebd::experiment::cluster_from_toml(text, "input"); });
}
