// What a run is made of on one rank, and a phase of it: what all parts of the executor share.
#pragma once

#include "engine/data/data_set.h"
#include "engine/device/backend.h"
#include "engine/report/reporter.h"
#include "engine/training/models.h"
#include "experiment/run_spec.h"
#include "schedule/value.h"

#include <cstdint>
#include <vector>

namespace pipebd::engine {

struct RunParts {
    const experiment::RunSpec& spec;
    const Pair& pair;
    const DataSet& data;
    Backend& backend;
    Transport& transport;
    Reporter& reporter;
    Models& models;

    int batch() const { return spec.experiment.data.batch; }
};

/// One phase of the program, as this rank runs it.
struct RankPhase {
    int index = 0;
    const std::vector<schedule::Instruction>& instructions; // of a step
    const schedule::Training& training;
    std::int64_t begin = 0; // its batches are [begin, end)
    std::int64_t end = 0;
    int batch = 0; // samples
    int microbatches = 1;

    bool contains(std::int64_t number) const { return number >= begin && number < end; }
    schedule::Rows rows_of(const schedule::Instruction& instruction) const
    {
        return schedule::rows_of(instruction, batch, microbatches);
    }
};

} // namespace pipebd::engine
