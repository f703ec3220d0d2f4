// CutProgram: an exported program cut into blocks, from which the blocks are made.
#pragma once

#include "engine/graph/cut_network.h"
#include "engine/graph/cutting.h"

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace pipebd::engine {

class CutProgram final : public CutNetwork {
public:
    /// An empty `blocks`: the direct children; `blocks_where` is the block list's place in errors. Throws like ExportedProgram and
    /// cut().
    CutProgram(const std::filesystem::path& file, const std::string& blocks, const std::string& blocks_where);
    CutProgram(const CutProgram&) = delete; // its parts refer to each other

    const ExportedProgram& program() const { return program_; }
    const std::vector<Segment>& segments() const { return segments_; }

    const std::string& where() const override { return program_.where(); }
    std::optional<Input> input() const override { return program_.input(); }
    std::optional<int> classes() const override { return program_.classes(); }
    std::vector<std::string> block_names() const override;
    std::string block_list() const override { return to_string(blocks_); }
    std::unique_ptr<Block> make(int block) const override;
    std::string weights_sha256() const override;
    void examine(const at::Tensor& sample) const override;

private:
    ExportedProgram program_;
    GraphAnalysis analysis_;
    std::vector<BlockParts> blocks_;
    std::vector<Segment> segments_;
};

} // namespace pipebd::engine
