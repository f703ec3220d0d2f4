// Batch normalisation over a feature map's batch, height and width; alone or over the ranks that share a block.
#pragma once

#include "engine/models/layer.h"

namespace pipebd::engine {

/// Batch normalisation of `input`, [batch, channels, ...]. Weight and bias may be undefined (1 and 0), running statistics too (then
/// the batch's are used in evaluation as well).
///
/// Training in a group of several ranks: normalises by the statistics of all their rows, however many each has, and follows them,
/// so that running statistics are the same bits on every rank. Its gradients are those of the sum of the ranks' losses: a rank that
/// has n of the batch's B rows runs backward from n / B times the mean loss of its rows, and the ranks' gradients are then summed.
/// Forward and backward both call Group::sum once.
struct Normalisation {
    at::Tensor weight;
    at::Tensor bias;
    at::Tensor running_mean;
    at::Tensor running_var;
    double momentum = 0.1;
    double epsilon = 1e-5;
};
at::Tensor batch_norm(const at::Tensor& input, const Normalisation& normalisation, const Context& context);

/// As a layer: "weight", "bias", "running_mean", "running_var"; epsilon 1e-5, momentum 0.1, as in PyTorch.
class BatchNorm : public Layer {
public:
    BatchNorm(TensorMaker maker, int channels);
    at::Tensor forward(const at::Tensor& input, const Context& context) override;

    std::vector<Description> description() const override;

    /// Makes the convolution before it do what it does in evaluation mode: scales `weight` [channels, ...] in place and returns the
    /// bias to add in place of `bias` (undefined: 0), its own tensor of that name with other values. Its other tensors are appended
    /// to `unused`.
    at::Tensor fold_into(at::Tensor weight, const at::Tensor& bias, std::vector<at::Tensor>& unused);

private:
    std::string name_;
    Normalisation tensors_;
};

} // namespace pipebd::engine
