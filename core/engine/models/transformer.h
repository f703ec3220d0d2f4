// Transformer: the layers of BERT (NAACL 2019), in the form and under the names of HuggingFace's BertForSequenceClassification.
//
// Activations are [batch, tokens, hidden]. All tokens are attended to, and all are of the first type. No dropout.
#pragma once

#include "engine/models/layers.h"

#include <string>
#include <vector>

namespace pipebd::engine {

struct TransformerSizes {
    int hidden = 768;
    int heads = 12;
    int intermediate = 3072;
    int vocabulary = 30522;
    int positions = 512;
    int types = 2;
};

/// Over the last dimension; "weight" and "bias"; epsilon 1e-12.
class LayerNorm : public Layer {
public:
    LayerNorm(TensorMaker maker, int width);
    at::Tensor forward(const at::Tensor& input, const Context& context) override;
    std::vector<Description> description() const override;

private:
    std::string name_;
    at::Tensor weight_;
    at::Tensor bias_;
};

/// Tokens, int64 [batch, tokens], to the sum of what they, their positions and their type are embedded as, normalised.
class TextEmbedding : public Layer {
public:
    TextEmbedding(TensorMaker maker, const TransformerSizes& sizes);
    at::Tensor forward(const at::Tensor& tokens, const Context& context) override;
    std::vector<Description> description() const override;

private:
    std::string name_;
    at::Tensor words_;
    at::Tensor positions_;
    at::Tensor types_;
    LayerNorm norm_;
};

/// Self-attention, then two linear layers with GELU between them, each added to its input and normalised.
class TransformerLayer : public Layer {
public:
    TransformerLayer(TensorMaker maker, const TransformerSizes& sizes);
    at::Tensor forward(const at::Tensor& input, const Context& context) override;
    std::vector<Description> description() const override;

private:
    at::Tensor attend(const at::Tensor& input, const Context& context);

    std::string name_;
    TransformerSizes sizes_;
    Linear query_;
    Linear key_;
    Linear value_;
    Linear attended_;
    LayerNorm attended_norm_;
    Linear intermediate_;
    Linear output_;
    LayerNorm output_norm_;
};

/// What the first token has become, through a linear layer and tanh: [batch, hidden].
class Pooler : public Layer {
public:
    Pooler(TensorMaker maker, int width);
    at::Tensor forward(const at::Tensor& input, const Context& context) override;
    std::vector<Description> description() const override;

private:
    Linear dense_;
};

/// What a transformer's linear layers and embeddings are drawn with.
inline constexpr double transformer_deviation = 0.02;

} // namespace pipebd::engine
