// safetensors: what is written is read, by us and by others.
#include "base/file.h"
#include "base/safetensors.h"
#include "base_testing.h"

#include <cstring>

using namespace pipebd;

namespace {

TensorView view(std::string name, DType dtype, std::vector<std::int64_t> shape, std::span<const std::byte> data)
{
    return {std::move(name), dtype, std::move(shape), data};
}

template <typename T>
std::vector<T> valuesOf(const TensorView* tensor)
{
    std::vector<T> values(tensor->data.size() / sizeof(T));
    std::memcpy(values.data(), tensor->data.data(), tensor->data.size());
    return values;
}

} // namespace

class TestSafetensors : public QObject {
    Q_OBJECT

    QTemporaryDir m_folder;
    fs::path m_file;

private slots:
    void init()
    {
        m_folder = QTemporaryDir();
        m_file = pathOf(m_folder) / "weights.safetensors";
    }

    void aFileOfThePythonPackageIsRead()
    {
        const SafetensorsFile file(fs::path(PIPEBD_SOURCE_DIR "/tests/golden/written_by_python.safetensors"));
        QCOMPARE(file.tensors().size(), std::size_t(5));

        const TensorView* weight = file.find("stem.weight");
        QVERIFY(weight);
        QCOMPARE(weight->dtype, DType::F32);
        QCOMPARE(weight->shape, (std::vector<std::int64_t>{2, 3}));
        QCOMPARE(valuesOf<float>(weight), (std::vector<float>{-1, -0.5, 0, 0.5, 1, 1.5}));

        const TensorView* count = file.find("stem.num_batches_tracked");
        QVERIFY(count);
        QVERIFY(count->shape.empty());
        QCOMPARE(valuesOf<std::int64_t>(count), std::vector<std::int64_t>{7});

        QCOMPARE(valuesOf<std::int16_t>(file.find("größe")), (std::vector<std::int16_t>{-2, 300}));
        QCOMPARE(file.find("mask")->dtype, DType::Bool);
        QCOMPARE(valuesOf<char>(file.find("mask")), (std::vector<char>{1, 0, 1}));
        QCOMPARE(file.find("empty")->shape, (std::vector<std::int64_t>{0, 4}));
        QVERIFY(file.find("empty")->data.empty());
        QVERIFY(!file.find("stem"));
        QCOMPARE(file.metadata(), (std::map<std::string, std::string>{{"format", "pt"}, {"note", "a \"quoted\" word"}}));
    }

    void theBytesWrittenAreTheseExactly()
    {
        const auto four = bytesOf("abcd");
        const auto two = bytesOf("xy");
        write_safetensors(m_file,
            {view("m", DType::U8, {2}, two), view("z", DType::F32, {}, four), view("a", DType::F16, {1}, two)}, {{"k", "v"}});

        std::string header
            = R"({"__metadata__":{"k":"v"},"z":{"dtype":"F32","shape":[],"data_offsets":[0,4]},)"
              R"("a":{"dtype":"F16","shape":[1],"data_offsets":[4,6]},"m":{"dtype":"U8","shape":[2],"data_offsets":[6,8]}})";
        header.append((8 - header.size() % 8) % 8, ' ');
        QCOMPARE(read_file(m_file), safetensors(header, "abcdxyxy"));
    }

    void everyTypeAndShapeComesBack()
    {
        std::vector<std::vector<std::byte>> data;
        std::vector<TensorView> tensors;
        const std::vector<DType> types = {
            DType::Bool, DType::U8, DType::I8, DType::I16, DType::I32, DType::I64, DType::F16, DType::BF16, DType::F32, DType::F64};
        const std::vector<std::size_t> sizes = {1, 1, 1, 2, 4, 8, 2, 2, 4, 8};
        for (std::size_t i = 0; i < types.size(); ++i) {
            QCOMPARE(size_in_bytes(types[i]), sizes[i]);
            data.push_back(bytesOf(std::string(6 * sizes[i], static_cast<char>('a' + i))));
        }
        for (std::size_t i = 0; i < types.size(); ++i)
            tensors.push_back(view("tensor \"" + std::to_string(i) + "\"\n\u00fc", types[i], {2, 1, 3}, data[i]));
        tensors.push_back(view("nothing", DType::F64, {3, 0, 1000}, {}));
        tensors.push_back(view("", DType::U8, {6}, data[1]));
        const std::map<std::string, std::string> metadata = {{"", "empty key"}, {"größe", "a\tb"}};
        write_safetensors(m_file, tensors, metadata);

        const SafetensorsFile file(m_file);
        QCOMPARE(file.tensors().size(), tensors.size());
        QCOMPARE(file.metadata(), metadata);
        for (const TensorView& tensor : tensors) {
            const TensorView* read = file.find(tensor.name);
            QVERIFY(read);
            QCOMPARE(read->dtype, tensor.dtype);
            QCOMPARE(read->shape, tensor.shape);
            QVERIFY(std::ranges::equal(read->data, tensor.data));
        }
    }

