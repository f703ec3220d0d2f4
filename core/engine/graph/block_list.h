// Block list: where a network is cut, by the paths of its modules.
//
//     features.0-3,features.4-6,avgpool+classifier
//
// A comma ends a block. A block is one or more parts joined by '+'; a part is a module's path as in the state_dict, or a range
// PATH.FIRST-LAST of numbered modules. A module takes with it all that is inside it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace pipebd::engine {

struct BlockPart {
    std::string path; // "classifier"; of a range, the path in front of the numbers ("features")
    int first = -1; // -1: no range
    int last = -1;

    /// Whether the module at `path` is this one or inside it.
    bool holds(std::string_view path) const;
};

std::string to_string(const BlockPart& part);

struct BlockParts {
    std::vector<BlockPart> parts;

    bool holds(std::string_view path) const;
};

std::string to_string(const BlockParts& block);

/// Throws Error{BadRequest} with the place in `text` that cannot be read, `where` ("--teacher-blocks") as its place.
std::vector<BlockParts> parse_block_list(std::string_view text, std::string_view where);

std::string to_string(const std::vector<BlockParts>& blocks);

} // namespace pipebd::engine
