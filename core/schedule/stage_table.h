// StageTable: the costs of all the stages that a search looks at, each time of the profile looked up once.
//
// What a stage of given blocks costs, and whether it fits, depends on its kind alone. A row is the costs of all stages of a kind;
// they are bit-identical to Costs::stage.
#pragma once

#include "schedule/costs.h"
#include "schedule/search.h"

#include <compare>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace pipebd::schedule {

/// The links that something takes: a sum of these.
using Links = unsigned;
inline constexpr Links inside_node = 1;
inline constexpr Links between_nodes = 2;

struct StageKind {
    int devices = 1;
    double speed = 1; // the least of the devices
    std::optional<std::int64_t> memory_limit; // the least of the devices
    Links ring = 0; // that the all-reduce takes
    Links relay = 0; // that the stage before relays over; of no account for a stage that begins with block 0

    auto operator<=>(const StageKind&) const = default;
};

/// Stages of one kind. Valid as long as its table.
class StageRow {
public:
    /// Of a stage from block `first`: before any block.
    double start(int first) const { return start_[first]; }
    /// What `block` adds.
    double step(int block) const { return passes_[block] + all_reduce_[block] + update_[block]; }
    /// The longest stage from block `first` that fits the memory limit ends before block fits(first); `first` if none does.
    int fits(int first) const { return fits_[first]; }

private:
    friend class StageTable;
    const double* start_ = nullptr;
    const double* passes_ = nullptr;
    const double* all_reduce_ = nullptr;
    const double* update_ = nullptr;
    const int* fits_ = nullptr;
};

class StageTable {
public:
    /// Keeps a reference to `costs`. Throws Error{BadRequest} that names what the profile lacks for a stage of a width that a
    /// candidate may have.
    StageTable(const Costs& costs, Width width);

    int blocks() const { return blocks_; }
    int devices() const { return devices_; }

    /// Whether some candidate may have a stage of so many devices: no more than samples in the batch, one if so asked.
    bool allows(int devices) const { return devices >= narrowest_ && devices <= widest_; }

    /// The same number for kinds of the same costs. `kind` must have a width that is allowed.
    std::size_t row_number(const StageKind& kind);
    const StageRow& row(std::size_t number) const { return rows_[number]; }

    /// Whether a transfer between nodes takes no less than one inside a node, whatever its size.
    bool between_is_slower() const { return between_is_slower_; }

private:
    using Times = std::vector<double>; // by block

    struct Passes {
        Times teacher_forward, student_forward, student_backward;
    };

    Links slowest(Links links) const;
    double slowest_transfer(Links links, std::int64_t bytes) const;
    const double* start(int samples, Links relay);
    const double* passes(int samples, double speed);
    const double* all_reduce(int devices, Links ring);
    const double* update(double speed);
    const int* fits(int samples, const std::optional<std::int64_t>& memory_limit);

    const Costs& costs_;
    int blocks_;
    int devices_;
    int narrowest_ = 1;
    int widest_ = 0;
    Link inside_;
    Link between_;
    bool between_is_slower_ = true;
    std::map<int, double> loads_; // by samples
    std::map<int, Passes> measured_; // by samples
    std::map<int, Times> all_reduces_; // by devices, as measured
    std::map<std::pair<int, Links>, Times> starts_;
    std::map<std::pair<int, double>, Times> passes_;
    std::map<std::pair<int, Links>, Times> rings_;
    std::map<double, Times> updates_;
    std::map<std::pair<int, std::optional<std::int64_t>>, std::vector<int>> fits_;
    std::map<StageKind, std::size_t> numbers_;
    std::vector<StageRow> rows_;
};

} // namespace pipebd::schedule
