// ScriptNetwork: a TorchScript module, cut at its children. It is a program, and making blocks of it or running them runs it.
//
// The children are run one after another, which is right only if that is what their parent does: examine() compares. Batch norms
// follow the rank's own part of a batch, and dropout draws from LibTorch's generators, seeded by seed, step and place, so that
// where a batch is split the weights are not those of one device.
#pragma once

#include "engine/graph/cut_network.h"

#include <filesystem>
#include <memory>
#include <string>

namespace pipebd::engine {

/// `blocks` is a block list (block_list.h); empty: each direct child that has parameters, or, while there is but one child, its
/// children. `blocks_where` is its place in errors. Throws Error{Damaged} if the module cannot be loaded, {BadRequest} if a block
/// is not there or the blocks do not take the children in their order.
std::unique_ptr<CutNetwork> open_script_network(
    const std::filesystem::path& file, const std::string& blocks, const std::string& blocks_where);

} // namespace pipebd::engine
