#include "experiment/devices.h"

#include "base/error.h"
#include "base/text.h"

#include <algorithm>
#include <charconv>

namespace pipebd::experiment {

namespace {

constexpr int most_threads = 1024;
constexpr int most_gpus = 1024;
constexpr std::size_t longest_list = 1024;

// Decimal digits only: no sign, no space.
std::optional<int> whole(std::string_view text, int least, int most)
{
    int number = 0;
    const char* end = text.data() + text.size();
    if (text.empty() || text.front() < '0' || text.front() > '9')
        return std::nullopt;
    const auto [stop, error] = std::from_chars(text.data(), end, number);
    if (error != std::errc{} || stop != end || number < least || number > most)
        return std::nullopt;
    return number;
}

} // namespace

std::optional<Device> device_named(std::string_view name)
{
    constexpr std::string_view threads_of = "cpu@";
    constexpr std::string_view index_of = "cuda:";
    if (name == "cpu")
        return Device{};
    if (name.starts_with(threads_of)) {
        if (const auto threads = whole(name.substr(threads_of.size()), 1, most_threads))
            return Device{.threads = *threads};
    } else if (name.starts_with(index_of)) {
        if (const auto index = whole(name.substr(index_of.size()), 0, most_gpus - 1))
            return Device{.kind = Device::Kind::Cuda, .index = *index};
    }
    return std::nullopt;
}

std::vector<Device> as_many_as(std::size_t count, std::vector<Device> devices)
{
    devices.resize(std::min(devices.size(), count));
    for (int next = static_cast<int>(devices.size()); devices.size() < count; ++next) {
        devices.push_back(devices.front());
        if (devices.front().kind == Device::Kind::Cuda)
            devices.back().index = next;
    }
    return devices;
}

std::string to_string(const Device& device)
{
    if (device.kind == Device::Kind::Cuda)
        return "cuda:" + std::to_string(device.index);
    return device.threads == 1 ? "cpu" : "cpu@" + std::to_string(device.threads);
}

std::string to_string(const std::vector<Device>& devices)
{
    std::string list;
    for (const Device& device : devices) {
        if (!list.empty())
            list += ',';
        list += to_string(device);
    }
    return list;
}

std::vector<Device> parse_devices(std::string_view list, std::string_view where)
{
    const auto refused = [&](const std::string& what) {
        return Error(Code::BadRequest, what, std::string(where),
            "write a list such as cpu,cpu or cpu@4 (threads, 1 to 1024) or cuda:0,cuda:1");
    };
    std::vector<Device> devices;
    for (std::string_view rest = list;;) {
        const std::size_t comma = rest.find(',');
        const std::string_view name = trimmed(rest.substr(0, comma));
        const auto device = device_named(name);
        if (!device)
            throw refused(name.empty() ? "a device is missing in " + in_quotes(list) : in_quotes(name) + " is not a device");
        if (devices.size() == longest_list)
            throw refused("there are more than " + std::to_string(longest_list) + " devices");
        devices.push_back(*device);
        if (comma == std::string_view::npos)
            return devices;
        rest.remove_prefix(comma + 1);
    }
}

} // namespace pipebd::experiment
