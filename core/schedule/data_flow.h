// DataFlow: which instructions of a device give another one of the same device what it needs.
#pragma once

#include "schedule/program.h"

#include <cstddef>
#include <map>
#include <tuple>
#include <vector>

namespace pipebd::schedule {

/// How the networks of a phase are trained.
struct Training {
    bool end_to_end = false;
    bool taught = false; // a teacher runs in this phase
};

Training training_of(const Phase& phase, bool end_to_end);

class DataFlow {
public:
    /// Keeps a reference to `program`.
    DataFlow(const Program& program, std::size_t phase, std::size_t device, Training training);

    /// The instructions whose results instruction `index` needs or still holds, all of which run before it for the same batch.
    /// Throws Error{BadRequest} that names the instruction if nothing brings something that it needs.
    std::vector<std::size_t> sources(std::size_t index) const;

    /// Whether `a` runs before `b` for the same batch.
    bool precedes(std::size_t a, std::size_t b) const;

private:
    using Piece = std::tuple<Payload, int, int, int>; // payload, block, microbatch, view

    void add_before(const std::vector<std::size_t>& candidates, std::size_t index, std::vector<std::size_t>& found) const;
    void need(Payload payload, int block, std::size_t index, std::vector<std::size_t>& found) const;
    void need_data(std::size_t index, std::vector<std::size_t>& found) const;
    void need_batch(Payload payload, int block, std::size_t index, std::vector<std::size_t>& found) const; // or a microbatch
    [[noreturn]] void nothing_brings(const std::string& what, std::size_t index) const;

    const Program& program_;
    std::size_t phase_;
    std::size_t device_;
    const std::vector<Instruction>& instructions_;
    Training training_;
    std::map<Piece, std::vector<std::size_t>> producers_;
    std::vector<std::size_t> loads_;
    std::vector<std::size_t> losses_;
    std::map<int, std::vector<std::size_t>> backwards_; // by block
    std::map<int, std::vector<std::size_t>> all_reduces_; // by block
};

} // namespace pipebd::schedule
