// What other tools write is read as they read it: images by Pillow and torchvision, CIFAR records by numpy.
#include "base/random.h"
#include "engine/data/augmentation.h"
#include "engine/data/data_set.h"
#include "engine_testing.h"
#include "image_oracle.h"
#include "python.h"

#include <ATen/ops/from_blob.h>

#include <QTemporaryDir>

#include <fstream>

using namespace pipebd;
using namespace pipebd::engine;
namespace fs = std::filesystem;

class TestImageOracle : public QObject {
    Q_OBJECT

    QTemporaryDir m_folder;

    fs::path at_path(const std::string& name) const { return fs::path(m_folder.path().toStdString()) / name; }

    /// What the program says on standard error; empty if it went well.
    static QString failure_of_oracle(const QStringList& arguments)
    {
        const test::PythonEnded ended = test::pythonScript("data_oracle.py", arguments);
        return ended.status == 0 ? QString() : "it failed: " + ended.errors.trimmed();
    }

private Q_SLOTS:
    void initTestCase()
    {
        if (const QString why = test::whyPythonCannotImport("numpy, PIL, safetensors, torchvision"); !why.isEmpty())
            QSKIP(qPrintable(why));
        QCOMPARE(failure_of_oracle({"images", at_path("many.safetensors").c_str(), "many"}), QString());
    }

    void imagesOfManySizesAndKindsAreReadAsPillowAndTorchvisionDo()
    {
        const fs::path folder = at_path("images");
        const SafetensorsFile oracle(at_path("many.safetensors"));
        const std::vector<test::OracleImage> images = test::images_of(oracle);
        QVERIFY(images.size() > 150);
        fs::create_directories(folder / "train" / "all");
        fs::create_directories(folder / "val" / "all");
        std::vector<std::pair<std::string, const TensorView*>> evaluations;
        for (const test::OracleImage& image : images) {
            test::compare_with_pillow(image);
            for (const char* part : {"train", "val"})
                std::ofstream(folder / part / "all" / image.name, std::ios::binary)
                    .write(reinterpret_cast<const char*>(image.bytes.data()), static_cast<std::streamsize>(image.bytes.size()));
            evaluations.emplace_back(image.name, image.evaluation);
        }

        experiment::Experiment experiment;
        experiment.data.source = "imagefolder";
        experiment.data.path = folder.native();
        const auto data = open_data(experiment, Input{.shape = {3, 24, 24}}, 1, {.threads = 1});
        std::ranges::sort(evaluations);
        for (std::size_t i = 0; i < evaluations.size(); ++i) {
            const std::vector<Sample> sample{{.index = static_cast<std::int64_t>(i)}};
            const at::Tensor expected = at::from_blob(
                const_cast<std::byte*>(evaluations[i].second->data.data()), evaluations[i].second->shape, at::kFloat);
            QVERIFY2(largest_difference(data->get(DataSet::Split::Test, sample).input[0], expected) < 1e-6,
                evaluations[i].first.c_str());
        }
    }

    void aTrainingImageIsThePartThatIsDrawnForIt()
    {
        const SafetensorsFile oracle(at_path("many.safetensors"));
        const std::vector<test::OracleImage> images = test::images_of(oracle);
        const fs::path folder = at_path("training");
        fs::create_directories(folder / "train" / "all");
        fs::create_directories(folder / "val" / "all");
        const auto write = [&](const std::string& part, const std::string& name, const test::OracleImage& image) {
            std::ofstream(folder / part / "all" / name, std::ios::binary)
                .write(reinterpret_cast<const char*>(image.bytes.data()), static_cast<std::streamsize>(image.bytes.size()));
        };
        const auto named = [&](const char* name) { return *std::ranges::find(images, name, &test::OracleImage::name); };
        const test::OracleImage jpeg = named("500x375 420.jpg"), png = named("500x375 colour.png");
        write("train", "0.jpg", jpeg);
        write("train", "1.jpg", png);
        write("val", "0.jpg", png);

        experiment::Experiment experiment;
        experiment.seed = 5;
        experiment.data.source = "imagefolder";
        experiment.data.path = folder.native();
        experiment.data.augment = "imagenet";
        const auto data = open_data(experiment, Input{.shape = {3, 24, 24}}, 1);
        double largest = 0;
        for (std::int64_t epoch = 0; epoch < 20; ++epoch) {
            for (std::int64_t index : {0, 1}) {
                Draws draws(draw({5, coordinate("augment"), static_cast<std::uint64_t>(epoch), static_cast<std::uint64_t>(index)}));
                const Image whole = decode_image((index == 0 ? jpeg : png).bytes, "image");
                const Image part = resized(whole, random_part(500, 375, draws), 24, 24, {0, 0, 24, 24});
                at::Tensor expected = at::from_blob(const_cast<std::uint8_t*>(part.pixels.data()), {24, 24, 3}, at::kByte);
                if (flips(draws))
                    expected = expected.flip({1});
                const std::vector<Sample> sample{{index, epoch}};
                const at::Tensor green = data->get(DataSet::Split::Train, sample).input[0][1].mul(0.224).add(0.456).mul(255);
                const at::Tensor difference = (green - expected.select(2, 1)).abs();
                if (index == 1)
                    QVERIFY(difference.max().item<double>() < 1e-3);
                largest = std::max(largest, difference.mean().item<double>());
            }
        }
        QVERIFY2(largest > 0.1 && largest < 3, qPrintable(QString::number(largest))); // JPEGs are decoded smaller
    }

    void recordsOfCifarAreReadAsNumpyWritesThem()
    {
        QCOMPARE(failure_of_oracle({"cifar", m_folder.path()}), QString());
        const SafetensorsFile expected(at_path("expected.safetensors"));
        for (const std::string source : {"cifar10", "cifar100"}) {
            experiment::Experiment experiment;
            experiment.data.source = source;
            experiment.data.path = m_folder.path().toStdString();
            const auto data = open_data(experiment, Input{.shape = {3, 32, 32}}, source == "cifar10" ? 10 : 100);
            for (const auto& [name, split] :
                {std::pair(source + "/train/", DataSet::Split::Train), std::pair(source + "/test/", DataSet::Split::Test)}) {
                const TensorView& images = *expected.find(name + "images");
                const TensorView& labels = *expected.find(name + "labels");
                std::vector<Sample> samples;
                for (std::int64_t index = 0; index < data->size(split); index += 997)
                    samples.push_back({.index = index});
                const Batch batch = data->get(split, samples);
                QVERIFY(largest_difference(
                            batch.input, at::from_blob(const_cast<std::byte*>(images.data.data()), images.shape, at::kFloat))
                    < 1e-6);
                QVERIFY(
                    same_bits(batch.labels, at::from_blob(const_cast<std::byte*>(labels.data.data()), labels.shape, at::kLong)));
            }
        }
    }
};

QTEST_GUILESS_MAIN(TestImageOracle)
#include "test_image_oracle.moc"
