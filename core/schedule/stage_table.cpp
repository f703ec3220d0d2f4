#include "schedule/stage_table.h"

#include "schedule/saturate.h"

#include <algorithm>

namespace pipebd::schedule {

namespace {

bool no_faster(const Link& a, const Link& b)
{
    return a.latency >= b.latency && (b.bytes_per_ms <= 0 || (a.bytes_per_ms > 0 && a.bytes_per_ms <= b.bytes_per_ms));
}

} // namespace

StageTable::StageTable(const Costs& costs, Width width)
    : costs_(costs)
    , blocks_(costs.blocks())
    , devices_(costs.devices())
    , inside_(costs.cluster().inside.value_or(costs.profile().link))
    , between_(costs.cluster().between.value_or(inside_))
    , between_is_slower_(no_faster(between_, inside_))
{
    if (count_candidates(blocks_, devices_, width) == 0)
        return;
    narrowest_ = blocks_ == 1 ? devices_ : 1;
    widest_ = std::min(width == Width::OneDevice ? 1 : devices_, costs.profile().batch);

    const Cluster no_links;
    const Costs measured(costs.profile(), no_links);
    const std::vector<int> group(static_cast<std::size_t>(devices_));
    const auto by_block = [this](auto time) {
        Times times;
        for (int b = 0; b < blocks_; ++b)
            times.push_back(time(b));
        return times;
    };
    for (int g = narrowest_; g <= widest_; ++g) {
        const int n = shard_size(costs.profile().batch, g);
        if (!measured_.contains(n)) {
            loads_[n] = costs.load(n);
            measured_[n] = {by_block([&](int b) { return costs.teacher_forward(b, n); }),
                by_block([&](int b) { return costs.student_forward(b, n); }),
                by_block([&](int b) { return costs.student_backward(b, n); })};
        }
        const std::span<const int> of_group(group.data(), static_cast<std::size_t>(g));
        all_reduces_[g] = by_block([&](int b) { return measured.all_reduce(b, of_group); });
    }
}

Links StageTable::slowest(Links links) const
{
    return between_is_slower_ && (links & between_nodes) != 0 ? between_nodes : links;
}

double StageTable::slowest_transfer(Links links, std::int64_t bytes) const
{
    double time = 0;
    if ((links & inside_node) != 0)
        time = std::max(time, transfer_time(inside_, bytes));
    if ((links & between_nodes) != 0)
        time = std::max(time, transfer_time(between_, bytes));
    return time;
}

std::size_t StageTable::row_number(const StageKind& kind)
{
    StageKind least = kind;
    least.ring = slowest(kind.ring);
    least.relay = slowest(kind.relay);
    const auto [place, is_new] = numbers_.try_emplace(least, rows_.size());
    if (is_new) {
        const int n = shard_size(costs_.profile().batch, kind.devices);
        StageRow row;
        row.start_ = start(n, least.relay);
        row.passes_ = passes(n, least.speed);
        row.all_reduce_ = all_reduce(least.devices, least.ring);
        row.update_ = update(least.speed);
        row.fits_ = fits(n, least.memory_limit);
        rows_.push_back(row);
    }
    return place->second;
}

const double* StageTable::start(int samples, Links relay)
{
    Times& times = starts_[{samples, relay}];
    if (times.empty()) {
        times.push_back(loads_.at(samples));
        for (std::size_t b = 1; b < static_cast<std::size_t>(blocks_); ++b)
            times.push_back(slowest_transfer(relay, saturating_product(samples, costs_.profile().blocks[b - 1].output_bytes)));
    }
    return times.data();
}

const double* StageTable::passes(int samples, double speed)
{
    Times& times = passes_[{samples, speed}];
    if (times.empty()) {
        const Passes& measured = measured_.at(samples);
        for (std::size_t b = 0; b < static_cast<std::size_t>(blocks_); ++b)
            times.push_back(
                measured.teacher_forward[b] / speed + measured.student_forward[b] / speed + measured.student_backward[b] / speed);
    }
    return times.data();
}

const double* StageTable::all_reduce(int devices, Links ring)
{
    Times& times = rings_[{devices, ring}];
    if (times.empty()) {
        times = all_reduces_.at(devices);
        for (std::size_t b = 0; b < times.size(); ++b)
            for (const auto& [which, link] : {std::pair{inside_node, inside_}, std::pair{between_nodes, between_}})
                if ((ring & which) != 0)
                    times[b] = std::max(times[b], ring_time(link, costs_.profile().blocks[b].gradient_bytes, devices));
    }
    return times.data();
}

const double* StageTable::update(double speed)
{
    Times& times = updates_[speed];
    if (times.empty())
        for (int b = 0; b < blocks_; ++b)
            times.push_back(costs_.update(b) / speed);
    return times.data();
}

const int* StageTable::fits(int samples, const std::optional<std::int64_t>& memory_limit)
{
    std::vector<int>& ends = fits_[{samples, memory_limit}];
    if (!ends.empty())
        return ends.data();
    ends.assign(static_cast<std::size_t>(blocks_), blocks_);
    if (!memory_limit)
        return ends.data();
    const std::vector<BlockProfile>& blocks = costs_.profile().blocks;
    for (std::size_t first = 0; first < blocks.size(); ++first) {
        std::int64_t whole = 0; // bytes whatever the batch
        std::int64_t outputs = first > 0 ? blocks[first - 1].output_bytes : 0;
        std::int64_t activations = 0;
        std::size_t last = first;
        for (; last < blocks.size(); ++last) {
            const BlockProfile& block = blocks[last];
            for (std::int64_t bytes : {block.teacher_bytes, block.student_bytes, block.gradient_bytes, block.optimizer_bytes})
                whole = saturating_sum(whole, bytes);
            outputs = saturating_sum(outputs, block.output_bytes);
            activations = std::max(activations, block.activation_bytes);
            if (saturating_sum(whole, saturating_product(samples, saturating_sum(outputs, activations))) > *memory_limit)
                break;
        }
        ends[first] = static_cast<int>(last);
    }
    return ends.data();
}

} // namespace pipebd::schedule
