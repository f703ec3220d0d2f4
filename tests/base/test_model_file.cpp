// Files in which people keep models are known by what is in them, and those that are not read are refused with what to do instead.
#include "base/model_file.h"
#include "base/zip_directory.h"
#include "zip_for_test.h"

#include <fstream>

using namespace pipebd;
using namespace std::string_literals;

namespace {

const std::string stateDict = "\x80\x02"s + "ccollections\nOrderedDict\nq\0)Rq\x01(X\x08\0\0\0"s + "0.weightq\x02"s
    + "ctorch._utils\n_rebuild_tensor_v2\nq\x03"s;
const std::string plainDict = "\x80\x02}q\0(X\x08\0\0\0"s + "0.weightq\x01"s + "ctorch._utils\n_rebuild_tensor_v2\nq\x02"s;
const std::string checkpoint = "\x80\x02}q\0(X\x05\0\0\0modelq\x01"s + "ccollections\nOrderedDict\nq\x02)Rq\x03"s;
const std::string module = "\x80\x02"s + "ctorch.nn.modules.container\nSequential\nq\0)\x81q\x01}q\x02"s;
const std::string ownModule = "\x80\x02"s + "cmy_project.models\nNet\nq\0)\x81q\x01}q\x02"s;
const std::string moduleInCheckpoint = checkpoint + "ctorch.nn.modules.linear\nLinear\n"s;
/// What torch.save wrote before PyTorch 1.6 before the pickle itself: magic number, version, sizes of numbers.
const std::string before_1_6 = "\x80\x02\x8a\nl\xfc\x9c\x46\xf9 j\xa8P\x19."s + "\x80\x02M\xe9\x03."s
    + "\x80\x02}q\0(X\x10\0\0\0protocol_versionq\x01M\xe9\x03uu."s;

std::string saved(const std::string& pickle)
{
    return zipOf(
        {{"model/data.pkl", pickle}, {"model/byteorder", "little"}, {"model/data/0", "weights"}, {"model/version", "3\n"}});
}

const std::string exported = zipOf(
    {{"m/data/weights/weight_0", "1234"}, {"m/models/model.json", "{}"}, {"m/data/sample_inputs/model.pt", saved(stateDict)}});
const std::string torchScript
    = zipOf({{"t/data.pkl", stateDict}, {"t/code/__torch__/net.py", "class net"}, {"t/constants.pkl", "\x80\x02)."}});
const std::string onnx = "\x08\x08\x12\x07pytorch\x1a\x05"s + "2.7.1\x3a\x03" + "abc\x42\x02\x10\x11"s;
const std::string savedModel = "\x08\x01\x12\x05\x0a\x03" + "abc"s;

/// The line of Python that exports a model.
const std::string line = "torch.export.save(torch.export.export(model.train(), (torch.rand(2, 3, 224, 224),), dynamic_shapes=({0: torch.export.Dim(\"batch\")},)), \"model.pt2\")";
const std::string weightsOfModel = "in Python: safetensors.torch.save_file(model.state_dict(), \"weights.safetensors\")";

struct Row {
    const char* name;
    std::string bytes;
    std::string what;
    std::string as_model; // the remedy, before `line`
    std::string as_weights; // empty: weightsOfModel
};

const std::vector<Row>& rows()
{
    static const std::string state
        = "in Python: safetensors.torch.save_file(torch.load(\"weights.pth\", weights_only=True), \"weights.safetensors\")";
    static const std::string part = "in Python: safetensors.torch.save_file(torch.load(\"checkpoint.pth\", "
                                    "weights_only=True)[\"model\"], \"weights.safetensors\")";
    static const std::string ofModule = "in Python: safetensors.torch.save_file(torch.load(\"model.pth\", "
                                        "weights_only=False).state_dict(), \"weights.safetensors\")";
    static const std::string load
        = "load it into its model in Python (model.load_state_dict(torch.load(\"weights.pth\", weights_only=True))), then: ";
    static const std::string loadPart
        = "load what it holds into its model in Python (model.load_state_dict(torch.load(\"checkpoint.pth\", "
          "weights_only=True)[\"model\"])), then: ";
    static const std::string trusted = "if you trust it, in Python: model = torch.load(\"model.pth\", weights_only=False); ";
    static const std::string pickledModule = "this is a pickled module, a program that runs when it is opened";
    static const std::string build = "build the same model in PyTorch, then: ";
    static const std::string unpack = "unpack it, or export the model in Python: ";
    static const std::vector<Row> all = {
        {"state dict", saved(stateDict), "this is a state dict, pickled weights", load, state},
        {"state dict as dict", saved(plainDict), "this is a state dict, pickled weights", load, state},
        {"state dict, before 1.6", before_1_6 + stateDict, "this is a state dict, pickled weights", load, state},
        {"checkpoint", saved(checkpoint), "this is a checkpoint, a pickled dictionary", loadPart, part},
        {"checkpoint, before 1.6", before_1_6 + checkpoint, "this is a checkpoint, a pickled dictionary", loadPart, part},
        {"module", saved(module), pickledModule, trusted, ofModule},
        {"module of one's own", saved(ownModule), pickledModule, trusted, ofModule},
        {"module in a checkpoint", saved(moduleInCheckpoint), pickledModule, trusted, ofModule},
        {"module with its source, before 1.6", before_1_6 + "\x80\x02(X\x06\0\0\0moduleq\0ctorch.nn"s, pickledModule, trusted,
            ofModule},
        {"another pickle", "\x80\x04\x95\x10\0\0\0\0\0\0\0]\x94."s, "this is a pickle, a program that runs when it is opened",
            "build the model in Python, then: ", {}},
        {"AOTInductor",
            zipOf({{"m/data/aotinductor/model/c.wrapper.so",
                       "\x7f"
                       "ELF"},
                {"m/archive_format", "pt2"}}),
            "this is an AOTInductor package, machine code for inference",
            "export the model that it was compiled from in Python: ", {}},
        {"old torch.export", zipOf({{"serialized_exported_program.json", "{}"}, {"serialized_state_dict.pt", saved(stateDict)}}),
            "this model was exported by a PyTorch before 2.8, which pickles the weights",
            "export it again by PyTorch 2.8 or later: ",
            "in Python: safetensors.torch.save_file(dict(torch.export.load(\"model.pt2\").state_dict), \"weights.safetensors\")"},
        {"ONNX", onnx, "this is an ONNX model", "export the PyTorch model that it was made from in Python: ", {}},
        {"Keras", zipOf({{"metadata.json", "{}"}, {"config.json", "{}"}, {"model.weights.h5", "\x89HDF"}}), "this is a Keras model",
            build, {}},
        {"HDF5", "\x89HDF\r\n\x1a\n\0\0"s, "this is an HDF5 file, such as Keras writes", build, {}},
        {"SavedModel", savedModel, "this is a TensorFlow SavedModel", build, {}},
        {"GGUF", "GGUF\x03\0\0\0"s, "this is a GGUF file, quantised for inference",
            "load the model it was made from in Python, then: ", {}},
        {"npz", zipOf({{"weight.npy", "\x93NUMPY"}, {"bias.npy", "\x93NUMPY"}}), "these are NumPy arrays",
            "load them into their model in Python, then: ", {}},
        {"npy", "\x93NUMPY\x01\0v\0"s, "these are NumPy arrays", "load them into their model in Python, then: ", {}},
        {"another zip", zipOf({{"holiday.jpg", "jpeg"}}), "this is a zip archive without a model, or an incomplete one", unpack,
            {}},
        {"half a zip", exported.substr(0, exported.size() / 2), "this is a zip archive without a model, or an incomplete one",
            unpack, {}},
        {"tar",
            "name"s + std::string(253, '\0')
                + "ustar\0"
                  "00"s
                + std::string(250, '\0'),
            "this is a tar archive", unpack, {}},
        {"gzip", "\x1f\x8b\x08\0\0\0\0\0"s, "this is a compressed file", unpack, {}},
        {"xz",
            "\xfd"
            "7zXZ\0\0"s,
            "this is a compressed file", unpack, {}},
        {"Git LFS", "version https://git-lfs.github.com/spec/v1\noid sha256:0\n",
            "this is a Git LFS pointer; the file itself was not downloaded",
            "run git lfs pull, or export the model in Python: ", {}},
        {"web page", "\n<!DOCTYPE html><html>404</html>", "this is a web page",
            "download the file again, or export the model in Python: ", {}},
        {"text", "class Net(nn.Module):\n", "this is a text file", "export the model in Python: ", {}},
        {"a long text", std::string(4095, 'a') + "ü and so on", "this is a text file", "export the model in Python: ", {}},
        {"empty", "", "this file is empty", "export the model again in Python: ", {}},
        {"noise", "\x01\xff\xfe\0\x02"s, "not a supported model file", "export the model in Python: ", {}},
    };
    return all;
}

} // namespace

