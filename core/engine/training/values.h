// Values: the tensors a device holds between instructions, by what they are and the batch they belong to.
//
// A value may come in pieces, each some rows of the global batch: from several senders, or a microbatch at a time. It is dropped
// after the last instruction that needs it. Used by the interpreter's thread only.
#pragma once

#include "engine/transport/transport.h"
#include "schedule/program.h"
#include "schedule/value.h"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <map>
#include <memory>
#include <vector>

namespace pipebd::engine {

class Values {
public:
    /// Adds rows of a value. With `pending`, the tensor is there only once that has been waited for.
    void put(const schedule::Value& value, std::int64_t batch, schedule::Rows rows, at::Tensor tensor,
        std::unique_ptr<Pending> pending = {});

    /// Exactly `rows` of it, waited for; gathered from pieces where it must be. Throws Error{Internal} if some are not there.
    at::Tensor get(const schedule::Value& value, std::int64_t batch, schedule::Rows rows);

    /// Waits until all that has been received of it is there.
    void wait_for(const schedule::Value& value, std::int64_t batch);

    void drop(const schedule::Value& value, std::int64_t batch);
    void clear() { values_.clear(); }

private:
    struct Piece {
        schedule::Rows rows;
        at::Tensor tensor;
        std::unique_ptr<Pending> pending;
    };
    std::map<std::pair<schedule::Value, std::int64_t>, std::vector<Piece>> values_;
};

/// For each instruction of a device's program, the values it is the last to make or read (they belong to the batch it works on).
std::vector<std::vector<schedule::Value>> last_uses(
    const std::vector<schedule::Instruction>& instructions, const schedule::Training& training);

} // namespace pipebd::engine
