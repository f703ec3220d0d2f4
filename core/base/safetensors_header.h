// The JSON header of a safetensors file, read with bounded memory. For safetensors.cpp only.
#pragma once

#include "base/error.h"
#include "base/safetensors.h"

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace pipebd::safetensors {

inline constexpr std::string_view metadata_key = "__metadata__";

struct Entry {
    std::string name;
    DType dtype = DType::F32;
    std::vector<std::int64_t> shape;
    std::uint64_t begin = 0; // offsets into the data, as they stand there
    std::uint64_t end = 0;
};

struct Header {
    std::vector<Entry> entries; // in the order of the header; names may repeat
    std::map<std::string, std::string> metadata;
};

/// Error{Damaged} for the broken `rule`, in the file `where`, of the tensor if one is named.
Error damaged(const std::string& rule, std::string_view where, std::string_view tensor = {});

/// Throws damaged() for what is not JSON of the right form. Says nothing about whether offsets and shapes fit together.
/// Holds at most about 50 MB beside `json`: headers with longer strings or more tensors than any real file has are refused.
Header read_header(std::string_view json, std::string_view where);

} // namespace pipebd::safetensors
