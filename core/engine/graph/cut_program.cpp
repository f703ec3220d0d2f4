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

std::unique_ptr<Block> CutProgram::make(int block) const
{
    return std::make_unique<GraphBlock>(analysis_, segments_.at(static_cast<std::size_t>(block)));
}

} // namespace pipebd::engine
