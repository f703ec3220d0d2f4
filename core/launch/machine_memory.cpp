#include "launch/machine_memory.h"

#include "base/error.h"
#include "base/file.h"

#include <sys/resource.h>

#include <algorithm>
#include <charconv>
#include <sstream>
#include <string>
#include <string_view>

namespace pipebd::launch {

namespace fs = std::filesystem;

namespace {

/// Empty if it cannot be read.
std::string text_if_readable(const fs::path& file)
{
    constexpr std::uintmax_t longest = 1 << 20;
    try {
        return read_file(file, longest);
    } catch (const Error&) {
        return {};
    }
}

std::optional<std::int64_t> number_in(std::string_view text)
{
    text.remove_prefix(std::min(text.find_first_not_of(" \t\n"), text.size()));
    std::int64_t number = 0;
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
    return failure == std::errc() && number >= 0 ? std::optional(number) : std::nullopt; // "max" is none
}

std::int64_t kibibytes_of(const std::string& meminfo, const std::string& key)
{
    const std::size_t place = meminfo.find(key + ":");
    if (place == std::string::npos)
        return 0;
    return number_in(std::string_view(meminfo).substr(place + key.size() + 1)).value_or(0) * 1024;
}

/// A limit of a control group and what is in use of it; those that can be taken back at once (file caches) do not count.
struct Group {
    std::int64_t limit = 0;
    std::int64_t used = 0;
};

std::optional<Group> group_in(const fs::path& folder, const char* limit, const char* used, const char* cache_key)
{
    const std::optional<std::int64_t> most = number_in(text_if_readable(folder / limit));
    if (!most)
        return std::nullopt;
    const std::string statistics = text_if_readable(folder / "memory.stat");
    std::int64_t cache = 0;
    std::istringstream lines(statistics);
    for (std::string key, value; lines >> key >> value;)
        if (key == cache_key)
            cache = number_in(value).value_or(0);
    const std::int64_t in_use = number_in(text_if_readable(folder / used)).value_or(0);
    return Group{*most, std::max<std::int64_t>(0, in_use - cache)};
}

/// Every group from the process's own up to the root may have a limit.
void apply_groups(
    MachineMemory& memory, const fs::path& root, fs::path own, const char* limit, const char* used, const char* cache_key)
{
    for (;;) {
        const fs::path folder = own.empty() || own == "/" ? root : root / own.relative_path();
        if (const auto group = group_in(folder, limit, used, cache_key)) {
            if (memory.total == 0 || group->limit < memory.total) {
                memory.total = group->limit;
                memory.of_group = true;
            }
            memory.available = std::min(memory.available, std::max<std::int64_t>(0, group->limit - group->used));
        }
        if (own.empty() || own == "/")
            return;
        own = own.parent_path();
    }
}

} // namespace

MachineMemory machine_memory(const fs::path& proc, const fs::path& groups)
{
    MachineMemory memory;
    const std::string meminfo = text_if_readable(proc / "meminfo");
    memory.total = kibibytes_of(meminfo, "MemTotal") + kibibytes_of(meminfo, "SwapTotal");
    memory.available = kibibytes_of(meminfo, "MemAvailable") + kibibytes_of(meminfo, "SwapFree");

    std::istringstream lines(text_if_readable(proc / "self" / "cgroup")); // "0::/user.slice", "5:memory:/docker/1234"
    for (std::string line; std::getline(lines, line);) {
        const std::size_t first = line.find(':');
        const std::size_t second = first == std::string::npos ? first : line.find(':', first + 1);
        if (second == std::string::npos)
            continue;
        const std::string controllers = "," + line.substr(first + 1, second - first - 1) + ",";
        const fs::path own = line.substr(second + 1);
        if (controllers == ",,")
            apply_groups(memory, groups, own, "memory.max", "memory.current", "inactive_file");
        else if (controllers.find(",memory,") != std::string::npos)
            apply_groups(memory, groups / "memory", own, "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file");
    }
    rlimit limit = {};
    if (getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY)
        memory.per_process = static_cast<std::int64_t>(std::min<rlim_t>(limit.rlim_cur, INT64_MAX));
    return memory;
}

std::string nvidia_driver(const fs::path& proc)
{
    std::istringstream words(text_if_readable(proc / "driver" / "nvidia" / "version"));
    for (std::string word; words >> word;)
        if (word.find('.') != std::string::npos && word.find_first_not_of("0123456789.") == std::string::npos)
            return word;
    return {};
}

} // namespace pipebd::launch
