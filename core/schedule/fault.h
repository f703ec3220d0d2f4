// Fault: how a program that cannot train is refused.
#pragma once

#include "base/error.h"
#include "schedule/compiled_phase.h"
#include "schedule/program.h"

#include <cstddef>
#include <string>
#include <utility>

namespace pipebd::schedule {

/// Where an instruction stands.
struct Place {
    std::size_t phase = 0;
    std::size_t device = 0;
    std::size_t index = 0;
};

inline const Instruction& instruction_at(const Program& program, Place at)
{
    return program.phases[at.phase].devices[at.device].instructions[at.index];
}

/// Throws Error{BadRequest} that names the instruction.
[[noreturn]] inline void refuse(const Program& program, Place at, std::string what, std::string remedy)
{
    throw Error(Code::BadRequest, std::move(what), place_of(program, at.phase, at.device, at.index), std::move(remedy));
}

/// The same where no single instruction is at fault.
[[noreturn]] inline void refuse(std::string what, std::string remedy)
{
    throw Error(Code::BadRequest, std::move(what), "program", std::move(remedy));
}

} // namespace pipebd::schedule
