// Cutting: an exported program as blocks, at module paths.
#pragma once

#include "engine/graph/block_list.h"
#include "engine/graph/graph_analysis.h"

#include <algorithm>
#include <string>
#include <vector>

namespace pipebd::engine {

/// What a block runs: nodes in order, among them those of constants and sizes that other blocks run as well.
struct Segment {
    std::string name;
    std::vector<int> nodes;
    ValueId input = -1;
    ValueId output = -1;
    std::vector<ValueId> stored; // parameters, buffers and constants that it uses, each once: representatives
    std::vector<ValueId> shared; // of these, buffers that a block before uses as well; none changes them
    bool changes_input = false; // some operator works in place on its input

    bool owns(ValueId buffer) const { return std::ranges::find(shared, buffer) == shared.end(); }
};

/// The direct children that have parameters, or, while there is only one, its children; the whole if there are none.
std::vector<BlockParts> direct_children(const GraphAnalysis& analysis);

/// Cuts in front of the first operator of each block but the first (see docs/formats/pair.md for what lies between the modules of
/// two blocks). Throws Error{BadRequest}, with `where` as the block list's place, if a block is not there or they do not run one
/// after another; if a module with parameters belongs to none; if more than one tensor would go from a block to the next: with the
/// tensors, their modules and the nearest places where a cut is possible; if two blocks share a parameter.
std::vector<Segment> cut(const GraphAnalysis& analysis, const std::vector<BlockParts>& blocks, const std::string& where);

} // namespace pipebd::engine
