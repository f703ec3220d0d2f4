// The pair nas-digits: its blocks fit together, its tensors are named, initialised and loaded as promised.
#include "base/checksum.h"
#include "base/file.h"
#include "base/safetensors.h"
#include "engine/pairs.h"
#include "engine/training/loss.h"
#include "engine_testing.h"

#include <ATen/core/grad_mode.h>

#include <QTemporaryDir>
#include <cmath>
#include <functional>
#include <map>
#include <set>

using namespace pipebd;
using namespace pipebd::engine;

namespace {

constexpr int block_count = 6;

const Pair& pair()
{
    return find_pair("nas-digits");
}

std::unique_ptr<Block> make(bool teacher, int block, std::uint64_t seed = 0)
{
    return teacher ? pair().make_teacher(block, seed) : pair().make_student(block, seed);
}

std::vector<NamedTensor> tensors_of(const Block& block)
{
    std::vector<NamedTensor> tensors = block.parameters();
    tensors.insert(tensors.end(), block.buffers().begin(), block.buffers().end());
    return tensors;
}

/// A safetensors file of a block, with one tensor changed, left out or given another shape by `change`.
class WeightsFile {
public:
    using Change = std::function<void(std::vector<TensorView>&)>;

    explicit WeightsFile(
        const Block& block, const Change& change = [](std::vector<TensorView>&) {})
    {
        std::vector<at::Tensor> values;
        std::vector<TensorView> views;
        for (const NamedTensor& named : tensors_of(block)) {
            values.push_back(named.tensor.detach().contiguous());
            const at::Tensor& tensor = values.back();
            views.push_back({named.name, DType::F32, tensor.sizes().vec(),
                std::as_bytes(std::span(tensor.const_data_ptr<float>(), static_cast<std::size_t>(tensor.numel())))});
        }
        change(views);
        const std::filesystem::path file = std::filesystem::path(folder_.path().toStdString()) / "weights.safetensors";
        write_safetensors(file, views);
        mapped_.emplace(file);
    }

    std::span<const std::byte> bytes() const { return mapped_->bytes(); }

private:
    QTemporaryDir folder_;
    std::optional<MappedFile> mapped_;
};

void both_networks()
{
    QTest::addColumn<bool>("teacher");
    QTest::newRow("teacher") << true;
    QTest::newRow("student") << false;
}

} // namespace

