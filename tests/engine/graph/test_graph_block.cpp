// Blocks of exported programs: what they compute, alone and in groups, with dropout, and where programs may be cut.
#include <QTest>

#include "base/checksum.h"
#include "engine/graph/cut_program.h"
#include "engine/graph/examine.h"
#include "engine/graph/imported_pair.h"
#include "engine/graph/noise.h"
#include "engine/graph/pair_file.h"
#include "engine/models/block_costs.h"
#include "engine/models/precision.h"
#include "engine/models/tensor_file.h"
#include "engine/pairs.h"
#include "engine/training/models.h"
#include "engine_testing.h"
#include "exported_archive.h"
#include "stored_tensor.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/randint.h>
#include <ATen/ops/zeros.h>

#include <QTemporaryDir>

#include <algorithm>
#include <functional>
#include <numeric>
#include <set>

using namespace pipebd;
using namespace pipebd::engine;
using namespace pipebd::test;
using nlohmann::json;

namespace {

constexpr const char* image_blocks = "stem,body.0,body.1,drop+head";

at::Tensor expected(const std::string& network, const std::string& name)
{
    return tensor_of(SafetensorsFile(exported(network + ".safetensors")), name);
}

std::vector<std::unique_ptr<Block>> make_all(const CutProgram& network, at::ScalarType type)
{
    std::vector<std::unique_ptr<Block>> blocks;
    for (std::size_t b = 0; b < network.segments().size(); ++b) {
        blocks.push_back(network.make(static_cast<int>(b)));
        move_to(*blocks.back(), at::kCPU, type);
    }
    return blocks;
}

at::Tensor run(const std::vector<std::unique_ptr<Block>>& blocks, at::Tensor activation, const Context& context)
{
    for (const auto& block : blocks)
        activation = block->forward(activation, context);
    return activation;
}

/// All dropout and stochastic depth at rest.
void silence(json& model)
{
    for (json& node : model["graph_module"]["graph"]["nodes"]) {
        const std::string target = node["target"];
        if (target.find("dropout.") != std::string::npos)
            argument_of(node, "p") = {{"as_float", 0.0}};
        if (target.find("bernoulli_") != std::string::npos)
            argument_of(node, "p") = {{"as_float", 1.0}};
        if (target.find("div_") != std::string::npos)
            argument_of(node, "other") = {{"as_float", 1.0}};
        if (target.find("scaled_dot_product_attention") != std::string::npos)
            argument_of(node, "dropout_p") = {{"as_float", 0.0}};
    }
}

} // namespace

class TestGraphBlock : public QObject {
    Q_OBJECT

    QTemporaryDir folder_;

    std::filesystem::path file(const std::string& name) const { return std::filesystem::path(folder_.path().toStdString()) / name; }

    std::filesystem::path write(const std::string& network, const std::function<void(json&)>& change) const
    {
        Archive archive = Archive::of(network);
        json model = archive.model();
        change(model);
        archive.set_model(model);
        archive.write(file(network + ".pt2"));
        return file(network + ".pt2");
    }

    CutProgram program(const std::string& network, const std::string& blocks) const
    {
        return CutProgram(exported(network + ".pt2"), blocks, "blocks");
    }

    std::string cut_error(
        const std::string& network, const std::string& blocks, const std::function<void(json&)>& change = {}) const
    {
        const std::filesystem::path path = change ? write(network, change) : exported(network + ".pt2");
        const auto error = error_of([&] { CutProgram(path, blocks, "--teacher-blocks"); });
        return error ? error->what() : "";
    }

private Q_SLOTS:
    void computesWhatPyTorchComputes_data()
    {
        QTest::addColumn<QString>("network");
        QTest::addColumn<QString>("blocks");
        QTest::newRow("images, whole") << "images"
                                       << ".";
        QTest::newRow("images, cut") << "images" << image_blocks;
        QTest::newRow("texts, whole") << "texts"
                                      << ".";
        QTest::newRow("texts, cut") << "texts"
                                    << "words,layers.0,first+second+head";
    }

