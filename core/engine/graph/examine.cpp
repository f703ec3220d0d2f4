#include "engine/graph/examine.h"

#include "base/error.h"
#include "base/text.h"
#include "engine/graph/cut_network.h"
#include "engine/models/layer.h"
#include "engine/training/loss.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/isfinite.h>

#include <memory>
#include <set>
#include <utility>

namespace pipebd::engine {

namespace {

std::string text_of(at::IntArrayRef shape)
{
    std::string text = "[batch";
    for (std::size_t i = 1; i < shape.size(); ++i)
        text += ", " + std::to_string(shape[i]);
    return text + "]";
}

std::string text_of(const Input& input)
{
    std::string text = input.is_text() ? "tokens [" : "[";
    for (std::size_t i = 0; i < input.shape.size(); ++i)
        text += (i ? ", " : "") + std::to_string(input.shape[i]);
    return text + "]";
}

std::int64_t numbers_in(const Block& block)
{
    std::int64_t numbers = 0;
    for (const NamedTensor& parameter : block.parameters())
        numbers += parameter.tensor.numel();
    return numbers;
}

class Examiner {
public:
    Examiner(const ExaminedNetwork& teacher, const ExaminedNetwork& student, bool end_to_end_only, const Input& input)
        : teacher_(open_network(teacher.kind, teacher.file, teacher.blocks, "the teacher's blocks"))
        , student_(open_network(student.kind, student.file, student.blocks, "the student's blocks"))
        , end_to_end_only_(end_to_end_only)
        , given_input_(input)
    {
    }

    Examination run()
    {
        compare_networks();
        const at::Tensor sample = this->sample(2);
        teacher_->examine(sample);
        student_->examine(sample);
        examination_.teacher_weights = teacher_->weights_sha256();
        examination_.student_weights = student_->weights_sha256();
        const std::vector<std::string> teacher_names = teacher_->block_names(), student_names = student_->block_names();
        for (std::size_t block = 0; block < teacher_names.size(); ++block) {
            ExaminedBlock examined{
                .name = teacher_names[block], .student_modules = student_names[block], .output_shape = {}, .without_gradient = {}};
            examination_.blocks.push_back(std::move(examined));
        }
        for (std::int64_t batch : {2, 3}) {
            for (bool training : {false, true})
                run_networks(batch, training);
        }
        return std::move(examination_);
    }

private:
    [[noreturn]] static void refuse(const std::string& problem, const std::string& where, const std::string& remedy)
    {
        throw Error(Code::BadRequest, problem, where, remedy);
    }

    void compare_networks()
    {
        const Input otherwise = teacher_->input() ? *teacher_->input() : student_->input().value_or(given_input_);
        if (otherwise.shape.empty())
            refuse("the file does not contain the shape of the input", teacher_->where(),
                "give the shape of one sample, such as --input 3x224x224");
        const Input teacher = teacher_->input().value_or(otherwise), student = student_->input().value_or(otherwise);
        if (teacher.shape != student.shape || teacher.is_text() != student.is_text())
            refuse("teacher and student take different inputs, " + text_of(teacher) + " and " + text_of(student), student_->where(),
                "export both with inputs of the same shape and type");
        if (teacher_->classes() && student_->classes() && *teacher_->classes() != *student_->classes())
            refuse("teacher and student have different numbers of classes, " + std::to_string(*teacher_->classes()) + " and "
                    + std::to_string(*student_->classes()),
                student_->where(), "export both with the same classes");
        const std::size_t of_teacher = teacher_->block_names().size(), of_student = student_->block_names().size();
        if (of_teacher != of_student)
            refuse("the teacher has " + std::to_string(of_teacher) + " blocks (" + printable(teacher_->block_list(), 300)
                    + "), the student " + std::to_string(of_student) + " (" + printable(student_->block_list(), 300) + ")",
                student_->where(), "give both the same number of blocks");
        examination_.input = teacher;
        examination_.input.vocabulary = std::min(teacher.vocabulary, student.vocabulary);
        examination_.teacher_blocks = teacher_->block_list();
        examination_.student_blocks = student_->block_list();
    }

