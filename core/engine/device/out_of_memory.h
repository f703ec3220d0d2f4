// How LibTorch says that there is no memory.
#pragma once

#include <cstdint>

namespace c10 {
class Error;
}

namespace pipebd::engine {

/// Its allocator for CPUs throws a plain c10::Error.
bool is_out_of_memory(const c10::Error& error) noexcept;

/// The bytes that could not be had, as far as `error` says so; else 0.
std::int64_t bytes_asked_for(const c10::Error& error) noexcept;

} // namespace pipebd::engine
