#include "engine/graph/cut_network.h"

#include "engine/graph/cut_program.h"
#include "engine/graph/script_network.h"

namespace pipebd::engine {

std::unique_ptr<CutNetwork> open_network(
    ModelKind kind, const std::filesystem::path& file, const std::string& blocks, const std::string& blocks_where)
{
    if (kind == ModelKind::TorchScript)
        return open_script_network(file, blocks, blocks_where);
    return std::make_unique<CutProgram>(file, blocks, blocks_where);
}

} // namespace pipebd::engine