class TestPair : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void blocksFitTogether_data() { both_networks(); }

    void blocksFitTogether()
    {
        QFETCH(bool, teacher);
        const std::vector<std::vector<std::int64_t>> shapes{{16, 32, 32}, {24, 16, 16}, {48, 8, 8}, {64, 8, 8}, {112, 4, 4}, {10}};
        QCOMPARE(pair().block_names().size(), std::size_t{block_count});
        at::NoGradGuard no_grad;
        at::Tensor map = random_map({3, 1, 32, 32}, 1);
        for (int block = 0; block < block_count; ++block) {
            map = make(teacher, block)->forward(map, {});
            std::vector<std::int64_t> expected = shapes[static_cast<std::size_t>(block)];
            expected.insert(expected.begin(), 3);
            QCOMPARE(map.sizes().vec(), expected);
        }
    }

    void theStudentsCellsAreThoseOfTheSupernet()
    {
        const std::vector<std::size_t> counts{2, 4, 4, 4, 4, 1};
        for (int block = 0; block < block_count; ++block) {
            const std::vector<Block::Cell> cells = make(false, block)->cells();
            QCOMPARE(cells.size(), counts[static_cast<std::size_t>(block)]);
            for (std::size_t cell = 0; cell < cells.size(); ++cell) {
                // Block 0 begins at the width 8 of the first cell, so its second cell alone keeps its width.
                QCOMPARE(cells[cell].candidates.size(), cell == 0 ? std::size_t{6} : std::size_t{7});
            }
            QVERIFY(make(true, block)->cells().empty());
        }
    }

    void namesAreUniqueAndNameTheBlock_data() { both_networks(); }

    void namesAreUniqueAndNameTheBlock()
    {
        QFETCH(bool, teacher);
        std::set<std::string> names;
        for (int block = 0; block < block_count; ++block) {
            for (const NamedTensor& named : tensors_of(*make(teacher, block))) {
                QVERIFY2(names.insert(named.name).second, named.name.c_str());
                QVERIFY2(named.name.starts_with("blocks." + std::to_string(block) + "."), named.name.c_str());
            }
        }
        for (const char* name :
            {"blocks.0.stem.conv.weight", "blocks.0.first.depthwise.norm.running_var", "blocks.5.classifier.bias"})
            QVERIFY2(names.contains(name), name);
        QVERIFY(
            names.contains(teacher ? "blocks.1.cells.0.expand.conv.weight" : "blocks.1.cells.0.mbconv_7x7_e6.expand.conv.weight"));
    }

    void initialValuesDependOnSeedNetworkAndNameOnly_data() { both_networks(); }

    void initialValuesDependOnSeedNetworkAndNameOnly()
    {
        QFETCH(bool, teacher);
        make(teacher, 1);
        const std::unique_ptr<Block> one = make(teacher, 2), again = make(teacher, 2), other = make(teacher, 2, 1);
        for (std::size_t i = 0; i < one->parameters().size(); ++i) {
            const NamedTensor& named = one->parameters()[i];
            QVERIFY2(same_bits(named.tensor, again->parameters()[i].tensor), named.name.c_str());
            if (named.name.ends_with("conv.weight"))
                QVERIFY2(!same_bits(named.tensor, other->parameters()[i].tensor), named.name.c_str());
        }
        const auto stem = [](const Block& block) { return block.parameters().front().tensor; };
        QVERIFY(!same_bits(stem(*make(true, 0)), stem(*make(false, 0))));
    }

    void convolutionsAreKaimingNormalAndNormsStartAsTheIdentity_data() { both_networks(); }

    void convolutionsAreKaimingNormalAndNormsStartAsTheIdentity()
    {
        QFETCH(bool, teacher);
        const std::unique_ptr<Block> block = make(teacher, 4);
        for (const NamedTensor& named : tensors_of(*block)) {
            if (named.name.ends_with("conv.weight")) {
                const double fan_out = static_cast<double>(named.tensor.size(0) * named.tensor.size(2) * named.tensor.size(3));
                const double deviation = named.tensor.detach().std().item<double>() * std::sqrt(fan_out / 2);
                QVERIFY2(std::abs(deviation - 1) < 0.05, qPrintable(QString("%1: %2").arg(named.name.c_str()).arg(deviation)));
            } else {
                const bool one = named.name.ends_with("norm.weight") || named.name.ends_with("running_var");
                QVERIFY2(named.tensor.detach().eq(one ? 1.0 : 0.0).all().item<bool>(), named.name.c_str());
            }
        }
    }

    void loadedWeightsAreThoseOfTheFile_data() { both_networks(); }

    void loadedWeightsAreThoseOfTheFile()
    {
        QFETCH(bool, teacher);
        const std::unique_ptr<Block> source = make(teacher, 3, 5), block = make(teacher, 3);
        source->buffers().front().tensor.detach().fill_(0.25);
        load_weights(*block, WeightsFile(*source).bytes(), "weights.safetensors");
        const std::vector<NamedTensor> expected = tensors_of(*source), loaded = tensors_of(*block);
        for (std::size_t i = 0; i < expected.size(); ++i)
            QVERIFY2(same_bits(loaded[i].tensor, expected[i].tensor), loaded[i].name.c_str());
        QVERIFY(block->parameters().front().tensor.requires_grad());
    }

    void weightsThatDoNotFitAreRefusedByTheTensor_data()
    {
        QTest::addColumn<WeightsFile::Change>("change");
        QTest::addColumn<QByteArray>("says");
        const auto classifier = [](std::vector<TensorView>& views) {
            return std::find_if(
                views.begin(), views.end(), [](const TensorView& view) { return view.name == "blocks.5.classifier.weight"; });
        };
        QTest::newRow("missing") << WeightsFile::Change([=](auto& views) { views.erase(classifier(views)); })
                                 << QByteArray("is missing: f.safetensors, tensor blocks.5.classifier.weight");
        QTest::newRow("another shape") << WeightsFile::Change([=](auto& views) {
            classifier(views)->shape = {640, 10};
        }) << QByteArray("shape is [640, 10], not [10, 640]: f.safetensors, tensor blocks.5.classifier.weight");
        QTest::newRow("another type") << WeightsFile::Change([=](auto& views) { classifier(views)->dtype = DType::I32; })
                                      << QByteArray("is I32, not F32: f.safetensors, tensor blocks.5.classifier.weight");
    }

    void weightsThatDoNotFitAreRefusedByTheTensor()
    {
        QFETCH(WeightsFile::Change, change);
        QFETCH(QByteArray, says);
        const std::unique_ptr<Block> block = make(true, 5);
        const WeightsFile file(*block, change);
        const std::optional<Error> error = error_of([&] { load_weights(*block, file.bytes(), "f.safetensors"); });
        VERIFY_SAYS(error, says);
        QVERIFY(error->code() == Code::Damaged);
    }

    void aFrozenBlockHasNothingToTrain()
    {
        const std::unique_ptr<Block> block = make(true, 0);
        freeze(*block);
        QVERIFY(!block->forward(random_map({2, 1, 32, 32}, 1), {}).requires_grad());
    }

    void movingChangesTheTensorsThatLayersUse()
    {
        const std::unique_ptr<Block> block = make(false, 0), moved = make(false, 0);
        move_to(*moved, at::Device(at::kCPU));
        const at::Tensor input = random_map({2, 1, 32, 32}, 1);
        QVERIFY(same_bits(moved->forward(input, {}), block->forward(input, {})));
        at::NoGradGuard no_grad;
        for (const NamedTensor& named : moved->parameters())
            named.tensor.detach().zero_();
        QCOMPARE(moved->forward(input, {}).abs().max().item<double>(), 0.0);
    }

    void movedToDoublePrecisionABlockComputesTheSameToRounding()
    {
        const std::unique_ptr<Block> block = make(false, 0), moved = make(false, 0);
        move_to(*moved, at::Device(at::kCPU), at::kDouble);
        const at::Tensor input = random_map({2, 1, 32, 32}, 1);
        const at::Tensor output = moved->forward(input.to(at::kDouble), {});
        QCOMPARE(output.scalar_type(), at::kDouble);
        const double difference = (output - block->forward(input, {})).abs().max().item<double>();
        QVERIFY2(difference > 0 && difference < 1e-3, qPrintable(QString::number(difference)));
    }

    void theTeacherThatComesWithThePairIsTheOneThatWasTrained()
    {
        const std::span<const std::byte> weights = pair().teacher_weights();
        if (weights.empty())
            QSKIP("built without resources/nas-digits-teacher.safetensors");
        QCOMPARE(sha256(weights), std::string(pair().teacher_weights_sha256()));
        for (int block = 0; block < block_count; ++block)
            load_weights(*make(true, block), weights, "the teacher that comes with the pair");
    }

    void anUnknownPairIsRefused()
    {
        const std::optional<Error> error = error_of([] { find_pair("nas-letters"); });
        VERIFY_SAYS(error, "\"nas-letters\"; choose one of: nas-digits, nas-cifar10");
        QVERIFY(error->code() == Code::NotFound);
        for (std::string_view name : pair_names())
            QCOMPARE(find_pair(name).name(), name);
    }
};

QTEST_GUILESS_MAIN(TestPair)
#include "test_pair.moc"
