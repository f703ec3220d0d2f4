// The built-in pairs of the published workloads: shapes and multiply-accumulates as published, names as in Python, what is refused.
#include <QTest>

#include "engine/bert_pair.h"
#include "engine/block_costs.h"
#include "engine/compress_pair.h"
#include "engine/data/data_set.h"
#include "engine/loss.h"
#include "engine/models.h"
#include "engine/nas_pair.h"
#include "engine/pair_description.h"
#include "engine/precision.h"
#include "engine/resnet_pair.h"
#include "engine_testing.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/randint.h>

#include <cmath>
#include <set>

using namespace pipebd;
using namespace pipebd::engine;

namespace {

using Shapes = std::vector<std::vector<std::int64_t>>;

std::unique_ptr<Block> make(const Pair& pair, Network network, int block)
{
    return network == Network::Teacher ? pair.make_teacher(block, 1) : pair.make_student(block, 1);
}

int blocks_of(const Pair& pair)
{
    return static_cast<int>(pair.block_names().size());
}

std::set<std::string> names_of(const Pair& pair, Network network)
{
    const Unfilled quickly_made;
    std::set<std::string> names;
    for (int block = 0; block < blocks_of(pair); ++block) {
        const std::unique_ptr<Block> made = make(pair, network, block);
        for (const std::vector<NamedTensor>* tensors : {&made->parameters(), &made->buffers()})
            for (const NamedTensor& named : *tensors)
                if (!names.insert(named.name).second)
                    qWarning("%s is there twice", named.name.c_str());
    }
    return names;
}

/// In millions, to one decimal.
std::vector<double> million_macs(const Pair& pair, Network network)
{
    std::vector<double> macs;
    for (const BlockFigures& figures : figures_of(pair, network))
        macs.push_back(std::round(figures.costs.mean(&Cost::macs) * 1e-5) / 10);
    return macs;
}

/// Batch norms that are not the identity.
void perturb(Block& block)
{
    std::uint64_t seed = 11;
    for (const NamedTensor& named : block.parameters())
        if (named.name.ends_with("bias"))
            named.tensor.detach().copy_(random_tensor(named.tensor.sizes(), ++seed) * 0.3);
    for (const NamedTensor& named : block.buffers()) {
        const at::Tensor values = random_tensor(named.tensor.sizes(), ++seed) * 0.3;
        named.tensor.detach().copy_(named.name.ends_with("var") ? (values + 1).abs() + 0.1 : values);
    }
}

const BertPair& small_bert()
{
    static const BertPair pair({.name = "bert-small",
        .sizes = {.hidden = 16, .heads = 4, .intermediate = 32, .vocabulary = 50, .positions = 12, .types = 2},
        .tokens = 8,
        .classes = 3,
        .blocks = 2,
        .teacher_layers = 2,
        .student_layers = 1});
    return pair;
}

/// bert-base in all but its widths.
const Pair* narrow_bert()
{
    static const BertPair pair({.name = "bert-narrow",
        .sizes = {.hidden = 12, .heads = 12, .intermediate = 24, .vocabulary = 50, .positions = 12, .types = 2},
        .tokens = 8,
        .classes = 2,
        .blocks = 6,
        .teacher_layers = 2,
        .student_layers = 1});
    return &pair;
}

const ResnetPair& small_resnet()
{
    static const ResnetPair pair({.name = "resnet-small",
        .input = {.shape = {3, 32, 32}},
        .classes = 5,
        .teacher = {.depths = {2, 1, 1, 1}, .expansion = 4},
        .student = {.depths = {1, 1, 1, 1}, .expansion = 1}});
    return pair;
}

const CompressPair& small_compress()
{
    static const CompressPair pair(
        {.name = "compress-small", .input = {.shape = {1, 32, 32}}, .classes = 5, .widths = {4, 4, 6, 6, 8}, .hidden = 7});
    return pair;
}

} // namespace

