// I3: cut and mutated safetensors files never crash, hang, or load although they break a rule.
#include "base/random.h"
#include "base/safetensors.h"
#include "base_testing.h"
#include "safetensors_oracle.h"

#include <QElapsedTimer>

using namespace pipebd;

namespace {

std::string soundFile()
{
    return safetensors(R"({"__metadata__":{"format":"pt","note":"a\tb"},)"
                       R"("stem.weight":{"dtype":"F32","shape":[2,3],"data_offsets":[8,32]},)"
                       R"("stem.count":{"dtype":"I64","shape":[],"data_offsets":[0,8]},)"
                       R"("empty":{"dtype":"F16","shape":[0,4],"data_offsets":[32,32]},)"
                       R"("größe":{"dtype":"I16","shape":[2],"data_offsets":[32,36]},)"
                       R"("mask":{"dtype":"BOOL","shape":[3],"data_offsets":[36,39]}}  )",
        "0123456789abcdefghijklmnopqrstuvwxyzABC");
}

class Mutator {
public:
    explicit Mutator(std::uint64_t seed)
        : seed_(seed)
    {
    }

    std::string mutated(std::string file)
    {
        const std::size_t header = file.size() - 39;
        const int edits = 1 + static_cast<int>(pick(3));
        for (int i = 0; i < edits; ++i) {
            const std::size_t place = pick(10) == 0 ? pick(file.size()) : pick(std::min(header, file.size()));
            switch (pick(7)) {
            case 0:
                file[place] = static_cast<char>(file[place] ^ (1 << pick(8)));
                break;
            case 1:
                file[place] = "{}[],:\"0123456789- \\"[pick(20)];
                break;
            case 2:
                file.insert(place, 1, "{}[],:\"0123456789- \\"[pick(20)]);
                break;
            case 3:
                file.erase(place, 1 + pick(4));
                break;
            case 4:
                file.insert(place, file.substr(pick(file.size()), pick(60)));
                break;
            case 5: // a digit of the header becomes another, which keeps the JSON whole
                if (const std::size_t digit = file.find_first_of("0123456789", place); digit < header)
                    file[digit] = static_cast<char>('0' + pick(10));
                break;
            default: // a letter of a name or key
                if (const std::size_t letter = file.find_first_of("abcdefghijklmnopqrstuvwxyz", place); letter < header)
                    file[letter] = static_cast<char>('a' + pick(26));
                break;
            }
            if (file.empty())
                return file;
        }
        if (pick(3) != 0) // most often the length of the header fits again, so that other rules are reached
            file = littleEndian(file.size() - std::min<std::size_t>(file.size(), 8 + 39))
                + file.substr(std::min<std::size_t>(file.size(), 8));
        return file;
    }

private:
    std::size_t pick(std::size_t below) { return static_cast<std::size_t>(pipebd::below(below, draw({seed_, ++count_}))); }

    std::uint64_t seed_;
    std::uint64_t count_ = 0;
};

} // namespace

class TestMutatedSafetensors : public QObject {
    Q_OBJECT

private slots:
    void theSoundFileIsSound()
    {
        const auto bytes = bytesOf(soundFile());
        QCOMPARE(SafetensorsFile(bytes, "sound").tensors().size(), std::size_t(5));
        QVERIFY(SafetensorsOracle::read(soundFile()));
    }

    void everyTruncationIsRefused()
    {
        const std::string file = soundFile();
        for (std::size_t length = 0; length < file.size(); ++length) {
            const auto bytes = bytesOf(file.substr(0, length));
            const auto error = errorOf([&] { SafetensorsFile opened(bytes, "cut"); });
            QVERIFY2(error, qPrintable(QString("loaded at %1 of %2 bytes").arg(length).arg(file.size())));
            QCOMPARE(error->code(), Code::Damaged);
        }
    }

    void noMutationThatBreaksARuleIsLoaded()
    {
        constexpr std::uint64_t seed = 20230112;
        constexpr int mutations = 2000;
        qInfo("seed %llu", static_cast<unsigned long long>(seed));
        Mutator mutator(seed);
        int loaded = 0;
        qint64 slowest = 0;
        for (int i = 0; i < mutations; ++i) {
            const std::string file = mutator.mutated(soundFile());
            const auto bytes = bytesOf(file);
            const auto expected = SafetensorsOracle::read(file);
            const QByteArray about
                = "mutation " + QByteArray::number(i) + ": " + QByteArray::fromStdString(file).toPercentEncoding();

            QElapsedTimer timer;
            timer.start();
            std::optional<SafetensorsFile> opened;
            const auto error = errorOf([&] { opened.emplace(bytes, "mutated"); });
            slowest = std::max(slowest, timer.elapsed());

            QVERIFY2(opened.has_value() == expected.has_value(), about);
            if (!opened) {
                QCOMPARE(error->code(), Code::Damaged);
                continue;
            }
            ++loaded;
            QVERIFY2(opened->tensors().size() == expected->size(), about);
            const std::byte* data = bytes.data() + bytes.size();
            for (const TensorView& tensor : opened->tensors())
                data = std::min(data, tensor.data.data());
            for (const auto& [name, tensor] : *expected) {
                const TensorView* found = opened->find(name);
                QVERIFY2(found && to_string(found->dtype) == tensor.dtype, about);
                QVERIFY2(found->data.data() == data + tensor.begin && found->data.size() == tensor.end - tensor.begin, about);
                QVERIFY2(
                    std::ranges::equal(found->shape, tensor.shape, [](auto a, auto b) { return std::cmp_equal(a, b); }), about);
            }
        }
        qInfo("%d of %d mutations keep the rules and load", loaded, mutations);
        QVERIFY(loaded > 20 && loaded < mutations / 2); // both sides are tried
        QVERIFY2(slowest <= 1000, "a mutation took over 1 s");
    }
};

QTEST_GUILESS_MAIN(TestMutatedSafetensors)
#include "test_mutated_safetensors.moc"
