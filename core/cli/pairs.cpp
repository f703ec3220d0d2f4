#include "cli/commands.h"
#include "cli/table.h"
#include "launch/engine_queries.h"

#include <nlohmann/json.hpp>

#include <iostream>

namespace pipebd::cli {

int list_pairs(const Context& context)
{
    const std::vector<launch::EnginePair> pairs = launch::engine_pairs(context.cancel);
    if (context.json) {
        auto json = nlohmann::ordered_json::array();
        for (const launch::EnginePair& pair : pairs)
            json.push_back({{"name", pair.name}, {"blocks", pair.blocks}});
        std::cout << json.dump(2) << "\n";
        return 0;
    }
    Table table({"pair", "blocks"});
    for (const launch::EnginePair& pair : pairs) {
        std::string blocks;
        for (const std::string& block : pair.blocks)
            blocks += (blocks.empty() ? "" : ", ") + block;
        table.add({pair.name, blocks});
    }
    std::cout << table.text();
    return 0;
}

} // namespace pipebd::cli
