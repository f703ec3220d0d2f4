// What libraries throw, for the edges that turn it into Error: people do not see a library's text alone, nor a path of its sources.
#pragma once

#include "base/error.h"

#include <exception>
#include <string>
#include <string_view>

namespace pipebd {

/// The reason in what a library says: its first line, without the places in sources ("[/gloo/tcp/pair.cc:553]", "[enforce fail at
/// alloc_cpu.cpp:124] err == 0."), the marks ("[json.exception.type_error.302]") and the frames that libraries add. At most 300
/// bytes, in one line; "no reason given" if nothing is left.
std::string foreign_reason(std::string_view text);

/// What no edge below has caught, where the program ends or goes on: an Error as it is; Error{OutOfMemory} for std::bad_alloc; by
/// its number for an error of the file system, with the path; else Error{Internal} with foreign_reason(), at `where`.
Error error_from(const std::exception& error, std::string_view where);

} // namespace pipebd
