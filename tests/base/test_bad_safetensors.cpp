// I2: bad safetensors files, each refused with Damaged, the rule it breaks and the tensor; and with bounded memory.
#include "base/file.h"
#include "base/safetensors.h"
#include "base_testing.h"

#include <algorithm>
#include <fstream>
#include <functional>

#include <sys/wait.h>
#include <unistd.h>

using namespace pipebd;

namespace {

constexpr int megabyte = 1 << 20;

/// Highest resident size of this process, in MB.
int peakMemory()
{
    std::ifstream status("/proc/self/status");
    for (std::string word; status >> word;)
        if (word == "VmHWM:") {
            long kilobytes = 0;
            status >> kilobytes;
            return static_cast<int>(kilobytes / 1024);
        }
    return -1;
}

std::string repeated(std::string_view piece, std::size_t size)
{
    std::string text;
    text.reserve(size + piece.size());
    while (text.size() < size)
        text += piece;
    return text;
}

std::string numbered(std::string_view before, std::string_view after, std::size_t size)
{
    std::string text;
    text.reserve(size + 100);
    for (int i = 0; text.size() < size; ++i)
        text += std::string(before) + std::to_string(i) + std::string(after);
    text.pop_back(); // the last comma
    return text;
}

} // namespace

Q_DECLARE_METATYPE(std::function<std::string()>)

class TestBadSafetensors : public QObject {
    Q_OBJECT

