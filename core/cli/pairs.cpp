#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/table.h"
#include "launch/engine_queries.h"

#include <nlohmann/json.hpp>

#include <iostream>

namespace pipebd::cli {

namespace {

/// As its pair.json says; without blocks if that cannot be read.
launch::EnginePair described(const store::StoredPair& pair)
{
    launch::EnginePair described{.name = pair.name, .blocks = {}};
    try {
        described.blocks
            = nlohmann::json::parse(read_file(pair.folder / "pair.json")).at("block_names").get<std::vector<std::string>>();
    } catch (const nlohmann::json::exception&) {
    } catch (const Error&) {
    }
    return described;
}

} // namespace

int list_pairs(const Context& context)
{
    std::vector<launch::EnginePair> pairs = launch::engine_pairs(context.cancel);
    for (const store::StoredPair& imported : context.open_lab().pairs())
        pairs.push_back(described(imported));
    if (context.json) {
        auto json = nlohmann::ordered_json::array();
        for (const launch::EnginePair& pair : pairs)
            json.push_back({{"name", pair.name}, {"blocks", pair.blocks}});
        std::cout << json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) << "\n";
        return 0;
    }
    Table table({"pair", "blocks"});
    for (const launch::EnginePair& pair : pairs) {
        std::string blocks;
        for (const std::string& block : pair.blocks)
            blocks += (blocks.empty() ? "" : ", ") + block;
        table.add({printable(pair.name), printable(blocks)});
    }
    std::cout << table.text();
    return 0;
}

} // namespace pipebd::cli
