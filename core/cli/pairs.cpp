#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "base/units.h"
#include "cli/commands.h"
#include "cli/table.h"
#include "cli/used_pair.h"
#include "launch/engine_queries.h"

#include <nlohmann/json.hpp>

#include <iostream>

namespace pipebd::cli {

namespace {

using launch::BlockDescription;

std::string input_of(const launch::EnginePair& pair)
{
    return pair.vocabulary > 0 ? shape_text(pair.input) + " tokens, vocabulary " + std::to_string(pair.vocabulary)
                               : shape_text(pair.input);
}

std::string millions(std::int64_t count)
{
    return fixed(static_cast<double>(count) * 1e-6, count < 1'000'000 ? 3 : 1);
}

/// "6.2" or, over the paths of a supernet, "1.1 to 9.8, mean 5.2".
std::string millions(const BlockDescription::Range& macs)
{
    if (macs.smallest == macs.largest)
        return millions(macs.mean);
    return millions(macs.smallest) + " to " + millions(macs.largest) + ", mean " + millions(macs.mean);
}

BlockDescription sum_of(const std::vector<BlockDescription>& blocks)
{
    BlockDescription sum;
    for (const BlockDescription& block : blocks) {
        sum.parameters += block.parameters;
        sum.bytes += block.bytes;
        sum.macs.smallest += block.macs.smallest;
        sum.macs.mean += block.macs.mean;
        sum.macs.largest += block.macs.largest;
    }
    return sum;
}

std::vector<std::string> row(const std::string& block, const std::string& network, const BlockDescription& description)
{
    return {block, network, shape_text(description.output), millions(description.parameters), format_bytes(description.bytes),
        millions(description.macs)};
}

/// As its pair.json says; without blocks if that cannot be read.
launch::EnginePair described(const store::StoredPair& pair)
{
    launch::EnginePair described;
    described.name = pair.name;
    try {
        const nlohmann::json json = nlohmann::json::parse(read_file(pair.folder / "pair.json"));
        json.at("block_names").get_to(described.blocks);
        json.at("input").at("shape").get_to(described.input);
        json.at("input").at("vocabulary").get_to(described.vocabulary);
        json.at("classes").get_to(described.classes);
        described.end_to_end_only = json.value("end_to_end_only", false);
    } catch (const nlohmann::json::exception&) {
    } catch (const Error&) {
    }
    return described;
}

} // namespace

int list_pairs(const Context& context)
{
    std::vector<launch::EnginePair> pairs = launch::engine_pairs(context.cancel);
    const std::size_t built_in = pairs.size();
    for (const store::StoredPair& imported : context.existing_lab().pairs())
        pairs.push_back(described(imported));
    if (context.json) {
        auto json = nlohmann::ordered_json::array();
        for (const launch::EnginePair& pair : pairs)
            json.push_back(
                {{"name", pair.name}, {"imported", json.size() >= built_in}, {"blocks", pair.blocks}, {"input", pair.input},
                    {"vocabulary", pair.vocabulary}, {"classes", pair.classes}, {"end_to_end_only", pair.end_to_end_only}});
        std::cout << json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) << "\n";
        return 0;
    }
    Table table({"pair", "input", ">classes", "blocks"});
    for (const launch::EnginePair& pair : pairs) {
        table.add({printable(pair.name), input_of(pair), std::to_string(pair.classes), printable(joined(pair.blocks))});
    }
    std::cout << table.text();
    for (const launch::EnginePair& pair : pairs)
        if (pair.end_to_end_only)
            std::cout << printable(pair.name)
                      << " can be planned end to end, but not run: output shapes of teacher and student blocks differ\n";
    return 0;
}

int show_pair(const Context& context, const std::string& name)
{
    if (name.empty())
        throw Error(Code::BadRequest, "no pair given", "pipebd pairs show", "pipebd pairs list shows them");
    const launch::PairDescription described = with_pair(context, context.existing_lab(), name,
        [&](const std::filesystem::path& folder) { return launch::describe_pair(name, folder, context.cancel); });
    if (context.json) {
        std::cout << nlohmann::ordered_json::parse(described.json).dump(2) << "\n";
        return 0;
    }
    Table table({"block", "network", "output", ">M parameters", ">size", ">M multiply-accumulates"});
    for (std::size_t i = 0; i < described.pair.blocks.size(); ++i) {
        table.add(row(printable(described.pair.blocks[i]), "teacher", described.teacher[i]));
        table.add(row("", "student", described.student[i]));
    }
    table.add(row("all", "teacher", sum_of(described.teacher)));
    table.add(row("", "student", sum_of(described.student)));
    std::cout << printable(described.pair.name) << ": " << input_of(described.pair) << " to " << described.pair.classes
              << " classes\n\n"
              << table.text();
    return 0;
}

} // namespace pipebd::cli