    QTemporaryDir m_folder;

private slots:
    void aBadFileIsRefusedByTheRuleItBreaks_data()
    {
        QTest::addColumn<QByteArray>("file");
        QTest::addColumn<QByteArray>("says");
        const auto raw = [](const char* name, const std::string& bytes, const char* says) {
            QTest::newRow(name) << QByteArray::fromStdString(bytes) << QByteArray(says);
        };
        const auto row = [&](const char* name, std::string_view header, std::string_view data, const char* says) {
            raw(name, safetensors(header, data), says);
        };
        const auto tensor = [&](const char* name, std::string_view body, std::string_view data, const char* says) {
            row(name, R"({"first":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"second":)" + std::string(body) + "}", data,
                says);
        };

        raw("empty", "", "too short");
        raw("seven bytes", std::string(7, '\0'), "too short");
        raw("no header", littleEndian(0), "does not begin with '{'");
        raw("header cut off", littleEndian(10) + "{\"a\":", "runs past the end of the file");
        raw("header of 2^64-1", littleEndian(~std::uint64_t(0)) + "{}", "longer than 100 MB");
        raw("header just too long", littleEndian(100'000'001) + "{}", "longer than 100 MB");
        raw("header just allowed but not there", littleEndian(100'000'000) + "{}", "runs past the end of the file");
        row("leading space", " {}", "", "does not begin with '{'");
        row("byte order mark", "\xef\xbb\xbf{}", "", "does not begin with '{'");
        row("an array", "[]", "", "does not begin with '{'");
        row("no end", "{\"a\":1", "", "does not end with '}'");
        row("line break as padding", "{}\n", "", "does not end with '}'");
        row("zero as padding", std::string("{}\0", 3), "", "does not end with '}'");
        row("two objects", "{}{}", "", "not JSON at byte 3");
        row("no JSON", "{nothing}", "", "not JSON at byte 3");
        row("comment", "{/**/}", "", "not JSON");
        row("trailing comma", R"({"__metadata__":{},})", "", "not JSON");
        row("not UTF-8", "{\"\xff\":{}}", "", "not JSON");
        row("lone surrogate", R"({"\ud800":{}})", "", "not JSON");

        tensor("not an object", "7", "x", "is a number instead of an object");
        tensor("null", "null", "x", "null instead of an object");
        tensor("a list", "[1]", "x", "an array instead of an object");
        tensor("dtype missing", R"({"shape":[1],"data_offsets":[1,2]})", "xy", "dtype is missing");
        tensor("shape missing", R"({"dtype":"U8","data_offsets":[1,2]})", "xy", "shape is missing");
        tensor("offsets missing", R"({"dtype":"U8","shape":[1]})", "xy", "data_offsets is missing");
        tensor("unknown key", R"({"dtype":"U8","shape":[1],"data_offsets":[1,2],"stride":[1]})", "xy", "unknown key 'stride'");
        tensor("key twice", R"({"dtype":"U8","shape":[1],"shape":[1],"data_offsets":[1,2]})", "xy", "shape appears twice");
        tensor("unknown dtype", R"({"dtype":"F8","shape":[1],"data_offsets":[1,2]})", "xy", "unknown dtype 'F8'");
        tensor("dtype in lower case", R"({"dtype":"u8","shape":[1],"data_offsets":[1,2]})", "xy", "unknown dtype 'u8'");
        tensor("dtype a number", R"({"dtype":8,"shape":[1],"data_offsets":[1,2]})", "xy", "dtype is a number");
        tensor("shape a number", R"({"dtype":"U8","shape":1,"data_offsets":[1,2]})", "xy", "shape has a number");
        tensor("shape of text", R"({"dtype":"U8","shape":["1"],"data_offsets":[1,2]})", "xy", "shape has a string");
        tensor("shape of lists", R"({"dtype":"U8","shape":[[1]],"data_offsets":[1,2]})", "xy", "shape has an array");
        tensor("negative size", R"({"dtype":"U8","shape":[-1],"data_offsets":[1,2]})", "xy", "shape has a number that is negative");
        tensor("fraction", R"({"dtype":"U8","shape":[1.0],"data_offsets":[1,2]})", "xy",
            "shape has a number that is negative, broken");
        tensor("size of 2^64", R"({"dtype":"U8","shape":[18446744073709551616],"data_offsets":[1,2]})", "xy", "or too large");
        tensor("size of 2^63", R"({"dtype":"U8","shape":[9223372036854775808],"data_offsets":[1,2]})", "xy", "a size beyond 2^63");
        tensor("product overflows", R"({"dtype":"U8","shape":[4294967296,4294967296],"data_offsets":[1,1]})", "x",
            "overflows 64 bits");
        tensor("product wraps to the size", R"({"dtype":"U8","shape":[4294967297,4294967296,4294967296],"data_offsets":[1,1]})",
            "x", "overflows 64 bits");
        tensor("bytes overflow", R"({"dtype":"F64","shape":[2305843009213693952],"data_offsets":[1,1]})", "x", "overflows 64 bits");
        tensor("shape too small", R"({"dtype":"F32","shape":[1],"data_offsets":[1,9]})", "x12345678",
            "needs 4 bytes but its data has 8");
        tensor("shape too large", R"({"dtype":"F32","shape":[3],"data_offsets":[1,9]})", "x12345678",
            "needs 12 bytes but its data has 8");
        tensor("one offset", R"({"dtype":"U8","shape":[1],"data_offsets":[1]})", "xy", "are not two numbers");
        tensor("three offsets", R"({"dtype":"U8","shape":[1],"data_offsets":[1,2,3]})", "xy", "are not two numbers");
        tensor("negative offset", R"({"dtype":"U8","shape":[1],"data_offsets":[-1,0]})", "xy",
            "data_offsets has a number that is negative");
        tensor("end before begin", R"({"dtype":"U8","shape":[1],"data_offsets":[2,1]})", "xy",
            "end of its data lies before the start [2, 1)");
        tensor("past the end", R"({"dtype":"U8","shape":[2],"data_offsets":[1,3]})", "xy", "runs past the end of the file");
        tensor("far past the end", R"({"dtype":"U8","shape":[1],"data_offsets":[18446744073709551614,18446744073709551615]})", "xy",
            "runs past the end of the file");
        tensor("overlap", R"({"dtype":"U8","shape":[2],"data_offsets":[0,2]})", "xy", "overlaps");
        tensor("the same bytes", R"({"dtype":"U8","shape":[1],"data_offsets":[0,1]})", "x", "overlaps");
        tensor("hole", R"({"dtype":"U8","shape":[1],"data_offsets":[2,3]})", "xyz", "a gap of 1 bytes before its data");
        tensor("bytes after the last", R"({"dtype":"U8","shape":[1],"data_offsets":[1,2]})", "xyz!",
            "2 bytes at the end belong to no tensor");
        row("hole at the start", R"({"second":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}})", "xy", "a gap of 1 bytes");
        row("data without a tensor", "{}", "x", "1 bytes at the end belong to no tensor");
        row("nothing inside another",
            R"({"first":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},)"
            R"("second":{"dtype":"U8","shape":[0],"data_offsets":[1,1]}})",
            "xy", "overlaps");
        row("name twice",
            R"({"second":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},)"
            R"("second":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}})",
            "xy", "two tensors have the same name");
        row("name twice, written otherwise",
            R"({"second":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},)"
            R"("s\u0065cond":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}})",
            "xy", "same name");

        row("metadata twice", R"({"__metadata__":{},"__metadata__":{}})", "", "__metadata__ appears twice");
        row("metadata key twice", R"({"__metadata__":{"a":"1","a":"2"}})", "", "the metadata key 'a' appears twice");
        row("metadata a number", R"({"__metadata__":{"a":1}})", "", "the metadata of 'a' is a number");
        row("metadata nested", R"({"__metadata__":{"a":{"b":"c"}}})", "", "the metadata of 'a' is an object");
        row("metadata null", R"({"__metadata__":null})", "", "null instead of an object");
        row("metadata text", R"({"__metadata__":"a"})", "", "a string instead of an object");
    }

