#include "schedule/profile.h"

#include "base/error.h"

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <utility>

namespace pipebd::schedule {

namespace {

double entry(const std::map<int, double>& times, int key, std::string_view where, const std::string& unit)
{
    if (const auto found = times.find(key); found != times.end())
        return found->second;
    std::string there;
    for (const auto& [size, time] : times) {
        if (!there.empty())
            there += ", ";
        there += std::to_string(size);
    }
    throw Error(Code::BadRequest, "no time for " + std::to_string(key) + ' ' + unit, std::string(where),
        (there.empty() ? "there is none at all" : "there are times for " + there)
            + "; measure the profile for this batch and these devices");
}

} // namespace

double time_for(const TimeBySamples& times, int samples, std::string_view where)
{
    return entry(times, samples, where, samples == 1 ? "sample" : "samples");
}

double time_for(const TimeBySamples& times, int samples, int block, std::string_view name)
{
    const auto found = times.find(samples);
    return found != times.end() ? found->second
                                : time_for(times, samples, "blocks[" + std::to_string(block) + "]." + std::string(name));
}

double all_reduce_time(const BlockProfile& block, int devices)
{
    return devices <= 1 ? 0 : entry(block.all_reduce, devices, "all_reduce of block " + block.name, "devices");
}

double interpolated(const std::map<int, double>& times, int key)
{
    if (times.empty())
        return 0;
    const auto along = [key](const std::pair<const int, double>& a, const std::pair<const int, double>& b) {
        return a.second + (b.second - a.second) * (key - a.first) / (b.first - a.first);
    };
    const auto above = times.lower_bound(key);
    if (above != times.end() && above->first == key)
        return above->second;
    if (times.size() == 1)
        return times.begin()->second * key / times.begin()->first;
    if (above == times.end())
        return std::max(times.rbegin()->second, along(*std::next(times.rbegin()), *times.rbegin()));
    if (above == times.begin())
        return std::clamp(along(*above, *std::next(above)), above->second * key / above->first, above->second);
    return along(*std::prev(above), *above);
}

Profile at_batch(Profile profile, int batch)
{
    profile.batch = batch;
    profile.interpolates = true;
    return profile;
}

double transfer_time(const Link& link, std::int64_t bytes)
{
    return link.latency + (link.bytes_per_ms > 0 ? static_cast<double>(bytes) / link.bytes_per_ms : 0);
}

} // namespace pipebd::schedule
