// ExportedProgram: a file of torch.export.save (.pt2), read and checked: its graph, and its weights as tensors.
//
// Nothing in the file is executed or unpickled; sample inputs are never opened. The file stays mapped, weights are copied from it
// when a block is made. May be used by several threads at once.
#pragma once

#include "base/file.h"
#include "engine/graph/graph.h"
#include "engine/graph/zip_file.h"
#include "engine/models/block.h"

#include <ATen/core/Tensor.h>

#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>

namespace pipebd::engine {

class ExportedProgram {
public:
    /// Throws Error{NotFound}; {Newer} for a later schema; {BadRequest} for a sound file that cannot be trained here, with what to
    /// do about it; {Damaged} naming what in the archive is wrong.
    explicit ExportedProgram(const std::filesystem::path& file);

    /// The same from memory that outlives it.
    ExportedProgram(std::span<const std::byte> bytes, std::string where);

    const std::string& where() const { return where_; }
    const Graph& graph() const { return graph_; }
    const Value& value(ValueId id) const { return graph_.values[static_cast<std::size_t>(id)]; }

    /// One sample of what goes in: values of float32, or tokens of int64. A vocabulary is the size of the embedding that the tokens
    /// go to.
    const Input& input() const { return input_; }

    /// What comes out is [batch, classes].
    int classes() const { return classes_; }

    /// A fresh copy of a parameter, buffer or constant on the CPU; parameters and buffers of floating point as float32; 4-D ones
    /// channels last.
    at::Tensor load(ValueId stored) const;

    /// Of all values that are the same stored tensor (tied weights), the first.
    ValueId representative(ValueId stored) const;

    /// Every entry against its checksum in the archive. Throws Error{Damaged}.
    void check_archive() const;

private:
    struct Stored {
        TensorMeta meta;
        std::span<const std::byte> storage;
        ValueId representative = -1;
    };

    void read();
    void read_config(const std::string& folder, const char* config, const std::map<std::string, ValueId>& wanted);
    void tie();
    void check_ends();
    void find_vocabulary();
    std::string root() const;

    std::string where_;
    std::optional<MappedFile> mapped_;
    ZipFile zip_;
    Graph graph_;
    std::map<ValueId, Stored> stored_;
    Input input_;
    int classes_ = 0;
};

} // namespace pipebd::engine
