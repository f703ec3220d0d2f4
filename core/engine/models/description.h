// Description: one step of a network as data, complete enough to build it again elsewhere (resources/python/load_student.py).
//
// The types there are, with their arguments and parts, are listed in docs/formats/architecture.md.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace pipebd::engine {

class Block;
class Pair;

struct Description {
    using Value = std::variant<std::int64_t, double, std::string>;

    std::string type; // such as "convolution"
    std::string name; // its tensors' names without their last part; empty: it has none
    std::vector<std::pair<std::string, Value>> arguments;
    std::vector<std::vector<Description>> parts; // each one step after another
};

/// A whole network, as the JSON object that architecture.json holds as "network": input, classes, and for each block its name and
/// its steps. Of a supernet, only what is chosen. Empty if some block cannot be described, as imported ones.
std::string describe_network(const Pair& pair, const std::vector<Block*>& blocks);

} // namespace pipebd::engine
