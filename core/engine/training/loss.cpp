#include "engine/training/loss.h"

#include "base/error.h"

#include <ATen/ops/cross_entropy_loss.h>
#include <ATen/ops/log_softmax.h>
#include <ATen/ops/mse_loss.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/topk.h>

#include <string>

namespace pipebd::engine {

at::Tensor distillation_loss(std::string_view name, const at::Tensor& output, const at::Tensor& target)
{
    if (name == "mse")
        return at::mse_loss(output, target);
    if (name == "soft-cross-entropy")
        return at::cross_entropy_loss(output, at::softmax(target, 1));
    throw Error(Code::BadRequest, "unknown loss", "\"" + std::string(name) + "\"", "choose one of: mse, soft-cross-entropy");
}

const std::string& loss_of(const experiment::Distill& distill, int block, int blocks)
{
    return block + 1 == blocks ? distill.last_block_loss : distill.loss;
}

at::Tensor label_loss(const at::Tensor& logits, const at::Tensor& labels)
{
    return at::cross_entropy_loss(logits, labels);
}

std::int64_t count_correct(const at::Tensor& logits, const at::Tensor& labels, std::int64_t first)
{
    const at::Tensor likeliest = first == 1 ? logits.argmax(1, true) : std::get<1>(at::topk(logits, first, 1));
    return likeliest.eq(labels.unsqueeze(1)).sum().item<std::int64_t>();
}

} // namespace pipebd::engine
