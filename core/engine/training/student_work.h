// StudentWork: one block of the student on one rank, in one phase: its passes, gradients, all-reduce and update.
//
// Gradients are those of the loss over the whole global batch: what a rank adds is weighted by its rows, and the all-reduce is a
// sum. The loss itself travels with the gradients.
#pragma once

#include "engine/data/architecture_steps.h"
#include "engine/training/run_parts.h"
#include "engine/training/step_report.h"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <vector>

namespace pipebd::engine {

class StudentWork {
public:
    /// `group`: the ranks that share the block in this phase, ascending; empty: this one alone. `steps` of the whole training.
    StudentWork(
        const RunParts& parts, int block, std::vector<int> group, const ArchitectureSteps& architecture, std::int64_t steps);

    at::Tensor forward(const at::Tensor& input, std::int64_t batch, schedule::Rows rows);

    /// What a forward pass leaves for its backward pass.
    struct Graph {
        schedule::Rows rows;
        at::Tensor input; // the leaf whose gradient the block before needs; undefined where none is needed
        at::Tensor root; // what the backward pass starts from
    };
    void keep(Graph graph) { graphs_.push_back(std::move(graph)); }
    /// The one of these rows, which is no longer kept. Throws Error{Internal} if there is none.
    Graph take(const schedule::Instruction& instruction, schedule::Rows rows);

    /// Weighted by the share of rows that it is of.
    void add_loss(const at::Tensor& value);

    /// The parameters that the update for `batch` changes.
    std::vector<at::Tensor> updated(std::int64_t batch) const;

    void all_reduce(const std::vector<int>& group, std::int64_t batch, StepReport& report);
    /// The posted all-reduce is done, if there is one.
    void wait_for_gradients(StepReport& report);
    void update(std::int64_t batch, StepReport& report);

private:
    Context context(std::int64_t batch, schedule::Rows rows = {}) const;
    Block& student() const { return *parts_.models.student.at(block_); }

    const RunParts& parts_;
    int block_;
    std::vector<int> group_;
    const ArchitectureSteps& architecture_;
    std::int64_t steps_;

    std::vector<Graph> graphs_;
    at::Tensor loss_; // of this batch so far
    at::Tensor flat_; // gradients in memory order, then the loss
    std::unique_ptr<Pending> all_reduce_;
    StepReport::Place all_reduce_at_;
};

} // namespace pipebd::engine
