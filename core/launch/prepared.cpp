#include "launch/prepared.h"

#include "base/error.h"
#include "base/file.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <numeric>

namespace pipebd::launch {

namespace {

using SortedJson = nlohmann::json;
namespace fs = std::filesystem;

constexpr std::string_view format = "pipebd.prepared/1";
constexpr std::string_view format_of_any_version = "pipebd.prepared/";
constexpr int most_ranks = 1 << 20;

fs::path file_in(const fs::path& folder)
{
    return folder / "prepared.json";
}

[[noreturn]] void damaged(const fs::path& file)
{
    throw Error(Code::Damaged, "this does not describe a prepared run", file.string(), "prepare the run again in a new folder");
}

bool stays_inside(const std::string& folder)
{
    const fs::path path(folder);
    return !folder.empty() && path.is_relative()
        && std::none_of(path.begin(), path.end(), [](const fs::path& part) { return part == ".."; });
}

PreparedStage stage_from(const SortedJson& json, const fs::path& file)
{
    PreparedStage stage;
    stage.stage = json.at("stage").get<std::string>();
    stage.folder = json.at("folder").get<std::string>();
    stage.ranks = json.at("ranks").get<std::vector<int>>();
    const bool counts = std::all_of(stage.ranks.begin(), stage.ranks.end(), [](int n) { return n >= 0 && n <= most_ranks; });
    if (!stays_inside(stage.folder) || stage.ranks.empty() || !counts || stage.world_size() < 1)
        damaged(file);
    return stage;
}

} // namespace

int PreparedStage::first_rank_of(int machine) const
{
    return std::accumulate(ranks.begin(), ranks.begin() + machine, 0);
}

int PreparedStage::world_size() const
{
    return std::accumulate(ranks.begin(), ranks.end(), 0);
}

int Prepared::machines() const
{
    return static_cast<int>(stages.front().ranks.size());
}

std::vector<int> spread(int ranks, int per_machine, int machines)
{
    std::vector<int> counts;
    for (int machine = 0; machine < machines; ++machine)
        counts.push_back(std::clamp(ranks - machine * per_machine, 0, per_machine));
    return counts;
}

bool is_prepared(const fs::path& folder)
{
    return fs::exists(file_in(folder));
}

void write_prepared(const Prepared& prepared, const fs::path& folder)
{
    SortedJson json = {{"format", format}, {"stages", SortedJson::array()}};
    for (const PreparedStage& stage : prepared.stages)
        json["stages"].push_back({{"stage", stage.stage}, {"folder", stage.folder}, {"ranks", stage.ranks}});
    replace_file(file_in(folder), json.dump(2) + "\n");
}

Prepared read_prepared(const fs::path& folder)
{
    const fs::path file = file_in(folder);
    if (!fs::exists(file))
        throw Error(Code::NotFound, "this folder holds no prepared run", file.string(),
            "give the folder of pipebd run --prepare; all machines must see it");
    const SortedJson json = SortedJson::parse(read_file(file), nullptr, false);
    const std::string found = json.is_object() ? json.value("format", SortedJson()).dump() : "";
    if (found.find(format_of_any_version) == std::string::npos)
        damaged(file);
    if (json["format"] != format)
        throw Error(Code::Newer, "the run was prepared by a later version of pipebd", file.string(), "install that version here");
    Prepared prepared;
    try {
        for (const SortedJson& stage : json.at("stages"))
            prepared.stages.push_back(stage_from(stage, file));
    } catch (const SortedJson::exception&) {
        damaged(file);
    }
    const auto unlike = [&](const PreparedStage& stage) { return stage.ranks.size() != prepared.stages.front().ranks.size(); };
    if (prepared.stages.empty() || std::any_of(prepared.stages.begin(), prepared.stages.end(), unlike))
        damaged(file);
    return prepared;
}

} // namespace pipebd::launch
