#include "schedule/search.h"
#include "schedule/stage_table.h"

#include <algorithm>
#include <cstddef>
#include <limits>
#include <map>
#include <numeric>
#include <tuple>
#include <utility>
#include <vector>

namespace pipebd::schedule {

namespace {

/// The costs of the stages of one row by their first and last block; not a number for one that does not fit.
class Matrix {
public:
    explicit Matrix(int blocks)
        : blocks_(blocks)
        , costs_(static_cast<std::size_t>(blocks * (blocks + 1)), std::numeric_limits<double>::quiet_NaN())
    {
    }
    Matrix(const StageRow& row, int blocks)
        : Matrix(blocks)
    {
        for (int first = 0; first < blocks; ++first) {
            double cost = row.start(first);
            for (int last = first + 1; last <= row.fits(first); ++last)
                costs_[index(first, last)] = cost += row.step(last - 1);
        }
    }

    double cost(int first, int last) const { return costs_[index(first, last)]; }

private:
    std::size_t index(int first, int last) const { return static_cast<std::size_t>(first * (blocks_ + 1) + last); }

    int blocks_;
    std::vector<double> costs_;
};

/// Candidates come in the order of ties, so that of two with one cost the earlier is the better.
class Walk {
public:
    Walk(const Costs& costs, std::size_t keep, Width width)
        : costs_(costs)
        , table_(costs, width)
        , keep_(keep)
    {
        const int most = std::min(costs.blocks(), costs.devices());
        for (int stages = width == Width::OneDevice ? costs.devices() : 1; stages <= most; ++stages) {
            counts_.assign(static_cast<std::size_t>(stages), 1);
            lasts_.assign(static_cast<std::size_t>(stages), 0);
            give_devices(0, costs.devices());
        }
    }

    Ranking result()
    {
        std::sort_heap(best_.begin(), best_.end());
        Ranking ranking{{}, candidates_, feasible_};
        for (const Kept& kept : best_) {
            Candidate candidate{{}, kept.cost};
            int first = 0;
            int begin = 0;
            for (std::size_t s = 0; s < kept.counts.size(); ++s) {
                candidate.stages.push_back({first, kept.lasts[s], devices_from(begin, kept.counts[s])});
                first = kept.lasts[s];
                begin += kept.counts[s];
            }
            ranking.best.push_back(std::move(candidate));
        }
        return ranking;
    }

private:
    struct Kept {
        double cost = 0;
        std::int64_t number = 0; // of the candidate in the order of the walk
        std::vector<int> counts;
        std::vector<int> lasts;

        bool operator<(const Kept& other) const { return std::tie(cost, number) < std::tie(other.cost, other.number); }
    };

    static std::vector<int> devices_from(int begin, int count)
    {
        std::vector<int> devices(static_cast<std::size_t>(count));
        std::iota(devices.begin(), devices.end(), begin);
        return devices;
    }

    Links links(const std::vector<int>& from, const std::vector<int>& to) const
    {
        Links result = 0;
        for (int a : from)
            for (int b : to)
                result |= link_between(a, b);
        return result;
    }

    Links link_between(int a, int b) const
    {
        const Cluster& cluster = costs_.cluster();
        const auto node = [&](int device) { return cluster.devices[static_cast<std::size_t>(device)].node; };
        return cluster.between && node(a) != node(b) ? between_nodes : inside_node;
    }

    StageKind kind(const std::vector<int>& before, const std::vector<int>& devices) const
    {
        const Cluster& cluster = costs_.cluster();
        StageKind result{static_cast<int>(devices.size()), costs_.slowest_speed(devices), std::nullopt, 0, links(before, devices)};
        for (std::size_t i = 0; i < devices.size(); ++i) {
            if (const auto& limit = cluster.devices[static_cast<std::size_t>(devices[i])].memory_limit)
                result.memory_limit = std::min(*limit, result.memory_limit.value_or(*limit));
            if (devices.size() > 1 && (cluster.inside || cluster.between))
                result.ring |= link_between(devices[i], devices[(i + 1) % devices.size()]);
        }
        return result;
    }

