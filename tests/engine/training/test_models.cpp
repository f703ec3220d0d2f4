// Models: what a rank makes of an experiment: teachers with their batch norms folded or not, students with weights of their own.
#include "base/file.h"
#include "engine/models/precision.h"
#include "engine/models/tensor_file.h"
#include "engine/pairs.h"
#include "engine/training/models.h"
#include "engine_testing.h"

#include <QTemporaryDir>

using namespace pipebd;
using namespace pipebd::engine;
using experiment::Experiment;

namespace {

constexpr int block_count = 6;

const Pair& pair()
{
    return find_pair("nas-digits");
}

Experiment of_dtype(const std::string& dtype, bool fold)
{
    Experiment experiment;
    experiment.pair = "nas-digits";
    experiment.run.dtype = dtype;
    experiment.teacher.fold_batch_norm = fold;
    return experiment;
}

std::unique_ptr<Block> teacher(const Experiment& experiment, int block)
{
    return std::move(Models::make(experiment, pair(), std::set<int>{block}, {}, at::kCPU).teacher.at(block));
}

std::unique_ptr<Block> student(const Experiment& experiment, int block)
{
    return std::move(Models::make(experiment, pair(), std::set<int>{}, {block}, at::kCPU).student.at(block));
}

/// Block 0 of the student of seed 7, in a file of a folder.
std::string weights_of_seed_7(const QTemporaryDir& folder)
{
    const std::unique_ptr<Block> block = pair().make_student(0, 7);
    std::vector<NamedTensor> tensors = block->parameters();
    tensors.insert(tensors.end(), block->buffers().begin(), block->buffers().end());
    const std::string file = folder.filePath("student.safetensors").toStdString();
    write_tensors(file, tensors, {});
    return file;
}

} // namespace

