// RunSpec: all that a rank needs to know to do its part of a run; spec.json of the run folder. The format is pipebd.spec/1.
#pragma once

#include "experiment/experiment.h"
#include "schedule/program.h"

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace pipebd::experiment {

struct RunSpec {
    Experiment experiment; // resolved: strategy and devices are no longer "auto", paths are absolute or empty
    std::vector<Device> devices; // by rank
    schedule::Program program;
    std::filesystem::path pair_folder; // absolute, of an imported pair; empty: the pair is built in
    std::filesystem::path folder; // absolute; results and checkpoints go here
    std::int64_t checkpoint_steps = 0; // every so many; 0: only at the end, but see minutes_to_measure()
    int buffers = schedule::default_buffers; // batches a receiver holds for each link
    bool deliver = true; // at the end: a checkpoint, the student as one file, its evaluation. Without: only steps are taken
    std::filesystem::path resume; // absolute, a checkpoint to go on from; empty: from the beginning
    std::vector<std::int64_t> planned_bytes; // by rank, peak of what it holds as predicted; empty: not planned
    std::vector<std::int64_t> done; // by block, steps of the checkpoint to go on from; empty: none
    std::vector<std::int64_t> profile_sizes; // samples to profile besides those that the devices need
    bool operator==(const RunSpec&) const = default;
};

/// Minutes between two checkpoints, for the ranks to turn into steps once they know how long one takes; 0: `checkpoint_steps` says
/// all.
double minutes_to_measure(const RunSpec& spec);

std::string to_json(const RunSpec& spec);

/// Throws Error{BadRequest}, {Damaged} or, for a later version of the format, {Newer}, that names `where` and the JSON path.
RunSpec run_spec_from_json(std::string_view json, std::string_view where);

} // namespace pipebd::experiment
