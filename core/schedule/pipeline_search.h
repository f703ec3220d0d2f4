// PipelineSearch: of pipelines over stages of one device each, the one with the shortest simulated period.
//
// The stages of a pipeline are the contiguous runs of blocks whose largest computing time for a batch is least; ties go to the
// least sum of squares. A pipeline is not simulated if a bound shows that it cannot be the best. The bound of a device is what it
// and a later one must do one after the other: the passes until the later one has its first piece, all that one computes and waits
// for between its first forward and its last backward pass, and the passes back (TSPipe's period is that of uniform stages).
#pragma once

#include "schedule/costs.h"
#include "schedule/schedule.h"

#include <cstddef>
#include <map>
#include <optional>
#include <utility>
#include <vector>

namespace pipebd::schedule {

/// Samples of the largest and of the smallest microbatch of a batch.
int largest_microbatch(int batch, int microbatches);
int smallest_microbatch(int batch, int microbatches);

/// Milliseconds on a device of speed 1 that all pieces of a batch take in `block`, and its updates, with pieces of `samples`
/// samples.
double batch_time(const Costs& costs, const Pipeline& pipeline, int block, int samples);

class PipelineSearch {
public:
    /// `named`: a schedule with its strategy, blocks, devices and batch filled in; at least as many blocks as devices.
    /// Keeps a reference to `costs`.
    PipelineSearch(Schedule named, const Costs& costs);

    /// Whether the profile has the times of microbatches of that number.
    bool has_times(int microbatches) const;

    /// `pipeline` over its stages. Throws Error{BadRequest} that names what the profile lacks.
    Schedule placed(const Pipeline& pipeline);

    /// How the teacher's pieces fill the time between the last student forward and the first backward pass of a stage: with the
    /// fewest that leave no time, with the most that fit, or, the fewest again, with the time too by which the student's forward
    /// passes of later stages end later because they are slower.
    enum class Filling { Over, Under, WithSlowerStages };

    /// Pieces of each stage, the last has none, not rising; what a stage takes too long is time for those before it.
    std::vector<int> filling_holes(const Pipeline& pipeline, Filling filling);

    enum class Effort { Needed, Optional };

    /// A pipeline to be looked at. Among equal periods the one that was added first is taken. Of the
    /// optional ones only the most promising are simulated, as many as take about a second at most.
    void add(Pipeline pipeline, Effort effort);

    /// The best of those added; its `candidates` are those that were simulated. Nothing if none was added.
    std::optional<Schedule> best();

private:
    /// Of a stage, ms: of one piece; `once`: of a batch; `sent` and `returned`: over the link to the next stage.
    struct StageTimes {
        double teacher = 0;
        double student = 0;
        double backward = 0;
        double once = 0;
        double sent = 0;
        double returned = 0;
    };

    struct Candidate {
        Pipeline pipeline;
        Effort effort = Effort::Needed;
    };

    struct Cut {
        std::vector<Stage> stages;
        std::vector<StageTimes> times;
    };

    /// From the last student forward of `stage` to its first gradient, had the next one that at once.
    static double there_and_back(const std::vector<StageTimes>& times, std::size_t stage, int parts);

    const Cut& cut(const Pipeline& pipeline);
    std::vector<Stage> stages_of(const Pipeline& pipeline) const;
    std::vector<StageTimes> times_of(const std::vector<Stage>& stages, const Pipeline& pipeline) const;
    double bound(const Pipeline& pipeline);

    Schedule named_;
    const Costs& costs_;
    std::map<std::pair<int, int>, Cut> cuts_; // by microbatches and backward parts
    std::vector<Candidate> pipelines_;
};

} // namespace pipebd::schedule
