#include "schedule/profile.h"

#include "base/error.h"

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <utility>

namespace pipebd::schedule {

namespace {

double entry(
    const std::map<int, double>& times, int key, const std::string& what, std::string_view where, const std::string& remedy)
{
    if (const auto found = times.find(key); found != times.end())
        return found->second;
    std::string there;
    for (const auto& [size, time] : times) {
        if (!there.empty())
            there += ", ";
        there += std::to_string(size);
    }
    throw Error(Code::BadRequest, "the profile has no " + what, std::string(where),
        remedy + (there.empty() ? " (it has no such times)" : " (it has times for " + there + ")"));
}

} // namespace

double time_for(const TimeBySamples& times, int samples, std::string_view where)
{
    const std::string size = std::to_string(samples);
    return entry(times, samples,
        (where == "load" ? "loading time for " : "time for ") + size + (samples == 1 ? " sample" : " samples"), where,
        "measure it with pipebd profile EXPERIMENT --sizes " + size);
}

double time_for(const TimeBySamples& times, int samples, int block, std::string_view name)
{
    const auto found = times.find(samples);
    return found != times.end() ? found->second
                                : time_for(times, samples, "blocks[" + std::to_string(block) + "]." + std::string(name));
}

double all_reduce_time(const BlockProfile& block, int devices)
{
    return devices <= 1
        ? 0
        : entry(block.all_reduce, devices, "all-reduce time for " + std::to_string(devices) + " devices",
            "all_reduce of block " + block.name, "measure it with pipebd profile EXPERIMENT --devices and that many devices");
}

double interpolated(const TimeBySamples& times, int samples)
{
    if (times.empty())
        return 0;
    const auto along = [samples](const std::pair<const int, double>& a, const std::pair<const int, double>& b) {
        return a.second + (b.second - a.second) * (samples - a.first) / (b.first - a.first);
    };
    const auto above = times.lower_bound(samples);
    if (above != times.end() && above->first == samples)
        return above->second;
    if (times.size() == 1)
        return times.begin()->second * samples / times.begin()->first;
    if (above == times.end())
        return std::max(times.rbegin()->second, along(*std::next(times.rbegin()), *times.rbegin()));
    if (above == times.begin())
        return std::clamp(along(*above, *std::next(above)), above->second * samples / above->first, above->second);
    return along(*std::prev(above), *above);
}

double estimated_all_reduce(const BlockProfile& block, int devices, const Link& link)
{
    const TimeByDevices& measured = block.all_reduce;
    if (const auto exact = measured.find(devices); exact != measured.end())
        return exact->second;
    const auto steps = [](int g) { return 2.0 * (g - 1); };
    double latency = link.latency; // of a step; no more than a measured group leaves for it
    for (const auto& [g, time] : measured)
        if (g > 1)
            latency = std::min(latency, time / steps(g));
    TimeByDevices moving; // all of the gradients once, worked out from each group
    for (const auto& [g, time] : measured)
        if (g > 1)
            moving[g] = (time - steps(g) * latency) / steps(g) * g;
    double move = 0;
    if (moving.empty())
        move = link.bytes_per_ms > 0 ? static_cast<double>(block.gradient_bytes) / link.bytes_per_ms : 0;
    else {
        const int nearest = std::clamp(devices, moving.begin()->first, moving.rbegin()->first);
        move = moving.size() == 1 ? moving.begin()->second : interpolated(moving, nearest);
    }
    return steps(devices) * (latency + move / devices);
}

Profile at_batch(Profile profile, int batch)
{
    profile.batch = batch;
    profile.interpolates = true;
    return profile;
}

Profile costless(int blocks, int batch)
{
    Profile profile;
    profile.batch = batch;
    profile.interpolates = true;
    profile.blocks.resize(static_cast<std::size_t>(blocks));
    return profile;
}

double transfer_time(const Link& link, std::int64_t bytes)
{
    return link.latency + (link.bytes_per_ms > 0 ? static_cast<double>(bytes) / link.bytes_per_ms : 0);
}

} // namespace pipebd::schedule
