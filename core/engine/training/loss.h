// Loss functions of blockwise and end-to-end training. All are means over the rows they are given.
#pragma once

#include "experiment/experiment.h"

#include <ATen/core/Tensor.h>

#include <string>
#include <string_view>

namespace pipebd::engine {

/// `name` is "mse" (mean over all elements) or "soft-cross-entropy" (against softmax(target), DNA, CVPR 2020).
at::Tensor distillation_loss(std::string_view name, const at::Tensor& output, const at::Tensor& target);

/// The name of the loss of `block` of `blocks`; the last one has its own.
const std::string& loss_of(const experiment::Distill& distill, int block, int blocks);

/// Cross-entropy against labels [rows], int64.
at::Tensor label_loss(const at::Tensor& logits, const at::Tensor& labels);

/// Rows whose label is among their `first` largest logits.
std::int64_t count_correct(const at::Tensor& logits, const at::Tensor& labels, std::int64_t first = 1);

} // namespace pipebd::engine
