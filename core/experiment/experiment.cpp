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

// Makes paths absolute, seen from the experiment's folder, and sees that something is there.
class Paths {
public:
    Paths(const std::filesystem::path& experiment_file, const Settings& given)
        : folder_(std::filesystem::absolute(experiment_file).parent_path())
        , given_(given)
    {
    }

    void resolve_file(std::string& path, const std::string& key, const std::string& wanted = "a safetensors file") const
    {
        resolve(path, key, std::filesystem::file_type::regular, "file", wanted);
    }
    void resolve_folder(std::string& path, const std::string& key) const
    {
        resolve(path, key, std::filesystem::file_type::directory, "folder", "a folder");
    }

private:
    void resolve(std::string& path, const std::string& key, std::filesystem::file_type type, const std::string& kind,
        const std::string& wanted) const
    {
        if (path.empty())
            return;
        const std::filesystem::path absolute = (folder_ / path).lexically_normal();
        std::error_code ignored;
        if (std::filesystem::status(absolute, ignored).type() != type)
            throw Error(Code::NotFound, key + " is not an existing " + kind + ": " + in_quotes(absolute.native(), 500),
                given_.find(key)->second.place, "give the path of " + wanted + ", relative to the experiment's folder");
        path = absolute.native();
    }

    std::filesystem::path folder_;
    const Settings& given_;
};

} // namespace

Experiment read_experiment(const std::filesystem::path& file, std::span<const std::string> settings)
{
    const Settings given = settings_from_toml(read_file(file, largest_file), file.native(), settings);
    Experiment experiment = make_experiment(given, name_of(file), file.native());
    const Paths paths(file, given);
    paths.resolve_file(experiment.teacher.weights, "teacher.weights");
    paths.resolve_file(experiment.student.weights, "student.weights");
    paths.resolve_file(experiment.student.architecture, "student.architecture", "an architecture.json");
    if (experiment.data.source == "tensors")
        paths.resolve_file(experiment.data.path, "data.path");
    else
        paths.resolve_folder(experiment.data.path, "data.path");
    return experiment;
}

Experiment parse_experiment(std::string_view toml, std::string_view where, std::span<const std::string> settings)
{
    return make_experiment(settings_from_toml(toml, where, settings), name_of(where), where);
}

} // namespace pipebd::experiment
