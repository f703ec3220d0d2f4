#include "schedule/stage_edits.h"

#include <algorithm>
#include <cstddef>
#include <utility>

namespace pipebd::schedule {

namespace {

using Stages = std::vector<Stage>;

Edited cannot(std::string why)
{
    return {{}, std::move(why)};
}

std::string named(int stage)
{
    return "stage " + std::to_string(stage);
}

bool has(std::span<const Stage> stages, int stage)
{
    return stage >= 0 && stage < static_cast<int>(stages.size());
}

const Stage& at(std::span<const Stage> stages, int stage)
{
    return stages[static_cast<std::size_t>(stage)];
}

Stages copied(std::span<const Stage> stages)
{
    return {stages.begin(), stages.end()};
}

int stage_with(std::span<const Stage> stages, int block)
{
    const auto found = std::find_if(
        stages.begin(), stages.end(), [&](const Stage& stage) { return block >= stage.first && block < stage.last; });
    return found == stages.end() ? -1 : static_cast<int>(found - stages.begin());
}

/// Deals the devices of all stages out again, each stage as many as it has.
Edited dealt(Stages stages)
{
    std::vector<int> devices;
    for (const Stage& stage : stages)
        devices.insert(devices.end(), stage.devices.begin(), stage.devices.end());
    std::sort(devices.begin(), devices.end());
    auto next = devices.begin();
    for (Stage& stage : stages)
        for (int& device : stage.devices)
            device = *next++;
    return {std::move(stages), {}};
}

std::string missing(std::span<const Stage> stages, int stage)
{
    return has(stages, stage) ? "" : "there is no " + named(stage);
}

/// Why `stage` cannot do without one of its devices.
std::string needs_devices(std::span<const Stage> stages, int stage)
{
    if (std::string why = missing(stages, stage); !why.empty())
        return why;
    return at(stages, stage).devices.size() > 1 ? "" : named(stage) + " has one device only; join it with a neighbour instead";
}

} // namespace

Edited move_block(std::span<const Stage> stages, int block, int to)
{
    const int from = stage_with(stages, block);
    if (from < 0)
        return cannot("there is no block " + std::to_string(block));
    if (std::string why = missing(stages, to); !why.empty())
        return cannot(std::move(why));
    Stages result = copied(stages);
    const auto stage = [&](int s) -> Stage& { return result[static_cast<std::size_t>(s)]; };
    int first = block; // of what the stage after, or end of what the stage before, must have
    for (int s = to; s > from; --s, --first) {
        stage(s).first = std::min(stage(s).first, first);
        stage(s - 1).last = stage(s).first;
        first = stage(s).first;
    }
    int last = block + 1;
    for (int s = to; s < from; ++s, ++last) {
        stage(s).last = std::max(stage(s).last, last);
        stage(s + 1).first = stage(s).last;
        last = stage(s).last;
    }
    if (stage(from).last <= stage(from).first)
        return cannot(named(from) + " would be left without a block; join it with a neighbour instead");
    return {std::move(result), {}};
}

Edited give_block(std::span<const Stage> stages, int from, int to)
{
    if (!has(stages, from) || !has(stages, to) || (to != from - 1 && to != from + 1))
        return cannot("there are no neighbours " + named(from) + " and " + named(to));
    return move_block(stages, to > from ? at(stages, from).last - 1 : at(stages, from).first, to);
}

Edited give_device(std::span<const Stage> stages, int from, int to)
{
    if (std::string why = missing(stages, to); !why.empty())
        return cannot(std::move(why));
    if (std::string why = needs_devices(stages, from); !why.empty())
        return cannot(std::move(why));
    Stages result = copied(stages);
    std::vector<int>& giver = result[static_cast<std::size_t>(from)].devices;
    const int device = giver.back();
    giver.pop_back();
    result[static_cast<std::size_t>(to)].devices.push_back(device);
    return dealt(std::move(result));
}

Edited add_device(std::span<const Stage> stages, int to, int devices)
{
    if (std::string why = missing(stages, to); !why.empty())
        return cannot(std::move(why));
    std::vector<bool> taken(static_cast<std::size_t>(std::max(devices, 0)));
    for (const Stage& stage : stages)
        for (int device : stage.devices)
            if (device >= 0 && device < devices)
                taken[static_cast<std::size_t>(device)] = true;
    const auto left_over = std::find(taken.begin(), taken.end(), false);
    if (left_over == taken.end())
        return cannot("no device is free; take one from another stage");
    Stages result = copied(stages);
    result[static_cast<std::size_t>(to)].devices.push_back(static_cast<int>(left_over - taken.begin()));
    return dealt(std::move(result));
}

Edited drop_device(std::span<const Stage> stages, int from)
{
    if (std::string why = needs_devices(stages, from); !why.empty())
        return cannot(std::move(why));
    Stages result = copied(stages);
    int last = 0;
    for (const Stage& stage : stages)
        last = std::max(last, *std::max_element(stage.devices.begin(), stage.devices.end()));
    std::vector<int>& giver = result[static_cast<std::size_t>(from)].devices;
    for (Stage& stage : result) // whoever has the last device takes the place of the one that goes
        std::replace(stage.devices.begin(), stage.devices.end(), last, giver.back());
    giver.pop_back();
    return dealt(std::move(result));
}

Edited split_stage(std::span<const Stage> stages, int stage, int block, int devices)
{
    if (std::string why = missing(stages, stage); !why.empty())
        return cannot(std::move(why));
    const Stage& whole = at(stages, stage);
    if (whole.last - whole.first < 2)
        return cannot(named(stage) + " has one block only");
    if (std::string why = needs_devices(stages, stage); !why.empty())
        return cannot(named(stage) + " has one device only; give it another first");
    if (block <= whole.first || block >= whole.last)
        return cannot(named(stage) + " cannot be cut before block " + std::to_string(block));
    if (devices < 1 || devices >= static_cast<int>(whole.devices.size()))
        return cannot("each part of " + named(stage) + " needs a device");
    Stages result = copied(stages);
    const auto cut = result.begin() + stage;
    Stage after{block, whole.last, {whole.devices.begin() + devices, whole.devices.end()}};
    cut->last = block;
    cut->devices.resize(static_cast<std::size_t>(devices));
    result.insert(cut + 1, std::move(after));
    return dealt(std::move(result));
}

Edited join_stages(std::span<const Stage> stages, int stage)
{
    if (!has(stages, stage) || !has(stages, stage + 1))
        return cannot("no stage follows " + named(stage));
    Stages result = copied(stages);
    const auto before = result.begin() + stage;
    const auto after = before + 1;
    before->last = after->last;
    before->devices.insert(before->devices.end(), after->devices.begin(), after->devices.end());
    result.erase(after);
    return dealt(std::move(result));
}

} // namespace pipebd::schedule
