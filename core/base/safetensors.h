// safetensors: named tensors in one file; the format of every weight this project writes.
//
// Little-endian u64 header length, JSON header {name: {dtype, shape, data_offsets}}, raw data
// (github.com/huggingface/safetensors, "Format"). Every rule of the format is checked on reading: header length, JSON, dtype, shape
// products, offsets in range, no overlap, no hole, no duplicate name or key. Nothing is copied: the file is mapped, and reading it
// takes less than 64 MB beside it, whatever it holds. Headers beyond any real file are refused (docs/formats/safetensors.md).
#pragma once

#include "base/file.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace pipebd {

enum class DType { Bool, U8, I8, I16, I32, I64, F16, BF16, F32, F64 };

std::string_view to_string(DType dtype); // "F32", as in the format
std::size_t size_in_bytes(DType dtype);

struct TensorView {
    std::string name;
    DType dtype = DType::F32;
    std::vector<std::int64_t> shape;
    std::span<const std::byte> data; // contiguous, row-major, little-endian
};

class SafetensorsFile {
public:
    /// Throws Error{NotFound}, or Error{Damaged} that names the rule that was broken and the tensor.
    explicit SafetensorsFile(const std::filesystem::path& file);

    /// The same for bytes in memory that outlive this object; `where` names them in errors.
    SafetensorsFile(std::span<const std::byte> bytes, std::string where);

    const std::vector<TensorView>& tensors() const { return tensors_; } // in order of their data
    const std::map<std::string, std::string>& metadata() const { return metadata_; }

    /// Null if there is none of that name.
    const TensorView* find(std::string_view name) const;

private:
    void parse(std::span<const std::byte> bytes);

    std::string where_;
    std::optional<MappedFile> file_;
    std::vector<TensorView> tensors_;
    std::map<std::string, std::string> metadata_;
};

/// Replaces `file` atomically. Tensors are laid out largest alignment first, then by name, so equal input gives equal bytes.
/// Throws Error{BadRequest} for a duplicate name or a size that does not match its shape, else like replace_file.
void write_safetensors(
    const std::filesystem::path& file, std::vector<TensorView> tensors, const std::map<std::string, std::string>& metadata = {});

} // namespace pipebd
