// BertPair: a BERT that classifies texts as the teacher of a shallower one, in the form and names of HuggingFace's
// BertForSequenceClassification.
//
// A block is some layers of the teacher and some of the student; the embeddings belong to the first block, pooler and classifier to
// the last. Without dropout, and without padding: texts have all their tokens.
#pragma once

#include "engine/models/transformer.h"

#include <string>
#include <vector>

namespace pipebd::engine {

struct BertDimensions {
    std::string_view name;
    TransformerSizes sizes;
    int tokens; // of a text
    int classes;
    int blocks;
    int teacher_layers; // of a block
    int student_layers;
};

class BertPair : public Pair {
public:
    explicit BertPair(BertDimensions dimensions);

    std::string_view name() const override { return dimensions_.name; }
    std::vector<std::string> block_names() const override;
    Input input() const override { return {.shape = {dimensions_.tokens}, .vocabulary = dimensions_.sizes.vocabulary}; }
    int classes() const override { return dimensions_.classes; }

    std::unique_ptr<Block> make_teacher(int block, std::uint64_t seed) const override;
    std::unique_ptr<Block> make_student(int block, std::uint64_t seed) const override;

private:
    std::unique_ptr<Block> make(std::string_view network, int layers, int block, std::uint64_t seed) const;

    BertDimensions dimensions_;
};

/// 12 layers to 6, texts of 128 tokens, 2 classes.
const Pair& bert_base();

} // namespace pipebd::engine