    void aBadFileIsRefusedByTheRuleItBreaks()
    {
        QFETCH(QByteArray, file);
        QFETCH(QByteArray, says);
        const auto bytes = bytesOf({file.data(), static_cast<std::size_t>(file.size())});
        const auto error = errorOf([&] { SafetensorsFile opened(bytes, "weights"); });
        QVERIFY(error);
        QCOMPARE(error->code(), Code::Damaged);
        QVERIFY2(error->where().starts_with("weights"), error->where().c_str());
        VERIFY_SAYS(error, says);
        if (file.contains("second") && !file.contains("metadata") && !says.contains("at the end"))
            QCOMPARE(error->where(), std::string("weights, tensor 'second'"));
        QVERIFY(!error->remedy().empty());
    }

    void theErrorOfAFileNamesTheFile()
    {
        const fs::path path = pathOf(m_folder) / "cut.safetensors";
        replace_file(path, littleEndian(10) + "{");
        const auto error = errorOf([&] { SafetensorsFile opened(path); });
        QVERIFY(error);
        QCOMPARE(error->where(), path.native());
    }

    void memoryStaysWithinTheFileAnd64Megabytes_data()
    {
        QTest::addColumn<std::function<std::string()>>("header");
        QTest::addColumn<QByteArray>("says");
        const auto row = [](const char* name, std::function<std::string()> header, const char* says) {
            QTest::newRow(name) << std::move(header) << QByteArray(says);
        };
        constexpr std::size_t size = 16 * megabyte;
        constexpr const char* gap = "64 KiB without a structural character";
        constexpr const char* unreal = "more than any real file";
        constexpr const char* tensor = "\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]},";
        const auto name = [](std::size_t length) { return "{\"" + std::string(length, 'n') + "\":[]}"; };
        row(
            "a long name", [=] { return name(size); }, "longer than 4 MiB");
        row(
            "a name as long as allowed", [=] { return name(4 * megabyte - 10); }, "an array instead of an object");
        row(
            "a long escaped name", [] { return "{\"" + repeated("\\u0041", size) + "\":{}}"; }, "longer than 4 MiB");
        row(
            "white space", [] { return "{" + std::string(size, '\n') + "}"; }, gap);
        row(
            "a long number", [] { return "{\"a\":" + std::string(size, '1') + "}"; }, gap);
        row(
            "open brackets", [] { return "{\"a\":{\"dtype\":" + std::string(size, '[') + "}"; }, "dtype is an array");
        row(
            "open braces", [] { return repeated("{\"a\":", size) + "}"; }, "unknown key 'a'");
        row(
            "a shape of many sizes", [] { return "{\"a\":{\"shape\":[" + repeated("1,", size) + "1]}}"; }, unreal);
        row(
            "many tensors", [] { return "{" + numbered("\"", tensor, size) + "}"; }, unreal);
        row(
            "many notes", [] { return "{\"__metadata__\":{" + numbered("\"", "\":\"\",", size) + "}}"; }, unreal);
        row(
            "padding", [] { return "{}" + std::string(size, ' '); }, "");
    }

    void memoryStaysWithinTheFileAnd64Megabytes()
    {
#ifdef __SANITIZE_ADDRESS__
        QSKIP("AddressSanitizer takes memory of its own");
#endif
        QFETCH(std::function<std::string()>, header);
        QFETCH(QByteArray, says);
        const fs::path path = pathOf(m_folder) / "large.safetensors";
        std::ofstream(path, std::ios::binary) << safetensors(header());
        const auto file_size = static_cast<int>(fs::file_size(path) / megabyte);

        // In a process of its own, whose peak is not that of the rows before; its exit status is how much that grew.
        const pid_t child = ::fork();
        if (child == 0) {
            std::ofstream("/proc/self/clear_refs") << 5; // forget the peak so far
            const int before = peakMemory();
            const auto error = errorOf([&] { SafetensorsFile opened(path); });
            const bool expected = error ? !says.isEmpty() && QByteArray(error->what()).contains(says) : says.isEmpty();
            ::_exit(expected ? std::min(peakMemory() - before, 254) : 255);
        }
        int status = 0;
        ::waitpid(child, &status, 0);
        QVERIFY(WIFEXITED(status));
        QVERIFY2(WEXITSTATUS(status) != 255, "another error than expected");
        qInfo("%d MB for a file of %d MB", WEXITSTATUS(status), file_size);
        QVERIFY2(
            WEXITSTATUS(status) <= file_size + 64, qPrintable(QString("%1 MB for %2 MB").arg(WEXITSTATUS(status)).arg(file_size)));
    }
};

QTEST_GUILESS_MAIN(TestBadSafetensors)
#include "test_bad_safetensors.moc"
