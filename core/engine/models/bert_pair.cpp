#include "engine/models/bert_pair.h"

namespace pipebd::engine {

BertPair::BertPair(BertDimensions dimensions)
    : dimensions_(dimensions)
{
}

std::vector<std::string> BertPair::block_names() const
{
    std::vector<std::string> names;
    for (int block = 0; block < dimensions_.blocks; ++block)
        names.push_back("layers" + std::to_string(block));
    return names;
}

std::unique_ptr<Block> BertPair::make(std::string_view network, int layers, int block, std::uint64_t seed) const
{
    const TransformerSizes& sizes = dimensions_.sizes;
    auto chain = std::make_unique<Chain>();
    const TensorMaker maker = chain->maker(network, seed), bert = maker.part("bert");
    if (block == 0)
        chain->add(std::make_unique<TextEmbedding>(bert.part("embeddings"), sizes));
    for (int layer = block * layers; layer < (block + 1) * layers; ++layer)
        chain->add(std::make_unique<TransformerLayer>(bert.part("encoder.layer").part(std::to_string(layer)), sizes));
    if (block + 1 == dimensions_.blocks) {
        chain->add(std::make_unique<Pooler>(bert.part("pooler"), sizes.hidden));
        chain->add(std::make_unique<Linear>(maker.part("classifier"), sizes.hidden, dimensions_.classes, transformer_deviation));
    }
    return chain;
}

std::unique_ptr<Block> BertPair::make_teacher(int block, std::uint64_t seed) const
{
    return make("teacher", dimensions_.teacher_layers, block, seed);
}

std::unique_ptr<Block> BertPair::make_student(int block, std::uint64_t seed) const
{
    return make("student", dimensions_.student_layers, block, seed);
}

const Pair& bert_base()
{
    static const BertPair pair(
        {.name = "bert-base", .sizes = {}, .tokens = 128, .classes = 2, .blocks = 6, .teacher_layers = 2, .student_layers = 1});
    return pair;
}

} // namespace pipebd::engine
