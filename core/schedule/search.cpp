#include "schedule/search.h"

#include "schedule/placements.h"
#include "schedule/stage_table.h"
#include "schedule/threshold.h"

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <utility>
#include <vector>

namespace pipebd::schedule {

namespace {

/// The first in the order of ties among the candidates of stages that cost no more than a threshold, which there are.
class TieBreak {
public:
    TieBreak(const StageTable& table, const Placements& placements, const Threshold& threshold)
        : placements_(placements)
        , threshold_(threshold)
        , blocks_(table.blocks())
        , devices_(table.devices())
    {
    }

    Candidate first()
    {
        find_fewest_stages();
        choose_placements();
        return with_smallest_cuts();
    }

private:
    /// By first block and nodes of the stage before, less 1: the positions from which that block and all after it take no fewer
    /// than so many stages.
    using Finish = std::vector<Positions>;

    std::size_t index(int block, int nodes) const { return static_cast<std::size_t>(block * placements_.node_counts + nodes); }
    int end(int first, std::size_t p) const
    {
        return threshold_.ends[static_cast<std::size_t>(first) * placements_.all.size() + p];
    }

    /// By first block, then last: the placements of which the longest stage ends there.
    std::vector<std::vector<std::vector<std::size_t>>> by_end() const
    {
        const auto ends = static_cast<std::size_t>(blocks_) + 1;
        std::vector result(static_cast<std::size_t>(blocks_), std::vector(ends, std::vector<std::size_t>()));
        for (int first = 0; first < blocks_; ++first)
            for (std::size_t p = 0; p < placements_.all.size(); ++p)
                if (end(first, p) > first)
                    result[static_cast<std::size_t>(first)][static_cast<std::size_t>(end(first, p))].push_back(p);
        return result;
    }

    void find_fewest_stages()
    {
        const Finish none(static_cast<std::size_t>((blocks_ + 1) * placements_.node_counts), Positions(devices_));
        finish_.assign(1, none);
        for (int nodes = 0; nodes < placements_.node_counts; ++nodes)
            finish_[0][index(blocks_, nodes)].add(devices_);
        Finish known = finish_[0]; // with any number of stages so far
        const auto placements_by_end = by_end();
        while (!finish_.back()[index(0, 0)].has(0)) {
            const Finish& next = finish_.back();
            Finish finish = none;
            for (int first = blocks_ - static_cast<int>(finish_.size()); first >= 0; --first) {
                std::vector<Positions> ends(static_cast<std::size_t>(placements_.node_counts), Positions(devices_));
                for (int last = first + 1; last <= blocks_; ++last) { // a stage that may end later may end here
                    for (int nodes = 0; nodes < placements_.node_counts; ++nodes)
                        ends[static_cast<std::size_t>(nodes)].add(next[index(last, nodes)]);
                    for (std::size_t p : placements_by_end[static_cast<std::size_t>(first)][static_cast<std::size_t>(last)]) {
                        const Placement& placement = placements_.all[p];
                        finish[index(first, placement.nodes_before)].add_before(
                            ends[static_cast<std::size_t>(placement.nodes)], placement.first, placement.devices);
                    }
                }
                for (int nodes = 0; nodes < placements_.node_counts; ++nodes) {
                    const std::size_t i = index(first, nodes);
                    finish[i].remove(known[i]);
                    known[i].add(finish[i]);
                }
            }
            finish_.push_back(std::move(finish));
        }
    }

    /// The blocks with which the next stage may begin if this one is of placement `p` from position `begin`, begins with one of
    /// `firsts` (ascending), and is followed by `stages_left` others.
    std::vector<int> blocks_after(const std::vector<int>& firsts, std::size_t p, int begin, std::size_t stages_left) const
    {
        const Placement& placement = placements_.all[p];
        std::vector<int> result;
        int reach = 0;
        auto first = firsts.begin();
        for (int last = 1; last <= blocks_; ++last) {
            for (; first != firsts.end() && *first < last; ++first)
                reach = std::max(reach, end(*first, p));
            if (last <= reach && finish_[stages_left][index(last, placement.nodes)].has(begin + placement.devices))
                result.push_back(last);
        }
        return result;
    }

    void choose_placements()
    {
        std::vector<int> firsts{0};
        int begin = 0;
        int nodes_before = 0;
        for (std::size_t stages_left = finish_.size() - 1; stages_left-- > 0;)
            for (std::size_t p = 0; p < placements_.all.size(); ++p) {
                const Placement& placement = placements_.all[p];
                if (placement.nodes_before != nodes_before || !placement.first.has(begin))
                    continue;
                std::vector<int> after = blocks_after(firsts, p, begin, stages_left);
                if (after.empty())
                    continue;
                firsts = std::move(after);
                begin += placement.devices;
                nodes_before = placement.nodes;
                chosen_.push_back(p);
                break;
            }
    }

    Candidate with_smallest_cuts() const
    {
        const auto blocks = static_cast<std::size_t>(blocks_);
        std::vector can_finish(chosen_.size() + 1, std::vector<bool>(blocks + 1)); // by stage and its first block
        can_finish.back()[blocks] = true;
        const auto next_block = [&](std::size_t stage, int first) { // 0 if there is none
            for (int last = first + 1; last <= end(first, chosen_[stage]); ++last)
                if (can_finish[stage + 1][static_cast<std::size_t>(last)])
                    return last;
            return 0;
        };
        for (std::size_t s = chosen_.size(); s-- > 0;)
            for (int first = 0; first < blocks_; ++first)
                can_finish[s][static_cast<std::size_t>(first)] = next_block(s, first) != 0;

        Candidate result{{}, threshold_.cost};
        int first = 0;
        int begin = 0;
        for (std::size_t s = 0; s < chosen_.size(); ++s) {
            Stage stage{
                first, next_block(s, first), std::vector<int>(static_cast<std::size_t>(placements_.all[chosen_[s]].devices))};
            std::iota(stage.devices.begin(), stage.devices.end(), begin);
            begin += placements_.all[chosen_[s]].devices;
            first = stage.last;
            result.stages.push_back(std::move(stage));
        }
        return result;
    }

    const Placements& placements_;
    const Threshold& threshold_;
    int blocks_;
    int devices_;
    std::vector<Finish> finish_; // by number of stages
    std::vector<std::size_t> chosen_; // by stage: its placement
};

} // namespace

std::optional<Candidate> best_candidate(const Costs& costs, Width width)
{
    if (count_candidates(costs.blocks(), costs.devices(), width) == 0)
        return std::nullopt;
    StageTable table(costs, width);
    const Placements possible = placements(costs.cluster(), table);
    const std::optional<Threshold> threshold = least_threshold(table, possible);
    if (!threshold)
        return std::nullopt;
    return TieBreak(table, possible, *threshold).first();
}

} // namespace pipebd::schedule
