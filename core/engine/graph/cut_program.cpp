#include "engine/graph/cut_program.h"

#include "base/error.h"
#include "engine/graph/graph_block.h"

namespace pipebd::engine {

CutProgram::CutProgram(const std::filesystem::path& file, const std::string& blocks, const std::string& blocks_where)
    : program_(file)
    , analysis_(program_)
    , blocks_(blocks.empty() ? direct_children(analysis_) : parse_block_list(blocks, blocks_where))
    , segments_(cut(analysis_, blocks_, blocks_where))
{
}

std::vector<std::string> CutProgram::block_names() const
{
    std::vector<std::string> names;
    for (const Segment& segment : segments_)
        names.push_back(segment.name);
    return names;
}

void CutProgram::examine(const at::Tensor&) const
{
    program_.check_archive();
}

std::unique_ptr<Block> CutProgram::make(int block) const
{
    return std::make_unique<GraphBlock>(analysis_, segments_.at(static_cast<std::size_t>(block)));
}

} // namespace pipebd::engine
