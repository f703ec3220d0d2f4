#include "schedule/pipeline_search.h"

#include "schedule/generators.h"
#include "schedule/index.h"
#include "schedule/saturate.h"
#include "schedule/simulator.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

namespace pipebd::schedule {

namespace {

constexpr double tie = 1e-9; // relative

int pieces_of(const Pipeline& pipeline)
{
    return pipeline.microbatches * pipeline.views;
}

/// Instructions and transfers, about, of a simulation until the steady state.
double work_of(const Pipeline& pipeline, int blocks, int devices)
{
    const int ahead = pipeline.ahead.empty() ? 0 : pipeline.ahead.front();
    return double{1} * pieces_of(pipeline) * (2 + pipeline.backward_split) * (blocks + 2 * devices)
        * (16 + 4 * ahead + 2 * devices);
}

} // namespace

int largest_microbatch(int batch, int microbatches)
{
    return shard_size(batch, microbatches);
}

int smallest_microbatch(int batch, int microbatches)
{
    return batch / microbatches;
}

double batch_time(const Costs& costs, const Pipeline& pipeline, int block, int samples)
{
    const double piece
        = costs.teacher_forward(block, samples) + costs.student_forward(block, samples) + costs.student_backward(block, samples);
    const double teacher_update = pipeline.teacher == Teacher::Momentum ? costs.profile().blocks[at(block)].teacher_update : 0;
    return pieces_of(pipeline) * piece + costs.update(block) + teacher_update;
}

PipelineSearch::PipelineSearch(Schedule named, const Costs& costs)
    : named_(std::move(named))
    , costs_(costs)
{
}

bool PipelineSearch::has_times(int microbatches) const
{
    const Profile& profile = costs_.profile();
    const int samples = largest_microbatch(named_.batch, microbatches);
    return profile.interpolates || std::all_of(profile.blocks.begin(), profile.blocks.end(), [&](const BlockProfile& block) {
        return block.teacher_forward.contains(samples) && block.student_forward.contains(samples)
            && block.student_backward.contains(samples);
    });
}

std::vector<Stage> PipelineSearch::stages_of(const Pipeline& pipeline) const
{
    const int samples = largest_microbatch(named_.batch, pipeline.microbatches);
    std::vector<double> until{0}; // ms of the blocks before each
    for (int block = 0; block < named_.blocks; ++block)
        until.push_back(until.back() + batch_time(costs_, pipeline, block, samples));
    const double load = costs_.load(named_.batch);

    using Cost = std::pair<double, double>; // of the slowest stage; sum of squares
    constexpr double none = std::numeric_limits<double>::infinity();
    std::vector<std::vector<Cost>> best(at(named_.devices) + 1, std::vector<Cost>(at(named_.blocks) + 1, {none, none}));
    std::vector<std::vector<int>> from(best.size(), std::vector<int>(at(named_.blocks) + 1));
    best[0][0] = {0, 0};
    for (int d = 0; d < named_.devices; ++d) {
        const double speed = costs_.cluster().devices[at(d)].speed;
        for (int last = d + 1; last <= named_.blocks; ++last)
            for (int first = d; first < last; ++first) {
                const Cost& before = best[at(d)][at(first)];
                const double stage = (until[at(last)] - until[at(first)]) / speed + (first == 0 ? load : 0);
                const Cost cost{std::max(before.first, stage), before.second + stage * stage};
                if (cost < best[at(d) + 1][at(last)]) {
                    best[at(d) + 1][at(last)] = cost;
                    from[at(d) + 1][at(last)] = first;
                }
            }
    }

    std::vector<Stage> stages(at(named_.devices));
    int last = named_.blocks;
    for (int d = named_.devices - 1; d >= 0; --d) {
        const int first = from[at(d) + 1][at(last)];
        stages[at(d)] = {first, last, {d}};
        last = first;
    }
    return stages;
}

std::vector<PipelineSearch::StageTimes> PipelineSearch::times_of(const std::vector<Stage>& stages, const Pipeline& pipeline) const
{
    const int samples = largest_microbatch(named_.batch, pipeline.microbatches);
    const int fewest = smallest_microbatch(named_.batch, pipeline.microbatches);
    std::vector<StageTimes> times(stages.size());
    for (std::size_t s = 0; s < stages.size(); ++s) {
        const int device = stages[s].devices.front();
        const double speed = costs_.cluster().devices[at(device)].speed;
        StageTimes& time = times[s];
        for (int block = stages[s].first; block < stages[s].last; ++block) {
            time.teacher += costs_.teacher_forward(block, samples) / speed;
            time.student += costs_.student_forward(block, samples) / speed;
            time.backward += costs_.student_backward(block, samples) / speed;
            time.once += costs_.update(block) / speed;
            if (pipeline.teacher == Teacher::Momentum)
                time.once += costs_.profile().blocks[at(block)].teacher_update / speed;
        }
        if (s == 0)
            time.once += costs_.load(named_.batch);
        if (s + 1 < stages.size()) {
            const int next = stages[s + 1].devices.front();
            const std::int64_t bytes = costs_.profile().blocks[at(stages[s].last - 1)].output_bytes;
            time.sent = transfer_time(costs_.link(device, next), saturating_product(fewest, bytes));
            time.returned = transfer_time(costs_.link(next, device), saturating_product(fewest / pipeline.backward_split, bytes));
        }
    }
    return times;
}

double PipelineSearch::there_and_back(const std::vector<StageTimes>& times, std::size_t stage, int parts)
{
    const StageTimes& next = times[stage + 1];
    return times[stage].sent + next.student + next.backward / parts + times[stage].returned;
}

const PipelineSearch::Cut& PipelineSearch::cut(const Pipeline& pipeline)
{
    const std::pair key(pipeline.microbatches, pipeline.backward_split);
    if (const auto found = cuts_.find(key); found != cuts_.end())
        return found->second;
    std::vector<Stage> stages = stages_of(pipeline);
    std::vector<StageTimes> times = times_of(stages, pipeline);
    return cuts_.emplace(key, Cut{std::move(stages), std::move(times)}).first->second;
}

Schedule PipelineSearch::placed(const Pipeline& pipeline)
{
    Schedule schedule = named_;
    schedule.stages = cut(pipeline).stages;
    schedule.pipeline = pipeline;
    return schedule;
}

std::vector<int> PipelineSearch::filling_holes(const Pipeline& pipeline, Filling filling)
{
    const std::vector<StageTimes>& times = cut(pipeline).times;
    const int pieces = pieces_of(pipeline);
    std::vector<double> slowest; // student forward of each stage and those before it
    for (const StageTimes& time : times)
        slowest.push_back(slowest.empty() ? time.student : std::max(slowest.back(), time.student));
    std::vector<int> result(times.size());
    double hole = 0;
    for (std::size_t d = times.size() - 1; d-- > 0;) {
        hole += there_and_back(times, d, pipeline.backward_split);
        double filled = hole;
        if (filling == Filling::WithSlowerStages)
            filled += (pieces - 1) * (slowest.back() - slowest[d]);
        const double fits = times[d].teacher > 0 ? filled / times[d].teacher : pieces;
        const double whole = filling == Filling::Under ? std::floor(fits * (1 + tie)) : std::ceil(fits * (1 - tie));
        result[d] = static_cast<int>(std::clamp<double>(whole, result[d + 1], pieces));
        hole = std::max(hole, result[d] * times[d].teacher);
    }
    return result;
}

double PipelineSearch::bound(const Pipeline& pipeline)
{
    const std::vector<StageTimes>& times = cut(pipeline).times;
    const int pieces = pieces_of(pipeline);
    const bool apart = pipeline.order == PipelineOrder::TeacherAhead; // the teacher's passes are
    std::vector<double> within(times.size()); // from the first forward to the last backward pass
    double hole = 0; // from the last forward to the first backward pass
    for (std::size_t d = times.size(); d-- > 0;) {
        if (d + 1 < times.size())
            hole += there_and_back(times, d, pipeline.backward_split);
        within[d] = pieces * (times[d].student + times[d].backward);
        if (apart)
            hole = std::max(hole, pipeline.in_hole[d] * times[d].teacher);
        else
            within[d] += pieces * times[d].teacher;
        if (pipeline.order != PipelineOrder::OneForwardOneBackward)
            within[d] += hole;
    }
    double result = 0;
    for (std::size_t d = 0; d < times.size(); ++d) {
        result = std::max({result, pieces * times[d].sent, pieces * pipeline.backward_split * times[d].returned});
        const double after = times[d].once + (apart ? (pieces - pipeline.in_hole[d]) * times[d].teacher : 0);
        double to = 0; // the first piece to stage e, and the last part back
        for (std::size_t e = d; e < times.size(); ++e) {
            result = std::max(result, to + within[e] + after);
            to += (apart ? times[e].student : times[e].teacher) + times[e].sent + times[e].returned
                + times[e].backward / pipeline.backward_split;
        }
    }
    return result;
}

void PipelineSearch::add(Pipeline pipeline, Effort effort)
{
    const auto found = std::find_if(
        pipelines_.begin(), pipelines_.end(), [&](const Candidate& candidate) { return candidate.pipeline == pipeline; });
    if (found == pipelines_.end())
        pipelines_.push_back({std::move(pipeline), effort});
    else if (effort == Effort::Needed)
        found->effort = effort;
}

std::optional<Schedule> PipelineSearch::best()
{
    std::vector<double> bounds;
    for (const Candidate& candidate : pipelines_)
        bounds.push_back(bound(candidate.pipeline));
    std::vector<std::size_t> order(pipelines_.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return bounds[a] < bounds[b]; });

    std::optional<Schedule> result;
    std::size_t chosen = 0;
    double shortest = std::numeric_limits<double>::infinity();
    std::int64_t simulated = 0;
    double optional_left = 2.5e6 + 1e4 * named_.blocks * named_.devices; // instructions and transfers
    const auto is_better = [&](double period, std::size_t index) {
        return !result || period < shortest * (1 - tie) || (index < chosen && period <= shortest * (1 + tie));
    };
    for (std::size_t index : order) {
        const Candidate& candidate = pipelines_[index];
        const bool is_due = candidate.effort == Effort::Needed || optional_left > 0;
        if (!is_due || !is_better(bounds[index], index))
            continue;
        if (candidate.effort == Effort::Optional)
            optional_left -= work_of(candidate.pipeline, named_.blocks, named_.devices);
        Schedule schedule = placed(candidate.pipeline);
        const double period = simulate(pipeline_program(schedule), costs_, {.timeline = false}).step;
        ++simulated;
        if (!is_better(period, index))
            continue;
        result = std::move(schedule);
        chosen = index;
        shortest = period;
    }
    if (result)
        result->candidates = simulated;
    return result;
}

} // namespace pipebd::schedule