class TestModelFile : public QObject {
    Q_OBJECT

    QTemporaryDir folder_;

    fs::path written(const std::string& bytes) const
    {
        const fs::path file = pathOf(folder_) / "model.pt2"; // whatever it is
        std::ofstream(file, std::ios::binary) << bytes;
        return file;
    }

private slots:
    void whatIsNotReadIsRefusedWithWhatToDoInstead_data()
    {
        QTest::addColumn<int>("row");
        for (std::size_t i = 0; i < rows().size(); ++i)
            QTest::newRow(rows()[i].name) << static_cast<int>(i);
    }

    void whatIsNotReadIsRefusedWithWhatToDoInstead()
    {
        QFETCH(int, row);
        const Row& expected = rows()[static_cast<std::size_t>(row)];

        const ModelFileKind kind = kind_of_model_file(written(expected.bytes));

        QCOMPARE(refused_as_model(kind, "FILE").code(), Code::BadRequest);
        QCOMPARE(QByteArray(refused_as_model(kind, "FILE").what()),
            QByteArray::fromStdString(expected.what + ": FILE; " + expected.as_model + line));
        QCOMPARE(QByteArray(refused_as_weights(kind, "FILE").what()),
            QByteArray::fromStdString(
                expected.what + ": FILE; " + (expected.as_weights.empty() ? weightsOfModel : expected.as_weights)));
    }

