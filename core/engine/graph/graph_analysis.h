// Graph analysis: which operators of an exported program matter, which tensors share memory, and what lives across a cut.
#pragma once

#include "engine/graph/exported_program.h"
#include "engine/graph/operators.h"

#include <string>
#include <vector>

namespace pipebd::engine {

/// A position p in a graph is the place in front of node p.
class GraphAnalysis {
public:
    /// Throws Error{BadRequest} for an operator that is not known, and for programs that change in place what they may not;
    /// {Damaged}. `program` outlives it.
    explicit GraphAnalysis(const ExportedProgram& program);

    const ExportedProgram& program() const { return program_; }
    int nodes() const { return static_cast<int>(operators_.size()); }
    const Node& node(int index) const { return graph_.nodes[static_cast<std::size_t>(index)]; }
    const Operator& op(int node) const { return operators_[static_cast<std::size_t>(node)]; }

    /// Whether the output, or a buffer that training follows, depends on the node.
    bool is_live(int node) const { return live_[static_cast<std::size_t>(node)]; }

    /// Whether the node belongs where it stands: what it gives depends on the input's values. Other nodes, of constants and of the
    /// size of the batch alone, can be run again in every block that needs them.
    bool is_placed(int node) const { return placed_[static_cast<std::size_t>(node)]; }

    /// Whether the node gives the batch's size.
    bool is_batch_size(int node) const;

    /// Values with the same number may share memory.
    int memory(ValueId value) const { return memory_[static_cast<std::size_t>(value)]; }

    /// The memory that the node changes in place; -1: none.
    int changed_memory(int node) const { return changed_[static_cast<std::size_t>(node)]; }

    /// What a node changed in place, and what it was before, are one tensor: its first value.
    ValueId tensor(ValueId value) const { return tensor_[static_cast<std::size_t>(value)]; }

    /// The tensors (parameters apart) that are computed in front of position `p` and used behind it.
    std::vector<ValueId> crossing(int p) const;

    /// Whether just one tensor crosses, of floating point, with the batch as its first dimension.
    bool is_legal_cut(int p) const;

private:
    void find_memory();
    void find_dependence();
    void find_live();
    void find_lifetimes();
    void check_changes() const;
    void check_change(int node, const std::vector<ValueId>& views) const;
    bool carries(ValueId value) const { return carries_[static_cast<std::size_t>(memory(value))]; }

    const ExportedProgram& program_;
    const Graph& graph_;
    std::vector<Operator> operators_;
    std::vector<int> memory_; // by value
    std::vector<ValueId> tensor_;
    std::vector<int> changed_;
    std::vector<int> first_copy_; // by memory: the first node that gives a view of it or a copy; nodes(): none
    std::vector<bool> carries_; // by memory: depends on the input's values
    std::vector<bool> live_;
    std::vector<bool> placed_;
    struct Lifetime {
        int defined = -2; // node; -1: there from the start; -2: not used
        int last_use = -2; // node; nodes(): the output
    };
    std::vector<Lifetime> lifetimes_; // by tensor
    std::vector<int> crossings_; // by position, how many
    std::vector<std::int64_t> crossing_sum_; // of their numbers: where one crosses, which
};

} // namespace pipebd::engine
