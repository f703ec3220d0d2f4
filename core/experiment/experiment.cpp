#include "experiment/experiment.h"

#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "experiment/settings.h"

#include <system_error>

namespace pipebd::experiment {

namespace {

constexpr std::uintmax_t largest_file = std::uintmax_t{16} << 20;

std::string name_of(const std::filesystem::path& file)
{
    const std::string stem = printable(file.stem().native(), 150);
    return stem.empty() ? "experiment" : stem;
}

// Makes the path absolute, seen from the experiment's folder, and sees that there is a file.
void resolve(std::string& named, const std::filesystem::path& experiment_file, const Settings& given, const std::string& key,
    const std::string& kind)
{
    if (named.empty())
        return;
    const std::filesystem::path path = (std::filesystem::absolute(experiment_file).parent_path() / named).lexically_normal();
    std::error_code ignored;
    if (!std::filesystem::is_regular_file(path, ignored))
        throw Error(Code::NotFound, key + " names no file: " + in_quotes(path.native(), 500), given.find(key)->second.place,
            "give the path of " + kind + ", seen from the folder of the experiment");
    named = path.native();
}

} // namespace

Experiment read_experiment(const std::filesystem::path& file, std::span<const std::string> settings)
{
    const Settings given = settings_from_toml(read_file(file, largest_file), file.native(), settings);
    Experiment experiment = make_experiment(given, name_of(file), file.native());
    resolve(experiment.teacher.weights, file, given, "teacher.weights", "a safetensors file");
    resolve(experiment.student.weights, file, given, "student.weights", "a safetensors file");
    resolve(experiment.student.architecture, file, given, "student.architecture", "an architecture.json");
    return experiment;
}

Experiment parse_experiment(std::string_view toml, std::string_view where, std::span<const std::string> settings)
{
    return make_experiment(settings_from_toml(toml, where, settings), name_of(where), where);
}

} // namespace pipebd::experiment