    void whatIsReadIsKnown()
    {
        QCOMPARE(kind_of_model_file(written(exported)), ModelFileKind::Exported);
        QCOMPARE(kind_of_model_file(written(torchScript)), ModelFileKind::TorchScript);
        QCOMPARE(kind_of_model_file(written(safetensors("{}"))), ModelFileKind::Safetensors);
    }

    void whatIsReadMayStillBeInTheWrongPlace()
    {
        QCOMPARE(QByteArray(refused_as_model(ModelFileKind::Safetensors, "FILE").what()),
            QByteArray::fromStdString(
                "these are weights (safetensors) without a model: FILE; name them as weights in [teacher] or [student] of an "
                "experiment, "
                "and export the model in Python: "
                + line));
        QCOMPARE(QByteArray(refused_as_weights(ModelFileKind::Exported, "FILE").what()),
            QByteArray("this is an exported model (torch.export), not weights: FILE; in Python: "
                       "safetensors.torch.save_file(dict(torch.export.load(\"model.pt2\").state_dict), \"weights.safetensors\")"));
        QCOMPARE(QByteArray(refused_as_weights(ModelFileKind::TorchScript, "FILE").what()),
            QByteArray("this is a TorchScript module, a program: FILE; in Python: "
                       "safetensors.torch.save_file(dict(torch.jit.load(\"model.pt\").state_dict()), \"weights.safetensors\")"));
    }

    void aFolderIsNoFile()
    {
        const fs::path folder = pathOf(folder_) / "saved";
        fs::create_directory(folder);
        QCOMPARE(kind_of_model_file(folder), ModelFileKind::Folder);
        std::ofstream(folder / "saved_model.pb") << savedModel;
        QCOMPARE(kind_of_model_file(folder), ModelFileKind::SavedModel);
        QCOMPARE(codeOf([&] { kind_of_model_file(folder / "nothing"); }), Code::NotFound);
    }

    void theDirectoryOfAnArchiveIsReadAsItStands()
    {
        const std::string large = std::string(70'000, '\0'); // longer than a comment may be
        for (const bool zip64 : {false, true}) {
            const std::string archive = zipOf({{"a/b", "first"}, {"c", ""}, {"d", large}}, zip64);
            const std::vector<ZipEntry> entries = zip_directory(archive);
            QCOMPARE(entries.size(), std::size_t{3});
            QVERIFY(entries[0].name == "a/b" && entries[0].stored == "first");
            QVERIFY(entries[1].name == "c" && entries[1].stored.empty());
            QVERIFY(entries[2].name == "d" && entries[2].stored == large);
        }
    }

    // I3
    void whereverItIsCutOrChangedNothingBeyondItIsRead()
    {
        for (const std::string& bytes : {exported, torchScript, saved(checkpoint), onnx, savedModel, before_1_6 + module,
                 zipOf({{"a/b", "first"}, {"c", "second"}}, true)}) {
            for (std::size_t length = 0; length < bytes.size(); ++length) {
                const std::vector<std::byte> cut = bytesOf(bytes.substr(0, length));
                const std::string_view view(reinterpret_cast<const char*>(cut.data()), cut.size());
                QVERIFY(zip_directory(view).empty());
                kind_of_model(view);
            }
            for (std::size_t at = 0; at < bytes.size(); ++at) {
                std::string changed = bytes;
                changed[at] = static_cast<char>(~changed[at]);
                const std::vector<std::byte> exact = bytesOf(changed);
                const char* begin = reinterpret_cast<const char*>(exact.data());
                kind_of_model({begin, exact.size()});
                for (const ZipEntry& entry : zip_directory({begin, exact.size()}))
                    QVERIFY(entry.stored.empty()
                        || (entry.stored.data() >= begin && entry.stored.data() + entry.stored.size() <= begin + exact.size()));
            }
        }
    }
};

QTEST_GUILESS_MAIN(TestModelFile)
#include "test_model_file.moc"
