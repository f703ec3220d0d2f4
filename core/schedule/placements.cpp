#include "schedule/placements.h"

#include <algorithm>
#include <limits>
#include <map>
#include <utility>

namespace pipebd::schedule {

namespace {

/// The nodes of the cluster as 0, 1, ...; all one if it has no links between nodes.
std::vector<std::size_t> nodes_of(const Cluster& cluster)
{
    std::map<int, std::size_t> numbers;
    std::vector<std::size_t> nodes;
    for (const ClusterDevice& device : cluster.devices)
        nodes.push_back(cluster.between ? numbers.try_emplace(device.node, numbers.size()).first->second : 0);
    return nodes;
}

/// How many numbers of nodes of the stage before must be told apart: two, if it is enough to know whether it is in one node.
int count_node_counts(const std::vector<std::size_t>& nodes, bool between_is_slower)
{
    const std::size_t count = *std::ranges::max_element(nodes) + 1;
    std::size_t runs = 1;
    for (std::size_t d = 1; d < nodes.size(); ++d)
        runs += nodes[d] != nodes[d - 1] ? 1U : 0U;
    return static_cast<int>(between_is_slower || runs == count ? std::min<std::size_t>(count, 2) : count);
}

/// A stage that grows device by device.
struct Growing {
    StageKind kind;
    std::size_t first_node = 0;
    bool in_one_node = true;
    Links chain = 0; // the ring but for the link that closes it
    std::vector<bool> has_node;
    int nodes = 0;
    int nearest_before = std::numeric_limits<int>::max(); // the least rank of its nodes among those before it

    void add(const ClusterDevice& device, std::size_t node, std::size_t last_node, int rank)
    {
        if (nodes == 0) {
            kind.devices = 1;
            kind.speed = device.speed;
            first_node = node;
        } else {
            ++kind.devices;
            kind.speed = std::min(kind.speed, device.speed);
            chain |= node == last_node ? inside_node : between_nodes;
        }
        if (device.memory_limit)
            kind.memory_limit = std::min(*device.memory_limit, kind.memory_limit.value_or(*device.memory_limit));
        in_one_node = in_one_node && node == first_node;
        nearest_before = std::min(nearest_before, rank);
        if (!has_node[node]) {
            has_node[node] = true;
            ++nodes;
        }
    }
};

struct LastPlacement { // the last placement of a width
    StageKind kind;
    int nodes = -1;
    std::size_t place = 0;
};

} // namespace

Placements placements(const Cluster& cluster, StageTable& table)
{
    constexpr int unseen = std::numeric_limits<int>::max();
    const int size = cluster.size();
    const std::vector<std::size_t> nodes = nodes_of(cluster);
    const std::size_t node_count = *std::ranges::max_element(nodes) + 1;
    const bool has_links = cluster.inside || cluster.between;

    Placements result;
    result.node_counts = count_node_counts(nodes, table.between_is_slower());
    std::vector<std::vector<LastPlacement>> last_known(static_cast<std::size_t>(size) + 1);
    std::map<std::pair<std::pair<int, std::size_t>, std::pair<int, int>>, std::size_t> places; // (width, row), nodes

    for (int begin = 0; begin < size; ++begin) {
        std::vector<int> rank(node_count, unseen); // the node of the device before is 0, the next one that is another 1, ...
        int ranks = 0;
        for (int d = begin - 1; d >= 0; --d)
            if (int& of_node = rank[nodes[static_cast<std::size_t>(d)]]; of_node == unseen)
                of_node = ranks++;

        Growing stage;
        stage.has_node.assign(node_count, false);
        for (int end = begin + 1; end <= size; ++end) {
            const auto d = static_cast<std::size_t>(end - 1);
            stage.add(cluster.devices[d], nodes[d], d > 0 ? nodes[d - 1] : 0, rank[nodes[d]]);
            const int g = end - begin;
            if (!table.allows(g))
                continue;
            if (has_links && g > 1)
                stage.kind.ring = stage.chain | (nodes[d] == stage.first_node ? inside_node : between_nodes);
            auto& known = last_known[static_cast<std::size_t>(g)];
            known.resize(static_cast<std::size_t>(result.node_counts));
            const int own_nodes = std::min(stage.nodes, result.node_counts) - 1;
            for (int before = 0; before < std::clamp(ranks, 1, result.node_counts); ++before) {
                const bool shares_a_node = begin == 0 || stage.nearest_before <= before;
                const bool all_in_one = begin == 0 || (before == 0 && stage.in_one_node && stage.nearest_before == 0);
                stage.kind.relay = (shares_a_node ? inside_node : 0) | (all_in_one ? 0 : between_nodes);
                LastPlacement& last = known[static_cast<std::size_t>(before)];
                if (last.nodes != own_nodes || last.kind != stage.kind) {
                    const std::size_t row = table.row_number(stage.kind);
                    const auto [place, is_new] = places.try_emplace({{g, row}, {before, own_nodes}}, result.all.size());
                    if (is_new)
                        result.all.push_back({row, g, before, own_nodes, Positions(size)});
                    last = {stage.kind, own_nodes, place->second};
                }
                result.all[last.place].first.add(begin);
            }
        }
    }
    std::ranges::stable_sort(result.all, {}, &Placement::devices);
    return result;
}

} // namespace pipebd::schedule