    void computesWhatPyTorchComputes()
    {
        QFETCH(QString, network);
        QFETCH(QString, blocks);
        const std::string name = network.toStdString();
        const CutProgram cut(write(name, silence), blocks.toStdString(), "blocks");
        const auto made = make_all(cut, at::kDouble);
        {
            at::NoGradGuard no_grad;
            QVERIFY(largest_difference(run(made, expected(name, "input"), {}), expected(name, "eval.output")) < 1e-12);
        }
        const at::Tensor output = run(made, expected(name, "input"), {.training = true});
        QVERIFY(largest_difference(output, expected(name, "train.output")) < 1e-12);
        (output * expected(name, "direction")).sum().backward();
        std::set<std::string> names;
        for (const auto& block : made) {
            for (const NamedTensor& parameter : block->parameters()) {
                QVERIFY2(largest_difference(parameter.tensor.grad(), expected(name, "gradient." + parameter.name)) < 1e-11,
                    parameter.name.c_str());
                names.insert(parameter.name);
            }
            for (const NamedTensor& buffer : block->buffers()) {
                QVERIFY2(largest_difference(buffer.tensor, expected(name, "buffer." + buffer.name)) < 1e-12, buffer.name.c_str());
                names.insert(buffer.name);
            }
        }
        QCOMPARE(names.contains("first.weight") && !names.contains("second.weight"), name == "texts"); // tied: once
        QCOMPARE(names.contains("stem.1.num_batches_tracked"), name == "images");
    }

    void evaluationLeavesNothingOut()
    {
        for (const std::string name : {"images", "texts"}) {
            at::NoGradGuard no_grad;
            const auto made = make_all(program(name, "."), at::kDouble);
            QVERIFY(largest_difference(run(made, expected(name, "input"), {}), expected(name, "eval.output")) < 1e-12);
        }
    }

    void bfloat16ComputesNearlyTheSame()
    {
        for (const std::string name : {"images", "texts"}) {
            // Blocks need nothing of the program that they are made of.
            const auto made
                = make_all(CutProgram(write(name, silence), name == "images" ? image_blocks : ".", "blocks"), at::kFloat);
            const Precision precision("bfloat16", at::kCPU);
            at::Tensor activation = expected(name, "input");
            activation = activation.is_floating_point() ? activation.to(at::kFloat) : activation;
            for (const auto& block : made) // relayed as a run does
                activation = block->forward(activation, {.training = true}).to(at::kBFloat16);
            QVERIFY(largest_difference(activation, expected(name, "train.output")) < 0.1);
            activation.sum().backward();
            QVERIFY(made.back()->parameters().back().tensor.grad().scalar_type() == at::kFloat);
        }
    }

    void anyBatchIsTaken()
    {
        at::NoGradGuard no_grad;
        for (const std::string name : {"images", "texts"}) {
            const auto made = make_all(program(name, "."), at::kDouble);
            const at::Tensor input = expected(name, "input");
            const at::Tensor one = run(made, input.narrow(0, 1, 1), {});
            const at::Tensor many = run(made, at::cat({input, input, input}), {});
            QVERIFY(largest_difference(one, expected(name, "eval.output").narrow(0, 1, 1)) < 1e-12);
            QCOMPARE(many.size(0), std::int64_t{12});
        }
    }

    void theInputIsLeftAsItWas()
    {
        // The block begins with what the file has as an operator in place.
        const auto blocks = make_all(program("images", "stem.0+stem.1,stem.2+body,drop+head"), at::kFloat);
        const at::Tensor input = random_map({2, 6, 6, 6}, 1);
        const at::Tensor before = input.clone();
        blocks[1]->forward(input, {.training = true}).sum().backward();
        QVERIFY(same_bits(input, before));
    }

    void masksAreThoseOfTheWholeBatch_data()
    {
        QTest::addColumn<QString>("network");
        QTest::newRow("images") << "images";
        QTest::newRow("texts") << "texts";
    }

