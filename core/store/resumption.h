// Resumption: what resuming a run would keep of it and what it would repeat.
#pragma once

#include "experiment/checkpoint_manifest.h"
#include "store/run_record.h"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

namespace pipebd::store {

/// Steps are counted as in the run's record: over all phases, by the device that is furthest behind.
struct Resumption {
    std::filesystem::path checkpoint;
    std::int64_t from = 0; // steps that the checkpoint holds
    std::int64_t of = 0; // steps of the whole run
    std::int64_t repeated = 0; // steps that the run had done after it
    bool operator==(const Resumption&) const = default;
};

/// `spec` is the document of that name of the run. Throws Error{Damaged} or {Newer} if it cannot be read.
Resumption resumption_from(const RunRecord& run, const std::string& spec, const std::filesystem::path& checkpoint,
    const experiment::CheckpointManifest& manifest);

/// From the run's newest checkpoint; none for a run that is not over or has finished, has none, or cannot be read.
std::optional<Resumption> resumption_of(const RunRecord& run);

/// "from step 643 of 3000, none repeated"
std::string to_string(const Resumption& resumption);

} // namespace pipebd::store
