// The command line of pipebd: which commands and options there are.
#pragma once

#include "cli/context.h"

#include <functional>

namespace pipebd::cli {

/// What a command line asks for, not yet done.
using Action = std::function<int(const Context&)>;

/// Fills `context` and returns what to do; --help and --version print. Throws Error{BadRequest} that names the argument and what
/// would be allowed there.
Action parse_command_line(int argc, const char* const* argv, Context& context);

} // namespace pipebd::cli
