#include "launch/inputs.h"

#include "base/checksum.h"
#include "base/error.h"
#include "base/file.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

namespace pipebd::launch {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t most_files = 10'000; // whose contents are looked at
constexpr std::uintmax_t most_bytes = std::uintmax_t{1} << 30;

struct DataFile {
    std::string name; // below the folder, with "/"
    fs::path path;
    std::uintmax_t bytes = 0;
};

std::vector<DataFile> files_below(const fs::path& path)
{
    std::vector<DataFile> files;
    if (fs::is_regular_file(path)) {
        files.push_back({{}, path, fs::file_size(path)});
        return files;
    }
    for (fs::recursive_directory_iterator entry(path, fs::directory_options::follow_directory_symlink), end; entry != end;
         ++entry) {
        if (entry->path().filename().string().starts_with(".")) {
            if (entry->is_directory())
                entry.disable_recursion_pending();
        } else if (entry->is_regular_file()) {
            files.push_back({entry->path().lexically_relative(path).generic_string(), entry->path(), entry->file_size()});
        }
    }
    std::sort(files.begin(), files.end(), [](const DataFile& a, const DataFile& b) { return a.name < b.name; });
    return files;
}

void add(Inputs& inputs, const char* key, const std::string& path, const std::function<std::string(const fs::path&)>& digest)
{
    if (path.empty())
        return;
    try {
        inputs[key] = digest(path);
    } catch (const Error&) {
        // Whoever needs it says what is wrong with it.
    }
}

} // namespace

std::string digest_of_data(const fs::path& path)
{
    try {
        const std::vector<DataFile> files = files_below(path);
        std::uintmax_t all = 0;
        for (const DataFile& file : files)
            all += file.bytes;
        const bool with_contents = files.size() <= most_files && all <= most_bytes;
        Sha256 sha;
        for (const DataFile& file : files) {
            sha.update(file.name + '\0' + std::to_string(file.bytes) + '\0');
            if (with_contents)
                sha.update(MappedFile(file.path).bytes());
        }
        return sha.finish();
    } catch (const fs::filesystem_error& problem) {
        throw system_error("cannot read the data", problem.path1().string(), problem.code().value());
    }
}

Inputs inputs_of(const experiment::Experiment& experiment)
{
    Inputs inputs;
    add(inputs, "data.path", experiment.data.path, digest_of_data);
    add(inputs, "teacher.weights", experiment.teacher.weights, sha256_of_file);
    add(inputs, "student.weights", experiment.student.weights, sha256_of_file);
    add(inputs, "student.architecture", experiment.student.architecture, sha256_of_file);
    return inputs;
}

std::string to_json(const Inputs& inputs)
{
    return nlohmann::json(inputs).dump(2);
}

Inputs inputs_from_json(const std::string& json)
{
    Inputs inputs;
    const auto parsed = nlohmann::json::parse(json, nullptr, false);
    if (parsed.is_object())
        for (const auto& [key, value] : parsed.items())
            if (value.is_string())
                inputs[key] = value.get<std::string>();
    return inputs;
}

} // namespace pipebd::launch
