#include "fuzz.h"

#include "engine/graph/graph_analysis.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    return feed(data, size, [](std::string_view text) {
        const pipebd::engine::ExportedProgram program(std::as_bytes(std::span(text)), "input");
        const pipebd::engine::GraphAnalysis analysis(program);
    });
}
