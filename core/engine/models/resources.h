// Resources: files of resources/ that are linked into the engine.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace pipebd::engine::resources {

/// digits.safetensors
std::span<const std::byte> digits();

/// nas-digits-teacher.safetensors and the digits of nas-digits-teacher.sha256; empty where there were none at build time.
std::span<const std::byte> nas_digits_teacher();
std::string_view nas_digits_teacher_sha256();

} // namespace pipebd::engine::resources
