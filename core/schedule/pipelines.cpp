#include "schedule/pipelines.h"

#include "base/error.h"
#include "schedule/feasibility.h"
#include "schedule/pipeline_search.h"

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <optional>
#include <set>
#include <string>
#include <utility>

namespace pipebd::schedule {

namespace {

using Effort = PipelineSearch::Effort;

constexpr int most_parts = 64;
constexpr int most_microbatches_tried = 64;

void check(const PipelineOptions& options, int batch)
{
    const auto in_range = [](std::optional<int> number, int most, const char* what, const char* option) {
        if (number && (*number < 1 || *number > most))
            throw Error(Code::BadRequest, counted(*number, what) + (*number == 1 ? " is" : " are") + " not possible", option,
                "give 1 to " + std::to_string(most));
    };
    in_range(options.microbatches, batch, "microbatch", "--microbatches");
    in_range(options.backward_split, std::min(most_parts, batch), "part", "--backward-split");
    in_range(options.views, 2, "view", "--views");
}

void check_parts(int batch, int microbatches, int parts)
{
    const int samples = smallest_microbatch(batch, microbatches);
    if (parts > samples)
        throw Error(Code::BadRequest,
            "a microbatch of " + counted(samples, "sample") + " cannot be cut into " + counted(parts, "part"), "--backward-split",
            "give at most " + std::to_string(samples) + ", or fewer microbatches");
}

/// One microbatch in one part, views and teacher as asked. Throws Error{BadRequest} for an option that is out of range.
Pipeline asked(const Schedule& named, const PipelineOptions& options)
{
    check(options, named.batch);
    if (options.microbatches && options.backward_split)
        check_parts(named.batch, *options.microbatches, *options.backward_split);
    Pipeline pipeline;
    pipeline.views = options.views.value_or(1);
    pipeline.teacher = options.teacher.value_or(pipeline.views == 2 ? Teacher::Momentum : Teacher::Frozen);
    return pipeline;
}

std::string lacks_times(const Schedule& named, const std::string& of)
{
    return "the profile has no times for " + of + " of a batch of " + std::to_string(named.batch)
        + "; measure it with microbatches";
}

/// Up to four a device (GPipe: then the bubble no longer counts), of each size of microbatch the smallest number, and as many as
/// TSPipe has. Only those that the profile has times for; if it has them for any, powers of two and thrice those.
std::vector<int> possible_microbatches(
    const Schedule& named, const PipelineSearch& search, const PipelineOptions& options, const Costs& costs)
{
    if (options.microbatches)
        return {*options.microbatches};
    const int most = std::min({named.batch, 4 * named.devices, most_microbatches_tried});
    const auto is_round = [](int number) {
        while (number > 3 && number % 2 == 0)
            number /= 2;
        return number <= 3;
    };
    std::set<int> numbers{std::clamp(named.devices - 1, 1, named.batch)};
    for (int number = 1; number <= most; ++number)
        if (!costs.profile().interpolates || is_round(number))
            numbers.insert(shard_size(named.batch, shard_size(named.batch, number)));
    std::vector<int> result;
    std::copy_if(numbers.begin(), numbers.end(), std::back_inserter(result), [&](int microbatches) {
        return search.has_times(microbatches)
            && options.backward_split.value_or(1) <= smallest_microbatch(named.batch, microbatches);
    });
    return result;
}

std::string described(const Pipeline& pipeline)
{
    std::string text = counted(pipeline.microbatches, "microbatch");
    if (pipeline.backward_split > 1)
        text += ", backward in " + counted(pipeline.backward_split, "part");
    switch (pipeline.order) {
    case PipelineOrder::AllForward:
        return "all forward passes first, teacher inline, " + text;
    case PipelineOrder::OneForwardOneBackward:
        return "one forward, one backward, teacher inline, " + text;
    case PipelineOrder::TeacherAhead:
        break;
    }
    return "teacher up to " + (pipeline.ahead.front() == 1 ? "1 batch" : std::to_string(pipeline.ahead.front()) + " batches")
        + " ahead, " + text;
}

/// The teacher runs with the student.
Schedule inline_schedule(Schedule named, const Costs& costs, const PlanningOptions& options, PipelineOrder order)
{
    Pipeline pipeline = asked(named, options.pipeline);
    pipeline.order = order;
    pipeline.backward_split = options.pipeline.backward_split.value_or(1);
    named.decided_by = options.pipeline.microbatches ? "fixed" : "search";
    if (std::string why = lacks_blocks(named); !why.empty())
        return not_feasible(std::move(named), std::move(why));
    PipelineSearch search(named, costs);
    for (int microbatches : possible_microbatches(named, search, options.pipeline, costs)) {
        pipeline.microbatches = microbatches;
        search.add(pipeline, Effort::Needed);
    }
    std::optional<Schedule> best = search.best();
    if (!best)
        return not_feasible(std::move(named), lacks_times(named, "any microbatch"));
    best->note = described(best->pipeline);
    return *std::move(best);
}

std::vector<int> published_in_hole(const Pipeline& pipeline, int devices)
{
    std::vector<int> result;
    for (int d = 0; d < devices; ++d) {
        const int later = devices - 1 - d;
        const int pieces = pipeline.views == 2 ? 2 * later : std::max(0, later - d);
        result.push_back(std::min(pieces, pipeline.microbatches * pipeline.views));
    }
    return result;
}

int published_microbatches(int devices, const PipelineOptions& options)
{
    return options.microbatches.value_or(std::max(1, devices - 1));
}

int published_parts(int batch, int microbatches, const PipelineOptions& options)
{
    return options.backward_split.value_or(std::min(2, smallest_microbatch(batch, microbatches)));
}

std::vector<int> possible_splits(int batch, int microbatches, const PipelineOptions& options)
{
    if (options.backward_split)
        return {*options.backward_split};
    std::vector<int> result;
    for (int parts : {1, 2, 4})
        if (parts <= smallest_microbatch(batch, microbatches))
            result.push_back(parts);
    return result;
}

/// Batches that each stage's teacher may be ahead: two stages that follow each other differ by no more than the buffers of a link
/// allow.
std::vector<std::vector<int>> possible_ahead(Teacher teacher, int devices)
{
    std::vector<std::vector<int>> result{std::vector<int>(static_cast<std::size_t>(devices), 1)};
    if (teacher == Teacher::Momentum || devices == 1)
        return result;
    result.push_back(std::vector<int>(static_cast<std::size_t>(devices), 2));
    result.back().back() = 1;
    result.emplace_back(static_cast<std::size_t>(devices));
    std::iota(result.back().rbegin(), result.back().rend(), 1);
    return result;
}

/// More pieces for each stage but the last, and for each stage after it, so that the teacher of a later stage finds its inputs
/// there.
std::vector<int> deepened(std::vector<int> in_hole, int each, int for_each_later, int pieces)
{
    const int last = static_cast<int>(in_hole.size()) - 1;
    for (int d = 0; d < last; ++d) {
        int& count = in_hole[static_cast<std::size_t>(d)];
        count = std::min(pieces, count + each + for_each_later * (last - d));
    }
    return in_hole;
}

void add_teacher_ahead(PipelineSearch& search, Pipeline pipeline, int devices)
{
    using Filling = PipelineSearch::Filling;
    pipeline.order = PipelineOrder::TeacherAhead;
    for (const std::vector<int>& ahead : possible_ahead(pipeline.teacher, devices)) {
        pipeline.ahead = ahead;
        for (Filling filling : {Filling::Over, Filling::WithSlowerStages, Filling::Under}) {
            pipeline.in_hole = search.filling_holes(pipeline, filling);
            search.add(pipeline, Effort::Optional);
        }
        const std::vector<int> fewest = search.filling_holes(pipeline, Filling::Over);
        for (const auto& [each, later] : {std::pair(1, 0), std::pair(2, 0), std::pair(0, 1), std::pair(0, 2)}) {
            pipeline.in_hole = deepened(fewest, each, later, pipeline.microbatches * pipeline.views);
            search.add(pipeline, Effort::Optional);
        }
    }
}

Pipeline published(Pipeline pipeline, int microbatches, int parts, int devices)
{
    pipeline.order = PipelineOrder::TeacherAhead;
    pipeline.microbatches = microbatches;
    pipeline.backward_split = parts;
    pipeline.ahead.assign(static_cast<std::size_t>(devices), 1);
    pipeline.in_hole = published_in_hole(pipeline, devices);
    return pipeline;
}

} // namespace

Schedule replicated_schedule(Schedule named, const Costs&, const PlanningOptions& options)
{
    named.pipeline = asked(named, options.pipeline);
    named.decided_by = "fixed";
    if (std::string why = lacks_samples(named); !why.empty())
        return not_feasible(std::move(named), std::move(why));
    Stage stage{0, named.blocks, std::vector<int>(static_cast<std::size_t>(named.devices))};
    std::iota(stage.devices.begin(), stage.devices.end(), 0);
    named.stages.push_back(std::move(stage));
    return named;
}

Schedule spread_schedule(Schedule named, const Costs& costs, const PlanningOptions& options)
{
    const Pipeline pipeline = asked(named, options.pipeline);
    named.decided_by = "fixed";
    if (std::string why = lacks_blocks(named); !why.empty())
        return not_feasible(std::move(named), std::move(why));
    return PipelineSearch(std::move(named), costs).placed(pipeline);
}

Schedule gpipe_schedule(Schedule named, const Costs& costs, const PlanningOptions& options)
{
    return inline_schedule(std::move(named), costs, options, PipelineOrder::AllForward);
}

Schedule one_forward_one_backward_schedule(Schedule named, const Costs& costs, const PlanningOptions& options)
{
    return inline_schedule(std::move(named), costs, options, PipelineOrder::OneForwardOneBackward);
}

Schedule published_tspipe_schedule(Schedule named, const Costs& costs, const PlanningOptions& options)
{
    const Pipeline pipeline = asked(named, options.pipeline);
    named.decided_by = "fixed";
    if (std::string why = lacks_blocks(named); !why.empty())
        return not_feasible(std::move(named), std::move(why));
    const int microbatches = published_microbatches(named.devices, options.pipeline);
    if (microbatches > named.batch)
        return not_feasible(std::move(named),
            "a batch of " + std::to_string(named.batch) + " cannot be cut into " + counted(microbatches, "microbatch"));
    const int parts = published_parts(named.batch, microbatches, options.pipeline);
    check_parts(named.batch, microbatches, parts);
    PipelineSearch search(named, costs);
    if (!options.pipeline.microbatches && !search.has_times(microbatches))
        return not_feasible(std::move(named), lacks_times(named, "one of " + counted(microbatches, "microbatch")));
    Schedule result = search.placed(published(pipeline, microbatches, parts, named.devices));
    result.note = described(result.pipeline);
    return result;
}

Schedule tspipe_schedule(Schedule named, const Costs& costs, const PlanningOptions& options)
{
    Pipeline pipeline = asked(named, options.pipeline);
    named.decided_by = "search";
    if (std::string why = lacks_blocks(named); !why.empty())
        return not_feasible(std::move(named), std::move(why));
    PipelineSearch search(named, costs);
    const std::vector<int> numbers = possible_microbatches(named, search, options.pipeline, costs);
    const auto add_each = [&](const auto& add) {
        for (int microbatches : numbers)
            for (int parts : possible_splits(named.batch, microbatches, options.pipeline)) {
                pipeline.microbatches = microbatches;
                pipeline.backward_split = parts;
                add();
            }
    };
    add_each([&] { add_teacher_ahead(search, pipeline, named.devices); });
    const int theirs = published_microbatches(named.devices, options.pipeline);
    if (std::find(numbers.begin(), numbers.end(), theirs) != numbers.end())
        search.add(
            published(pipeline, theirs, published_parts(named.batch, theirs, options.pipeline), named.devices), Effort::Needed);
    const int inline_parts = options.pipeline.backward_split.value_or(1);
    for (PipelineOrder order : {PipelineOrder::AllForward, PipelineOrder::OneForwardOneBackward}) {
        pipeline.order = order;
        add_each([&] { search.add(pipeline, pipeline.backward_split == inline_parts ? Effort::Needed : Effort::Optional); });
    }
    std::optional<Schedule> best = search.best();
    if (!best)
        return not_feasible(std::move(named), lacks_times(named, "any microbatch"));
    best->note = described(best->pipeline);
    return *std::move(best);
}

std::vector<double> pipeline_stage_costs(const Schedule& schedule, const Costs& costs)
{
    std::vector<double> result;
    for (const Stage& stage : schedule.stages) {
        const int shard = shard_size(schedule.batch, static_cast<int>(stage.devices.size()));
        const double speed = costs.slowest_speed(stage.devices);
        double cost = stage.first == 0 ? costs.load(shard) : 0;
        for (int block = stage.first; block < stage.last; ++block)
            cost += batch_time(costs, schedule.pipeline, block, largest_microbatch(shard, schedule.pipeline.microbatches)) / speed
                + costs.all_reduce(block, stage.devices);
        result.push_back(cost);
    }
    return result;
}

} // namespace pipebd::schedule