    // Batch norm would see the split; dropout does not.
    void masksAreThoseOfTheWholeBatch()
    {
        QFETCH(QString, network);
        const std::string name = network.toStdString();
        const CutProgram cut = program(name, name == "images" ? image_blocks : ".");
        const std::size_t last = cut.segments().size() - 1; // of the images: dropout and the classifier
        const std::unique_ptr<Block> block = cut.make(static_cast<int>(last));
        const at::Tensor input = name == "images" ? random_map({6, 6, 5, 5}, 3) : at::randint(0, 20, {6, 6}, at::kLong);
        const at::Tensor taken = name == "images" ? input.mean({2, 3}) : input;
        const auto forward = [&](std::int64_t first, std::int64_t rows, std::int64_t step) {
            return block->forward(taken.narrow(0, first, rows), {.training = true, .seed = 7, .step = step, .first_row = first});
        };
        const at::Tensor whole = forward(0, 6, 0);
        const at::Tensor parts = at::cat({forward(0, 1, 0), forward(1, 3, 0), forward(4, 2, 0)});
        QVERIFY(largest_difference(whole, parts) < 1e-6);
        QVERIFY(same_bits(whole, forward(0, 6, 0)));
        QVERIFY(largest_difference(whole, forward(0, 6, 1)) > 1e-3); // another step, other masks
        QVERIFY(largest_difference(whole, block->forward(taken, {})) > 1e-3);
    }

    void masksHaveTheirProbability()
    {
        const Context context{.training = true, .seed = 1, .step = 2};
        const at::Tensor mask = bernoulli_mask({64, 1000}, at::kFloat, 0.3, {.context = context, .place = 5, .batch = 64});
        QVERIFY(std::abs(mask.mean().item<double>() - 0.3) < 0.005); // 2.8 deviations
        QVERIFY(((mask == 0) | (mask == 1)).all().item<bool>());
        const at::Tensor rows = mask.mean(1);
        QVERIFY(rows.std().item<double>() < 0.03 && rows.std().item<double>() > 0.007); // rows differ as chance has it
        const at::Tensor other = bernoulli_mask({64, 1000}, at::kFloat, 0.3, {.context = context, .place = 6, .batch = 64});
        QVERIFY(std::abs((mask * other).mean().item<double>() - 0.09) < 0.005);
        const at::Tensor dropped = dropout(at::ones({64, 1000}), 0.3, {.context = context, .place = 5, .batch = 64}, false);
        QVERIFY(std::abs(dropped.mean().item<double>() - 1) < 0.01);
        const at::Tensor maps = feature_dropout(at::ones({8, 50, 4, 4}), 0.5, {.context = context, .place = 5, .batch = 8}, false);
        QVERIFY(at::equal(maps, maps.narrow(2, 0, 1).narrow(3, 0, 1).expand_as(maps)));
        QVERIFY(std::abs(maps.mean().item<double>() - 1) < 0.2);
    }

    void aGpuDrawsWhatACpuDraws()
    {
        const Context context{.training = true, .seed = 3, .step = 4, .first_row = 5};
        const NoisePlace place{.context = context, .place = 6, .batch = 8};
        for (double p : {0.0, 0.25, 0.9, 1.0}) {
            const at::Tensor by_loop = bernoulli_mask({8, 7, 11}, at::kFloat, p, place);
            QVERIFY(same_bits(by_loop, bernoulli_mask_by_tensors({8, 7, 11}, at::kFloat, p, place)));
        }
    }

    void aFoldedBlockComputesTheSame()
    {
        at::NoGradGuard no_grad;
        const CutProgram cut = program("images", ".");
        const std::unique_ptr<Block> plain = cut.make(0), folded = cut.make(0);
        folded->fold();
        QVERIFY(folded->buffers().empty());
        QCOMPARE(
            folded->parameters().size(), plain->parameters().size() - 4); // three norms' weights, and the first convolution's bias
        const at::Tensor input = expected("images", "input").to(at::kFloat);
        QVERIFY(largest_difference(folded->forward(input, {}), plain->forward(input, {})) < 1e-5);
    }

