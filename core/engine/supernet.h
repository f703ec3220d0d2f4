// Supernet: blocks whose cells choose one of several operations anew at every step (ProxylessNAS, ICLR 2019).
//
// The candidates of a cell are inverted residuals with kernels 3, 5, 7 and expansions 3, 6 and, where stride is 1 and the width
// stays, "zero", which leaves the identity. All are drawn with equal probability, as a function of seed, step, block and cell.
//
// What a cell computes is a user scope of LibTorch's record functions, of the cell's name: profilers and MacCounter see it.
#pragma once

#include "engine/layers.h"

#include <optional>

namespace pipebd::engine {

class SupernetCell : public Layer {
public:
    SupernetCell(TensorMaker maker, std::string name, int block, int index, int in, int out, int stride);
    at::Tensor forward(const at::Tensor& input, const Context& context) override;

    /// The candidate that forward() uses.
    int path(const Context& context) const;

    /// Null: draw.
    void choose(std::optional<int> candidate) { chosen_ = candidate; }

    /// Whether this is a parameter (by its index in the block) of a candidate other than `path`.
    bool idle(std::size_t parameter, int path) const;

    const Block::Cell& cell() const { return cell_; }

    std::vector<Description> description() const override;

    /// Leaves nothing but this candidate; returns the prefixes of the names of the others' tensors.
    std::vector<std::string> keep(int candidate);

private:
    struct Candidate {
        std::string prefix; // of its tensors' names
        std::unique_ptr<Layer> layer; // null: the identity
        std::size_t begin = 0; // its parameters' indices in the block
        std::size_t end = 0;
    };

    std::string name_; // of its tensors
    Block::Cell cell_;
    int block_;
    int index_;
    std::vector<Candidate> candidates_;
    std::optional<int> chosen_;
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
    std::vector<Cell> cells() const override;

    /// Throws Error{BadRequest} unless there is one valid candidate a cell.
    void choose(std::vector<int> candidates) override;

    void derive(const std::vector<std::string>& chosen) override;

private:
    void require_one_a_cell(std::size_t choices) const;
    std::string where() const;

    int block_;
    std::vector<SupernetCell*> cells_; // owned by the chain
};

} // namespace pipebd::engine
