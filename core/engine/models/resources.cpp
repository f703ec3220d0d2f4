#include "engine/models/resources.h"

// The assembler includes the files. PIPEBD_DIGITS, PIPEBD_TEACHER and PIPEBD_TEACHER_SHA256 are their paths.
#define EMBED(name, path)                                                                                                          \
    __asm__(".pushsection .rodata\n"                                                                                               \
            ".balign 64\n"                                                                                                         \
            ".global pipebd_" #name "_begin\n"                                                                                     \
            "pipebd_" #name "_begin:\n"                                                                                            \
            ".incbin \"" path "\"\n"                                                                                               \
            ".global pipebd_" #name "_end\n"                                                                                       \
            "pipebd_" #name "_end:\n"                                                                                              \
            ".byte 0\n"                                                                                                            \
            ".popsection\n");                                                                                                      \
    extern "C" const std::byte pipebd_##name##_begin[];                                                                            \
    extern "C" const std::byte pipebd_##name##_end[]

#define EMBEDDED(name) std::span<const std::byte>(pipebd_##name##_begin, pipebd_##name##_end)

EMBED(digits, PIPEBD_DIGITS);
#ifdef PIPEBD_TEACHER
EMBED(teacher, PIPEBD_TEACHER);
EMBED(teacher_sha256, PIPEBD_TEACHER_SHA256);
#endif

namespace pipebd::engine::resources {

std::span<const std::byte> digits()
{
    return EMBEDDED(digits);
}

#ifdef PIPEBD_TEACHER
std::span<const std::byte> nas_digits_teacher()
{
    return EMBEDDED(teacher);
}

std::string_view nas_digits_teacher_sha256()
{
    const std::span<const std::byte> text = EMBEDDED(teacher_sha256); // as sha256sum prints it
    return std::string_view(reinterpret_cast<const char*>(text.data()), text.size()).substr(0, 64);
}
#else
std::span<const std::byte> nas_digits_teacher()
{
    return {};
}

std::string_view nas_digits_teacher_sha256()
{
    return {};
}
#endif

} // namespace pipebd::engine::resources
