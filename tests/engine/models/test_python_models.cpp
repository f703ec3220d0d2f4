// The built-in networks against Python's: weights saved there load here and give the same outputs, and what is trained here is
// rebuilt there by resources/python/load_student.py. Python is that of PIPEBD_PYTHON, else python3.
#include <QTest>

#include "base/file.h"
#include "engine/models/architecture_file.h"
#include "engine/models/bert_pair.h"
#include "engine/models/description.h"
#include "engine/models/nas_pair.h"
#include "engine/models/resnet_pair.h"
#include "engine/models/tensor_file.h"
#include "engine/pairs.h"
#include "engine_testing.h"
#include "python.h"
#include "stored_tensor.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/randint.h>

#include <QTemporaryDir>
#include <cmath>

using namespace pipebd;
using namespace pipebd::engine;

namespace {

constexpr double tolerance = 1e-5;

const Pair& plain_bert() // the sizes of tests/python/reference_models.py
{
    static const BertPair pair({.name = "bert",
        .sizes = {.hidden = 48, .heads = 4, .intermediate = 96, .vocabulary = 101, .positions = 40, .types = 2},
        .tokens = 24,
        .classes = 3,
        .blocks = 6,
        .teacher_layers = 2,
        .student_layers = 1});
    return pair;
}

struct Model {
    std::vector<std::unique_ptr<Block>> blocks;

    static Model make(const Pair& pair, bool student)
    {
        Model network;
        for (int block = 0; block < static_cast<int>(pair.block_names().size()); ++block)
            network.blocks.push_back(student ? pair.make_student(block, 3) : pair.make_teacher(block, 3));
        return network;
    }

    std::vector<Block*> pointers() const
    {
        std::vector<Block*> pointers;
        for (const std::unique_ptr<Block>& block : blocks)
            pointers.push_back(block.get());
        return pointers;
    }

    std::vector<NamedTensor> tensors() const
    {
        std::vector<NamedTensor> tensors;
        for (const std::unique_ptr<Block>& block : blocks) {
            tensors.insert(tensors.end(), block->parameters().begin(), block->parameters().end());
            tensors.insert(tensors.end(), block->buffers().begin(), block->buffers().end());
        }
        return tensors;
    }

    at::Tensor forward(at::Tensor activation) const
    {
        at::NoGradGuard no_grad;
        for (const std::unique_ptr<Block>& block : blocks)
            activation = block->forward(activation, {});
        return activation;
    }
};

/// architecture.json of the network as it is; what it costs is not said.
std::string architecture_of(const Pair& pair, const Model& model)
{
    Architecture architecture = fixed_architecture(pair, std::vector<BlockCosts>(model.blocks.size()));
    architecture.network = describe_network(pair, model.pointers());
    return to_json(architecture);
}

/// Statistics and biases that are not those of the beginning, and weights that keep a signal's size from layer to layer.
void perturb(const Model& network)
{
    std::uint64_t seed = 20;
    for (const NamedTensor& named : network.tensors()) {
        const at::Tensor values = random_tensor(named.tensor.sizes(), ++seed) * 0.1;
        if (named.name.ends_with("bias") || named.name.ends_with("mean"))
            named.tensor.detach().copy_(values);
        else if (named.name.ends_with("var"))
            named.tensor.detach().copy_((values + 1).abs());
        else if (named.tensor.dim() > 1) {
            const double gain = named.name.find("project") == std::string::npos ? 2 : 0.5; // no activation follows it
            const double fan_in = static_cast<double>(named.tensor.numel()) / static_cast<double>(named.tensor.size(0));
            named.tensor.detach().copy_(values * 10 * std::sqrt(gain / fan_in));
        }
    }
}

} // namespace

class TestPythonModels : public QObject {
    Q_OBJECT

    QTemporaryDir folder_;

    QString file(const QString& name) const { return folder_.filePath(name); }

    /// What it wrote on standard error; null if it succeeded.
    static QString failure_of(const test::PythonEnded& ended)
    {
        qInfo("%s", qPrintable(ended.output.trimmed()));
        return ended.status == 0 ? QString() : ended.errors + " ";
    }

    static QString failure_of_script(const QStringList& arguments)
    {
        return failure_of(test::pythonScript("reference_models.py", arguments));
    }

private Q_SLOTS:
    void initTestCase()
    {
        if (const QString why = test::whyPythonCannotImport("torch, torchvision, safetensors"); !why.isEmpty())
            QSKIP(qPrintable(why));
    }

