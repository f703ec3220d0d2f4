#include "fuzz.h"

#include "schedule/program.h"
#include "schedule/validator.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    return feed(data, size, [](std::string_view text) {
        const pipebd::schedule::Program program = pipebd::schedule::from_text(text);
        pipebd::schedule::to_text(program);
        pipebd::schedule::validate(program, 24);
    });
}
