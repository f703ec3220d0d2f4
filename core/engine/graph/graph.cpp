#include "engine/graph/graph.h"

#include "base/text.h"

#include <algorithm>

namespace pipebd::engine {

const Argument* Node::find(std::string_view argument) const
{
    const auto found = std::ranges::find(arguments, argument, &Argument::name);
    return found == arguments.end() ? nullptr : &*found;
}

std::string Graph::describe(const Node& node) const
{
    return in_quotes(node.name) + (node.module.empty() ? "" : " in " + printable(node.module, 80));
}

std::vector<ValueId> Graph::inputs_of(const Node& node) const
{
    std::vector<ValueId> ids;
    for (const Argument& argument : node.arguments) {
        if (const auto* tensor = std::get_if<Argument::Tensor>(&argument.value))
            ids.push_back(tensor->id);
        else if (const auto* tensors = std::get_if<Argument::Tensors>(&argument.value))
            ids.insert(ids.end(), tensors->ids.begin(), tensors->ids.end());
        else if (const auto* sizes = std::get_if<Argument::Sizes>(&argument.value)) {
            for (const auto& item : sizes->items) {
                if (const auto* computed = std::get_if<Argument::Tensor>(&item))
                    ids.push_back(computed->id);
            }
        }
    }
    std::ranges::sort(ids);
    ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
    std::erase(ids, -1);
    return ids;
}

} // namespace pipebd::engine
