// What c10d throws, as errors of ours.
#pragma once

#include <exception>
#include <string>

namespace pipebd::engine {

/// The current exception as Error{TimedOut} or {RankDied}, or as it is if it is one of ours already; `doing` says what this rank
/// was at.
std::exception_ptr connection_error(const std::string& doing);

/// Does what may throw; what is not ours becomes an Error.
template <typename Body>
auto as_ours(const std::string& doing, Body body)
{
    try {
        return body();
    } catch (...) {
        std::rethrow_exception(connection_error(doing));
    }
}

} // namespace pipebd::engine
