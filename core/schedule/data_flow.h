// DataFlow: which instructions of a device give another one of the same device what it needs.
#pragma once

#include "schedule/program.h"
#include "schedule/value.h"

#include <cstddef>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace pipebd::schedule {

class DataFlow {
public:
    /// Keeps a reference to `program`.
    DataFlow(const Program& program, std::size_t phase, std::size_t device, const Training& training);

    /// The instructions whose results instruction `index` needs or still holds, all of which run before it for the same batch; one
    /// of which it needs several is named as often. Throws Error{BadRequest} that names the instruction if nothing brings
    /// something that it cannot do without.
    std::vector<std::size_t> sources(std::size_t index) const;
    /// Of one of its needs; empty if nothing brings it.
    std::vector<std::size_t> sources(std::size_t index, const Need& need) const;

    /// Whether `a` runs before `b` for the same batch.
    bool precedes(std::size_t a, std::size_t b) const;

    const Training& training() const { return training_; }

private:
    using Piece = std::pair<Value, int>; // microbatch; every_microbatch

    void add_before(const Piece& piece, std::size_t index, std::vector<std::size_t>& found) const;
    void add_sources(std::size_t index, const Need& need, std::vector<std::size_t>& found) const;
    [[noreturn]] void nothing_brings(const std::string& what, std::size_t index) const;

    const Program& program_;
    std::size_t phase_;
    std::size_t device_;
    const std::vector<Instruction>& instructions_;
    Training training_;
    std::map<Piece, std::vector<std::size_t>> makers_;
};

} // namespace pipebd::schedule