    void whereAProgramIsCut_data()
    {
        QTest::addColumn<QString>("network");
        QTest::addColumn<QString>("blocks");
        QTest::addColumn<QString>("said");
        const auto row = [](const char* name, const char* network, const char* blocks, const char* said) {
            QTest::newRow(name) << network << blocks << said;
        };
        row("children", "images", "", "stem,body,head");
        row("children of texts", "texts", "", "words,layers,first,second,head");
        row("ranges", "images", " stem.0-2, body.0-1 ,head", "stem.0-2,body.0-1,head");
        row("residual", "images", "stem,body.0.conv,body.0.norm+body.0.relu+body.1,head",
            "2 tensors would cross the cut between 'body.0.conv' and 'body.0.norm+body.0.relu+body.1': 'relu_' in stem.2, "
            "'conv2d_1' in body.0.conv: --teacher-blocks; the nearest possible cuts are after stem and after 'add__2' in body.0");
        row("not there", "images", "stem,bodies,head",
            "there is no module 'bodies': --teacher-blocks; the model has the modules: stem.0, stem.1, stem.2, "
            "body.0.conv, body.0.norm, body.0.depth, body.0, body.0.relu, body.1.conv, body.1.norm, body.1.depth, body.1, ...");
        row("wrong order", "images", "body,stem,head",
            "the blocks 'body' and 'stem' do not run one after the other: --teacher-blocks; list blocks in the order in which they "
            "run, "
            "or join these two with +");
        row("forgotten", "images", "stem,body.0,head",
            "the module 'body.1.conv' has parameters but belongs to no block: --teacher-blocks; add it to a block with +");
        row("twice", "images", "stem,stem.1+body,head",
            "the module 'stem.1' belongs to two blocks: --teacher-blocks; name each module once");
        row("tied", "texts", "words+layers,first,second,head",
            "the blocks 'first' and 'second' share 'first.weight': --teacher-blocks; put both in one block");
        row("empty part", "images", "stem,,head",
            "a part of the block list is empty: '': --teacher-blocks; write e.g. features.0-3,features.4-6,avgpool+classifier");
        row("empty range", "images", "stem.2-0",
            "the range is empty: 'stem.2-0': --teacher-blocks; write e.g. features.0-3,features.4-6,avgpool+classifier");
        row("no path", "images", "stem..0",
            "not a valid module path: 'stem..0': --teacher-blocks; write e.g. features.0-3,features.4-6,avgpool+classifier");
    }

    void whereAProgramIsCut()
    {
        QFETCH(QString, network);
        QFETCH(QString, blocks);
        QFETCH(QString, said);
        if (said.contains("--teacher-blocks"))
            QCOMPARE(QString::fromStdString(cut_error(network.toStdString(), blocks.toStdString())), said);
        else if (network == "images" || !blocks.isEmpty())
            QCOMPARE(QString::fromStdString(program(network.toStdString(), blocks.toStdString()).block_list()), said);
        else // its default cannot be, for the tie
            QVERIFY(cut_error(network.toStdString(), "").starts_with("the blocks 'first' and 'second' share"));
    }

    void anImportedPairIsAPair()
    {
        const PairFile description = import_pair();
        const std::shared_ptr<const Pair> pair = open_pair("mine", folder_.path().toStdString());
        QCOMPARE(pair->name(), std::string_view("mine"));
        QCOMPARE(pair->classes(), 4);
        QCOMPARE(pair->input().shape, (std::vector<std::int64_t>{3, 6, 6}));
        QCOMPARE(pair->block_names(), description.block_names);
        QCOMPARE(output_shapes(*pair, Network::Teacher), (std::vector<std::vector<std::int64_t>>{{6, 6, 6}, {6, 6, 6}, {6}, {4}}));
        const std::unique_ptr<Block> one = pair->make_student(1, 0), other = pair->make_student(1, 1);
        QVERIFY(same_bits(one->parameters()[0].tensor, other->parameters()[0].tensor)); // as in the file
        QVERIFY(!one->parameters()[0].tensor.is_same(other->parameters()[0].tensor));
        QVERIFY(one->parameters()[0].tensor.requires_grad());
        experiment::Experiment experiment;
        const TeacherWeights weights(experiment, *pair);
        QCOMPARE(weights.sha256(), description.teacher.sha256);
    }

    void aChangedModelOrDescriptionIsRefused()
    {
        import_pair();
        std::string model = read_file(file("student.pt2"));
        model[model.find(Archive::of("images").entry("data/weights/weight_0")) + 5] ^= 1; // I3: no rule is broken
        replace_file(file("student.pt2"), model);
        VERIFY_SAYS(error_of([&] { open_imported_pair(folder_.path().toStdString()); }),
            "the model file has changed since it was imported (its SHA-256 differs)");

        const auto refused = [&](const std::string& pointer, const json& value, const char* sentence) {
            import_pair();
            json pair = json::parse(read_file(file("pair.json")));
            pair[json::json_pointer(pointer)] = value;
            replace_file(file("pair.json"), pair.dump());
            const auto error = error_of([&] { open_imported_pair(folder_.path().toStdString()); });
            VERIFY_SAYS(error, sentence);
        };
        refused("/format", "pipebd.pair/2", "the pair was written by a later version (pipebd.pair/2)");
        refused("/format", "pairs", "this is not a pipebd.pair/1");
        refused("/teacher/file", "../teacher.pt2", "this is not the name of a file in the pair's folder");
        refused("/teacher/kind", "pickle", "unknown kind of model, 'pickle'");
        refused("/teacher/kind", "torchscript", "the TorchScript module cannot be loaded");
        refused("/teacher/sha256", "00", "this is not a SHA-256");
        refused("/classes", 5, "input, classes or blocks of a model differ from those of the pair");
        refused("/input/shape/0", 1, "input, classes or blocks of a model differ from those of the pair");
        refused("/block_names", json::array(), "there are no blocks");
        std::filesystem::remove(file("pair.json"));
        const auto error = error_of([&] { open_imported_pair(folder_.path().toStdString()); });
        QVERIFY(error && error->code() == Code::NotFound);
    }

