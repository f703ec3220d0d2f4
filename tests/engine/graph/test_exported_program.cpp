// What is no exported program, or none that can be trained here, is refused in words; nothing that is in a file can do harm (I3,
// I4).
#include <QTest>

#include "base/random.h"
#include "engine/graph/cut_program.h"
#include "engine/graph/graph_block.h"
#include "engine_testing.h"
#include "exported_archive.h"

#include <ATen/ops/zeros.h>

#include <QElapsedTimer>
#include <QTemporaryDir>

#include <functional>

using namespace pipebd;
using namespace pipebd::engine;
using namespace pipebd::test;
using nlohmann::json;

namespace {

std::optional<Error> error_of_reading(const std::string& file)
{
    return error_of([&] {
        const ExportedProgram program(std::as_bytes(std::span(file)), "model.pt2");
        const GraphAnalysis analysis(program);
        const std::vector<BlockParts> whole = {{{BlockPart{}}}};
        GraphBlock(analysis, cut(analysis, whole, "blocks").front());
    });
}

json& graph_of(json& model)
{
    return model["graph_module"]["graph"];
}

class Random {
public:
    explicit Random(std::uint64_t seed)
        : seed_(seed)
    {
    }
    std::size_t below(std::size_t n) { return static_cast<std::size_t>(pipebd::below(n, draw({seed_, ++count_}))); }

private:
    std::uint64_t seed_;
    std::uint64_t count_ = 0;
};

} // namespace

using Change = std::function<void(Archive&)>;
using ModelChange = std::function<void(json&)>;
Q_DECLARE_METATYPE(Change)