    void weightsFromPythonGiveItsOutputs_data()
    {
        QTest::addColumn<const Pair*>("pair");
        QTest::addColumn<bool>("student");
        QTest::newRow("mobilenet_v2") << &nas_imagenet() << false;
        QTest::newRow("mobilenet_cifar10") << &nas_cifar10() << false;
        QTest::newRow("vgg16_bn") << &find_pair("compress-imagenet") << false;
        QTest::newRow("vgg_cifar10") << &find_pair("compress-cifar10") << false;
        QTest::newRow("resnet50") << &resnet50_resnet18() << false;
        QTest::newRow("resnet18") << &resnet50_resnet18() << true;
        QTest::newRow("bert12") << &plain_bert() << false;
        QTest::newRow("bert6") << &plain_bert() << true;
    }

    void weightsFromPythonGiveItsOutputs()
    {
        QFETCH(const Pair*, pair);
        QFETCH(bool, student);
        const QString weights = file("python.safetensors");
        const QString failure = failure_of_script({"make", QTest::currentDataTag(), weights});
        QVERIFY2(failure.isNull(), qPrintable(failure));
        const MappedFile mapped(weights.toStdString());
        const SafetensorsFile tensors(mapped.bytes(), "python.safetensors");

        Model network = [&] {
            const Unfilled quickly_made;
            return Model::make(*pair, student);
        }();
        for (const std::unique_ptr<Block>& block : network.blocks)
            load_weights(*block, mapped.bytes(), "python.safetensors");
        const at::Tensor input = tensor_of(tensors, "input"), expected = tensor_of(tensors, "output");
        const double scale = expected.abs().max().item<double>();
        const double whole = largest_difference(network.forward(input), expected) / scale;
        for (const std::unique_ptr<Block>& block : network.blocks) {
            freeze(*block);
            block->fold();
        }
        const double folded = largest_difference(network.forward(input), expected) / scale;
        qInfo("largest difference %.2g of the largest output, folded %.2g", whole, folded);
        QVERIFY(whole <= tolerance);
        QVERIFY(folded <= tolerance);
    }

    void whatIsExportedIsRebuiltInPython_data()
    {
        QTest::addColumn<const Pair*>("pair");
        QTest::addColumn<bool>("student");
        QTest::newRow("supernet, derived") << &find_pair("nas-digits") << true;
        QTest::newRow("supernet, all candidates") << &find_pair("nas-digits") << true;
        QTest::newRow("separable") << &find_pair("compress-digits") << true;
        QTest::newRow("resnet18") << &resnet50_resnet18() << true;
        QTest::newRow("bert") << &plain_bert() << true;
        QTest::newRow("teacher") << &nas_cifar10() << false;
    }

    void whatIsExportedIsRebuiltInPython()
    {
        QFETCH(const Pair*, pair);
        QFETCH(bool, student);
        const QString name = QTest::currentDataTag();
        const std::filesystem::path run = file(name).toStdString();
        std::filesystem::create_directories(run);
        const Model network = Model::make(*pair, student);
        for (std::size_t block = 0; block < network.blocks.size(); ++block) {
            std::vector<int> candidates;
            std::vector<std::string> names;
            for (const Block::Cell& cell : network.blocks[block]->cells()) {
                candidates.push_back(static_cast<int>((block * 3 + candidates.size() * 2) % cell.candidates.size()));
                names.push_back(cell.candidates[static_cast<std::size_t>(candidates.back())]);
            }
            if (name.contains("derived"))
                network.blocks[block]->derive(names);
            else
                network.blocks[block]->choose(candidates);
        }
        perturb(network);
        write_tensors(run / "student.safetensors", network.tensors());
        replace_file(run / "architecture.json", architecture_of(*pair, network));

        const Input input = pair->input();
        std::vector<std::int64_t> shape = input.shape;
        shape.insert(shape.begin(), 2);
        const at::Tensor sample = input.is_text() ? at::randint(input.vocabulary, shape, at::kLong) : random_tensor(shape, 5);
        const QString expected = file(name + ".safetensors");
        write_tensors(expected.toStdString(), {{"input", sample}, {"output", network.forward(sample)}});
        const QString failure = failure_of_script({"check", QString::fromStdString(run.string()), expected});
        QVERIFY2(failure.isNull(), qPrintable(failure));
    }

    void whatIsRebuiltIsAnOrdinaryModule()
    {
        const std::filesystem::path run = file("ordinary").toStdString();
        std::filesystem::create_directories(run);
        const Pair& pair = find_pair("compress-digits");
        const Model network = Model::make(pair, true);
        write_tensors(run / "student.safetensors", network.tensors());
        replace_file(run / "architecture.json", architecture_of(pair, network));
        const QString failure = failure_of_script({"export", QString::fromStdString(run.string())});
        QVERIFY2(failure.isNull(), qPrintable(failure));
        const QString summary = failure_of(
            test::python({PIPEBD_SOURCE_DIR "/resources/python/load_student.py", QString::fromStdString(run.string())}));
        QVERIFY2(summary.isNull(), qPrintable(summary));
    }
};

QTEST_GUILESS_MAIN(TestPythonModels)
#include "test_python_models.moc"
