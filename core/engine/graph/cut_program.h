// CutProgram: an exported program cut into blocks, from which the blocks are made.
#pragma once

#include "engine/graph/cutting.h"

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace pipebd::engine {

/// May be used by several threads at once.
class CutProgram {
public:
    /// An empty `blocks`: the direct children; `blocks_where` is the block list's place in errors. Throws like ExportedProgram and
    /// cut().
    CutProgram(const std::filesystem::path& file, const std::string& blocks, const std::string& blocks_where);
    CutProgram(const CutProgram&) = delete; // its parts refer to each other

    const ExportedProgram& program() const { return program_; }
    const std::vector<Segment>& segments() const { return segments_; }
    std::string block_list() const { return to_string(blocks_); }

    /// Fresh, with the weights in the file, ready to be trained. Throws Error{BadRequest} or {Damaged} if an operator's arguments
    /// do not fit it.
    std::unique_ptr<Block> make(int block) const;

private:
    ExportedProgram program_;
    GraphAnalysis analysis_;
    std::vector<BlockParts> blocks_;
    std::vector<Segment> segments_;
};

} // namespace pipebd::engine
