// The architecture of a trained supernet: its blocks' losses against the teacher's, measured, and the choice made by them.
#pragma once

#include "engine/data/data_set.h"
#include "engine/models/architecture_file.h"
#include "engine/search/derive.h"
#include "engine/training/models.h"

#include <functional>
#include <span>
#include <vector>

namespace pipebd::engine {

/// The budget that the experiment gives a student, of the teacher's costs `teacher`.
Budget budget_of(const experiment::Derive& derive, const Cost& teacher);

/// A loss that can be compared between blocks: 0 where the output is the target, 1 where it is no better than the best constant.
/// `name` as in distillation_loss(); the target is of several samples that differ.
double relative_loss(std::string_view name, const at::Tensor& output, const at::Tensor& target);

/// Chooses a candidate for each cell as derive.h says, by relative losses: each block is given what the teacher's block before it
/// gives, and its batch norms normalise by the batch (blockwise supervision of the search as in DNA, CVPR 2020). `student` is of
/// supernet blocks, and is left with that choice, its tensors as they were; `costs` are of its blocks. `progress` is called with
/// the share of blocks that are done. Throws like pick_choices().
Architecture search_architecture(const experiment::Experiment& experiment, const Pair& pair, const std::vector<Block*>& teacher,
    const std::vector<Block*>& student, std::span<const BlockCosts> costs, const Cost& teacher_cost, const DataSet& data,
    at::Device device, const std::function<void(double)>& progress = {});

} // namespace pipebd::engine
