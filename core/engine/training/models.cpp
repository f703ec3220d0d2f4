#include "engine/training/models.h"

#include "base/checksum.h"
#include "base/error.h"
#include "base/file.h"
#include "engine/models/architecture_file.h"
#include "engine/models/precision.h"

#include <ATen/core/grad_mode.h>

#include <optional>

namespace pipebd::engine {

struct TeacherWeights::Source {
    std::optional<MappedFile> file;
    std::span<const std::byte> bytes;
    std::string where;
};

TeacherWeights::TeacherWeights(const experiment::Experiment& experiment, const Pair& pair)
    : source_(std::make_unique<Source>())
{
    if (experiment.teacher.weights.empty() && pair.teacher_has_weights()) {
        sha256_ = pair.teacher_weights_sha256();
        return;
    }
    if (!experiment.teacher.weights.empty()) {
        source_->file.emplace(std::filesystem::path(experiment.teacher.weights));
        source_->bytes = source_->file->bytes();
        source_->where = experiment.teacher.weights;
    } else {
        source_->bytes = pair.teacher_weights();
        source_->where = "the weights that come with " + std::string(pair.name());
    }
    if (source_->bytes.empty() && !source_->file && experiment.data.source == "synthetic")
        return;
    if (source_->bytes.empty())
        throw Error(Code::NotFound, "the teacher has no weights",
            source_->file ? source_->where : "pair \"" + std::string(pair.name()) + "\", which comes without weights",
            "set weights in [teacher] to a safetensors file, or add [stage.teacher] to train it");
    sha256_ = pipebd::sha256(source_->bytes);
    if (!source_->file && sha256_ != pair.teacher_weights_sha256())
        throw Error(Code::Damaged, "the weights do not match their recorded SHA-256", source_->where, "install the program again");
}

TeacherWeights::~TeacherWeights() = default;

void TeacherWeights::load_into(Block& block) const
{
    if (!source_->bytes.empty())
        load_weights(block, source_->bytes, source_->where);
}

namespace {

std::unique_ptr<Block> make_initial(const experiment::Experiment& experiment, const Pair& pair, int block)
{
    if (experiment.train.network == "teacher")
        return pair.make_teacher(block, experiment.seed);
    if (!experiment.student.architecture.empty())
        return make_derived(
            pair, block, experiment.seed, read_chosen(experiment.student.architecture, pair).at(static_cast<std::size_t>(block)));
    std::unique_ptr<Block> student = pair.make_student(block, experiment.seed);
    if (experiment.architecture.train)
        student->add_architecture_parameters();
    return student;
}

} // namespace

std::unique_ptr<Block> make_student(const experiment::Experiment& experiment, const Pair& pair, int block)
{
    std::unique_ptr<Block> student = make_initial(experiment, pair, block);
    move_to(*student, at::kCPU, weight_dtype(experiment.run.dtype));
    const bool begins_as_teacher = experiment.train.network == "teacher" && experiment.student.weights.empty();
    const std::string& weights = begins_as_teacher ? experiment.teacher.weights : experiment.student.weights;
    if (!weights.empty())
        load_weights(*student, MappedFile(weights).bytes(), weights);
    return student;
}

Models Models::make(const experiment::Experiment& experiment, const Pair& pair, const std::set<int>& teacher_blocks,
    const std::set<int>& student_blocks, at::Device device)
{
    const at::ScalarType weights_as = weight_dtype(experiment.run.dtype);
    Models models;
    if (!teacher_blocks.empty()) {
        TeacherWeights weights(experiment, pair);
        models.teacher_sha256 = weights.sha256();
        for (int block : teacher_blocks) {
            std::unique_ptr<Block> teacher = pair.make_teacher(block, experiment.seed);
            move_to(*teacher, at::kCPU, weights_as);
            weights.load_into(*teacher);
            freeze(*teacher);
            if (experiment.teacher.fold_batch_norm)
                teacher->fold(); // on the CPU, so that it is the same on every device
            move_to(*teacher, device, weights_as);
            models.teacher.emplace(block, std::move(teacher));
        }
    }
    for (int block : student_blocks) {
        std::unique_ptr<Block> student = make_student(experiment, pair, block);
        move_to(*student, device, weights_as);
        models.optimizer.emplace(block, make_optimizer(experiment.train, *student, experiment.architecture));
        models.student.emplace(block, std::move(student));
    }
    return models;
}

Models Models::make(
    const experiment::Experiment& experiment, const Pair& pair, const schedule::Program& program, int rank, at::Device device)
{
    std::set<int> teacher_blocks;
    std::set<int> student_blocks;
    for (const schedule::Phase& phase : program.phases) {
        for (const schedule::Instruction& instruction : phase.devices.at(static_cast<std::size_t>(rank)).instructions) {
            if (instruction.op == schedule::Op::TeacherForward)
                teacher_blocks.insert(instruction.block);
            else if (instruction.op == schedule::Op::StudentForward)
                student_blocks.insert(instruction.block);
        }
    }
    return make(experiment, pair, teacher_blocks, student_blocks, device);
}

at::Tensor teach(Block& teacher, const at::Tensor& input, std::string_view dtype)
{
    at::NoGradGuard no_grad;
    Precision precision(dtype, input.device().type());
    return teacher.forward(input, Context{}).to(relay_dtype(dtype));
}

} // namespace pipebd::engine
