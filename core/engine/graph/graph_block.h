// GraphBlock: a block of an exported program, run through LibTorch's dispatcher, forward and, by autograd, backward.
#pragma once

#include "engine/graph/bound_node.h"
#include "engine/graph/cutting.h"
#include "engine/models/block.h"

#include <string>
#include <vector>

namespace pipebd::engine {

/// Parameters and buffers are named as in the state_dict; tied ones once, by the first name; buffers that are not in the
/// state_dict, and constants, are kept aside. Values are those in the file. Batch norm and dropout follow the context; nothing else
/// in it is looked at. Deterministic: dropout as noise.h says.
///
/// forward() throws Error{BadRequest} that names the operator if the input is of a shape that the model cannot take.
class GraphBlock final : public Block {
public:
    /// Keeps nothing of `analysis`.
    GraphBlock(const GraphAnalysis& analysis, const Segment& segment);

    at::Tensor forward(const at::Tensor& input, const Context& context) override;
    void fold() override;

private:
    struct Run;

    void add_stored(const ExportedProgram& program, const Segment& segment);
    void bind_nodes(const GraphAnalysis& analysis, const Segment& segment);
    Surroundings prepare(const at::Tensor& input);
    void call(const BoundNode& node, Run& run) const;
    /// Does itself what is not the operator's, or not in this context; false if that is to be called. `stack`: its arguments.
    bool call_instead(const BoundNode& node, torch::jit::Stack& stack, Run& run) const;
    void keep(const BoundNode& node, at::Tensor tensor, Run& run) const;
    void keep_integer(const BoundNode& node, std::int64_t number, Run& run) const;
    void keep_list(const BoundNode& node, const c10::List<at::Tensor>& list, Run& run) const;
    bool fold_into_convolution(std::size_t norm);
    int uses_of(int slot) const;
    void forget(int slot);

    std::string where_; // for errors
    std::vector<BoundNode> nodes_;
    Frame stored_; // the first slots: parameters, buffers, constants
    std::vector<std::size_t> constants_; // slots that are neither parameter nor buffer
    int slots_ = 0;
    int input_ = -1; // slots
    int output_ = -1;
    bool changes_input_ = false;
};

} // namespace pipebd::engine