    const Matrix& matrix(const std::vector<int>& before, const std::vector<int>& devices)
    {
        static const std::size_t too_wide = std::numeric_limits<std::size_t>::max();
        const bool allowed = table_.allows(static_cast<int>(devices.size()));
        const std::size_t row = allowed ? table_.row_number(kind(before, devices)) : too_wide;
        const auto known = matrices_.find(row);
        if (known != matrices_.end())
            return known->second;
        return matrices_.emplace(row, allowed ? Matrix(table_.row(row), costs_.blocks()) : Matrix(costs_.blocks())).first->second;
    }

    /// To stage `stage` and those after it, of `devices` devices that are left.
    void give_devices(std::size_t stage, int devices)
    {
        if (stage + 1 < counts_.size()) {
            const int others = static_cast<int>(counts_.size() - stage - 1);
            for (counts_[stage] = 1; counts_[stage] <= devices - others; ++counts_[stage])
                give_devices(stage + 1, devices - counts_[stage]);
            return;
        }
        counts_[stage] = devices;
        of_stage_.clear();
        std::vector<int> before;
        int begin = 0;
        for (int count : counts_) {
            std::vector<int> own = devices_from(begin, count);
            of_stage_.push_back(&matrix(before, own));
            before = std::move(own);
            begin += count;
        }
        cut(0, 0, 0, true);
    }

    /// The blocks from `first` on into stage `stage` and those after it.
    void cut(std::size_t stage, int first, double largest, bool fits)
    {
        const Matrix& costs = *of_stage_[stage];
        const auto with = [&](double cost) { return std::pair{std::max(largest, cost), fits && cost == cost}; };
        if (stage + 1 == of_stage_.size()) {
            lasts_[stage] = costs_.blocks();
            const auto [cost, all_fit] = with(costs.cost(first, costs_.blocks()));
            take(cost, all_fit);
            return;
        }
        const int others = static_cast<int>(of_stage_.size() - stage - 1);
        for (int last = first + 1; last <= costs_.blocks() - others; ++last) {
            lasts_[stage] = last;
            const auto [cost, all_fit] = with(costs.cost(first, last));
            cut(stage + 1, last, cost, all_fit);
        }
    }

    void take(double cost, bool fits)
    {
        ++candidates_;
        if (!fits)
            return;
        ++feasible_;
        if (best_.size() < keep_)
            best_.push_back({cost, candidates_, counts_, lasts_});
        else if (keep_ > 0 && cost < best_.front().cost) {
            std::pop_heap(best_.begin(), best_.end());
            best_.back() = {cost, candidates_, counts_, lasts_};
        } else
            return;
        std::push_heap(best_.begin(), best_.end());
    }

    const Costs& costs_;
    StageTable table_;
    std::size_t keep_;
    std::map<std::size_t, Matrix> matrices_; // by row of the table
    std::vector<int> counts_; // devices of each stage
    std::vector<const Matrix*> of_stage_;
    std::vector<int> lasts_; // the block before which each stage ends
    std::vector<Kept> best_; // a heap, the worst in front
    std::int64_t candidates_ = 0;
    std::int64_t feasible_ = 0;
};

/// The largest number if that is too small.
std::int64_t binomial(std::int64_t n, std::int64_t k)
{
    k = std::min(k, n - k);
    std::int64_t result = 1; // C(n - k + i, i) after i rounds
    for (std::int64_t i = 1; i <= k; ++i) {
        const std::int64_t shared = std::gcd(result, i);
        const std::int64_t factor = (n - k + i) / (i / shared);
        result /= shared;
        if (result > std::numeric_limits<std::int64_t>::max() / factor)
            return std::numeric_limits<std::int64_t>::max();
        result *= factor;
    }
    return result;
}

} // namespace

std::int64_t count_candidates(int blocks, int devices, Width width)
{
    if (blocks < 1 || devices < 1 || (width == Width::OneDevice && devices > blocks))
        return 0;
    const std::int64_t n = width == Width::OneDevice ? blocks - 1 : static_cast<std::int64_t>(blocks) + devices - 2;
    return binomial(n, devices - 1);
}

Ranking rank_candidates(const Costs& costs, std::size_t keep, Width width)
{
    if (count_candidates(costs.blocks(), costs.devices(), width) == 0)
        return {};
    return Walk(costs, keep, width).result();
}

} // namespace pipebd::schedule
