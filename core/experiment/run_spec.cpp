#include "experiment/run_spec.h"

#include "base/error.h"
#include "base/text.h"
#include "experiment/experiment_json.h"

#include <limits>

namespace pipebd::experiment {

namespace {

using SortedJson = nlohmann::json;

constexpr std::string_view spec_format = "pipebd.spec/1";
constexpr std::string_view spec_format_of_any_version = "pipebd.spec/";

// The members of the one object of a spec; every complaint names the place.
class SpecReader {
public:
    SpecReader(const SortedJson& json, std::string_view where)
        : json_(json)
        , where_(where)
    {
        if (!json.is_object())
            throw Error(Code::BadRequest, "a run's spec must be a JSON object", where_);
    }

    bool has(const std::string& key) const { return json_.contains(key); }

    const SortedJson& at(const std::string& key) const
    {
        const auto found = json_.find(key);
        if (found == json_.end())
            throw refused(key, "the key is missing");
        return *found;
    }

    std::string text(const std::string& key) const { return text(at(key), key); }

    std::string text(const SortedJson& value, const std::string& path) const
    {
        if (!value.is_string())
            throw refused(path, "a string is expected here");
        return value.get<std::string>();
    }

    bool flag(const std::string& key) const
    {
        if (!at(key).is_boolean())
            throw refused(key, "true or false is expected here");
        return at(key).get<bool>();
    }

    std::int64_t whole(const std::string& key, std::int64_t least, std::int64_t most) const
    {
        return whole(at(key), key, least, most);
    }

    std::int64_t whole(const SortedJson& value, const std::string& path, std::int64_t least, std::int64_t most) const
    {
        const bool fits = value.is_number_integer()
            && (!value.is_number_unsigned()
                || value.get<std::uint64_t>() <= static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()));
        if (!fits || value.get<std::int64_t>() < least || value.get<std::int64_t>() > most)
            throw refused(path, "an integer from " + std::to_string(least) + " to " + std::to_string(most) + " is expected here");
        return value.get<std::int64_t>();
    }

    std::string place(const std::string& path) const { return where_ + ": " + path; }

    Error refused(const std::string& path, const std::string& what) const
    {
        return {Code::BadRequest, what, place(path), "start the run again from its experiment"};
    }

private:
    const SortedJson& json_;
    std::string where_;
};

void check_format(const SpecReader& reader)
{
    const std::string found = reader.text("format");
    if (found == spec_format)
        return;
    if (found.starts_with(spec_format_of_any_version))
        throw Error(Code::Newer, "this spec has the format " + in_quotes(found), reader.place("format"),
            "use the version of the program that wrote it; this one reads " + std::string(spec_format));
    throw reader.refused("format", in_quotes(found) + " is not " + std::string(spec_format));
}

std::vector<Device> devices_of(const SpecReader& reader)
{
    const SortedJson& list = reader.at("devices");
    if (!list.is_array())
        throw reader.refused("devices", "a list of devices is expected here");
    std::vector<Device> devices;
    for (std::size_t i = 0; i < list.size(); ++i) {
        const std::string path = "devices[" + std::to_string(i) + ']';
        const std::vector<Device> one = parse_devices(reader.text(list[i], path), reader.place(path));
        if (one.size() != 1)
            throw reader.refused(path, "one device is expected here");
        devices.push_back(one.front());
    }
    return devices;
}

std::vector<std::int64_t> wholes_of(const SpecReader& reader, const std::string& key, std::int64_t least, std::int64_t most)
{
    const SortedJson& list = reader.at(key);
    if (!list.is_array())
        throw reader.refused(key, "a list of integers is expected here");
    std::vector<std::int64_t> numbers;
    for (std::size_t i = 0; i < list.size(); ++i)
        numbers.push_back(reader.whole(list[i], key + '[' + std::to_string(i) + ']', least, most));
    return numbers;
}

schedule::Program program_of(const SpecReader& reader)
{
    const std::string text = reader.text("program");
    return text.empty() ? schedule::Program{} : schedule::from_text(text, reader.place("program"));
}

} // namespace

double minutes_to_measure(const RunSpec& spec)
{
    const Run& run = spec.experiment.run;
    return spec.deliver && spec.checkpoint_steps == 0 && !run.checkpoint_steps ? run.checkpoint_minutes : 0;
}

std::string to_json(const RunSpec& spec)
{
    nlohmann::ordered_json devices = nlohmann::ordered_json::array();
    for (const Device& device : spec.devices)
        devices.push_back(to_string(device));
    nlohmann::ordered_json json = {
        {"format", spec_format},
        {"experiment", json_of(spec.experiment)},
        {"devices", devices},
        {"program", schedule::to_text(spec.program)},
        {"pair_folder", spec.pair_folder.native()},
        {"folder", spec.folder.native()},
        {"checkpoint_steps", spec.checkpoint_steps},
        {"buffers", spec.buffers},
        {"deliver", spec.deliver},
        {"resume", spec.resume.native()},
        {"done", spec.done},
        {"planned_bytes", spec.planned_bytes},
    };
    if (!spec.profile_sizes.empty())
        json["profile_sizes"] = spec.profile_sizes;
    try {
        return json.dump(2) + '\n';
    } catch (const SortedJson::exception&) {
        throw Error(Code::BadRequest, "a name or path of the run is not UTF-8", spec.folder.native(), "rename it");
    }
}

RunSpec run_spec_from_json(std::string_view json, std::string_view where)
{
    const SortedJson parsed = parse_json(json, where);
    const SpecReader reader(parsed, where);
    check_format(reader);

    RunSpec spec;
    spec.experiment = experiment_of(reader.at("experiment"), reader.place("experiment"));
    spec.devices = devices_of(reader);
    spec.program = program_of(reader);
    spec.pair_folder = reader.text("pair_folder");
    spec.folder = reader.text("folder");
    spec.checkpoint_steps = reader.whole("checkpoint_steps", 0, std::int64_t{1} << 40);
    spec.buffers = static_cast<int>(reader.whole("buffers", 1, 1 << 20));
    spec.deliver = reader.flag("deliver");
    spec.resume = reader.text("resume");
    spec.done = wholes_of(reader, "done", 0, std::int64_t{1} << 40);
    if (!spec.done.empty() && spec.done.size() != static_cast<std::size_t>(spec.program.blocks))
        throw reader.refused("done",
            "steps are given for " + std::to_string(spec.done.size()) + " blocks, the program has "
                + std::to_string(spec.program.blocks));
    if (static_cast<std::size_t>(spec.program.devices()) != spec.devices.size() && !spec.program.phases.empty())
        throw reader.refused("program",
            "the program is for " + std::to_string(spec.program.devices()) + " devices, the list has "
                + std::to_string(spec.devices.size()));
    spec.planned_bytes = wholes_of(reader, "planned_bytes", 0, std::numeric_limits<std::int64_t>::max());
    if (!spec.planned_bytes.empty() && spec.planned_bytes.size() != spec.devices.size())
        throw reader.refused("planned_bytes",
            "sizes are given for " + std::to_string(spec.planned_bytes.size()) + " devices, the list has "
                + std::to_string(spec.devices.size()));
    if (reader.has("profile_sizes"))
        spec.profile_sizes = wholes_of(reader, "profile_sizes", 1, largest_batch);
    return spec;
}

} // namespace pipebd::experiment
