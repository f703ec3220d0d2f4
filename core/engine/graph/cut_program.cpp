#include "engine/graph/cut_program.h"

#include "base/checksum.h"
#include "base/error.h"
#include "engine/graph/graph_block.h"
#include "engine/graph/weights_checksum.h"

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

std::string CutProgram::weights_sha256() const
{
    std::map<std::string, ValueId> state;
    const std::vector<Value>& values = program_.graph().values;
    for (std::size_t id = 0; id < values.size(); ++id)
        if (values[id].kind == Value::Kind::Parameter || (values[id].kind == Value::Kind::Buffer && values[id].persistent))
            state[values[id].state_name] = static_cast<ValueId>(id);
    Sha256 checksum;
    for (const auto& [name, id] : state)
        add_weights(checksum, name, program_.load(id));
    return checksum.finish();
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
