// Costs: what instructions, stages and their memory cost on the devices of a cluster, by a profile.
//
// The formulas are those of docs/formats/profile.md; on unequal devices those of docs/formats/cluster.md: computing takes
// 1 / speed of the time in the profile, a stage is as fast as its slowest device, what is relayed into a stage takes the slowest
// link between a device of the stage before and one of this one.
#pragma once

#include "schedule/cluster.h"
#include "schedule/profile.h"
#include "schedule/program.h"
#include "schedule/schedule.h"

#include <cstdint>
#include <optional>
#include <span>

namespace pipebd::schedule {

/// Milliseconds of a ring all-reduce of `bytes` over so many devices whose links are all `link`.
double ring_time(const Link& link, std::int64_t bytes, int devices);

class Costs {
public:
    /// Keeps references to both.
    Costs(const Profile& profile, const Cluster& cluster);

    const Profile& profile() const { return profile_; }
    const Cluster& cluster() const { return cluster_; }
    int blocks() const { return static_cast<int>(profile_.blocks.size()); }
    int devices() const { return cluster_.size(); }

    /// Milliseconds of `instruction` of a program of so many microbatches on device `device`; 0 for a Receive, the Send has it.
    /// A shard, microbatch or part costs as much as the largest of its kind. Loss costs nothing: StudentForward is measured with
    /// it. Throws Error{BadRequest} that names what the profile lacks.
    double of(const Instruction& instruction, int device, int microbatches) const;

    /// Milliseconds on a device of speed 1: to load `samples` samples, of the passes over them, of the update.
    double load(int samples) const;
    double teacher_forward(int block, int samples) const;
    double student_forward(int block, int samples) const;
    double student_backward(int block, int samples) const;
    double update(int block) const;

    /// Of the gradients of `block` over `devices`: as measured, but no less than a ring over the slowest link between them where
    /// the cluster describes its links.
    double all_reduce(int block, std::span<const int> devices) const;

    /// Between two devices.
    const Link& link(int from, int to) const;

    /// Milliseconds of `stage` for one batch. `before`: the stage that relays to it, null for the first.
    double stage(const Stage& stage, const Stage* before = nullptr) const;

    /// Bytes on each device of `stage`.
    std::int64_t stage_memory(const Stage& stage) const;

    /// Whether `stage` fits the memory limit of each of its devices.
    bool fits(const Stage& stage) const;

    /// The least of its devices; 1 for none.
    double slowest_speed(std::span<const int> devices) const;

private:
    double of_block(TimeBySamples BlockProfile::*times, int block, int samples, const char* name) const;

    const Profile& profile_;
    const Cluster& cluster_;
};

} // namespace pipebd::schedule
