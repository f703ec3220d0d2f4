#include "cli/planning.h"

#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "base/units.h"
#include "cli/arguments.h"
#include "cli/named.h"
#include "cli/progress_line.h"
#include "cli/used_pair.h"
#include "launch/engine_queries.h"
#include "schedule/stages.h"

#include <algorithm>
#include <chrono>
#include <set>
#include <utility>

#include <unistd.h>

namespace pipebd::cli {

namespace {

/// What loading a batch depends on, and how many samples there are.
std::string described(const experiment::Data& data)
{
    std::string text = data.source;
    if (!data.path.empty())
        text += ' ' + data.path;
    if (data.augment != "none")
        text += ", " + data.augment;
    if (data.held_out > 0)
        text += ", " + std::to_string(data.held_out) + " held out";
    if (data.workers)
        text += ", " + std::to_string(*data.workers) + " workers";
    return text;
}

store::ProfileKey key_of(
    const store::Lab& lab, const experiment::Experiment& experiment, const std::vector<experiment::Device>& devices)
{
    char host[256] = {};
    ::gethostname(host, sizeof host - 1);
    // What else the figures depend on: another optimizer has another update, another machine other times.
    const std::optional<store::StoredPair> imported = lab.pair(experiment.pair);
    const std::string conditions = experiment.train.optimizer + (experiment.train.momentum > 0 ? " with momentum" : "")
        + ", batch norm " + experiment.run.batch_norm + (experiment.teacher.fold_batch_norm ? ", the teacher's folded, " : ", ")
        + experiment.distill.loss + ", " + experiment.distill.last_block_loss + ", " + described(experiment.data) + ", " + host
        + (imported ? ", pair " + imported->sha256 : "");
    return {.pair = experiment.pair,
        .batch = experiment.data.batch,
        .dtype = experiment.run.dtype,
        .devices = to_string(devices),
        .conditions = conditions};
}

/// Whether the two lists are of one kind of device that none of them names twice but `cpu`.
bool are_alike(const std::vector<experiment::Device>& some, const std::vector<experiment::Device>& others)
{
    std::vector<experiment::Device> both = some;
    both.insert(both.end(), others.begin(), others.end());
    const experiment::Device& first = both.front();
    const auto shared = [](const std::vector<experiment::Device>& devices) {
        std::set<int> indices;
        for (const experiment::Device& device : devices)
            indices.insert(device.index);
        return devices.front().kind == experiment::Device::Kind::Cuda && indices.size() < devices.size();
    };
    return std::ranges::all_of(
               both, [&](const experiment::Device& device) { return device.kind == first.kind && device.threads == first.threads; })
        && !shared(some) && !shared(others);
}

/// Those of `devices` that this computer has at the same time; of CPU ranks at least one. All of them if none is here, which is
/// then for the engine to say.
std::vector<experiment::Device> those_here(const std::vector<experiment::Device>& devices, const std::atomic<bool>& cancel)
{
    using Kind = experiment::Device::Kind;
    int cores = 0;
    std::set<int> gpus;
    for (const launch::EngineDevice& device : launch::engine_devices(cancel))
        if (device.kind == Kind::Cuda)
            gpus.insert(device.index);
        else
            cores = device.cores;
    std::vector<experiment::Device> here;
    for (const experiment::Device& device : devices)
        if (device.kind == Kind::Cuda ? gpus.contains(device.index) : device.threads <= cores || here.empty()) {
            here.push_back(device);
            cores -= device.kind == Kind::Cpu ? device.threads : 0;
        }
    return here.empty() ? devices : here;
}

std::string described(const store::ProfileKey& key)
{
    return key.pair + ", batch " + std::to_string(key.batch) + ", " + key.dtype + " on " + key.devices;
}

} // namespace

schedule::Profile measured_profile(const Context& context, store::Lab& lab, const experiment::Experiment& experiment,
    const std::vector<experiment::Device>& devices, const std::vector<std::int64_t>& further)
{
    launch::require_alike(devices);
    const store::ProfileKey key = key_of(lab, experiment, devices);
    ProgressLine line(context.progress);
    line.note("profiling " + described(key));
    const auto show = [&line](const std::string& doing, double fraction) { line.show(fraction, doing); };
    const auto start = std::chrono::steady_clock::now();
    schedule::Profile profile = with_pair(context, lab, experiment.pair, [&](const std::filesystem::path& folder) {
        return launch::measure({experiment, folder}, devices, further, show, context.cancel);
    });
    const std::chrono::duration<double, std::milli> taken = std::chrono::steady_clock::now() - start;
    line.clear();
    line.note("profiled in " + format_milliseconds(taken.count()));
    if (lab.can_be_written())
        lab.save_profile(key, profile);
    else
        line.note("the profile is not kept: the lab cannot be written");
    return profile;
}

std::optional<schedule::Profile> stored_profile(
    const store::Lab& lab, const experiment::Experiment& experiment, const std::vector<experiment::Device>& devices)
{
    return lab.profile(key_of(lab, experiment, devices));
}

schedule::Profile stored_or_measured_profile(const Context& context, store::Lab& lab, const experiment::Experiment& experiment,
    const std::vector<experiment::Device>& devices)
{
    std::optional<schedule::Profile> stored = stored_profile(lab, experiment, devices);
    if (!stored)
        return measured_profile(context, lab, experiment, devices);
    ProgressLine(context.progress).note("using the stored profile of " + described(key_of(lab, experiment, devices)));
    return std::move(*stored);
}

std::optional<ProfileOf> nearest_stored_profile(const Context& context, const store::Lab& lab,
    const experiment::Experiment& experiment, const std::vector<experiment::Device>& devices)
{
    const store::ProfileKey wanted = key_of(lab, experiment, devices);
    store::ProfileKey nearest = wanted;
    std::vector<experiment::Device> measured_on = devices;
    std::optional<schedule::Profile> profile = lab.profile(wanted);
    if (!profile) {
        measured_on.clear();
        for (const store::StoredProfile& stored : lab.profiles()) {
            store::ProfileKey like = stored.key;
            like.devices = wanted.devices;
            if (like != wanted)
                continue;
            const std::vector<experiment::Device> on = experiment::parse_devices(stored.key.devices, "a stored profile");
            const bool enough = measured_on.size() >= devices.size();
            const bool is_nearer
                = enough ? on.size() >= devices.size() && on.size() < measured_on.size() : on.size() > measured_on.size();
            if (is_nearer && are_alike(on, devices)) {
                measured_on = on;
                nearest = stored.key;
            }
        }
        if (!measured_on.empty())
            profile = lab.profile(nearest);
    }
    if (!profile)
        return std::nullopt;
    ProgressLine(context.progress).note("using the stored profile of " + described(nearest));
    return ProfileOf{std::move(*profile), std::move(measured_on)};
}

ProfileOf profile_to_plan_with(const Context& context, store::Lab& lab, const experiment::Experiment& experiment,
    const std::vector<experiment::Device>& devices)
{
    constexpr std::size_t enough = 2; // one has no exchanges
    if (lab.profile(key_of(lab, experiment, devices)))
        return {stored_or_measured_profile(context, lab, experiment, devices), devices};
    std::vector<experiment::Device> here = those_here(devices, context.cancel);
    if (here.size() == devices.size())
        return {measured_profile(context, lab, experiment, devices), devices};
    if (std::optional<ProfileOf> stored = nearest_stored_profile(context, lab, experiment, devices))
        return std::move(*stored);
    here.resize(std::min(here.size(), enough));
    const int smallest = schedule::shard_size(experiment.data.batch, static_cast<int>(devices.size()));
    return {measured_profile(context, lab, experiment, here, {smallest}), here};
}

schedule::Profile profile_named(const Context& context, const std::string& name)
{
    constexpr std::size_t digits_of_id = 8;
    const bool may_be_id = name.size() == digits_of_id && name.find_first_not_of("0123456789abcdef") == std::string::npos;
    std::error_code unseen;
    if (may_be_id && !std::filesystem::exists(name, unseen)) {
        const store::Lab lab = context.existing_lab();
        if (std::optional<schedule::Profile> stored = lab.profile(lab.profile_of_id(name).key))
            return std::move(*stored);
    }
    return schedule::profile_from_json(named_by_user([&] { return read_file(name); }), name);
}

schedule::Profile profile_named(const Context& context, const std::string& name, const experiment::Experiment& experiment)
{
    schedule::Profile profile = profile_named(context, name);
    if (profile.pair != experiment.pair)
        throw Error(Code::BadRequest,
            "the profile was measured for the pair " + in_quotes(profile.pair) + ", but the run trains "
                + in_quotes(experiment.pair),
            name, "give a profile of " + in_quotes(experiment.pair) + ", or leave it out");
    if (profile.batch != experiment.data.batch)
        throw Error(Code::BadRequest,
            "the profile was measured for batch " + std::to_string(profile.batch) + ", but the run uses "
                + std::to_string(experiment.data.batch),
            name, "give a profile of batch " + std::to_string(experiment.data.batch) + ", or leave it out");
    if (profile.dtype != experiment.run.dtype)
        ProgressLine(context.progress)
            .note("pipebd: warning: the profile was measured in " + profile.dtype + ", but the run computes in "
                + experiment.run.dtype + ": predictions will be off");
    profile.interpolates = true;
    return profile;
}

std::string command_to_measure(const schedule::ProfileSizes& missing)
{
    std::set<int> sizes = missing.compute;
    sizes.insert(missing.load.begin(), missing.load.end());
    std::string listed;
    for (auto size = sizes.rbegin(); size != sizes.rend(); ++size)
        listed += (listed.empty() ? "" : ",") + std::to_string(*size);
    std::string command = "pipebd profile EXPERIMENT";
    if (!listed.empty())
        command += " --sizes " + listed;
    if (!missing.all_reduce.empty())
        command += " --devices LIST, of " + std::to_string(*missing.all_reduce.rbegin()) + " devices";
    return command;
}

schedule::Schedule schedule_by_hand(const experiment::Run& run, const schedule::Costs& costs)
{
    return schedule::schedule_by_hand(
        strategy_by_hand(run), schedule::stages_from_text(run.stages, "run.stages"), costs, "run.stages");
}

schedule::Plan plan_by_hand(const experiment::Run& run, const schedule::Costs& costs)
{
    return schedule::plan_by_hand(strategy_by_hand(run), schedule::stages_from_text(run.stages, "run.stages"), costs, "run.stages");
}

schedule::Plan possible_plan(
    const schedule::Costs& costs, const std::vector<std::string>& strategies, const std::vector<experiment::Device>& devices)
{
    schedule::Plan plan = schedule::make_plan(costs, strategies);
    if (schedule::best(plan) == nullptr)
        throw Error(Code::BadRequest, "no strategy can run on these devices", "--devices " + to_string(devices),
            plan.strategies.front().schedule.why_not);
    return plan;
}

} // namespace pipebd::cli
