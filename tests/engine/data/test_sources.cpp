// Sources of files: each read exactly and in every split the same, what is damaged refused in words or replaced.
#include "base/random.h"
#include "base/safetensors.h"
#include "engine/data/data_set.h"
#include "engine/data/image_list.h"
#include "engine/data/sample_stream.h"
#include "engine/device/cores.h"
#include "engine_testing.h"
#include "image_oracle.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/from_blob.h>

#include <QTemporaryDir>

#include <array>
#include <atomic>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>

using namespace pipebd;
using namespace pipebd::engine;
using experiment::Experiment;
namespace fs = std::filesystem;

namespace {

constexpr auto train = DataSet::Split::Train;
constexpr auto held_out = DataSet::Split::HeldOut;
constexpr auto test_split = DataSet::Split::Test;
const Input colour_32x32{.shape = {3, 32, 32}};

Experiment with_source(const std::string& source, const fs::path& path, const std::string& augment = "none")
{
    Experiment experiment;
    experiment.data.source = source;
    experiment.data.path = path.native();
    experiment.data.augment = augment;
    return experiment;
}

std::vector<Sample> samples(std::initializer_list<std::int64_t> indices, std::int64_t epoch = 0)
{
    std::vector<Sample> samples;
    for (std::int64_t index : indices)
        samples.push_back({index, epoch});
    return samples;
}

std::vector<std::int64_t> labels_of(const Batch& batch)
{
    const std::int64_t* labels = batch.labels.const_data_ptr<std::int64_t>();
    return {labels, labels + batch.labels.numel()};
}

/// A file of `size` bytes, all zero but for what is written at places; takes no room on the disk.
void write_sparse(const fs::path& file, std::uintmax_t size, const std::map<std::int64_t, std::string>& pieces = {})
{
    fs::create_directories(file.parent_path());
    {
        std::ofstream stream(file, std::ios::binary);
        for (const auto& [place, bytes] : pieces) {
            stream.seekp(place);
            stream.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
        }
    }
    fs::resize_file(file, size);
}

std::uint8_t byte_of(int image, std::int64_t place)
{
    return static_cast<std::uint8_t>(mix(static_cast<std::uint64_t>(image * 10'000 + place)));
}

/// A record: labels, and pixels that are functions of `image` and their place.
std::string record(std::initializer_list<int> labels, int image)
{
    std::string bytes;
    for (int label : labels)
        bytes += static_cast<char>(label);
    for (std::int64_t place = 0; place < 3072; ++place)
        bytes += static_cast<char>(byte_of(image, place));
    return bytes;
}

constexpr std::uintmax_t cifar10_size = 10'000 * 3073, cifar100_size = 3074;

/// CIFAR-10 with three images: the first of all, the eighth of the third file, the last for testing.
void write_cifar10(const fs::path& folder)
{
    for (int file = 1; file <= 5; ++file)
        write_sparse(folder / ("data_batch_" + std::to_string(file) + ".bin"), cifar10_size,
            file == 1       ? std::map<std::int64_t, std::string>{{0, record({6}, 1)}}
                : file == 3 ? std::map<std::int64_t, std::string>{{7 * 3073, record({9}, 2)}}
                            : std::map<std::int64_t, std::string>{});
    write_sparse(folder / "test_batch.bin", cifar10_size, {{9999 * 3073, record({3}, 3)}});
}

/// The normalised value at a place of an image that is shifted by (down, right), and mirrored before that or not.
double expected(int image, int channel, int y, int x, int down = 0, int right = 0, bool mirrored = false)
{
    constexpr std::array mean{0.4914, 0.4822, 0.4465}, deviation{0.2470, 0.2435, 0.2616};
    const int row = y + down, column = (mirrored ? 31 - x : x) + right;
    const bool inside = row >= 0 && row < 32 && column >= 0 && column < 32;
    const double byte = inside ? byte_of(image, channel * 1024 + row * 32 + column) : 0;
    return (byte / 255 - mean.at(static_cast<std::size_t>(channel))) / deviation.at(static_cast<std::size_t>(channel));
}

bool is_image(const at::Tensor& image, int number, int down = 0, int right = 0, bool mirrored = false)
{
    const at::Tensor planes = image.contiguous();
    const float* value = planes.const_data_ptr<float>();
    for (int channel = 0; channel < 3; ++channel)
        for (int y = 0; y < 32; ++y)
            for (int x = 0; x < 32; ++x)
                if (std::abs(*value++ - expected(number, channel, y, x, down, right, mirrored)) > 1e-5)
                    return false;
    return true;
}

template <typename Value>
TensorView view(const std::string& name, DType dtype, std::vector<std::int64_t> shape, const std::vector<Value>& values)
{
    return {name, dtype, std::move(shape), std::as_bytes(std::span(values))};
}

std::string bytes_of(const test::OracleImage& image)
{
    return {reinterpret_cast<const char*>(image.bytes.data()), image.bytes.size()};
}

} // namespace

class TestSources : public QObject {
    Q_OBJECT

    QTemporaryDir m_temporary;
    int m_folders = 0;
    const SafetensorsFile m_oracle{fs::path(PIPEBD_SOURCE_DIR "/tests/golden/images.safetensors")};
    std::string m_jpeg;
    std::string m_png;

    fs::path folder() { return fs::path(m_temporary.path().toStdString()) / std::to_string(m_folders++); }

    static void write(const fs::path& file, const std::string& bytes)
    {
        fs::create_directories(file.parent_path());
        std::ofstream(file, std::ios::binary) << bytes;
    }

    /// Two classes of four images to train on and two to test with.
    fs::path two_classes()
    {
        const fs::path path = folder();
        for (const char* name : {"cat", "dog"}) {
            for (const char* image : {"a.jpg", "b.JPEG", "c.png", "d.jpg"})
                write(path / "train" / name / image, std::string(image).ends_with("png") ? m_png : m_jpeg);
            for (const char* image : {"x.jpg", "y.png"})
                write(path / "val" / name / image, std::string(image).ends_with("png") ? m_png : m_jpeg);
        }
        return path;
    }

    static std::unique_ptr<DataSet> open_images(const Experiment& experiment, const Reading& reading = {})
    {
        return open_data(experiment, Input{.shape = {3, 24, 24}}, 2, reading);
    }

private Q_SLOTS:
    void initTestCase()
    {
        for (const test::OracleImage& image : test::images_of(m_oracle)) {
            if (image.name == "420.jpg")
                m_jpeg = bytes_of(image);
            if (image.name == "colour.png")
                m_png = bytes_of(image);
        }
        QVERIFY(!m_jpeg.empty() && !m_png.empty());
    }

    void cifar10IsReadExactly()
    {
        const fs::path path = folder();
        write_cifar10(path / "cifar-10-batches-bin");
        for (const fs::path& named : {path, path / "cifar-10-batches-bin"}) {
            const auto data = open_data(with_source("cifar10", named), colour_32x32, 10);
            QCOMPARE(data->size(train), 50'000);
            QCOMPARE(data->size(test_split), 10'000);
            const Batch batch = data->get(train, samples({0, 20'007, 20'008}));
            QCOMPARE(labels_of(batch), (std::vector<std::int64_t>{6, 9, 0}));
            QVERIFY(is_image(batch.input[0], 1));
            QVERIFY(is_image(batch.input[1], 2));
            QCOMPARE(batch.input.strides().vec(), (std::vector<std::int64_t>{3072, 1, 96, 3}));
            const Batch last = data->get(test_split, samples({9999}));
            QVERIFY(is_image(last.input[0], 3));
            QCOMPARE(labels_of(last), (std::vector<std::int64_t>{3}));
        }
    }

    void cifar100HasItsFineLabels()
    {
        const fs::path path = folder() / "cifar-100-binary";
        write_sparse(path / "train.bin", 50'000 * cifar100_size, {{49'999 * 3074, record({19, 99}, 1)}});
        write_sparse(path / "test.bin", 10'000 * cifar100_size, {{3074, record({4, 57}, 2)}});
        const auto data = open_data(with_source("cifar100", path.parent_path()), colour_32x32, 100);
        QCOMPARE(data->size(train), 50'000);
        QCOMPARE(data->size(test_split), 10'000);
        const Batch last = data->get(train, samples({49'999}));
        QCOMPARE(labels_of(last), (std::vector<std::int64_t>{99}));
        const double first = (byte_of(1, 0) / 255.0 - 0.5071) / 0.2673, blue = (byte_of(1, 3071) / 255.0 - 0.4409) / 0.2762;
        QVERIFY(std::abs(last.input[0][0][0][0].item<double>() - first) < 1e-5);
        QVERIFY(std::abs(last.input[0][2][31][31].item<double>() - blue) < 1e-5);
        QCOMPARE(labels_of(data->get(test_split, samples({1}))), (std::vector<std::int64_t>{57}));
    }

    void cropFlipShiftsByUpToFourPixelsAndMirrorsHalfTheTime()
    {
        const fs::path path = folder();
        write_cifar10(path);
        const auto data = open_data(with_source("cifar10", path, "crop-flip"), colour_32x32, 10);
        std::map<std::array<int, 3>, int> seen;
        for (std::int64_t epoch = 0; epoch < 600; ++epoch) {
            const at::Tensor image = data->get(train, samples({0}, epoch)).input[0].contiguous();
            int found = 0;
            for (int down = -4; down <= 4; ++down)
                for (int right = -4; right <= 4; ++right)
                    for (int mirrored : {0, 1})
                        if (std::abs(image[0][15][15].item<double>() - expected(1, 0, 15, 15, down, right, mirrored != 0)) < 1e-5
                            && is_image(image, 1, down, right, mirrored != 0)) {
                            ++seen[{down, right, mirrored}];
                            ++found;
                        }
            QCOMPARE(found, 1);
        }
        int mirrored = 0;
        std::set<int> downs, rights;
        for (const auto& [shift, count] : seen) {
            downs.insert(shift[0]);
            rights.insert(shift[1]);
            mirrored += shift[2] * count;
        }
        QVERIFY(seen.size() > 140); // 162 there are; 158 expected of 600 draws
        QVERIFY(downs.size() == 9 && rights.size() == 9);
        QVERIFY(std::abs(mirrored - 300) < 60); // deviation 12
        QVERIFY(is_image(data->get(test_split, samples({9999})).input[0], 3)); // never
    }

    void aFileOfAnotherSizeIsRefused() // truncated
    {
        const fs::path path = folder();
        write_cifar10(path);
        for (std::uintmax_t size : {0U, 1U, 3072U, 3073U, 3074U, 3073U * 9999, 3073U * 10'000 - 1, 3073U * 10'000 + 1}) {
            for (const char* name : {"data_batch_1.bin", "data_batch_5.bin", "test_batch.bin"}) {
                fs::resize_file(path / name, size);
                const auto error = error_of([&] { open_data(with_source("cifar10", path), colour_32x32, 10); });
                VERIFY_SAYS(error,
                    "the file has " + std::to_string(size) + " bytes, not the 30730000 of 10000 records of CIFAR-10: "
                        + (path / name).native() + "; download the binary version again from https://");
                QVERIFY(error->code() == Code::Damaged);
                fs::resize_file(path / name, cifar10_size);
            }
        }
        fs::remove(path / "data_batch_4.bin");
        QVERIFY(error_of([&] { open_data(with_source("cifar10", path), colour_32x32, 10); })->code() == Code::NotFound);
    }

    void thePicklesAreRefusedWithWhatToFetchInstead()
    {
        const fs::path ten = folder(), hundred = folder();
        write(ten / "cifar-10-batches-py" / "data_batch_1", "\x80\x02");
        write(hundred / "train", "\x80\x02");
        VERIFY_SAYS(error_of([&] { open_data(with_source("cifar10", ten), colour_32x32, 10); }),
            "these are the Python pickles of CIFAR-10, which are programs and are not opened: "
                + (ten / "cifar-10-batches-py").native()
                + "; download the binary version from https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz and give the folder "
                  "that it unpacks to");
        VERIFY_SAYS(error_of([&] { open_data(with_source("cifar100", hundred), colour_32x32, 100); }),
            "these are the Python pickles of CIFAR-100, which are programs and are not opened: " + hundred.native()
                + "; download the binary version from https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz and give the folder "
                  "that it unpacks to");
        VERIFY_SAYS(error_of([&] { open_data(with_source("cifar10", hundred), colour_32x32, 10); }),
            "there is no data_batch_1.bin in the folder: " + hundred.native() + "; download the binary version");
    }

    void aPairThatDoesNotTakeTheImagesIsRefused()
    {
        const fs::path path = folder();
        write_cifar10(path);
        const std::string says = "the pair does not take colour images of 32 x 32 pixels in 10 classes: data.source = \"cifar10\"";
        VERIFY_SAYS(error_of([&] { open_data(with_source("cifar10", path), Input{.shape = {1, 32, 32}}, 10); }), says);
        VERIFY_SAYS(error_of([&] { open_data(with_source("cifar10", path), colour_32x32, 100); }), says);
        VERIFY_SAYS(error_of([&] { open_data(with_source("cifar10", path), Input{.shape = {8}, .vocabulary = 5}, 10); }), says);
        VERIFY_SAYS(error_of([&] {
            open_data(with_source("imagefolder", two_classes()), Input{.shape = {1, 24, 24}}, 2);
        }),
            "the pair does not take colour images");
        VERIFY_SAYS(error_of([&] {
            open_data(with_source("imagefolder", two_classes()), Input{.shape = {3, 24, 24}}, 3);
        }),
            "there are 2 classes of images, but the pair has 3");
    }

    void tensorsAreReadExactly()
    {
        const fs::path file = folder() / "data.safetensors";
        fs::create_directories(file.parent_path());
        std::vector<std::uint8_t> bytes;
        std::vector<float> floats;
        for (int i = 0; i < 20 * 2 * 3 * 4; ++i) {
            bytes.push_back(byte_of(0, i));
            floats.push_back(static_cast<float>(i) / 7);
        }
        std::vector<std::int64_t> labels;
        for (int i = 0; i < 20; ++i)
            labels.push_back(i % 5);
        const Input input{.shape = {2, 3, 4}};

        write_safetensors(file, {view("images", DType::U8, {20, 2, 3, 4}, bytes), view("labels", DType::I64, {20}, labels)});
        auto data = open_data(with_source("tensors", file), input, 5);
        QCOMPARE(data->size(train), 18); // every tenth is for testing
        QCOMPARE(data->size(test_split), 2);
        const Batch batch = data->get(train, samples({8, 9, 17}));
        QCOMPARE(labels_of(batch), (std::vector<std::int64_t>{3, 0, 3})); // 8, 10, 18
        const at::Tensor expected = at::from_blob(bytes.data(), {20, 2, 3, 4}, at::kByte).to(at::kFloat).div(255);
        QVERIFY(same_bits(batch.input, at::cat({expected.narrow(0, 8, 1), expected.narrow(0, 10, 1), expected.narrow(0, 18, 1)})));
        QVERIFY(same_bits(data->get(test_split, samples({1})).input, expected.narrow(0, 19, 1)));

        write_safetensors(file,
            {view("images", DType::F32, {20, 2, 3, 4}, floats), view("labels", DType::I64, {20}, labels),
                view("test_images", DType::U8, {20, 2, 3, 4}, bytes), view("test_labels", DType::I64, {20}, labels)});
        data = open_data(with_source("tensors", file), input, 5);
        QCOMPARE(data->size(train), 20);
        QCOMPARE(data->size(test_split), 20);
        QVERIFY(same_bits(data->get(train, samples({9})).input, at::from_blob(floats.data() + 9 * 24, {1, 2, 3, 4}, at::kFloat)));
        QVERIFY(same_bits(data->get(test_split, samples({9})).input, expected.narrow(0, 9, 1)));
    }

    void textsAreReadExactly()
    {
        const fs::path file = folder() / "texts.safetensors";
        fs::create_directories(file.parent_path());
        std::vector<std::int64_t> tokens;
        for (int i = 0; i < 10 * 6; ++i)
            tokens.push_back(i % 30);
        const std::vector<std::int64_t> labels(10, 1);
        const Input text{.shape = {6}, .vocabulary = 30};
        write_safetensors(file, {view("tokens", DType::I64, {10, 6}, tokens), view("labels", DType::I64, {10}, labels)});
        const Batch batch = open_data(with_source("tensors", file), text, 2)->get(train, samples({4, 1}));
        QVERIFY(batch.input.scalar_type() == at::kLong);
        QVERIFY(same_bits(batch.input[0], at::from_blob(tokens.data() + 24, {6}, at::kLong)));
        QVERIFY(same_bits(batch.input[1], at::from_blob(tokens.data() + 6, {6}, at::kLong)));
        VERIFY_SAYS(error_of([&] { open_data(with_source("tensors", file, "crop-flip"), text, 2); }), "texts are not augmented");
        VERIFY_SAYS(error_of([&] { open_data(with_source("tensors", file), colour_32x32, 2); }), "the tensor is missing: ");

        Experiment strict = with_source("tensors", file);
        strict.data.broken_limit = 0;
        const Input small{.shape = {6}, .vocabulary = 29};
        VERIFY_SAYS(error_of([&] { open_data(strict, small, 2)->get(train, samples({4})); }),
            "there is no token 29: " + file.native() + ", tokens[4]; repair the data, or raise data.broken_limit");
        VERIFY_SAYS(error_of([&] { open_data(strict, text, 1)->get(train, samples({3})); }),
            "there is no class 1: " + file.native() + ", labels[3]");
    }

    void tensorsThatDoNotFitAreRefused_data()
    {
        QTest::addColumn<QString>("labels");
        QTest::addColumn<int>("samples");
        QTest::addColumn<int>("channels");
        QTest::addColumn<QString>("says");
        QTest::newRow("no labels") << "other" << 10 << 1
                                   << "the tensor is missing: FILE, tensor labels; write the tensors as described";
        QTest::newRow("fewer labels") << "labels" << 11 << 1
                                      << "not I64 with one label for each of the 11 samples: FILE, tensor labels";
        QTest::newRow("shape") << "labels" << 10 << 2
                               << "samples of shape [2, 2, 2] do not fit the pair, which takes [1, 2, 2]: FILE, tensor images";
        QTest::newRow("half a test") << "test_labels" << 10 << 1 << "the tensor is missing: FILE, tensor labels";
    }

    void tensorsThatDoNotFitAreRefused()
    {
        QFETCH(QString, labels);
        QFETCH(int, samples);
        QFETCH(int, channels);
        QFETCH(QString, says);
        const fs::path file = folder() / "data.safetensors";
        fs::create_directories(file.parent_path());
        const std::vector<std::uint8_t> images(static_cast<std::size_t>(samples * channels * 4));
        const std::vector<std::int64_t> ten(10);
        write_safetensors(file,
            {view("images", DType::U8, {samples, channels, 2, 2}, images), view(labels.toStdString(), DType::I64, {10}, ten)});
        const auto error = error_of([&] { open_data(with_source("tensors", file), Input{.shape = {1, 2, 2}}, 2); });
        VERIFY_SAYS(error, says.replace("FILE", QString::fromStdString(file.native())).toStdString());
        QVERIFY(error->code() == Code::BadRequest);
    }

    void aTensorsFileIsRefusedAtEveryTruncation() // I3
    {
        const fs::path file = folder() / "data.safetensors";
        fs::create_directories(file.parent_path());
        const std::vector<std::uint8_t> images(10 * 4);
        const std::vector<std::int64_t> labels(10);
        write_safetensors(file, {view("images", DType::U8, {10, 1, 2, 2}, images), view("labels", DType::I64, {10}, labels)});
        const Input input{.shape = {1, 2, 2}};
        QVERIFY(!error_of([&] { open_data(with_source("tensors", file), input, 2); }));
        for (std::uintmax_t size = fs::file_size(file); size-- > 0;) {
            fs::resize_file(file, size);
            const auto error = error_of([&] { open_data(with_source("tensors", file), input, 2); });
            QVERIFY(error && error->code() == Code::Damaged && error->where().starts_with(file.native()));
        }
    }

    void imagesAreEvaluatedAsTorchvisionDoes()
    {
        const auto data = open_images(with_source("imagefolder", two_classes()));
        QCOMPARE(data->size(train), 8);
        QCOMPARE(data->size(test_split), 4);
        const Batch batch = data->get(test_split, samples({0, 1, 2, 3}));
        QCOMPARE(labels_of(batch), (std::vector<std::int64_t>{0, 0, 1, 1}));
        for (const test::OracleImage& image : test::images_of(m_oracle)) {
            if (image.evaluation == nullptr)
                continue;
            const at::Tensor expected
                = at::from_blob(const_cast<std::byte*>(image.evaluation->data.data()), image.evaluation->shape, at::kFloat);
            QVERIFY(largest_difference(batch.input[image.name == "420.jpg" ? 2 : 3], expected) < 1e-6);
        }
        QVERIFY(same_bits(data->get(train, samples({0})).input, data->get(train, samples({0}, 5)).input)); // not augmented
    }

    void aFolderWithoutASplitIsSplitByTheNames()
    {
        const fs::path path = folder();
        for (int i = 0; i < 100; ++i)
            for (const char* name : {"b", "a"})
                write(path / name / (std::to_string(i) + ".jpg"), "");
        const FoundImages found = find_images(path);
        QCOMPARE(found.classes, (std::vector<std::string>{"a", "b"}));
        QCOMPARE(found.train.size() + found.test.size(), 200);
        QVERIFY(std::abs(static_cast<int>(found.test.size()) - 20) < 14); // deviation 4
        std::set<std::string> testing;
        for (std::int64_t i = 0; i < found.test.size(); ++i)
            testing.insert(found.test.path(i).native());

        fs::remove_all(path / "b" / "7.jpg"); // nothing else changes sides
        write(path / "c" / "1.jpg", "");
        write(path / "c" / ".hidden.jpg", "");
        write(path / ".hidden" / "1.jpg", "");
        write(path / "README.md", "");
        const FoundImages later = find_images(path);
        QCOMPARE(later.classes, (std::vector<std::string>{"a", "b", "c"}));
        QCOMPARE(later.train.size() + later.test.size(), 200);
        for (std::int64_t i = 0; i < later.test.size(); ++i)
            QVERIFY(testing.contains(later.test.path(i).native()) || later.test.label(i) == 2);
        for (std::int64_t i = 1; i < later.train.size(); ++i)
            QVERIFY(later.train.path(i - 1) < later.train.path(i));
    }

    void aFolderWithFaultsIsRefused()
    {
        const fs::path empty_class = two_classes(), other_class = two_classes(), loop = two_classes(), nothing = folder();
        fs::create_directories(empty_class / "train" / "emu");
        VERIFY_SAYS(
            error_of([&] { find_images(empty_class); }), "the class has no images: " + (empty_class / "train/emu").native());
        write(other_class / "val" / "emu" / "a.jpg", m_jpeg);
        VERIFY_SAYS(error_of([&] { find_images(other_class); }),
            "this class has no training images: " + (other_class / "val/emu").native() + "; use the same classes in both");
        fs::create_symlink("loop", loop / "train" / "loop");
        VERIFY_SAYS(error_of([&] { find_images(loop); }), "cannot tell whether this is the folder of a class");
        VERIFY_SAYS(error_of([&] { find_images(nothing); }), "the folder does not exist: " + nothing.native());
        fs::create_directories(nothing);
        VERIFY_SAYS(error_of([&] { find_images(nothing); }), "there are no class folders: " + nothing.native());
        write(nothing / "train" / "a" / "b.jpg", m_jpeg);
        write(nothing / "val" / "b.jpg", m_jpeg);
        VERIFY_SAYS(error_of([&] { find_images(nothing); }), "there are no images to test with: " + nothing.native());
    }

    void brokenImagesAreNamedAndReplacedByTheNextUpToALimit() // I7
    {
        const fs::path path = two_classes();
        const std::string hostile = "b~\n\"%s\x1b[31m.jpg";
        write(path / "train" / "cat" / hostile, m_jpeg.substr(0, 400)); // after b.JPEG
        fs::create_symlink("c.png", path / "train" / "cat" / "c.jpg"); // sound
        fs::create_symlink("loop.jpg", path / "train" / "cat" / "loop.jpg");
        Experiment experiment = with_source("imagefolder", path);
        experiment.data.broken_limit = 2;
        std::vector<std::string> warnings;
        const auto data = open_images(experiment, {.warn = [&](const std::string& text) { warnings.push_back(text); }});
        QCOMPARE(data->size(train), 11);
        const Batch all = data->get(train, samples({0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10}));
        QCOMPARE(labels_of(all), (std::vector<std::int64_t>{0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1}));
        QCOMPARE(warnings.size(), std::size_t{2});
        QVERIFY2(warnings[0].find("a sample cannot be read and is replaced by the next one: this JPEG is damaged (Premature end of "
                                  "JPEG file): "
                     + (path / "train/cat").native() + "/b~ \"%s?[31m.jpg")
                == 0,
            warnings[0].c_str());
        QVERIFY2(warnings[1].find("train/cat/loop.jpg") != std::string::npos, warnings[1].c_str());
        QVERIFY(same_bits(all.input[2], all.input[3])); // cat/c.jpg in place of the one before
        QVERIFY(same_bits(all.input[6], all.input[7])); // dog/a.jpg in place of cat/loop.jpg
        QVERIFY(same_bits(data->get(train, samples({2})).input[0], all.input[3]));
        QCOMPARE(warnings.size(), std::size_t{2}); // once

        fs::remove(path / "train" / "dog" / "d.jpg"); // vanished since
        const auto error = error_of([&] { data->get(train, samples({10})); });
        VERIFY_SAYS(
            error, "3 samples cannot be read, more than data.broken_limit allows; the last one: cannot open the file (No such");
        QVERIFY(error->code() == Code::Damaged);
        QCOMPARE(error->where(), (path / "train/dog/d.jpg").native());
    }

    void threadsThatReadAreThoseAskedForOrTheGpusShareOfTheCores()
    {
        experiment::RunSpec spec;
        spec.devices = experiment::parse_devices("cpu,cpu", "a test");
        QCOMPARE(reading_threads(spec), 0);
        spec.experiment.data.workers = 5;
        QCOMPARE(reading_threads(spec), 5);
        spec.experiment.data.workers.reset();
        spec.devices = experiment::parse_devices("cuda:0,cuda:1", "a test");
        QCOMPARE(reading_threads(spec), std::clamp(usable_cores() / 2 - 2, 0, 16));
    }

    void withoutASoundSampleTheRunFails()
    {
        const fs::path path = two_classes();
        for (const char* name : {"cat", "dog"})
            for (const char* image : {"a.jpg", "b.JPEG", "c.png", "d.jpg"})
                write(path / "train" / name / image, "");
        const auto data = open_images(with_source("imagefolder", path), {.threads = 3});
        VERIFY_SAYS(error_of([&] { data->get(train, samples({3, 4, 5})); }), "none of the 8 samples can be read");
        QVERIFY(!error_of([&] { data->get(test_split, samples({0, 1})); }));
    }

    void aSampleIsTheSameInEverySplitAndWithEveryNumberOfThreads_data()
    {
        QTest::addColumn<QString>("source");
        QTest::addColumn<QString>("augment");
        for (const char* source : {"imagefolder", "cifar10"})
            for (const char* augment : {"none", "augmented"})
                QTest::addRow("%s, %s", source, augment) << source << augment;
    }

    void aSampleIsTheSameInEverySplitAndWithEveryNumberOfThreads()
    {
        QFETCH(QString, source);
        QFETCH(QString, augment);
        const bool images = source == "imagefolder", augmented = augment == "augmented";
        fs::path path;
        if (images) {
            path = two_classes();
            write(path / "train" / "cat" / "bb.jpg", m_jpeg.substr(0, 300)); // replaced, the same everywhere
        } else {
            path = folder();
            write_cifar10(path);
        }
        Experiment experiment = with_source(source.toStdString(), path, !augmented ? "none" : images ? "imagenet" : "crop-flip");
        experiment.data.batch = 12; // more than an epoch of images
        experiment.data.shuffle = images;
        experiment.data.held_out = images ? 0.2 : 0;
        const Input input{.shape = images ? std::vector<std::int64_t>{3, 24, 24} : colour_32x32.shape};
        std::atomic<int> read = 0;
        const auto open = [&](int threads) {
            return open_data(experiment, input, images ? 2 : 10, {.threads = threads, .progress = [&read] { ++read; }});
        };
        const auto alone = open(0);
        QCOMPARE(alone->size(held_out), images ? 2 : 0);
        for (std::int64_t step = 0; step < 4; ++step) {
            const Batch whole = alone->get(train, batch_samples(experiment, alone->size(train), step, {0, 12}));
            for (int ranks : {1, 2, 3}) {
                std::vector<at::Tensor> inputs, labels;
                for (int rank = 0; rank < ranks; ++rank) { // each opens the data for itself
                    const auto data = open(rank + ranks);
                    const schedule::Rows rows{12 * rank / ranks, 12 * (rank + 1) / ranks};
                    read = 0;
                    const Batch part = data->get(train, batch_samples(experiment, data->size(train), step, rows));
                    QCOMPARE(read.load(), rows.size()); // each is progress
                    inputs.push_back(part.input);
                    labels.push_back(part.labels);
                }
                QVERIFY(same_bits(at::cat(inputs), whole.input));
                QVERIFY(same_bits(at::cat(labels), whole.labels));
            }
        }
        const Batch first = alone->get(train, samples({0}, 0)), second = alone->get(train, samples({0}, 1));
        QCOMPARE(same_bits(first.input, second.input), !augmented);
        experiment.seed = 1;
        experiment.data.held_out = 0;
        QCOMPARE(same_bits(open(0)->get(train, samples({0})).input, open(0)->get(train, samples({0}, 1)).input), !augmented);
    }
};

QTEST_GUILESS_MAIN(TestSources)
#include "test_sources.moc"
