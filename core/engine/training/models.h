// Models: the teacher and student blocks that one rank works on, with their optimizers.
#pragma once

#include "engine/models/block.h"
#include "engine/training/optimizer.h"
#include "experiment/experiment.h"
#include "schedule/program.h"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace pipebd::engine {

/// Teacher weights: those the experiment names, else those that come with the pair, or that its teacher is made with; for synthetic
/// data, from which there is nothing to learn, else those that are drawn from the seed. Throws Error{NotFound} or {Damaged}.
class TeacherWeights {
public:
    TeacherWeights(const experiment::Experiment& experiment, const Pair& pair);
    ~TeacherWeights();

    void load_into(Block& block) const;
    const std::string& sha256() const { return sha256_; }

private:
    struct Source;
    std::unique_ptr<Source> source_;
    std::string sha256_;
};

/// The student of an experiment, on the CPU: the pair's student, as a whole or derived as the experiment's architecture says, or
/// its teacher when that is what is trained; with the weights that the experiment names, else freshly initialised. Throws like
/// TeacherWeights and read_chosen().
std::unique_ptr<Block> make_student(const experiment::Experiment& experiment, const Pair& pair, int block);

struct Models {
    std::map<int, std::unique_ptr<Block>> teacher; // frozen, weights loaded, batch norms folded if the experiment has it so
    std::map<int, std::unique_ptr<Block>> student; // as make_student() makes them
    std::map<int, std::unique_ptr<Optimizer>> optimizer;
    std::string teacher_sha256; // of the weights' file; empty on a rank without teacher blocks

    /// Makes these blocks on `device`.
    static Models make(const experiment::Experiment& experiment, const Pair& pair, const std::set<int>& teacher_blocks,
        const std::set<int>& student_blocks, at::Device device);

    /// Those that `device` needs for its part of `program`.
    static Models make(
        const experiment::Experiment& experiment, const Pair& pair, const schedule::Program& program, int rank, at::Device device);
};

/// The teacher's output of one block as it is relayed: evaluation mode, no gradients, computed in `dtype`.
at::Tensor teach(Block& teacher, const at::Tensor& input, std::string_view dtype);

} // namespace pipebd::engine
