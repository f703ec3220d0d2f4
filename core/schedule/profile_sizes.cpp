#include "schedule/profile_sizes.h"

#include <array>
#include <iterator>
#include <utility>
#include <vector>

namespace pipebd::schedule {

namespace {

using Times = std::map<int, double>;

constexpr std::array<std::pair<const char*, TimeBySamples BlockProfile::*>, 3> timed_passes{
    {{"teacher_forward", &BlockProfile::teacher_forward}, {"student_forward", &BlockProfile::student_forward},
        {"student_backward", &BlockProfile::student_backward}}};
constexpr const char* all_reduce_key = "all_reduce";

const std::set<int>& noted(const BlockProfile& block, const char* name)
{
    static const std::set<int> none;
    const auto found = block.interpolated.find(name);
    return found == block.interpolated.end() ? none : found->second;
}

/// Adds to `missing` those of `sizes` that `times` lacks or that are noted.
void add_not_measured(std::set<int>& missing, const std::set<int>& sizes, const Times& times, const std::set<int>& noted)
{
    for (const int size : sizes)
        if (!times.contains(size) || noted.contains(size))
            missing.insert(size);
}

/// A set that mostly is given what it was given last.
class Collected {
public:
    explicit Collected(std::set<int>& sizes)
        : sizes_(sizes)
    {
    }

    void add(int size)
    {
        if (size != last_)
            sizes_.insert(size);
        last_ = size;
    }

private:
    std::set<int>& sizes_;
    int last_ = 0;
};

template <typename Estimate>
void fill(Times& times, std::set<int>& noted, const std::set<int>& sizes, const Estimate& estimate)
{
    for (const int size : sizes)
        if (!times.contains(size)) {
            times[size] = estimate(size);
            noted.insert(size);
        }
}

void fill(BlockProfile& block, const BlockProfile& measured, const ProfileSizes& sizes, const Link& link)
{
    for (const auto& [name, times] : timed_passes)
        fill(block.*times, block.interpolated[name], sizes.compute,
            [&, from = &(measured.*times)](int samples) { return interpolated(*from, samples); });
    fill(block.all_reduce, block.interpolated[all_reduce_key], sizes.all_reduce,
        [&](int devices) { return estimated_all_reduce(measured, devices, link); });
    std::erase_if(block.interpolated, [](const auto& entry) { return entry.second.empty(); });
}

void erase(Times& times, const std::set<int>& sizes)
{
    for (const int size : sizes)
        times.erase(size);
}

/// "43 and 32", the largest first.
std::string listed(const std::set<int>& sizes)
{
    std::string text;
    for (auto size = sizes.rbegin(); size != sizes.rend(); ++size)
        text += (text.empty() ? "" : std::next(size) == sizes.rend() ? " and " : ", ") + std::to_string(*size);
    return text;
}

} // namespace

void ProfileSizes::add(const ProfileSizes& other)
{
    load.insert(other.load.begin(), other.load.end());
    compute.insert(other.compute.begin(), other.compute.end());
    all_reduce.insert(other.all_reduce.begin(), other.all_reduce.end());
}

ProfileSizes sizes_of_stages(int batch, int devices)
{
    ProfileSizes sizes;
    Collected parts(sizes.compute);
    for (int g = 1; g <= devices; ++g) {
        parts.add(shard_size(batch, g));
        if (g > 1)
            sizes.all_reduce.insert(g);
    }
    sizes.load = sizes.compute;
    return sizes;
}

ProfileSizes sizes_of(const Program& program, int batch)
{
    ProfileSizes sizes;
    Collected load(sizes.load), compute(sizes.compute), groups(sizes.all_reduce);
    for (const Phase& phase : program.phases)
        for (const DeviceProgram& device : phase.devices)
            for (const Instruction& instruction : device.instructions) {
                const int shard = shard_size(batch, instruction.shard.count);
                if (instruction.op == Op::Load)
                    load.add(shard);
                else if (instruction.op == Op::TeacherForward || instruction.op == Op::StudentForward
                    || instruction.op == Op::StudentBackward)
                    compute.add(shard_size(shard, program.microbatches));
                else if (instruction.op == Op::AllReduce && instruction.group.size() > 1)
                    groups.add(static_cast<int>(instruction.group.size()));
            }
    return sizes;
}

ProfileSizes not_measured(const Profile& profile, const ProfileSizes& sizes)
{
    ProfileSizes missing;
    add_not_measured(missing.load, sizes.load, profile.load, profile.interpolated_loads);
    for (const BlockProfile& block : profile.blocks) {
        for (const auto& [name, times] : timed_passes)
            add_not_measured(missing.compute, sizes.compute, block.*times, noted(block, name));
        add_not_measured(missing.all_reduce, sizes.all_reduce, block.all_reduce, noted(block, all_reduce_key));
    }
    return missing;
}

Profile completed(Profile profile, const ProfileSizes& sizes)
{
    const Profile measured = measured_part(profile);
    fill(profile.load, profile.interpolated_loads, sizes.load, [&](int samples) { return interpolated(measured.load, samples); });
    for (std::size_t block = 0; block < profile.blocks.size(); ++block)
        fill(profile.blocks[block], measured.blocks[block], sizes, profile.link);
    return profile;
}

Profile measured_part(Profile profile)
{
    erase(profile.load, std::exchange(profile.interpolated_loads, {}));
    for (BlockProfile& block : profile.blocks) {
        for (const auto& [name, times] : timed_passes)
            erase(block.*times, noted(block, name));
        erase(block.all_reduce, noted(block, all_reduce_key));
        block.interpolated.clear();
    }
    return profile;
}

std::string in_words(const ProfileSizes& sizes)
{
    ProfileSizes all = sizes;
    all.compute.insert(all.load.begin(), all.load.end());
    std::string text;
    if (!all.compute.empty())
        text = "parts of " + listed(all.compute) + (*all.compute.rbegin() == 1 ? " sample" : " samples");
    if (!all.all_reduce.empty())
        text += (text.empty() ? "all-reduces over " : ", all-reduces over ") + listed(all.all_reduce) + " devices";
    return text;
}

} // namespace pipebd::schedule
