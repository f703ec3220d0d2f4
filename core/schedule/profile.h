// Profile: what one block costs on one kind of device, as measured. Times in milliseconds, sizes in bytes.
//
// The format is pipebd.profile/1 (docs/formats/profile.md). Nothing here is assumed: all of it comes from the profiler or a file,
// and what was filled in later (profile_sizes.h) is told apart from what was measured.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace pipebd::schedule {

using TimeBySamples = std::map<int, double>; // samples in the batch -> milliseconds
using TimeByDevices = std::map<int, double>; // devices in the group -> milliseconds

struct BlockProfile {
    std::string name;
    TimeBySamples teacher_forward;
    TimeBySamples student_forward; // with the loss
    TimeBySamples student_backward;
    double update = 0;
    double teacher_update = 0; // of a momentum teacher; as `update` where the file does not say
    TimeByDevices all_reduce; // of the block's gradients; over one device it costs nothing
    std::int64_t output_bytes = 0; // per sample: the teacher's output of the block
    std::int64_t activation_bytes = 0; // per sample: the peak of what training the block holds
    std::int64_t teacher_bytes = 0;
    std::int64_t student_bytes = 0;
    std::int64_t gradient_bytes = 0;
    std::int64_t optimizer_bytes = 0;
    std::map<std::string, TimeBySamples> spread; // of each time above, by its name: (p90 - p10) / median of its repeats
    std::map<std::string, std::set<int>> interpolated; // of each time above, by its name: the sizes that were not measured
};

struct Link {
    double latency = 0; // ms
    double bytes_per_ms = 0; // 0: unlimited
};

struct Profile {
    std::string pair;
    std::string device;
    std::string dtype = "float32";
    int batch = 0;
    TimeBySamples load;
    std::vector<BlockProfile> blocks;
    Link link;
    std::int64_t samples = 0; // of an epoch of the data set; 0: not known
    std::set<int> interpolated_loads; // sizes of `load` that were not measured
    bool interpolates = false; // a size without a time is costed from those that have one, instead of being an error
};

/// Samples of the largest of `g` shards of a batch: ceil(batch / g).
constexpr int shard_size(int batch, int g)
{
    return (batch + g - 1) / g;
}

/// The entry for exactly `samples`. Throws Error{BadRequest} that names `where`, the sizes that are there and the command that
/// measures this one.
double time_for(const TimeBySamples& times, int samples, std::string_view where);

/// The same for the time called `name` of block `block`.
double time_for(const TimeBySamples& times, int samples, int block, std::string_view name);

/// 0 for one device, else the entry for exactly `devices`; throws like time_for.
double all_reduce_time(const BlockProfile& block, int devices);

/// Between the neighbours of `samples` along a straight line; beyond the last along the line of the last two, but never less than
/// the last; below the first along that of the first two, but no less than its share by size and no more than the first. 0 if there
/// is no entry, proportional if there is one.
double interpolated(const TimeBySamples& times, int samples);

/// The all-reduce of `block` over `devices` devices (2 or more) as a ring: 2 (g - 1) steps, each of which takes the latency of
/// `link` and moves a g-th of the gradients (P. Patarasuk, X. Yuan: Bandwidth optimal all-reduce algorithms for clusters of
/// workstations, 2009). What moving all of them once takes is worked out from the groups that were measured: between two of them
/// along a straight line, beyond them as of the nearest, and without any from `link` and the bytes of the gradients. Gives the
/// measured time of a measured group; 0 where nothing about exchanges was measured.
double estimated_all_reduce(const BlockProfile& block, int devices, const Link& link);

/// The same profile for another batch. A size that was not measured is interpolated.
Profile at_batch(Profile profile, int batch);

/// Nothing costs anything: for what does not depend on that.
Profile costless(int blocks, int batch);

/// Milliseconds to move `bytes` over `link`.
double transfer_time(const Link& link, std::int64_t bytes);

/// Reads pipebd.profile/1. Throws Error{BadRequest} or {Damaged} whose place is `where` and the JSON path: not JSON, another
/// format, a missing or mistyped value, a negative or non-finite time, no block, two blocks of one name. Unknown keys are let be.
Profile profile_from_json(std::string_view json, std::string_view where);

std::string to_json(const Profile& profile);

} // namespace pipebd::schedule