class TestModels : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void pickledWeightsAreRefusedWithWhatToDoInstead()
    {
        const QTemporaryDir folder;
        const std::string file = folder.filePath("weights.safetensors").toStdString(); // whatever its name
        replace_file(file, std::string_view("\x80\x04\x95\x10\0\0\0\0\0\0\0]\x94.", 14));
        const std::string line = "this is a pickle, a program that runs when it is opened: " + file
            + "; in Python: safetensors.torch.save_file(model.state_dict(), \"weights.safetensors\")";
        Experiment experiment = of_dtype("float32", false);
        experiment.teacher.weights = file;
        QCOMPARE(QByteArray(error_of([&] { teacher(experiment, 0); })->what()), QByteArray::fromStdString(line));
        experiment.student.weights = file;
        QCOMPARE(QByteArray(error_of([&] { student(experiment, 0); })->what()), QByteArray::fromStdString(line));
    }

    void aTeacherThatComesWithoutWeightsIsDrawnForNoiseAlone()
    {
        Experiment experiment;
        experiment.pair = "compress-digits";
        const Pair& pair = find_pair(experiment.pair);
        const auto error = error_of([&] { TeacherWeights(experiment, pair); });
        QCOMPARE(QByteArray(error->what()),
            QByteArray(
                "the teacher has no weights: pair \"compress-digits\", which comes without weights; set weights in [teacher] to a "
                "safetensors file, or add [stage.teacher] to train it"));
        experiment.data.source = "synthetic";
        experiment.seed = 3;
        experiment.teacher.fold_batch_norm = false;
        const Models models = Models::make(experiment, pair, std::set<int>{1}, {}, at::kCPU);
        QVERIFY(models.teacher.at(1)->parameters()[0].tensor.equal(pair.make_teacher(1, 3)->parameters()[0].tensor));
        QCOMPARE(models.teacher_sha256, std::string());
    }

    void aTeacherThatIsTrainedBeginsWithItsWeights()
    {
        const QTemporaryDir folder;
        const std::unique_ptr<Block> given = pair().make_teacher(0, 7);
        std::vector<NamedTensor> tensors = given->parameters();
        tensors.insert(tensors.end(), given->buffers().begin(), given->buffers().end());
        Experiment experiment = of_dtype("float32", false);
        experiment.train.network = "teacher";
        experiment.teacher.weights = folder.filePath("teacher.safetensors").toStdString();
        write_tensors(experiment.teacher.weights, tensors, {});
        QVERIFY(student(experiment, 0)->parameters()[0].tensor.equal(given->parameters()[0].tensor));
    }

    void aFoldedTeacherSaysTheSameToRounding_data()
    {
        QTest::addColumn<QString>("dtype");
        QTest::addColumn<double>("tolerance");
        QTest::newRow("float32") << "float32" << 1e-5;
        QTest::newRow("float64") << "float64" << 1e-12;
    }

    void aFoldedTeacherSaysTheSameToRounding()
    {
        QFETCH(QString, dtype);
        QFETCH(double, tolerance);
        const Experiment whole = of_dtype(dtype.toStdString(), false), folding = of_dtype(dtype.toStdString(), true);
        at::Tensor input = random_map({3, 1, 32, 32}, 1, weight_dtype(whole.run.dtype));
        for (int block = 0; block < block_count; ++block) {
            const at::Tensor expected = teach(*teacher(whole, block), input, whole.run.dtype);
            const at::Tensor found = teach(*teacher(folding, block), input, folding.run.dtype);
            QVERIFY(found.scalar_type() == expected.scalar_type());
            QVERIFY(found.strides() == expected.strides());
            QVERIFY(!same_bits(found, expected));
            const double error = largest_difference(found, expected) / expected.abs().max().item<double>();
            QVERIFY2(error < tolerance, qPrintable(QString("block %1: %2").arg(block).arg(error)));
            input = expected;
        }
    }

    void aFoldedTeacherIsSmaller()
    {
        const std::unique_ptr<Block> whole = teacher(of_dtype("float32", false), 1), folded = teacher(of_dtype("float32", true), 1);
        // Of a convolution's weight and a batch norm's weight, bias, mean and variance two are left.
        QCOMPARE(folded->parameters().size() * 3, whole->parameters().size() * 2);
        QVERIFY(!whole->buffers().empty() && folded->buffers().empty());
        QVERIFY(bytes_of(folded->parameters()) < bytes_of(whole->parameters()));
    }

    void foldingTwiceIsFoldingOnce()
    {
        const std::unique_ptr<Block> once = teacher(of_dtype("float32", true), 1), twice = teacher(of_dtype("float32", true), 1);
        twice->fold();
        const at::Tensor input = random_map({3, 16, 32, 32}, 1);
        QVERIFY(same_bits(twice->forward(input, {}), once->forward(input, {})));
    }

    void aFoldedTeacherCanBeMoved()
    {
        const std::unique_ptr<Block> moved = teacher(of_dtype("float32", true), 1);
        const at::Tensor input = random_map({3, 16, 32, 32}, 1);
        const at::Tensor expected = moved->forward(input, {});
        move_to(*moved, at::kCPU, at::kDouble);
        QVERIFY(largest_difference(moved->forward(input.to(at::kDouble), {}), expected) < 1e-4);
    }

    void aTeacherIsLeftAsItIsWhereTheExperimentSaysSo()
    {
        const std::unique_ptr<Block> left = teacher(of_dtype("float32", false), 0), made = pair().make_teacher(0, 0);
        load_weights(*made, pair().teacher_weights(), "weights");
        QCOMPARE(left->parameters().size(), made->parameters().size());
        QCOMPARE(left->buffers().size(), made->buffers().size());
        const at::Tensor input = random_map({3, 1, 32, 32}, 1);
        QVERIFY(same_bits(left->forward(input, {}), made->forward(input, {})));
    }

    void aTeacherThatIsTrainedIsNotFolded()
    {
        Experiment experiment = of_dtype("float32", true);
        experiment.train.network = "teacher";
        QCOMPARE(student(experiment, 0)->parameters().size(), pair().make_teacher(0, 0)->parameters().size());
    }

    void aStudentBeginsFromTheWeightsItIsGiven()
    {
        const QTemporaryDir folder;
        Experiment experiment = of_dtype("float32", true);
        experiment.student.weights = weights_of_seed_7(folder);
        const std::unique_ptr<Block> given = student(experiment, 0), expected = pair().make_student(0, 7);
        QVERIFY(!same_bits(expected->parameters()[0].tensor, pair().make_student(0, 0)->parameters()[0].tensor));
        for (std::size_t i = 0; i < expected->parameters().size(); ++i)
            QVERIFY(same_bits(given->parameters()[i].tensor, expected->parameters()[i].tensor));
    }

    void weightsThatAreNotTheStudentsAreRefused()
    {
        const QTemporaryDir folder;
        Experiment experiment = of_dtype("float32", true);
        experiment.student.weights = weights_of_seed_7(folder);
        VERIFY_SAYS(error_of([&] { student(experiment, 1); }), "student.safetensors, tensor blocks.1.cells.0");
    }
};

QTEST_GUILESS_MAIN(TestModels)
#include "test_models.moc"
