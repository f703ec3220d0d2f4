// Training: one run from spec to its final state: makes the run folder, holds its lock, supervises the ranks and stores what they
// say.
#pragma once

#include "experiment/run_spec.h"
#include "launch/supervisor.h"
#include "schedule/plan.h"
#include "store/lab.h"
#include "store/run_store.h"

#include <atomic>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace pipebd::launch {

struct TrainingRequest {
    experiment::Experiment experiment;
    std::filesystem::path pair_folder; // of an imported pair; empty: the pair is built in
    std::string experiment_text; // the file as it was, for experiment.toml of the run folder
    std::vector<experiment::Device> devices;
    schedule::PlannedStrategy planned; // what to run, with its prediction
    std::optional<schedule::Profile> profile; // what it was planned with
    std::int64_t steps = 0; // of each phase, as `pipebd-engine check` says
    bool deliver = true; // false: only the steps are taken; no checkpoint at the end, no student, no evaluation
    std::int64_t checkpoint_steps = 0; // if it is not delivered: a checkpoint every so many steps over all phases; 0: none
    struct Resumed {
        int run = 0;
        std::filesystem::path checkpoint;
        std::vector<std::int64_t> done; // by block
    };
    std::optional<Resumed> resumed; // goes on from a checkpoint of another run
    int weights_from = 0; // the run of the stage before, whose weights the experiment names; 0: of none
    std::vector<store::RunRecord> earlier; // the stages before, for metrics.json
    const std::atomic<bool>* at_once = nullptr; // once set, a run that is cancelled is killed without any grace
    std::filesystem::path out; // results are also put here; empty: nowhere
};

/// What people are told once it is known where a run stops that was told to, and how to end it at once.
std::string stopping_text(std::int64_t step, const std::string& at_once = "press Ctrl-C again");

struct Progress {
    std::int64_t steps = 0;
    std::int64_t steps_done = 0;
    double throughput = 0; // samples a second, over the last seconds
    double seconds_left = -1; // of the steps, or of what is done after them; -1: not known yet
    double share = -1; // of what is done after the steps; -1: steps are being taken, or not known
    std::int64_t stopping = -1; // as in RunRecord
    std::vector<double> loss; // newest by block
    std::string doing; // "starting ranks", "training", "evaluating the student"
    std::string notice; // the newest warning of a rank, in one line; empty if there was none
    std::string warning; // in one line: why nothing can be stored at present; empty if all is well
    int run = 0; // its id
};

/// Runs it and returns its final record (finished, failed or cancelled). `progress` is called at least 5 times a second.
/// Throws Error if it cannot begin; the run is then recorded as failed if it has a folder. Throws Error, too, if the disk does not
/// take the final record or the results.
store::RunRecord train(store::Lab& lab, const TrainingRequest& request, const std::function<void(const Progress&)>& progress,
    const std::atomic<bool>& cancel);

/// Writes into `folder` all that ranks started by somebody else need (spec.json) and what the run was made from, for when it is
/// imported (import.h). Results and checkpoints of that run go into `folder`, too.
void prepare(const TrainingRequest& request, const std::filesystem::path& folder);

} // namespace pipebd::launch
