// architecture.json (docs/formats/architecture.md): a network as it was delivered, what was chosen for it from a supernet, and why.
#pragma once

#include "engine/models/block_costs.h"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pipebd::engine {

struct Architecture {
    struct Cell {
        Block::Cell described;
        std::vector<double> losses; // by candidate, the block's with it and the other cells as they were chosen
        int chosen = 0;
    };
    struct ChosenBlock {
        std::string name;
        std::vector<Cell> cells;
        double loss = 0; // 0: as the teacher; 1: as the best constant
        Cost cost;
    };
    std::string pair;
    std::vector<ChosenBlock> blocks;
    Cost teacher;
    Budget budget;
    std::int64_t samples = 0; // that losses were measured on; 0: there was nothing to choose
    bool held_out = false; // else training samples
    std::string network = {}; // describe_network()

    Cost cost() const; // of all blocks
};

/// A network without cells, of which `costs` are the blocks': nothing was chosen. Its description is left out.
Architecture fixed_architecture(const Pair& pair, const std::vector<BlockCosts>& costs);

std::string to_json(const Architecture& architecture);

/// By block and cell the name of the candidate that was chosen: what make_derived() takes. Throws Error{NotFound} for a missing
/// file, {Damaged} for one that is no architecture, {BadRequest} for one of another pair.
std::vector<std::vector<std::string>> read_chosen(const std::filesystem::path& file, const Pair& pair);

} // namespace pipebd::engine
