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

#include <chrono>
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
    lab.save_profile(key, profile);
    return profile;
}

schedule::Profile stored_or_measured_profile(const Context& context, store::Lab& lab, const experiment::Experiment& experiment,
    const std::vector<experiment::Device>& devices)
{
    const store::ProfileKey key = key_of(lab, experiment, devices);
    std::optional<schedule::Profile> stored = lab.profile(key);
    if (!stored)
        return measured_profile(context, lab, experiment, devices);
    ProgressLine(context.progress).note("using the stored profile of " + described(key));
    return std::move(*stored);
}

schedule::Profile profile_named(const Context& context, const std::string& name)
{
    constexpr std::size_t digits_of_id = 8;
    const bool may_be_id = name.size() == digits_of_id && name.find_first_not_of("0123456789abcdef") == std::string::npos;
    std::error_code unseen;
    if (may_be_id && !std::filesystem::exists(name, unseen)) {
        const store::Lab lab = context.open_lab();
        if (std::optional<schedule::Profile> stored = lab.profile(lab.profile_of_id(name).key))
            return std::move(*stored);
    }
    return schedule::profile_from_json(named_by_user([&] { return read_file(name); }), name);
}

schedule::Profile profile_named(const Context& context, const std::string& name, const experiment::Experiment& experiment)
{
    schedule::Profile profile = profile_named(context, name);
    if (profile.pair != experiment.pair)
        throw Error(Code::BadRequest, "the profile is of the pair " + in_quotes(profile.pair), name,
            "give one of " + in_quotes(experiment.pair) + ", or leave it out");
    if (profile.batch != experiment.data.batch)
        throw Error(Code::BadRequest, "the profile is of a batch of " + std::to_string(profile.batch), name,
            "give one of " + std::to_string(experiment.data.batch) + ", or leave it out");
    return profile;
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
