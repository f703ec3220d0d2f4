#include "fuzz.h"

#include "engine/graph/graph_reader.h"

// The graph alone: an archive's checksums keep mutations from it.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    return feed(data, size, [](std::string_view text) {
        const nlohmann::json model = pipebd::engine::parse_bounded(std::as_bytes(std::span(text)), "input");
        pipebd::engine::read_graph({model, "input"});
    });
}
