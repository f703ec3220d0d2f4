#include "engine/models/transformer.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/embedding.h>
#include <ATen/ops/gelu.h>
#include <ATen/ops/layer_norm.h>
#include <ATen/ops/scaled_dot_product_attention.h>
#include <ATen/ops/tanh.h>

#include <iterator>

namespace pipebd::engine {

namespace {

constexpr double epsilon = 1e-12;

Linear linear(const TensorMaker& maker, int in, int out)
{
    return {maker, in, out, transformer_deviation};
}

} // namespace

LayerNorm::LayerNorm(TensorMaker maker, int width)
    : name_(maker.name())
    , weight_(maker.constant("weight", {width}, 1))
    , bias_(maker.constant("bias", {width}, 0))
{
}

at::Tensor LayerNorm::forward(const at::Tensor& input, const Context&)
{
    return at::layer_norm(input, weight_.sizes(), weight_, bias_, epsilon);
}

std::vector<Description> LayerNorm::description() const
{
    return {{.type = "layer_norm", .name = name_, .arguments = {{"width", weight_.size(0)}, {"epsilon", epsilon}}, .parts = {}}};
}

TextEmbedding::TextEmbedding(TensorMaker maker, const TransformerSizes& sizes)
    : name_(maker.name())
    , words_(maker.part("word_embeddings").normal("weight", {sizes.vocabulary, sizes.hidden}, transformer_deviation))
    , positions_(maker.part("position_embeddings").normal("weight", {sizes.positions, sizes.hidden}, transformer_deviation))
    , types_(maker.part("token_type_embeddings").normal("weight", {sizes.types, sizes.hidden}, transformer_deviation))
    , norm_(maker.part("LayerNorm"), sizes.hidden)
{
}

at::Tensor TextEmbedding::forward(const at::Tensor& tokens, const Context& context)
{
    const at::Tensor places = positions_.narrow(0, 0, tokens.size(1)) + types_.select(0, 0);
    return norm_.forward(at::embedding(words_, tokens) + places, context);
}

std::vector<Description> TextEmbedding::description() const
{
    return {{.type = "text_embedding",
        .name = name_,
        .arguments = {{"hidden", words_.size(1)}, {"vocabulary", words_.size(0)}, {"positions", positions_.size(0)},
            {"types", types_.size(0)}, {"epsilon", epsilon}},
        .parts = {}}};
}

TransformerLayer::TransformerLayer(TensorMaker maker, const TransformerSizes& sizes)
    : name_(maker.name())
    , sizes_(sizes)
    , query_(linear(maker.part("attention.self.query"), sizes.hidden, sizes.hidden))
    , key_(linear(maker.part("attention.self.key"), sizes.hidden, sizes.hidden))
    , value_(linear(maker.part("attention.self.value"), sizes.hidden, sizes.hidden))
    , attended_(linear(maker.part("attention.output.dense"), sizes.hidden, sizes.hidden))
    , attended_norm_(maker.part("attention.output.LayerNorm"), sizes.hidden)
    , intermediate_(linear(maker.part("intermediate.dense"), sizes.hidden, sizes.intermediate))
    , output_(linear(maker.part("output.dense"), sizes.intermediate, sizes.hidden))
    , output_norm_(maker.part("output.LayerNorm"), sizes.hidden)
{
}

at::Tensor TransformerLayer::attend(const at::Tensor& input, const Context& context)
{
    const std::int64_t batch = input.size(0), tokens = input.size(1), width = sizes_.hidden / sizes_.heads;
    const auto by_head = [&](Linear& layer) { // [batch, heads, tokens, width]
        return layer.forward(input, context).view({batch, tokens, sizes_.heads, width}).transpose(1, 2);
    };
    const at::Tensor heads = at::scaled_dot_product_attention(by_head(query_), by_head(key_), by_head(value_));
    return heads.transpose(1, 2).reshape({batch, tokens, sizes_.hidden});
}

at::Tensor TransformerLayer::forward(const at::Tensor& input, const Context& context)
{
    const at::Tensor seen = attended_norm_.forward(attended_.forward(attend(input, context), context) + input, context);
    const at::Tensor wide = at::gelu(intermediate_.forward(seen, context));
    return output_norm_.forward(output_.forward(wide, context) + seen, context);
}

std::vector<Description> TransformerLayer::description() const
{
    return {{.type = "transformer_layer",
        .name = name_,
        .arguments = {{"hidden", std::int64_t{sizes_.hidden}}, {"heads", std::int64_t{sizes_.heads}},
            {"intermediate", std::int64_t{sizes_.intermediate}}, {"epsilon", epsilon}},
        .parts = {}}};
}

Pooler::Pooler(TensorMaker maker, int width)
    : dense_(linear(maker.part("dense"), width, width))
{
}

at::Tensor Pooler::forward(const at::Tensor& input, const Context& context)
{
    return at::tanh(dense_.forward(input.select(1, 0), context));
}

std::vector<Description> Pooler::description() const
{
    std::vector<Description> steps{{.type = "first_token", .name = {}, .arguments = {}, .parts = {}}};
    std::ranges::move(dense_.description(), std::back_inserter(steps));
    steps.push_back({.type = "tanh", .name = {}, .arguments = {}, .parts = {}});
    return steps;
}

} // namespace pipebd::engine