class TestExportedProgram : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void archivesAreReadHoweverLargeTheyMayBe()
    {
        for (const std::string name : {"images", "texts"}) {
            Archive archive = Archive::of(name);
            archive.zip64 = true;
            const std::string bytes = archive.bytes();
            const ExportedProgram program(std::as_bytes(std::span(bytes)), name);
            const ExportedProgram plain(exported(name + ".pt2"));
            QCOMPARE(program.graph().nodes.size(), plain.graph().nodes.size());
            for (std::size_t id = 0; id < plain.graph().values.size(); ++id) {
                if (plain.graph().values[id].is_stored())
                    QVERIFY(same_bits(program.load(static_cast<ValueId>(id)), plain.load(static_cast<ValueId>(id))));
            }
        }
    }

    void aDamagedOrUnsuitableFileIsRefused_data()
    {
        QTest::addColumn<Change>("change");
        QTest::addColumn<QString>("sentence");
        const auto row = [](const char* name, Change change, const char* sentence) {
            QTest::newRow(name) << std::move(change) << QString(sentence);
        };
        const auto model = [&](const char* name, ModelChange change, const char* sentence) {
            row(
                name,
                [change = std::move(change)](Archive& archive) {
                    json changed = archive.model();
                    change(changed);
                    archive.set_model(changed);
                },
                sentence);
        };
        const auto weights = [&](const char* name, ModelChange change, const char* sentence) {
            row(
                name,
                [change = std::move(change)](Archive& archive) {
                    json config = archive.json("data/weights/model_weights_config.json");
                    change(config["config"]["stem.0.weight"]);
                    archive.entry("data/weights/model_weights_config.json") = config.dump();
                },
                sentence);
        };
        row(
            "no model", [](Archive& archive) { archive.remove("models/model.json"); },
            "the archive contains no model of torch.export (models/model.json): model.pt2; save it with "
            "torch.export.save(torch.export.export(...), \"model.pt2\")");
        row(
            "big endian", [](Archive& archive) { archive.entry("byteorder") = "big"; },
            "the weights are in the byte order 'big', not 'little': model.pt2; export the model on a little-endian machine");
        row(
            "a weight is missing", [](Archive& archive) { archive.remove("data/weights/weight_0"); },
            "its data 'weight_0' is not in the archive: model.pt2, model_weights_config.json, 'stem.0.weight'; copy or export the "
            "file "
            "again");
        row(
            "a weight is cut off", [](Archive& archive) { archive.entry("data/weights/weight_0").resize(647); },
            "the tensor runs past the end of its data: model.pt2, model_weights_config.json, 'stem.0.weight'; copy or export the "
            "file "
            "again");
        row(
            "not JSON", [](Archive& archive) { archive.entry("models/model.json").insert(1, "?"); },
            "this is not JSON at byte 2: model.pt2, model.json; copy or export the file again");
        row(
            "nested", [](Archive& archive) { archive.entry("models/model.json") = std::string(100'000, '['); },
            "the JSON is nested too deeply: model.pt2, model.json; copy or export the file again");
        weights(
            "pickled", [](json& tensor) { tensor["use_pickle"] = true; },
            "a tensor is pickled; pickles are programs and are never run: model.pt2, model_weights_config.json, "
            "'stem.0.weight'; "
            "export a model whose parameters are ordinary tensors");
        weights(
            "strides past the end", [](json& tensor) { tensor["tensor_meta"]["strides"][0]["as_int"] = 28; },
            "the tensor runs past the end of its data");
        weights(
            "strides that overflow", [](json& tensor) { tensor["tensor_meta"]["strides"][0]["as_int"] = 9223372036854775807; },
            "the tensor runs past the end of its data");
        weights(
            "offset past the end", [](json& tensor) { tensor["tensor_meta"]["storage_offset"]["as_int"] = 1; },
            "the tensor runs past the end of its data");
        weights(
            "negative stride", [](json& tensor) { tensor["tensor_meta"]["strides"][0]["as_int"] = -1; },
            "the number is not from 0 to 9223372036854775807");
        weights(
            "another shape", [](json& tensor) { tensor["tensor_meta"]["sizes"][0]["as_int"] = 5; },
            "the tensor's shape or type differs from the graph's");
        weights(
            "huge shape", [](json& tensor) { tensor["tensor_meta"]["sizes"][0]["as_int"] = 4294967296000; },
            "the tensor is too large");
        weights(
            "unknown type", [](json& tensor) { tensor["tensor_meta"]["dtype"] = 10; },
            "a tensor has an unsupported type (code 10): model.pt2, model_weights_config.json, 'stem.0.weight', "
            "tensor_meta, "
            "dtype; use a model of real numbers, e.g. model.float()");
        weights(
            "sparse", [](json& tensor) { tensor["tensor_meta"]["layout"] = 1; }, "a tensor is sparse");

        model(
            "newer", [](json& m) { m["schema_version"]["major"] = 9; },
            "the model was exported by a later version of PyTorch (schema 9, this program reads schema 8): model.pt2; use a later "
            "version of this program, or export with torch 2.11");
        model(
            "older", [](json& m) { m["schema_version"]["major"] = 7; },
            "the model was exported by an old version of PyTorch (schema 7, this program reads schema 8): model.pt2; export it "
            "with "
            "torch 2.11");
        model(
            "decomposed", [](json& m) { m["verifiers"] = {"ATEN"}; },
            "the program was decomposed for inference and cannot be trained: model.pt2; save the result of "
            "torch.export.export(...), without run_decompositions()");
        model(
            "frozen batch",
            [](json& m) {
                graph_of(m)["tensor_values"]["x"]["sizes"][0] = {{"as_int", 4}};
            },
            "the model's batch size is frozen: model.pt2, input 'x'; export it with torch.export.export(model.train(), (x,), "
            "dynamic_shapes=({0: torch.export.Dim(\"batch\")},)), where x holds two samples or more");
        model(
            "two inputs",
            [](json& m) {
                json& specs = m["graph_module"]["signature"]["input_specs"];
                json other = specs.back();
                other["user_input"]["arg"]["as_tensor"]["name"] = "y";
                graph_of(m)["tensor_values"]["y"] = graph_of(m)["tensor_values"]["x"];
                specs.push_back(other);
            },
            "2 tensors go into the model ('x', 'y'): model.pt2; export a module whose forward takes one tensor");
        model(
            "two outputs",
            [](json& m) {
                json& specs = m["graph_module"]["signature"]["output_specs"];
                specs.push_back(specs.back());
                specs.back()["user_output"]["arg"]["as_tensor"]["name"] = "flatten";
            },
            "2 tensors come out of the model ('linear', 'flatten'): model.pt2; export a module whose forward returns one tensor");
        model(
            "not classes",
            [](json& m) {
                m["graph_module"]["signature"]["output_specs"][0]["user_output"]["arg"]["as_tensor"]["name"] = "relu__2";
            },
            "the model's output is not [batch, classes]: model.pt2, output 'relu__2'; export a module that returns class scores");
        model(
            "unknown operator", [](json& m) { node_of(m, "flatten")["target"] = "torch.ops.aten.set_.source_Storage"; },
            "the model uses an unsupported operator, 'torch.ops.aten.set_.source_Storage': model.pt2, node 'flatten'; "
            "write "
            "that part of the model with other operations");
        model(
            "operator of another library", [](json& m) { node_of(m, "linear")["target"] = "torch.ops.mine.run.default"; },
            "the model uses an unsupported operator, 'torch.ops.mine.run.default': model.pt2, node 'linear' in head; "
            "write "
            "that part of the model with other operations");
        model(
            "used before it is there", [](json& m) { argument_of(node_of(m, "conv2d"), "input")["as_tensor"]["name"] = "flatten"; },
            "the value 'flatten' is used before it is defined: model.pt2, node 1, inputs, arg, name; copy or export the file "
            "again");
        model(
            "named twice", [](json& m) { node_of(m, "flatten")["outputs"][0]["as_tensor"]["name"] = "conv2d"; },
            "two values have the name 'conv2d'");
        model(
            "argument that is not there", [](json& m) { node_of(m, "flatten")["inputs"][1]["name"] = "begin"; },
            "the operator has no argument 'begin': model.pt2, node 'flatten'; copy or export the file again");
        model(
            "argument given twice", [](json& m) { node_of(m, "conv2d")["inputs"].push_back(node_of(m, "conv2d")["inputs"][0]); },
            "the argument 'input' is given twice: model.pt2, node 'conv2d' in stem.0; copy or export the file again");
        model(
            "argument missing", [](json& m) { node_of(m, "linear")["inputs"].erase(1); },
            "the argument 'weight' is missing: model.pt2, node 'linear' in head; copy or export the file again");
        model(
            "argument of another kind",
            [](json& m) {
                argument_of(node_of(m, "conv2d"), "stride") = {{"as_string", "two"}};
            },
            "the argument 'stride' has a different type than the operator takes: model.pt2, node 'conv2d' in stem.0; copy or "
            "export "
            "the "
            "file again");
        model(
            "parameter in place", [](json& m) { argument_of(node_of(m, "add__2"), "self")["as_tensor"]["name"] = "p_head_weight"; },
            "the model changes 'head.weight' in place: model.pt2, node 'add__2' in body.0; use the operation that returns a new "
            "tensor (x + 1, not x += 1)");
        model(
            "kind of two", [](json& m) { argument_of(node_of(m, "conv2d"), "stride")["as_int"] = 1; },
            "this is not an object with exactly one key: model.pt2, node 1, inputs, arg; copy or export the file again");
    }

    void aDamagedOrUnsuitableFileIsRefused()
    {
        QFETCH(Change, change);
        QFETCH(QString, sentence);
        Archive archive = Archive::of("images");
        change(archive);
        const auto error = error_of_reading(archive.bytes());
        VERIFY_SAYS(error, sentence.toUtf8());
    }

    void aBrokenArchiveIsRefused_data()
    {
        QTest::addColumn<QByteArray>("from");
        QTest::addColumn<QByteArray>("to");
        QTest::addColumn<QString>("sentence");
        // Fields of the directory's first entry: images/archive_format, 3 bytes at 0.
        const std::string name = "images/archive_format";
        const auto bytes = [](const std::string& text) { return QByteArray::fromStdString(text); };
        const auto number = [&](std::uint64_t value) { return bytes(Archive::number<4>(value)); };
        const std::string contents = "pt2";
        const QByteArray crc = number(crc32(std::as_bytes(std::span(contents))));
        const QByteArray sizes
            = crc + number(3) + number(3) + bytes(Archive::number<2>(name.size())) + bytes(std::string(12, '\0'));
        const auto with_sizes
            = [&](std::uint64_t stored, std::uint64_t size) { return crc + number(stored) + number(size) + sizes.mid(12); };
        QTest::newRow("larger than the file")
            << sizes << with_sizes(1U << 31, 1U << 31) << "the archive cannot be read, an entry runs into the directory";
        QTest::newRow("compressed") << sizes << with_sizes(3, 4'000'000'000)
                                    << "the archive cannot be read, an entry is compressed, which torch.export.save never does: "
                                       "model.pt2, entry 'images/archive_format'; copy or export the file again";
        QTest::newRow("overlapping")
            << sizes << with_sizes(40, 40)
            << "the archive cannot be read, two entries overlap: model.pt2, entry 'images/archive_version'";
        QTest::newRow("without its zip64 field")
            << sizes << with_sizes(0xffffffff, 0xffffffff) << "an entry runs into the directory";
    }

    void aBrokenArchiveIsRefused()
    {
        QFETCH(QByteArray, from);
        QFETCH(QByteArray, to);
        QFETCH(QString, sentence);
        QByteArray file = QByteArray::fromStdString(Archive::of("images").bytes());
        const auto place = file.lastIndexOf(from);
        QVERIFY(place > 0);
        file.replace(place, from.size(), to);
        const auto error = error_of_reading(file.toStdString());
        VERIFY_SAYS(error, sentence.toUtf8());
        QCOMPARE(error->code(), Code::Damaged);
    }

    void everyTruncationIsRefused()
    {
        const std::string file = Archive::of("images").bytes();
        for (std::size_t length = 0; length < file.size(); ++length) {
            const auto bytes = std::as_bytes(std::span(file)).first(length);
            const auto error = error_of([&] { ExportedProgram(bytes, "cut"); });
            QVERIFY2(error, qPrintable(QString("loaded at %1 of %2 bytes").arg(length).arg(file.size())));
            QCOMPARE(error->code(), Code::Damaged);
        }
    }

    void aFlippedByteIsAnErrorOrAWeight()
    {
        constexpr std::uint64_t seed = 20260111;
        qInfo("seed %llu", static_cast<unsigned long long>(seed));
        Random random(seed);
        const std::string sound = Archive::of("images").bytes();
        constexpr int flips = 1700;
        int loaded = 0;
        qint64 slowest = 0;
        for (int i = 0; i < flips; ++i) {
            std::string file = sound;
            for (std::size_t edit = 0; edit <= random.below(3); ++edit)
                file[random.below(file.size())] ^= static_cast<char>(1 << random.below(8));
            QElapsedTimer timer;
            timer.start();
            const auto error = error_of_reading(file);
            slowest = std::max(slowest, timer.elapsed());
            if (error)
                continue;
            ++loaded; // the graph is guarded by its checksum, so it is a weight, a date or nothing that is read
            const std::span<const std::byte> bytes = std::as_bytes(std::span(file));
            const ExportedProgram program(bytes, "flipped");
            QCOMPARE(program.graph().nodes.size(), std::size_t{27});
        }
        qInfo("%d of %d load, the slowest took %lld ms", loaded, flips, slowest);
        QVERIFY(loaded > 10);
        QVERIFY(slowest <= 1000);
    }

    void aWeightThatIsNotItsChecksumIsFound()
    {
        std::string file = Archive::of("images").bytes();
        const Archive archive = Archive::of("images");
        const std::string weight = Archive(archive).entry("data/weights/weight_0");
        file[file.find(weight) + 5] ^= 1;
        const ExportedProgram program(std::as_bytes(std::span(file)), "model.pt2");
        const auto error = error_of([&] { program.check_archive(); });
        VERIFY_SAYS(error,
            "an entry of the archive does not match its checksum: model.pt2, entry 'images/data/weights/weight_0'; copy or export "
            "the "
            "file again");
    }

    void changedGraphsDoNoHarm_data()
    {
        QTest::addColumn<QString>("name");
        QTest::newRow("images") << "images";
        QTest::newRow("texts") << "texts";
    }

    // Fields of the graph become others that a graph may have; what still loads is run.
    void changedGraphsDoNoHarm()
    {
        QFETCH(QString, name);
        constexpr std::uint64_t seed = 20260112;
        qInfo("seed %llu", static_cast<unsigned long long>(seed));
        Random random(seed);
        Archive archive = Archive::of(name.toStdString());
        const json sound = archive.model();
        std::vector<json> arguments; // of all nodes
        for (const json& node : sound["graph_module"]["graph"]["nodes"]) {
            for (const json& input : node["inputs"])
                arguments.push_back(input["arg"]);
        }
        constexpr int changes = 150;
        int loaded = 0, ran = 0;
        qint64 slowest = 0;
        for (int i = 0; i < changes; ++i) {
            json changed = sound;
            for (std::size_t edit = 0; edit <= random.below(2); ++edit)
                change(changed, arguments, random);
            archive.set_model(changed);
            const std::string file = archive.bytes();
            QElapsedTimer timer;
            timer.start();
            const auto error = error_of([&] {
                const ExportedProgram program(std::as_bytes(std::span(file)), "changed");
                const GraphAnalysis analysis(program);
                const std::vector<BlockParts> whole = {{{BlockPart{}}}};
                GraphBlock block(analysis, cut(analysis, whole, "blocks").front());
                ++loaded;
                std::vector<std::int64_t> shape = program.input().shape;
                shape.insert(shape.begin(), 2);
                const at::Tensor output = block.forward(
                    at::zeros(shape, program.input().is_text() ? at::kLong : at::kFloat), {.training = random.below(2) == 0});
                if (output.requires_grad())
                    output.sum().backward();
                ++ran;
            });
            slowest = std::max(slowest, timer.elapsed());
        }
        qInfo("of %d, %d load and %d run; the slowest took %lld ms", changes, loaded, ran, slowest);
        QVERIFY(loaded > changes / 10 && loaded < changes); // both sides are tried
        QVERIFY(ran > changes / 20 && ran < loaded);
        QVERIFY(slowest <= 1000);
    }

private:
    static void change(json& model, const std::vector<json>& arguments, Random& random)
    {
        json& nodes = graph_of(model)["nodes"];
        json& node = nodes[random.below(nodes.size())];
        json& inputs = node["inputs"];
        constexpr std::int64_t numbers[] = {-2, -1, 0, 1, 2, 3, 7, 64, std::int64_t{1} << 31, std::int64_t{1} << 62};
        switch (random.below(7)) {
        case 0: // an argument becomes one of another node
            if (!inputs.empty())
                inputs[random.below(inputs.size())]["arg"] = arguments[random.below(arguments.size())];
            break;
        case 1: // a number becomes another
        case 2:
            for (json& input : inputs) {
                json& value = input["arg"].begin().value();
                if (value.is_number() && random.below(2) == 0)
                    value = numbers[random.below(std::size(numbers))];
                if (value.is_array() && !value.empty() && value[0].is_number())
                    value[random.below(value.size())] = numbers[random.below(std::size(numbers))];
            }
            break;
        case 3: // an operator becomes another
            node["target"] = nodes[random.below(nodes.size())]["target"];
            break;
        case 4:
            nodes.erase(random.below(nodes.size()));
            break;
        case 5:
            std::swap(node, nodes[random.below(nodes.size())]);
            break;
        default:
            if (!inputs.empty())
                inputs.erase(random.below(inputs.size()));
            break;
        }
    }
};

QTEST_GUILESS_MAIN(TestExportedProgram)
#include "test_exported_program.moc"