    void equalTensorsGiveEqualBytesInWhateverOrderTheyAreGiven()
    {
        const auto data = bytesOf("12345678");
        std::vector<TensorView> tensors = {view("b", DType::F32, {2}, data), view("a", DType::F32, {2}, data),
            view("c", DType::I64, {}, data), view("d", DType::U8, {8}, data)};
        write_safetensors(m_file, tensors);
        const std::string first = read_file(m_file);
        std::reverse(tensors.begin(), tensors.end());
        write_safetensors(m_file, tensors);
        QCOMPARE(read_file(m_file), first);
    }

    void dataIsAlignedForItsType()
    {
        const auto data = bytesOf(std::string(8, 'x'));
        write_safetensors(m_file,
            {view("a", DType::U8, {3}, std::span(data).first(3)), view("b", DType::F64, {1}, data),
                view("c", DType::I16, {1}, std::span(data).first(2)), view("d", DType::F32, {1}, std::span(data).first(4))});
        const SafetensorsFile file(m_file);
        for (const TensorView& tensor : file.tensors())
            QCOMPARE(reinterpret_cast<std::uintptr_t>(tensor.data.data()) % size_in_bytes(tensor.dtype), std::uintptr_t(0));
    }

    void aFileWithoutTensorsIsRead()
    {
        write_safetensors(m_file, {});
        QVERIFY(SafetensorsFile(m_file).tensors().empty());
        QVERIFY(SafetensorsFile(m_file).metadata().empty());
    }

    void viewsOutliveAMoveOfTheFile()
    {
        write_safetensors(m_file, {view("a", DType::U8, {3}, bytesOf("abc"))});
        SafetensorsFile file(m_file);
        const SafetensorsFile moved = std::move(file);
        QVERIFY(std::ranges::equal(moved.find("a")->data, bytesOf("abc")));
    }

    void whatDoesNotFitTogetherIsNotWritten_data()
    {
        QTest::addColumn<QByteArray>("name");
        QTest::addColumn<qint64>("length");
        QTest::addColumn<QByteArray>("says");
        QTest::newRow("size") << QByteArray("b") << qint64(3) << QByteArray("does not match its shape");
        QTest::newRow("negative") << QByteArray("b") << qint64(-4) << QByteArray("does not match its shape");
        QTest::newRow("overflow") << QByteArray("b") << (qint64(1) << 62) << QByteArray("does not match its shape");
        QTest::newRow("duplicate") << QByteArray("a") << qint64(4) << QByteArray("same name");
        QTest::newRow("reserved") << QByteArray("__metadata__") << qint64(4) << QByteArray("not a valid name for a tensor");
        QTest::newRow("not UTF-8") << QByteArray("\xff") << qint64(4) << QByteArray("not a valid name for a tensor");
    }

    void whatDoesNotFitTogetherIsNotWritten()
    {
        QFETCH(QByteArray, name);
        QFETCH(qint64, length);
        QFETCH(QByteArray, says);
        const auto data = bytesOf("0123456789abcdef");
        const auto error = errorOf([&] {
            write_safetensors(m_file, {view("a", DType::F32, {4}, data), view(name.toStdString(), DType::F32, {length}, data)});
        });
        QVERIFY(error);
        QCOMPARE(error->code(), Code::BadRequest);
        VERIFY_SAYS(error, says);
        QVERIFY(namesIn(pathOf(m_folder)).empty());
    }

    void aNameOfTwoTypesIsADuplicateToo()
    {
        const auto data = bytesOf("01234567");
        const auto error = errorOf([&] {
            write_safetensors(
                m_file, {view("a", DType::F32, {2}, data), view("b", DType::F32, {2}, data), view("a", DType::I64, {1}, data)});
        });
        QVERIFY(error);
        VERIFY_SAYS(error, "same name");
    }

    void metadataThatIsNotUtf8IsNotWritten()
    {
        const auto error = errorOf([&] { write_safetensors(m_file, {}, {{"k", "\xff"}}); });
        QVERIFY(error);
        QCOMPARE(error->code(), Code::BadRequest);
    }

    void aFileThatIsNotThereIsNotFound()
    {
        QCOMPARE(codeOf([&] { SafetensorsFile file(m_file); }), Code::NotFound);
    }
};

QTEST_GUILESS_MAIN(TestSafetensors)
#include "test_safetensors.moc"
