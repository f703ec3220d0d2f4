#include "engine/data/cifar.h"

#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "engine/data/augmentation.h"
#include "engine/data/normalisation.h"

#include <array>
#include <span>
#include <string_view>
#include <vector>

namespace pipebd::engine {

namespace {

namespace fs = std::filesystem;

constexpr std::int64_t side = 32, plane = side * side, channels = 3;

struct Distribution {
    std::string_view name;
    std::string_view folder; // that it unpacks to
    std::span<const std::string_view> train;
    std::string_view test;
    std::int64_t records; // of a training file
    std::int64_t labels; // of a record; the last one counts
    int classes;
    std::string_view pickle; // a file of the other distribution, and its folder
    std::string_view pickle_folder;
    std::string_view address;
    Normalisation normalisation;
};

constexpr std::int64_t test_records = 10'000;
constexpr std::array<std::string_view, 5> batches
    = {"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin", "data_batch_5.bin"};
constexpr std::array<std::string_view, 1> one_batch = {"train.bin"};

constexpr Distribution cifar10{.name = "CIFAR-10",
    .folder = "cifar-10-batches-bin",
    .train = batches,
    .test = "test_batch.bin",
    .records = 10'000,
    .labels = 1,
    .classes = 10,
    .pickle = "data_batch_1",
    .pickle_folder = "cifar-10-batches-py",
    .address = "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
    .normalisation = {{0.4914F, 0.4822F, 0.4465F}, {0.2470F, 0.2435F, 0.2616F}}};
constexpr Distribution cifar100{.name = "CIFAR-100",
    .folder = "cifar-100-binary",
    .train = one_batch,
    .test = "test.bin",
    .records = 50'000,
    .labels = 2,
    .classes = 100,
    .pickle = "train",
    .pickle_folder = "cifar-100-python",
    .address = "https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz",
    .normalisation = {{0.5071F, 0.4865F, 0.4409F}, {0.2673F, 0.2564F, 0.2762F}}};

bool is_file(const fs::path& file)
{
    std::error_code ignored;
    return fs::is_regular_file(file, ignored);
}

/// The folder with the files: `path` or the one in it that the distribution unpacks to.
fs::path folder_of(const fs::path& path, const Distribution& distribution)
{
    const std::string remedy
        = "download the binary version from " + std::string(distribution.address) + " and give the folder that it unpacks to";
    for (const fs::path& folder : {path, path / distribution.folder})
        if (is_file(folder / distribution.train.front()))
            return folder;
    for (const fs::path& folder : {path, path / distribution.pickle_folder})
        if (is_file(folder / distribution.pickle))
            throw Error(Code::BadRequest,
                "these are the Python pickles of " + std::string(distribution.name) + ", which are programs and are not opened",
                printable(folder.native()), remedy);
    throw Error(Code::NotFound, "there is no " + std::string(distribution.train.front()) + " in the folder",
        printable(path.native()), remedy);
}

class Cifar final : public Source {
public:
    Cifar(const fs::path& folder, const Distribution& distribution)
        : distribution_(distribution)
    {
        for (std::string_view name : distribution.train)
            train_.push_back(map(folder / name, distribution.records));
        test_.push_back(map(folder / distribution.test, test_records));
    }

    std::int64_t size(Part part) const override
    {
        return part == Part::Test ? test_records : distribution_.records * static_cast<std::int64_t>(train_.size());
    }

    std::int64_t read(Part part, std::int64_t index, Row row, std::optional<Draws> draws) const override
    {
        const std::int64_t records = part == Part::Test ? test_records : distribution_.records;
        const File& file = (part == Part::Test ? test_ : train_)[static_cast<std::size_t>(index / records)];
        const std::span<const std::byte> record = file.bytes.bytes().subspan(
            static_cast<std::size_t>(index % records * record_size()), static_cast<std::size_t>(record_size()));
        const auto label = std::to_integer<std::int64_t>(record[static_cast<std::size_t>(distribution_.labels - 1)]);
        if (label >= distribution_.classes)
            throw Error(Code::Damaged, "there is no class " + std::to_string(label),
                file.name + ", record " + std::to_string(index % records), "download the file again");

        const std::byte* pixels = record.data() + distribution_.labels;
        const Shift shift = draws ? Shift::random(*draws) : Shift{};
        for (std::int64_t y = 0; y < side; ++y) {
            for (std::int64_t x = 0; x < side; ++x) {
                const std::int64_t pixel = shift.source(y, x, side, side);
                for (std::int64_t channel = 0; channel < channels; ++channel)
                    *row.values++ = distribution_.normalisation(static_cast<std::size_t>(channel),
                        pixel < 0 ? std::uint8_t{0} : std::to_integer<std::uint8_t>(pixels[channel * plane + pixel]));
            }
        }
        return label;
    }

private:
    struct File {
        std::string name;
        MappedFile bytes;
    };

    std::int64_t record_size() const { return distribution_.labels + channels * plane; }

    File map(const fs::path& path, std::int64_t records) const
    {
        File file{printable(path.native()), MappedFile(path)};
        const auto size = static_cast<std::int64_t>(file.bytes.bytes().size());
        if (size != records * record_size())
            throw Error(Code::Damaged,
                "the file has " + std::to_string(size) + " bytes, not the " + std::to_string(records * record_size()) + " of "
                    + std::to_string(records) + " records of " + std::string(distribution_.name),
                file.name, "download the binary version again from " + std::string(distribution_.address));
        return file;
    }

    const Distribution& distribution_;
    std::vector<File> train_;
    std::vector<File> test_;
};

} // namespace

std::unique_ptr<const Source> open_cifar(const experiment::Data& data, const Input& input, int classes)
{
    const Distribution& distribution = data.source == "cifar10" ? cifar10 : cifar100;
    if (input.is_text() || input.shape != std::vector<std::int64_t>{channels, side, side} || classes != distribution.classes)
        throw Error(Code::BadRequest,
            "the pair does not take colour images of 32 x 32 pixels in " + std::to_string(distribution.classes) + " classes",
            "data.source = \"" + data.source + "\"", "choose a pair that does, or data.source = \"synthetic\"");
    return std::make_unique<Cifar>(folder_of(data.path, distribution), distribution);
}

} // namespace pipebd::engine
