#include "schedule/threshold.h"

#include "base/random.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <utility>

namespace pipebd::schedule {

namespace {

constexpr double infinite = std::numeric_limits<double>::infinity();

/// The stages of one placement that begin with one block, while the least largest cost is narrowed down: it is above `above` and
/// no more than `best`.
struct Open {
    int last = 0; // the longest of the stages that cost no more than `above` ends before this block; the first block if none does
    int below = 0; // the same for less than `best`
    double cost = 0; // of the stage that ends before block `last`
};

/// The same for the stages that cost no more than a threshold.
struct Reached {
    int last = 0;
    int below = 0; // less than the threshold
    double cost = 0;
};

class Selection {
public:
    Selection(const StageTable& table, const Placements& placements)
        : table_(table)
        , placements_(placements)
        , blocks_(table.blocks())
        , count_(placements.all.size())
        , open_(static_cast<std::size_t>(blocks_) * count_)
        , reached_(open_.size())
        , reach_(static_cast<std::size_t>((blocks_ + 1) * placements.node_counts), Positions(table.devices()))
        , first_of_end_(static_cast<std::size_t>(blocks_) + 1)
        , next_of_end_(count_)
    {
        for (int first = 0; first < blocks_; ++first)
            for (std::size_t p = 0; p < count_; ++p)
                open_[index(first, p)] = {first, fits(first, p), row(p).start(first)};
    }

    std::optional<Threshold> least()
    {
        if (!feasible(infinite))
            return std::nullopt;
        double least = infinite;
        lower();
        for (std::uint64_t round = 0;; ++round) {
            const std::optional<double> cost = middle_cost(round);
            if (!cost)
                break;
            if (feasible(*cost)) {
                least = *cost;
                lower();
            } else
                raise();
        }
        Threshold result{least, {}};
        for (int first = 0; first < blocks_; ++first)
            for (std::size_t p = 0; p < count_; ++p) {
                open_[index(first, p)].below = fits(first, p);
                result.ends.push_back(reached(first, p, least).last);
            }
        return result;
    }

private:
    const Placement& placement(std::size_t p) const { return placements_.all[p]; }
    const StageRow& row(std::size_t p) const { return table_.row(placement(p).row); }
    std::size_t index(int first, std::size_t p) const { return static_cast<std::size_t>(first) * count_ + p; }

    /// As StageRow::fits, `first` too if no stage of the placement can begin with that block.
    int fits(int first, std::size_t p) const
    {
        const bool can_begin = first == 0 ? placement(p).first.has(0) : placement(p).devices < table_.devices();
        return can_begin ? row(p).fits(first) : first;
    }

    Positions& reach(int block, int nodes) { return reach_[static_cast<std::size_t>(block * placements_.node_counts + nodes)]; }

    void lower()
    {
        for (std::size_t i = 0; i < open_.size(); ++i)
            open_[i].below = reached_[i].below;
    }

    void raise()
    {
        for (std::size_t i = 0; i < open_.size(); ++i) {
            open_[i].last = reached_[i].last;
            open_[i].cost = reached_[i].cost;
        }
    }

    Reached reached(int first, std::size_t p, double threshold) const
    {
        const Open& open = open_[index(first, p)];
        const StageRow& stages = row(p);
        Reached result{open.last, open.last, open.cost};
        while (result.last < open.below) {
            const double cost = result.cost + stages.step(result.last);
            if (cost > threshold)
                break;
            ++result.last;
            result.cost = cost;
            if (cost < threshold)
                result.below = result.last;
        }
        return result;
    }

    /// Lists the placements by the last block that a stage from `first` reaches.
    void list_by_end(int first)
    {
        std::ranges::fill(first_of_end_, none);
        for (std::size_t p = count_; p-- > 0;) {
            std::size_t& head = first_of_end_[static_cast<std::size_t>(reached_[index(first, p)].last)];
            next_of_end_[p] = std::exchange(head, p);
        }
    }

    /// Whether there is a candidate of stages that cost no more than `threshold`, which is between the bounds; fills reached_.
    bool feasible(double threshold)
    {
        for (Positions& positions : reach_)
            positions.clear();
        reach(0, 0).add(0);
        std::vector<Positions> after(static_cast<std::size_t>(placements_.node_counts), Positions(table_.devices()));
        for (int first = 0; first < blocks_; ++first) {
            for (std::size_t p = 0; p < count_; ++p)
                reached_[index(first, p)] = reached(first, p, threshold);
            list_by_end(first);
            for (Positions& positions : after)
                positions.clear();
            for (int last = blocks_; last > first; --last) { // a stage that may end later may end here
                for (std::size_t p = first_of_end_[static_cast<std::size_t>(last)]; p != none; p = next_of_end_[p])
                    after[static_cast<std::size_t>(placement(p).nodes)].add_after(
                        reach(first, placement(p).nodes_before), placement(p).first, placement(p).devices);
                for (int nodes = 0; nodes < placements_.node_counts; ++nodes)
                    reach(last, nodes).add(after[static_cast<std::size_t>(nodes)]);
            }
        }
        for (int nodes = 0; nodes < placements_.node_counts; ++nodes)
            if (reach(blocks_, nodes).has(table_.devices()))
                return true;
        return false;
    }

    /// A cost of a stage between the bounds, near the middle of all of them; nothing if there is none.
    std::optional<double> middle_cost(std::uint64_t round) const
    {
        constexpr std::int64_t samples = 127;
        std::int64_t costs = 0;
        for (const Open& open : open_)
            costs += open.below - open.last;
        if (costs == 0)
            return std::nullopt;
        const std::int64_t strata = std::min(samples, costs);
        std::vector<double> sampled;
        std::int64_t passed = 0;
        std::int64_t wanted = -1;
        const auto next = [&] { // one by chance from each stratum
            const auto stratum = static_cast<std::int64_t>(sampled.size());
            const std::int64_t begin = costs / strata * stratum + std::min(stratum, costs % strata);
            const std::int64_t size = costs / strata + (stratum < costs % strata ? 1 : 0);
            wanted = stratum == strata ? -1
                                       : begin
                    + static_cast<std::int64_t>(
                        draw({round, static_cast<std::uint64_t>(stratum)}) % static_cast<std::uint64_t>(size));
        };
        next();
        for (int first = 0; first < blocks_ && wanted >= 0; ++first)
            for (std::size_t p = 0; p < count_ && wanted >= 0; ++p) {
                const Open& open = open_[index(first, p)];
                double cost = open.cost;
                for (int block = open.last; wanted >= 0 && wanted < passed + open.below - open.last; ++block) {
                    cost += row(p).step(block);
                    if (passed + block - open.last == wanted) {
                        sampled.push_back(cost);
                        next();
                    }
                }
                passed += open.below - open.last;
            }
        const auto middle = sampled.begin() + static_cast<std::ptrdiff_t>(sampled.size() / 2);
        std::ranges::nth_element(sampled, middle);
        return *middle;
    }

    static constexpr std::size_t none = std::numeric_limits<std::size_t>::max();

    const StageTable& table_;
    const Placements& placements_;
    int blocks_;
    std::size_t count_;
    std::vector<Open> open_; // by first block and placement
    std::vector<Reached> reached_; // the same
    std::vector<Positions> reach_; // by blocks done and nodes of the last stage
    std::vector<std::size_t> first_of_end_; // by block: a list of placements
    std::vector<std::size_t> next_of_end_; // by placement
};

} // namespace

std::optional<Threshold> least_threshold(const StageTable& table, const Placements& placements)
{
    return Selection(table, placements).least();
}

} // namespace pipebd::schedule
