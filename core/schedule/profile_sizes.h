// ProfileSizes: the sizes that a plan looks up in a profile, which of them were measured, and a profile that has them all.
//
// What was not measured is estimated from what was: times by samples as interpolated() does, all-reduces as
// estimated_all_reduce() does. Estimates are always told apart: completed() notes each of them in the profile that it gives, which
// is how they are kept, and measured_part() takes them out again.
#pragma once

#include "schedule/profile.h"
#include "schedule/program.h"

#include <set>
#include <string>

namespace pipebd::schedule {

struct ProfileSizes {
    std::set<int> load; // samples that are loaded at once
    std::set<int> compute; // samples of a pass of a block
    std::set<int> all_reduce; // devices of a group, 2 or more

    bool empty() const { return load.empty() && compute.empty() && all_reduce.empty(); }
    void add(const ProfileSizes& other);
    bool operator==(const ProfileSizes&) const = default;
};

/// Of stages on 1 to `devices` devices: the parts ceil(batch / g), and groups of 2 to `devices`.
ProfileSizes sizes_of_stages(int batch, int devices);

/// What a simulation of `program` looks up.
ProfileSizes sizes_of(const Program& program, int batch);

/// Those of `sizes` for which some figure of `profile` is missing, or is one that completed() filled in.
ProfileSizes not_measured(const Profile& profile, const ProfileSizes& sizes);

/// `profile` with a figure for each of `sizes`. Those that are filled in are estimated from measured ones only, and noted in
/// `interpolated` and `interpolated_loads`. What there is stays as it is.
Profile completed(Profile profile, const ProfileSizes& sizes);

/// `profile` without what completed() filled in.
Profile measured_part(Profile profile);

/// "parts of 43 and 32 samples, all-reduces over 3 and 4 devices"; empty if `sizes` is.
std::string in_words(const ProfileSizes& sizes);

} // namespace pipebd::schedule
