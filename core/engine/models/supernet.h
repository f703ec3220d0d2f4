// Supernet: blocks whose cells choose one of several operations anew at every step (ProxylessNAS, ICLR 2019).
//
// The candidates of a cell are inverted residuals with kernels 3, 5, 7 and expansions 3, 6 and, where stride is 1 and the width
// stays, "zero", which leaves the identity. One is drawn as a function of seed, step, block and cell; all with equal probability,
// or, where there are architecture parameters, with those of their softmax.
//
// On an architecture step the cell's output is that of the candidate that was drawn, times its gate, which is 1, plus those of the
// others times theirs, which are 0; the gates' gradients are passed on to the probabilities (the binary gates of ProxylessNAS, all
// paths of them). Weights get no gradients.
//
// What a cell computes is a user scope of LibTorch's record functions, of the cell's name: profilers and MacCounter see it.
#pragma once

#include "engine/models/layers.h"

#include <optional>

namespace pipebd::engine {

class SupernetCell : public Layer {
public:
    SupernetCell(TensorMaker maker, std::string name, int block, int index, int in, int out, int stride);
    at::Tensor forward(const at::Tensor& input, const Context& context) override;

    void add_architecture_parameter();

    /// By candidate; empty without an architecture parameter. As of the parameter's values now.
    const std::vector<double>& probabilities() const;

    /// The candidate that forward() uses.
    int path(const Context& context) const;

    /// Null: draw.
    void choose(std::optional<int> candidate) { chosen_ = candidate; }

    /// Whether this is a parameter (by its index in the block) of a candidate other than `path`.
    bool idle(std::size_t parameter, int path) const;

    /// The probabilities are left out.
    const Block::Cell& cell() const { return cell_; }

    std::vector<Description> description() const override;

    /// Leaves nothing but this candidate; returns what the names of the tensors that are gone begin with.
    std::vector<std::string> keep(int candidate);

private:
    struct Candidate {
        std::string prefix; // of its tensors' names
        std::unique_ptr<Layer> layer; // null: the identity
        std::size_t begin = 0; // its parameters' indices in the block
        std::size_t end = 0;

        at::Tensor forward(const at::Tensor& input, const Context& context) const;
    };

    at::Tensor forward_with_gates(const at::Tensor& input, const Context& context, std::size_t path);

    TensorMaker maker_;
    Block::Cell cell_;
    int block_;
    int index_;
    std::vector<Candidate> candidates_;
    std::optional<int> chosen_;

    at::Tensor architecture_; // [candidates], or undefined
    struct Probabilities {
        std::vector<double> values;
        const void* of = nullptr; // the parameter's memory, and how often it had been written to
        std::int64_t version = 0;
    };
    mutable Probabilities probabilities_; // read from the device only when the parameter has changed
};

class SupernetBlock : public Chain {
public:
    explicit SupernetBlock(int block)
        : block_(block)
    {
    }

    /// Appends the cell "cells.N", N counting from 0.
    void add_cell(const TensorMaker& maker, int in, int out, int stride);

    std::vector<std::size_t> active_parameters(const Context& context) const override;
    void add_architecture_parameters() override;
    std::vector<std::size_t> architecture_parameters() const override { return architecture_; }
    std::vector<Cell> cells() const override;

    /// Throws Error{BadRequest} unless there is one valid candidate a cell.
    void choose(std::vector<int> candidates) override;

    void derive(const std::vector<std::string>& chosen) override;

private:
    void require_one_a_cell(std::size_t choices) const;
    std::string where() const;

    int block_;
    std::vector<SupernetCell*> cells_; // owned by the chain
    std::vector<std::size_t> architecture_; // indices of parameters
};

} // namespace pipebd::engine
