#include "engine/search/derive.h"

#include "base/error.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <map>
#include <optional>
#include <string>
#include <tuple>

namespace pipebd::engine {

namespace {

constexpr std::size_t few_paths = 64; // that are all measured
constexpr int most_sweeps = 3; // over the cells of a block
constexpr double least_price = 1e-4; // of a block's largest cost, in units of loss
constexpr double most_price = 10;
constexpr double next_price = 2;

constexpr std::array<std::int64_t Cost::*, 2> kinds = {&Cost::macs, &Cost::parameters};

bool is_limited(const Budget& budget, std::int64_t Cost::*kind)
{
    return budget.most.*kind != Budget::any;
}

/// Points of which none is dominated, each with the costs that count (0: does not) as a staircase: more of one, less of the other.
class Staircase {
public:
    explicit Staircase(const Budget& budget)
        : budget_(budget)
    {
    }

    /// Whether no point before was as cheap; points come in the order of their losses.
    bool add(const Cost& cost)
    {
        const std::int64_t macs = is_limited(budget_, &Cost::macs) ? cost.macs : 0;
        const std::int64_t parameters = is_limited(budget_, &Cost::parameters) ? cost.parameters : 0;
        auto after = steps_.upper_bound(macs);
        if (after != steps_.begin() && std::prev(after)->second <= parameters)
            return false;
        after = steps_.lower_bound(macs);
        while (after != steps_.end() && after->second >= parameters)
            after = steps_.erase(after);
        steps_.emplace(macs, parameters);
        return true;
    }

private:
    const Budget& budget_;
    std::map<std::int64_t, std::int64_t> steps_; // parameters by macs
};

/// Only those with which no other can compete, by loss; the cheaper first where losses are the same.
template <typename Point>
void keep_the_best(std::vector<Point>& points, const Budget& budget)
{
    std::ranges::stable_sort(
        points, {}, [](const Point& point) { return std::tuple(point.loss, point.cost.macs, point.cost.parameters); });
    Staircase staircase(budget);
    std::erase_if(points, [&](const Point& point) { return !staircase.add(point.cost); });
}

/// The choices of one block that have been measured.
class BlockSearch {
public:
    BlockSearch(const BlockCosts& costs, const Budget& budget, const MeasureLoss& measure)
        : costs_(costs)
        , budget_(budget)
        , measure_(measure)
    {
    }

    std::vector<Choice> run()
    {
        std::size_t paths = 1;
        for (const std::vector<Cost>& cell : costs_.cells)
            paths = std::min(paths * cell.size(), few_paths + 1);
        if (paths <= few_paths)
            measure_all();
        else
            walk();
        std::vector<Choice> choices;
        for (const auto& [candidates, loss] : losses_)
            choices.push_back({candidates, loss, costs_.of(candidates)});
        keep_the_best(choices, budget_);
        return choices;
    }

private:
    double loss_of(const std::vector<int>& candidates)
    {
        const auto [entry, is_new] = losses_.try_emplace(candidates, 0);
        if (is_new)
            entry->second = measure_(candidates);
        return entry->second;
    }

    void measure_all()
    {
        std::vector<int> candidates(costs_.cells.size(), 0);
        for (;;) {
            loss_of(candidates);
            std::size_t cell = 0;
            while (cell < candidates.size() && ++candidates[cell] == static_cast<int>(costs_.cells[cell].size()))
                candidates[cell++] = 0;
            if (cell == candidates.size())
                return;
        }
    }

    void walk()
    {
        std::vector<int> best(costs_.cells.size(), 0);
        bool moved = true;
        for (int sweep = 0; sweep < most_sweeps && moved; ++sweep) {
            moved = false;
            for (std::size_t cell = 0; cell < best.size(); ++cell) {
                const int better = best_in_cell(best, cell);
                moved = moved || better != best[cell];
                best[cell] = better;
            }
        }
        measure_cheaper_than(best);
    }

    int best_in_cell(std::vector<int> candidates, std::size_t cell)
    {
        const int before = candidates[cell];
        int best = before;
        double least = loss_of(candidates);
        for (int candidate = 0; candidate < static_cast<int>(costs_.cells[cell].size()); ++candidate) {
            candidates[cell] = candidate;
            if (const double loss = loss_of(candidates); loss < least) {
                least = loss;
                best = candidate;
            }
        }
        return best;
    }

