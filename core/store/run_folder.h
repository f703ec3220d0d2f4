// The name of the folder of a run or a pair, NNNN-name. For this folder only.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace pipebd::store {

struct RunFolder {
    int id = 0; // 0: the folder's name does not begin with a number and "-"
    std::string name;
};

RunFolder run_folder_from_path(const std::filesystem::path& folder);

/// "0007-digits-nas": what is not a letter or digit of ASCII, "." or "_" becomes "-", so that nothing leaves the lab; cut to 60
/// bytes; `otherwise` if nothing is left of it.
std::string run_folder_name(int id, std::string_view name, std::string_view otherwise = "run");

} // namespace pipebd::store