    void anExaminationSaysWhatItFound()
    {
        const ExaminedNetwork network{.file = exported("images.pt2"), .blocks = image_blocks};
        const Examination found = examine(network, network);
        QCOMPARE(found.classes, 4);
        QCOMPARE(found.teacher_blocks, std::string(image_blocks));
        QCOMPARE(found.blocks.size(), std::size_t{4});
        QCOMPARE(found.blocks[1].name, std::string("body.0"));
        QCOMPARE(found.blocks[1].output_shape, (std::vector<std::int64_t>{6, 6, 6}));
        QCOMPARE(found.blocks[1].student_parameters, std::int64_t{6 * 6 * 9 + 12});
        QCOMPARE(found.blocks[1].gradient_tensors, std::int64_t{3});
        QVERIFY(found.blocks[1].without_gradient.empty());
        const ExaminedNetwork texts{.file = exported("texts.pt2"), .blocks = "words,layers,first+second+head"};
        QCOMPARE(examine(texts, texts).input.vocabulary, std::int64_t{20});
        QVERIFY(examine(texts, texts).input.is_text());
    }

    void anExaminationRefusesWhatDoesNotFit()
    {
        const ExaminedNetwork images{.file = exported("images.pt2"), .blocks = image_blocks};
        const auto refused = [](const ExaminedNetwork& teacher, const ExaminedNetwork& student) {
            const auto error = error_of([&] { examine(teacher, student); });
            return QString(error ? error->what() : "");
        };
        QVERIFY(refused(images, {.file = exported("texts.pt2"), .blocks = "."})
                    .startsWith("teacher and student take different inputs, [3, 6, 6] and tokens [6]: "));
        QVERIFY(refused(images, {.file = exported("images.pt2"), .blocks = "stem,body,head"})
                    .startsWith("the teacher has 4 blocks (stem,body.0,body.1,drop+head), the student 3 (stem,body,head): "));
        const ExaminedNetwork three{.file = exported("images.pt2"), .blocks = "stem,body,head"};
        const ExaminedNetwork other{.file = write("images",
                                        [](json& model) {
                                            argument_of(node_of(model, "conv2d_2"), "stride") = {{"as_ints", {1, 1}}};
                                            argument_of(node_of(model, "conv2d"), "stride") = {{"as_ints", {2, 2}}};
                                        }),
            .blocks = "stem,body,head"};
        QCOMPARE(refused(three, other),
            QString("the teacher gives [batch, 6, 6, 6], the student [batch, 6, 3, 3]: block 0, 'stem'; cut where both have the "
                    "same shape, or import the pair with --end-to-end, for end-to-end strategies only"));
        QCOMPARE(examine(three, other, true).blocks.size(), std::size_t{3});
    }

private:
    PairFile import_pair() const
    {
        PairFile pair;
        pair.name = "mine";
        pair.input.shape = {3, 6, 6};
        pair.classes = 4;
        pair.block_names = {"a", "b", "c", "d"};
        for (auto [network, name] : {std::pair{&pair.teacher, "teacher.pt2"}, std::pair{&pair.student, "student.pt2"}}) {
            network->file = name;
            network->blocks = image_blocks;
            replace_file(file(name), read_file(exported("images.pt2")));
            network->sha256 = sha256_of_file(file(name));
        }
        replace_file(file("pair.json"), to_json(pair));
        return pair;
    }
};

QTEST_GUILESS_MAIN(TestGraphBlock)
#include "test_graph_block.moc"
