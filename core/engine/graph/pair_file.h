// pair.json: what an imported pair is, in the folder that holds its two model files (docs/formats/pair.md, pipebd.pair/1).
#pragma once

#include "engine/models/block.h"

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace pipebd::engine {

/// How a network is stored.
enum class ModelKind {
    Pt2, // torch.export.save
    TorchScript, // torch.jit.save; a program, which only a user can trust
};

std::string_view to_string(ModelKind kind); // "pt2", "torchscript"

struct PairFile {
    struct Network {
        std::string file; // inside the folder, no path
        ModelKind kind = ModelKind::Pt2;
        std::string sha256; // of the file
        std::string blocks; // where it is cut, a block list (block_list.h)
    };

    std::string name;
    Input input;
    int classes = 0;
    std::vector<std::string> block_names; // as many as either network has blocks
    bool end_to_end_only = false; // teacher and student differ in shape between blocks: no blockwise distillation
    Network teacher;
    Network student;
};

inline constexpr std::string_view pair_file_name = "pair.json";

/// Reads `folder`/pair.json. Throws Error{NotFound}; {Newer} for a later format; {Damaged} with the key that is wrong or missing.
PairFile read_pair_file(const std::filesystem::path& folder);

std::string to_json(const PairFile& pair);

} // namespace pipebd::engine
