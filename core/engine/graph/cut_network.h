// CutNetwork: a network of an imported pair, cut into blocks, however it is stored.
#pragma once

#include "engine/graph/pair_file.h"
#include "engine/models/block.h"

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace pipebd::engine {

/// May be used by several threads at once.
class CutNetwork {
public:
    virtual ~CutNetwork() = default;

    virtual const std::string& where() const = 0; // its file

    /// One sample of what goes in; nothing if the file does not tell.
    virtual std::optional<Input> input() const = 0;

    /// What comes out is [batch, classes]; nothing if the file does not tell.
    virtual std::optional<int> classes() const = 0;

    virtual std::vector<std::string> block_names() const = 0;
    virtual std::string block_list() const = 0; // as pair.json has it

    /// Fresh, with the weights in the file, ready to be trained. Throws Error{BadRequest} or {Damaged}.
    virtual std::unique_ptr<Block> make(int block) const = 0;

    /// The checksum of its weights (weights_checksum.h), floating-point numbers as float32.
    virtual std::string weights_sha256() const = 0;

    /// Reads what making blocks does not: check sums, and what else only an import takes the time for, by running the network on
    /// `sample` if need be. Throws Error{BadRequest} or {Damaged}.
    virtual void examine(const at::Tensor& sample) const = 0;
};

/// `blocks` is a block list (block_list.h; empty: the direct children), `blocks_where` its place in errors. A network of
/// TorchScript is run, so its file must be one that the user trusts. Throws Error{NotFound}, {Damaged}, {Newer}, {BadRequest}.
std::unique_ptr<CutNetwork> open_network(
    ModelKind kind, const std::filesystem::path& file, const std::string& blocks, const std::string& blocks_where);

} // namespace pipebd::engine