    /// As if what a candidate adds to the loss in place of the best one did not depend on the other cells.
    void measure_cheaper_than(const std::vector<int>& best)
    {
        for (std::int64_t Cost::*kind : kinds) {
            if (!is_limited(budget_, kind))
                continue;
            const auto largest = static_cast<double>(costs_.largest(kind));
            loss_of(with_price(best, kind, std::nullopt));
            for (double price = least_price; price <= most_price; price *= next_price)
                loss_of(with_price(best, kind, price / largest));
        }
    }

    /// In each cell the candidate with the least loss plus price of its cost; without a price, the cheapest.
    std::vector<int> with_price(const std::vector<int>& best, std::int64_t Cost::*kind, std::optional<double> price)
    {
        std::vector<int> chosen = best;
        for (std::size_t cell = 0; cell < best.size(); ++cell) {
            std::vector<int> candidates = best;
            double least = std::numeric_limits<double>::infinity();
            for (int candidate = 0; candidate < static_cast<int>(costs_.cells[cell].size()); ++candidate) {
                candidates[cell] = candidate;
                const auto cost = static_cast<double>(costs_.cells[cell][static_cast<std::size_t>(candidate)].*kind);
                const double value = price ? loss_of(candidates) + *price * cost : cost;
                if (value < least) {
                    least = value;
                    chosen[cell] = candidate;
                }
            }
        }
        return chosen;
    }

    const BlockCosts& costs_;
    const Budget& budget_;
    const MeasureLoss& measure_;
    std::map<std::vector<int>, double> losses_;
};

/// Choices of the blocks so far.
struct Partial {
    double loss = 0;
    Cost cost;
    std::vector<std::size_t> picked;
};

bool is_within(const Cost& cost, const Budget& budget)
{
    return cost.macs <= budget.most.macs && cost.parameters <= budget.most.parameters;
}

Error out_of_reach(const Cost& least, const Budget& budget)
{
    const auto text = [&](const Cost& cost) {
        std::string all;
        if (is_limited(budget, &Cost::macs))
            all += std::to_string(cost.macs) + " multiply-accumulates";
        if (is_limited(budget, &Cost::parameters))
            all += (all.empty() ? "" : " and ") + std::to_string(cost.parameters) + " parameters";
        return all;
    };
    return {Code::BadRequest, "no choice of cells of the supernet has at most " + text(budget.most), "[derive]",
        "give a larger budget: the smallest possible is " + text(least)};
}

} // namespace

std::vector<Choice> choices_of(const BlockCosts& costs, const Budget& budget, const MeasureLoss& measure)
{
    return BlockSearch(costs, budget, measure).run();
}

std::vector<std::size_t> pick_choices(std::span<const std::vector<Choice>> blocks, const Budget& budget)
{
    std::vector<Cost> least_after(blocks.size() + 1); // of the blocks from this one on
    for (std::size_t block = blocks.size(); block-- > 0;) {
        for (std::int64_t Cost::*kind : kinds) {
            const Choice& cheapest = *std::ranges::min_element(blocks[block], {}, [&](const Choice& c) { return c.cost.*kind; });
            least_after[block].*kind = least_after[block + 1].*kind + cheapest.cost.*kind;
        }
    }
    std::vector<Partial> partials(1);
    for (std::size_t block = 0; block < blocks.size(); ++block) {
        std::vector<Partial> longer;
        for (const Partial& partial : partials) {
            for (std::size_t index = 0; index < blocks[block].size(); ++index) {
                const Choice& choice = blocks[block][index];
                Partial next{partial.loss + choice.loss, partial.cost + choice.cost, partial.picked};
                if (!is_within(next.cost + least_after[block + 1], budget))
                    continue;
                next.picked.push_back(index);
                longer.push_back(std::move(next));
            }
        }
        keep_the_best(longer, budget);
        partials = std::move(longer);
    }
    if (partials.empty())
        throw out_of_reach(least_after.front(), budget);
    return partials.front().picked;
}

void require_within_reach(std::span<const BlockCosts> blocks, const Budget& budget)
{
    Cost least;
    for (const BlockCosts& block : blocks)
        for (std::int64_t Cost::*kind : kinds)
            least.*kind += block.smallest(kind);
    if (!is_within(least, budget))
        throw out_of_reach(least, budget);
}

} // namespace pipebd::engine
