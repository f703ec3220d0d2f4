#include "experiment/cluster_file.h"

#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "base/units.h"
#include "experiment/toml_text.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace pipebd::experiment {

namespace {

constexpr std::uintmax_t largest_cluster_file = 1 << 20;
constexpr double largest_latency = 1e12; // ms

class ClusterReader {
public:
    explicit ClusterReader(std::string_view where)
        : where_(where)
    {
    }

    schedule::Cluster read(const toml::table& root)
    {
        require_known(root, std::array<std::string_view, 3>{"link", "between", "device"}, "");
        if (const toml::node* link = root.get("link"))
            cluster_.inside = read_link(table_of(*link, "[link]"), "link");
        if (const toml::node* between = root.get("between"))
            cluster_.between = read_link(table_of(*between, "[between]"), "between");
        const toml::node* devices = root.get("device");
        const toml::array* list = devices ? devices->as_array() : nullptr;
        if (!list || list->empty())
            throw Error(Code::BadRequest, "no devices are described", devices ? place_of(*devices) : where_,
                "describe each kind of device in its own [[device]] section");
        for (const toml::node& device : *list)
            read_devices(table_of(device, "[[device]]"));
        return std::move(cluster_);
    }

private:
    std::string place_of(const toml::node& node) const { return where_ + ':' + std::to_string(node.source().begin.line); }

    [[noreturn]] void refuse(const toml::node& node, const std::string& what, const std::string& remedy) const
    {
        throw Error(Code::BadRequest, what, place_of(node), remedy);
    }

    const toml::table& table_of(const toml::node& node, const std::string& name) const
    {
        if (!node.is_table())
            refuse(node, in_quotes(name) + " is a section, not a value", "write its keys on lines of their own below " + name);
        return *node.as_table();
    }

    template <typename Names>
    void require_known(const toml::table& table, const Names& known, const std::string& section) const
    {
        std::vector<std::pair<const toml::node*, std::string>> unknown;
        for (const auto& [key, node] : table)
            if (std::find(known.begin(), known.end(), key.str()) == known.end())
                unknown.emplace_back(&node, std::string(key.str()));
        if (unknown.empty())
            return;
        const auto first = std::min_element(unknown.begin(), unknown.end(),
            [](const auto& a, const auto& b) { return a.first->source().begin < b.first->source().begin; });
        const std::string_view meant = nearest(first->second, known);
        refuse(*first->first, "unknown key " + in_quotes(section + first->second),
            meant.empty() ? "known are " + joined(known) : "did you mean " + std::string(meant) + '?');
    }

    double number(const toml::table& table, const char* key, double otherwise, bool may_be_zero, double most) const
    {
        const toml::node* node = table.get(key);
        if (!node)
            return otherwise;
        const std::optional<double> value = node->value<double>();
        if (!value || !std::isfinite(*value) || *value < 0 || (*value == 0 && !may_be_zero) || *value > most)
            refuse(*node, std::string(key) + (may_be_zero ? " must be a number >= 0" : " must be a number above 0"),
                "write it like " + std::string(key) + " = 0.5");
        return *value;
    }

    std::string text(const toml::table& table, const char* key, const char* like) const
    {
        const toml::node* node = table.get(key);
        if (!node)
            return {};
        if (!node->is_string() || node->as_string()->get().empty())
            refuse(*node, std::string(key) + " must be a string", "write it like " + std::string(key) + " = \"" + like + '"');
        return node->as_string()->get();
    }

    schedule::Link read_link(const toml::table& table, const std::string& section) const
    {
        require_known(table, std::array<std::string_view, 2>{"latency", "bandwidth"}, section + '.');
        schedule::Link link;
        link.latency = number(table, "latency", 0, true, largest_latency);
        if (const std::string bandwidth = text(table, "bandwidth", "25GB/s"); !bandwidth.empty())
            link.bytes_per_ms = static_cast<double>(parse_bandwidth(bandwidth, place_of(*table.get("bandwidth")))) / 1000;
        return link;
    }

    int node_of(const toml::table& table)
    {
        const toml::node* node = table.get("node");
        if (!node)
            return nodes_.emplace("", static_cast<int>(nodes_.size())).first->second;
        const std::optional<std::string> name = node->is_string() ? node->value<std::string>()
            : node->is_integer()                                  ? std::optional(std::to_string(node->as_integer()->get()))
                                                                  : std::nullopt;
        if (!name)
            refuse(*node, "node must be a name or a number", "write it like node = \"a\"");
        return nodes_.emplace(*name, static_cast<int>(nodes_.size())).first->second;
    }

    void read_devices(const toml::table& table)
    {
        require_known(table, std::array<std::string_view, 5>{"name", "count", "speed", "memory", "node"}, "device.");
        schedule::ClusterDevice device;
        device.name = text(table, "name", "RTX A6000");
        device.speed = number(table, "speed", 1, false, 1e6);
        if (device.speed < 1e-6)
            refuse(*table.get("speed"), "speed must be at least a millionth of the profiled device's", "write it like speed = 0.5");
        if (const std::string memory = text(table, "memory", "11GiB"); !memory.empty())
            device.memory_limit = parse_bytes(memory, place_of(*table.get("memory")));
        device.node = node_of(table);
        std::int64_t count = 1;
        if (const toml::node* node = table.get("count")) {
            count = node->is_integer() ? node->as_integer()->get() : 0;
            if (count < 1 || count > most_devices - cluster_.size())
                refuse(*node, "a cluster must have 1 to " + std::to_string(most_devices) + " devices", "write it like count = 4");
        } else if (cluster_.size() == most_devices)
            refuse(table, "a cluster can have at most " + std::to_string(most_devices) + " devices", "leave some out");
        cluster_.devices.insert(cluster_.devices.end(), static_cast<std::size_t>(count), device);
    }

    std::string where_;
    schedule::Cluster cluster_;
    std::map<std::string, int> nodes_;
};

} // namespace

schedule::Cluster cluster_from_toml(std::string_view toml, std::string_view where)
{
    return ClusterReader(where).read(parse_toml(toml, where));
}

schedule::Cluster read_cluster(const std::filesystem::path& file)
{
    return cluster_from_toml(read_file(file, largest_cluster_file), file.native());
}

} // namespace pipebd::experiment