    at::Tensor sample(std::int64_t batch) const
    {
        std::vector<std::int64_t> shape = examination_.input.shape;
        shape.insert(shape.begin(), batch);
        const at::Generator generator = at::detail::createCPUGenerator(1);
        if (examination_.input.is_text())
            return at::empty(shape, at::TensorOptions(at::kLong)).random_(0, examination_.input.vocabulary, generator);
        return at::empty(shape, at::TensorOptions(at::kFloat)).normal_(0, 1, generator);
    }

    void run_networks(std::int64_t batch, bool training)
    {
        const Context context{.training = training, .seed = 0, .step = 0};
        const at::Tensor sample = this->sample(batch);
        at::Tensor activation = sample; // the teacher's
        at::Tensor relayed = sample; // what the student's next block gets
        for (std::size_t b = 0; b < examination_.blocks.size(); ++b) {
            ExaminedBlock& examined = examination_.blocks[b];
            const std::string where = "block " + std::to_string(b) + ", " + in_quotes(examined.name);
            const std::unique_ptr<Block> teacher = teacher_->make(static_cast<int>(b)),
                                         student = student_->make(static_cast<int>(b));
            at::Tensor target;
            {
                at::NoGradGuard no_grad;
                target = teacher->forward(activation, context);
            }
            check_output(target, batch, "teacher", where);
            const at::Tensor output = student->forward(relayed.detach(), context);
            check_output(output, batch, "student", where);
            const bool last = b + 1 == examination_.blocks.size();
            if (output.sizes() != target.sizes() && (last || !end_to_end_only_))
                refuse("the teacher gives " + text_of(target.sizes()) + ", the student " + text_of(output.sizes()), where,
                    "cut where both have the same shape, or import the pair with --end-to-end, for end-to-end strategies only");
            examined.output_shape.assign(target.sizes().begin() + 1, target.sizes().end());
            examined.teacher_parameters = numbers_in(*teacher);
            examined.student_parameters = numbers_in(*student);
            if (training && batch == 2)
                find_gradients(*student, output, target, examined);
            if (last)
                find_classes(target, where);
            activation = target;
            relayed = end_to_end_only_ ? output.detach() : target;
        }
    }

    void find_classes(const at::Tensor& output, const std::string& where)
    {
        if (output.dim() != 2)
            refuse("the teacher gives " + text_of(output.sizes()) + " as its final output, not [batch, classes]", where,
                "leave out what follows");
        examination_.classes = static_cast<int>(output.size(1));
    }

    static void check_output(const at::Tensor& output, std::int64_t batch, const std::string& network, const std::string& where)
    {
        if (output.dim() == 0 || output.size(0) != batch)
            refuse("the " + network + " gives " + text_of(output.sizes()) + ", whose first dimension is not the batch", where,
                "cut where the batch is the first dimension");
        if (!at::isfinite(output).all().item<bool>())
            throw Error(Code::NotFinite, "the " + network + " gives values that are not finite", where,
                "check that its weights are the right ones");
    }

    static void find_gradients(const Block& student, const at::Tensor& output, const at::Tensor& target, ExaminedBlock& examined)
    {
        if (output.requires_grad()) {
            const at::Tensor loss
                = output.sizes() == target.sizes() ? distillation_loss("mse", output, target) : output.square().mean();
            loss.backward();
        }
        for (const NamedTensor& parameter : student.parameters()) {
            if (parameter.tensor.grad().defined())
                ++examined.gradient_tensors;
            else
                examined.without_gradient.push_back(parameter.name);
        }
    }

    std::unique_ptr<CutNetwork> teacher_;
    std::unique_ptr<CutNetwork> student_;
    bool end_to_end_only_;
    Input given_input_;
    Examination examination_;
};

} // namespace

Examination examine(const ExaminedNetwork& teacher, const ExaminedNetwork& student, bool end_to_end_only, const Input& input)
{
    return Examiner(teacher, student, end_to_end_only, input).run();
}

} // namespace pipebd::engine