class TestBuiltInPairs : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void boundariesAreThePublishedOnes_data()
    {
        QTest::addColumn<QByteArray>("name");
        QTest::addColumn<Shapes>("shapes");
        QTest::newRow("nas-cifar10") << QByteArray("nas-cifar10")
                                     << Shapes{{24, 32, 32}, {32, 16, 16}, {64, 8, 8}, {96, 8, 8}, {160, 4, 4}, {10}};
        QTest::newRow("nas-imagenet") << QByteArray("nas-imagenet")
                                      << Shapes{{24, 56, 56}, {32, 28, 28}, {64, 14, 14}, {96, 14, 14}, {160, 7, 7}, {1000}};
        QTest::newRow("compress-cifar10") << QByteArray("compress-cifar10")
                                          << Shapes{{64, 16, 16}, {128, 8, 8}, {256, 4, 4}, {512, 2, 2}, {512, 1, 1}, {10}};
        QTest::newRow("compress-digits") << QByteArray("compress-digits")
                                         << Shapes{{16, 16, 16}, {32, 8, 8}, {64, 4, 4}, {128, 2, 2}, {128, 1, 1}, {10}};
    }

    void boundariesAreThePublishedOnes()
    {
        QFETCH(QByteArray, name);
        QFETCH(Shapes, shapes);
        const Pair& pair = find_pair(name.toStdString());
        QCOMPARE(output_shapes(pair, Network::Teacher), shapes);
        QCOMPARE(output_shapes(pair, Network::Student), shapes);
        require_same_outputs(pair);
        QVERIFY(!is_end_to_end_only(pair.name()));
    }

    void multiplyAccumulatesAreThePublishedOnes()
    {
        QCOMPARE(million_macs(nas_cifar10(), Network::Teacher), (std::vector<double>{14.9, 12.2, 12.6, 19.0, 15.2, 14.1}));
        QCOMPARE(million_macs(compress_cifar10(), Network::Teacher), (std::vector<double>{39.5, 56.6, 94.4, 94.4, 28.3, 0.5}));
        QCOMPARE(million_macs(compress_cifar10(), Network::Student), (std::vector<double>{14.6, 15.7, 23.9, 23.5, 6.4, 0.5}));
    }

    void theSupernetHasThePublishedCells()
    {
        const Unfilled quickly_made;
        const std::vector<std::size_t> counts{2, 4, 4, 4, 4, 1};
        for (int block = 0; block < 6; ++block) {
            const std::vector<Block::Cell> cells = nas_imagenet().make_student(block, 0)->cells();
            QCOMPARE(cells.size(), counts[static_cast<std::size_t>(block)]);
            for (std::size_t cell = 0; cell < cells.size(); ++cell)
                QCOMPARE(cells[cell].candidates.size(), cell == 0 ? std::size_t{6} : std::size_t{7});
        }
    }

    // Counts are those of the Python models' state_dicts without num_batches_tracked.
    void tensorsAreNamedAsInPython_data()
    {
        QTest::addColumn<const Pair*>("pair");
        QTest::addColumn<bool>("student");
        QTest::addColumn<int>("count");
        QTest::addColumn<QStringList>("some");
        QTest::newRow("mobilenet_v2") << &nas_imagenet() << false << 262
                                      << QStringList{"features.0.0.weight", "features.0.1.running_var", "features.1.conv.1.weight",
                                             "features.1.conv.2.bias", "features.2.conv.0.0.weight",
                                             "features.2.conv.1.1.running_mean", "features.17.conv.3.weight",
                                             "features.18.0.weight", "classifier.1.bias"};
        QTest::newRow("vgg16_bn") << &compress_cifar10() << false << 84
                                  << QStringList{"features.0.bias", "features.1.running_mean", "features.7.weight",
                                         "features.40.weight", "features.41.running_var", "classifier.0.weight",
                                         "classifier.3.bias", "classifier.6.weight"};
        QTest::newRow("resnet50") << &resnet50_resnet18() << false << 267
                                  << QStringList{"conv1.weight", "bn1.running_var", "layer1.0.conv3.weight",
                                         "layer1.0.downsample.1.bias", "layer4.2.bn3.weight", "fc.bias"};
        QTest::newRow("resnet18") << &resnet50_resnet18() << true << 102
                                  << QStringList{"layer1.0.conv2.weight", "layer2.0.downsample.0.weight", "layer4.1.bn2.weight"};
        QTest::newRow("bert") << narrow_bert() << false << 201
                              << QStringList{"bert.embeddings.word_embeddings.weight", "bert.embeddings.LayerNorm.bias",
                                     "bert.encoder.layer.0.attention.self.query.weight",
                                     "bert.encoder.layer.11.attention.output.LayerNorm.weight",
                                     "bert.encoder.layer.5.intermediate.dense.bias", "bert.pooler.dense.weight", "classifier.bias"};
        QTest::newRow("small bert") << narrow_bert() << true << 105 << QStringList{"bert.encoder.layer.5.output.dense.weight"};
    }

    void tensorsAreNamedAsInPython()
    {
        QFETCH(const Pair*, pair);
        QFETCH(bool, student);
        QFETCH(int, count);
        QFETCH(QStringList, some);
        const std::set<std::string> names = names_of(*pair, student ? Network::Student : Network::Teacher);
        QCOMPARE(names.size(), static_cast<std::size_t>(count));
        for (const QString& one : some)
            QVERIFY2(names.contains(one.toStdString()), qPrintable(one));
    }

    void aPairWhoseBlocksDifferInWidthIsRefusedBlockwise()
    {
        const std::optional<Error> error = error_of([] { require_same_outputs(small_resnet()); });
        VERIFY_SAYS(error,
            "the pair cannot be trained block by block: the teacher gives [256, 8, 8], the student [64, 8, 8]: resnet-small, block "
            "layer1; plan it end to end");
        QVERIFY(error->code() == Code::BadRequest);
        QVERIFY(error_of([] { require_same_outputs(resnet50_resnet18()); }));
        QVERIFY(is_end_to_end_only("resnet50-resnet18"));
    }

    void foldedTeachersSayTheSameToRounding_data()
    {
        QTest::addColumn<const Pair*>("pair");
        QTest::newRow("convolutions with bias") << static_cast<const Pair*>(&small_compress());
        QTest::newRow("residuals with shortcuts") << static_cast<const Pair*>(&small_resnet());
        QTest::newRow("nothing to fold") << static_cast<const Pair*>(&small_bert());
    }

    void foldedTeachersSayTheSameToRounding()
    {
        QFETCH(const Pair*, pair);
        at::NoGradGuard no_grad;
        const Input input = pair->input();
        std::vector<std::int64_t> shape = input.shape;
        shape.insert(shape.begin(), 2);
        at::Tensor activation = input.is_text() ? at::randint(input.vocabulary, shape, at::kLong) : random_tensor(shape, 3);
        for (int block = 0; block < blocks_of(*pair); ++block) {
            const std::unique_ptr<Block> whole = pair->make_teacher(block, 1), folded = pair->make_teacher(block, 1);
            for (Block* one : {whole.get(), folded.get()}) {
                perturb(*one);
                freeze(*one);
            }
            folded->fold();
            const at::Tensor expected = whole->forward(activation, {}), found = folded->forward(activation, {});
            QVERIFY(found.strides() == expected.strides());
            QVERIFY(largest_difference(found, expected) <= 1e-5 * expected.abs().max().item<double>());
            QVERIFY(folded->buffers().empty());
            if (!whole->buffers().empty()) {
                QVERIFY(!same_bits(found, expected));
                QVERIFY(folded->parameters().size() < whole->parameters().size());
            }
            activation = expected;
        }
    }

    void textsStayTokensInEveryDtype_data()
    {
        QTest::addColumn<QString>("dtype");
        for (const char* dtype : {"float32", "bfloat16", "float64"})
            QTest::newRow(dtype) << dtype;
    }

    void textsStayTokensInEveryDtype()
    {
        QFETCH(QString, dtype);
        const std::string name = dtype.toStdString();
        at::Tensor activation = at::randint(50, {3, 8}, at::kLong);
        for (int block = 0; block < 2; ++block) {
            const std::unique_ptr<Block> teacher = small_bert().make_teacher(block, 1),
                                         student = small_bert().make_student(block, 1);
            move_to(*teacher, at::kCPU, weight_dtype(name));
            move_to(*student, at::kCPU, weight_dtype(name));
            const at::Tensor target = teach(*teacher, activation, name);
            QCOMPARE(target.scalar_type(), relay_dtype(name));
            QCOMPARE(target.sizes().vec(), block == 0 ? (std::vector<std::int64_t>{3, 8, 16}) : (std::vector<std::int64_t>{3, 3}));
            const Precision precision(name, at::kCPU);
            distillation_loss("mse", student->forward(activation, {.training = true}), target).backward();
            for (const NamedTensor& named : student->parameters())
                QVERIFY2(named.tensor.grad().defined(), named.name.c_str());
            activation = target;
        }
    }

    void attentionSeesEveryToken()
    {
        const std::unique_ptr<Block> block = small_bert().make_student(0, 1);
        at::Tensor text = at::randint(50, {1, 8}, at::kLong);
        const at::Tensor before = block->forward(text, {}).detach().clone();
        text[0][7] = (text[0][7] + 1).remainder(50);
        const at::Tensor after = block->forward(text, {});
        QVERIFY(largest_difference(after.select(1, 0), before.select(1, 0)) > 0); // the first token's output
    }

    void aDescriptionNamesEveryTensor_data()
    {
        QTest::addColumn<const Pair*>("pair");
        QTest::newRow("compress") << static_cast<const Pair*>(&small_compress());
        QTest::newRow("resnet") << static_cast<const Pair*>(&small_resnet());
        QTest::newRow("bert") << static_cast<const Pair*>(&small_bert());
        QTest::newRow("nas") << &find_pair("nas-digits");
    }

    void aDescriptionNamesEveryTensor()
    {
        QFETCH(const Pair*, pair);
        std::vector<std::unique_ptr<Block>> blocks;
        std::vector<Block*> network;
        for (int block = 0; block < blocks_of(*pair); ++block) {
            blocks.push_back(pair->make_teacher(block, 0));
            network.push_back(blocks.back().get());
        }
        const std::string description = describe_network(*pair, network);
        for (const Block* block : network) {
            for (const NamedTensor& named : block->parameters()) {
                const std::string layer = named.name.substr(0, named.name.rfind('.'));
                const bool inside = layer.starts_with("bert.e"); // embeddings, encoder layers: named as a whole
                QVERIFY2(inside || description.find("\"name\":\"" + layer + "\"") != std::string::npos, named.name.c_str());
            }
        }
    }

    void aSupernetIsDescribedOnceItIsChosen()
    {
        const std::unique_ptr<Block> block = find_pair("nas-digits").make_student(5, 0);
        VERIFY_SAYS(error_of([&] { block->description(); }), "blocks.5.cells.0; choose a candidate for it");
        block->choose({2});
        const std::vector<Description> steps = block->description();
        QCOMPARE(steps.front().type, std::string("cell"));
        QCOMPARE(steps.front().parts.front().front().name, std::string("blocks.5.cells.0.mbconv_5x5_e3.expand.conv"));
        block->derive({"mbconv_5x5_e3"});
        QCOMPARE(block->description().front().parts.front().size(), steps.front().parts.front().size());
    }
};

QTEST_GUILESS_MAIN(TestBuiltInPairs)
#include "test_built_in_pairs.moc"
