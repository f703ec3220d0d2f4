// Models of one's own, from Python to trained weights: exported, imported, run; and what happens to files that are something else.
#include "python.h"
#include "real_run.h"

#include <QCryptographicHash>
#include <QDir>
#include <QJsonArray>
#include <QJsonDocument>
#include <QJsonObject>
#include <QTemporaryDir>
#include <QTest>

using pipebd::test::PythonEnded;
using pipebd::test::whyPythonCannotImport;

namespace {

const QString exportScript = QStringLiteral(PIPEBD_SOURCE_DIR "/resources/python/export_pair.py");

/// Small networks and files of every kind that PyTorch makes, in the folder where it runs.
constexpr const char* makeFiles = R"(
import torch
torch.manual_seed(0)

def small(width, classes=10):
    from torch.nn import AdaptiveAvgPool2d, BatchNorm2d, Conv2d, Flatten, Linear, ReLU, Sequential
    return Sequential(
        Sequential(Conv2d(3, width, 3, padding=1), BatchNorm2d(width), ReLU(), Conv2d(width, 8, 1)),
        Sequential(Conv2d(8, width, 3, stride=2, padding=1), BatchNorm2d(width), ReLU(), AdaptiveAvgPool2d(1), Flatten(),
                   Linear(width, classes)))

class Endless(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.first = torch.nn.Linear(4, 4)
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        while bool((x == x).all()):
            x = x + 0
        return self.first(x)

class Residual(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.first = torch.nn.Conv2d(3, 3, 1)
        self.second = torch.nn.Conv2d(3, 3, 1)
        self.last = torch.nn.Sequential(torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(), torch.nn.Linear(3, 10))
    def forward(self, x):
        y = self.first(x)
        return self.last(y + self.second(y))

teacher, student = small(16), small(4)
torch.jit.script(teacher).save("teacher.pt")
torch.jit.script(student).save("student.pt")
torch.jit.script(Endless()).save("endless.pt")
torch.jit.script(Residual()).save("residual.pt")
torch.save(student.state_dict(), "state.pth")
torch.save(student, "module.pth")
torch.save({"model": student.state_dict(), "epoch": 3}, "checkpoint.pth")
torch.save(student.state_dict(), "old.pth", _use_new_zipfile_serialization=False)
torch.save(student, "old-module.pth", _use_new_zipfile_serialization=False)
)";

constexpr const char* ownModels = R"(
import torch
def teacher():
    return net(16)
def student():
    return net(4)
def net(width):
    from torch.nn import AdaptiveAvgPool2d, BatchNorm2d, Conv2d, Dropout, Flatten, Linear, ReLU, Sequential
    return Sequential(
        Sequential(Conv2d(3, width, 3, padding=1), BatchNorm2d(width), ReLU(), Conv2d(width, 8, 1)),
        Sequential(Conv2d(8, width, 3, stride=2, padding=1), BatchNorm2d(width), ReLU(), Dropout(0.1), AdaptiveAvgPool2d(1), Flatten(),
                   Linear(width, 10)))
)";

/// Every block costs the same: good enough to choose a schedule.
QByteArray profileOf(const QString& pair, int batch, int blocks)
{
    QJsonArray all;
    for (int block = 0; block < blocks; ++block) {
        const QJsonObject times{{QString::number(batch), 1.0}, {QString::number((batch + 1) / 2), 0.6}};
        all.append(QJsonObject{{"name", QString("block %1").arg(block)}, {"teacher_forward", times}, {"student_forward", times},
            {"student_backward", times}, {"update", 0.1}, {"all_reduce", QJsonObject{{"2", 0.1}}}, {"output_bytes", 1000},
            {"activation_bytes", 1000}, {"teacher_bytes", 1000}, {"student_bytes", 1000}, {"gradient_bytes", 1000},
            {"optimizer_bytes", 1000}});
    }
    return QJsonDocument(
        QJsonObject{{"format", "pipebd.profile/1"}, {"pair", pair}, {"device", "cpu"}, {"dtype", "float32"}, {"batch", batch},
            {"load", QJsonObject{{QString::number(batch), 0.1}, {QString::number((batch + 1) / 2), 0.1}}}, {"blocks", all},
            {"link", QJsonObject{{"latency", 0.01}, {"bytes_per_ms", 1e7}}}})
        .toJson();
}

} // namespace

class TestOwnModels : public QObject {
    Q_OBJECT

    QTemporaryDir m_folder;

    QString path(const QString& name) const { return m_folder.filePath(name); }
    QString lab() const { return path("lab"); }

    QByteArray bytesOf(const QString& name) const
    {
        QFile file(path(name));
        return file.open(QIODevice::ReadOnly) ? file.readAll() : QByteArray();
    }

    PythonEnded python(const QStringList& arguments) const { return pipebd::test::python(arguments, m_folder.path()); }

    Ended import(const QString& teacher, const QString& student, const QString& name, const QStringList& more = {}) const
    {
        return run(
            lab(), QStringList{"pairs", "import", "--teacher", path(teacher), "--student", path(student), "--name", name} + more);
    }

    QStringList filesOfPairs() const
    {
        return QDir(lab() + "/pairs").entryList(QDir::AllEntries | QDir::Hidden | QDir::NoDotAndDotDot);
    }

    /// Trains the imported pair for two steps of `batch` samples, under `strategy`; the results are in the folder `out`.
    Ended train(const QString& pair, int blocks, const QString& strategy, const QString& out, const QStringList& more = {}) const
    {
        constexpr int batch = 4;
        write(path("own.toml"),
            "pair = \"" + pair.toUtf8()
                + "\"\n[data]\nsource = \"synthetic\"\nbatch = 4\n[train]\nsteps = 2\nlearning_rate = 0.01\n");
        write(path("profile.json"), profileOf(pair, batch, blocks));
        return run(lab(),
            QStringList{"run", path("own.toml"), "--strategy", strategy, "--devices", strategy == "single" ? "cpu" : "cpu,cpu",
                "--out", path(out), "--profile", path("profile.json"), "--quiet"}
                + more);
    }

private slots:
    void initTestCase()
    {
        if (const QString why = whyPythonCannotImport("torch, torchvision, timm"); !why.isEmpty())
            QSKIP(qPrintable(why));
        write(path("make_files.py"), makeFiles);
        write(path("own.py"), ownModels);
        const PythonEnded made = python({"make_files.py"});
        QVERIFY2(made.status == 0, qPrintable(made.errors));
        const PythonEnded exported = python(
            {exportScript, "--teacher", "own.py:teacher", "--student", "own.py:student", "--input", "3x16x16", "--out", "."});
        QVERIFY2(exported.status == 0, qPrintable(exported.errors));
        QVERIFY(exported.output.contains("pipebd pairs import --teacher teacher.pt2 --student student.pt2 --name NAME"));
    }

    void modelsOfTorchvisionTrainTheSameWeightsUnderATwoDevicePipelineAsOnOneDevice()
    {
        const PythonEnded exported = python({exportScript, "--teacher", "torchvision:resnet34", "--student", "torchvision:resnet18",
            "--input", "3x32x32", "--classes", "10", "--out", "resnets"});
        QVERIFY2(exported.status == 0, qPrintable(exported.errors));
        const QString blocks = "conv1+bn1+layer1,layer2,layer3,layer4+fc";
        const Ended imported = import("resnets/teacher.pt2", "resnets/student.pt2", "resnets",
            {"--teacher-blocks", blocks, "--student-blocks", blocks, "--json"});
        QVERIFY2(imported.status == 0, qPrintable(imported.errors));
        const QJsonDocument answer = QJsonDocument::fromJson(imported.output.toUtf8());
        for (const char* network : {"teacher", "student"}) {
            const QString weights = answer["weights"][network].toString();
            QVERIFY2(weights.size() == 64 && exported.output.contains("weights SHA-256 " + weights), qPrintable(exported.output));
        }
        const QJsonArray found = answer["blocks"].toArray();
        QCOMPARE(found.size(), 4);
        QCOMPARE(found[0].toObject()["output_shape"].toArray(), QJsonArray({64, 8, 8}));
        QCOMPARE(found[3].toObject()["output_shape"].toArray(), QJsonArray({10}));
        double parameters = 0;
        for (const QJsonValue& block : found) {
            QVERIFY(block["without_gradient"].toArray().isEmpty());
            parameters += block["student_parameters"].toDouble();
        }
        QCOMPARE(parameters, 11'181'642.0); // as PyTorch counts those of resnet18 with ten classes

        for (const char* strategy : {"single", "tr+dpu"}) {
            const Ended ended = train("resnets", 4, strategy, strategy);
            QVERIFY2(ended.status == 0, qPrintable(ended.errors));
        }
        QVERIFY(bytesOf("single/student.safetensors").size() > 4 * 11'000'000);
        QVERIFY(bytesOf("single/student.safetensors") == bytesOf("tr+dpu/student.safetensors"));

        const PythonEnded compared = python({"-c",
            "import torch, torchvision, safetensors.torch\n"
            "torch.manual_seed(0)\n"
            "model = torchvision.models.resnet18(num_classes=10)\n"
            "start = {k: v.clone() for k, v in model.state_dict().items()}\n"
            "exported = torch.export.load('resnets/student.pt2').state_dict\n"
            "assert all(torch.equal(start[k], exported[k]) for k in start), 'exporting changes the model'\n"
            "trained = safetensors.torch.load_file('single/student.safetensors')\n"
            "lacking = set(start) - set(trained) - {k for k in start if k.endswith('num_batches_tracked')}\n"
            "assert not lacking, lacking\n"
            "model.load_state_dict(trained, strict=False)\n"
            "assert not torch.equal(trained['layer2.0.conv1.weight'], start['layer2.0.conv1.weight']), 'it has not been "
            "trained'\n"});
        QVERIFY2(compared.status == 0, qPrintable(compared.errors));
    }

    void aResumedRunDoesNotTakeAnotherPairOfTheSameName()
    {
        QCOMPARE(import("teacher.pt2", "student.pt2", "again").status, 0);
        QVERIFY2(train("again", 2, "single", "again").status == 0, "the run to go on from");
        const QJsonDocument runs = QJsonDocument::fromJson(run(lab(), {"runs", "list", "--json"}).output.toUtf8());
        const QString id = QString::number(runs[0]["id"].toInt());
        const QStringList resume{"--resume", id, "--set", "train.steps=4"};
        const Ended resumed = train("again", 2, "tr+dpu", "resumed", resume);
        QVERIFY2(resumed.status == 0, qPrintable(resumed.errors));

        QCOMPARE(run(lab(), {"pairs", "delete", "again"}).status, 0);
        QCOMPARE(import("teacher.pt2", "student.pt2", "again").status, 0);
        const Ended refused = train("again", 2, "tr+dpu", "resumed", resume);
        QCOMPARE(refused.status, 2);
        QVERIFY2(
            refused.errors.contains("the pair 'again' is not the one that run " + id
                + " was trained with: that pair was deleted and another imported under its name: --resume; start the run again"),
            qPrintable(refused.errors));
    }

    void whatIsNoModelIsRefusedByItsContent_data()
    {
        QTest::addColumn<QString>("file");
        QTest::addColumn<QString>("sentence");
        QTest::newRow("state dict") << "state.pth"
                                    << "this is a state dict, pickled weights: ";
        QTest::newRow("state dict, before 1.6") << "old.pth"
                                                << "this is a state dict, pickled weights: ";
        QTest::newRow("checkpoint") << "checkpoint.pth"
                                    << "this is a checkpoint, a pickled dictionary: ";
        QTest::newRow("module") << "module.pth"
                                << "this is a pickled module, a program that runs when it is opened: ";
        QTest::newRow("module, before 1.6") << "old-module.pth"
                                            << "this is a pickled module, a program that runs when it is opened: ";
        QTest::newRow("program") << "own.py"
                                 << "this is a text file: ";
    }

    void whatIsNoModelIsRefusedByItsContent()
    {
        QFETCH(QString, file);
        QFETCH(QString, sentence);
        const QStringList before = filesOfPairs();
        const Ended ended = import("teacher.pt2", file, "never");
        QCOMPARE(ended.status, 2);
        QVERIFY2(ended.errors.contains("pipebd: error: " + sentence + path(file) + "; "), qPrintable(ended.errors));
        QVERIFY2(ended.errors.contains("torch.export.save(torch.export.export(model.train(), "), qPrintable(ended.errors));
        QCOMPARE(filesOfPairs(), before);
    }

    void pickledWeightsAreRefusedWithTheLineThatConvertsThemWhichIsRight()
    {
        QCOMPARE(import("teacher.pt2", "student.pt2", "weights").status, 0);
        const QStringList settings{"--set", "student.weights=" + path("weights.pth")};
        QVERIFY(QFile::copy(path("state.pth"), path("weights.pth")));
        const Ended refused = train("weights", 2, "single", "out", settings);
        QCOMPARE(refused.status, 2);
        QVERIFY2(refused.errors.contains(
                     "pipebd: error: this is a state dict, pickled weights: " + path("weights.pth") + "; in Python: "),
            qPrintable(refused.errors));
        const QString line = refused.errors.trimmed().section("in Python: ", 1);
        const PythonEnded converted = python({"-c", "import torch, safetensors.torch\n" + line});
        QVERIFY2(converted.status == 0, qPrintable(line + "\n" + converted.errors));
        QVERIFY(QFile::exists(path("weights.safetensors")));
    }

    void torchScriptIsRunOnlyWhereItIsTrusted()
    {
        const QString sha256 = QCryptographicHash::hash(bytesOf("teacher.pt"), QCryptographicHash::Sha256).toHex();
        const Ended refused = import("teacher.pt", "student.pt", "script", {"--input", "3x16x16"});
        QCOMPARE(refused.status, 2);
        QVERIFY2(refused.errors.contains("this is TorchScript, a program that runs when it is used; its SHA-256 is " + sha256 + ": "
                     + path("teacher.pt") + "; if you trust it, add --trust"),
            qPrintable(refused.errors));

        const Ended imported = import("teacher.pt", "student.pt", "script", {"--trust", "--input", "3x16x16", "--json"});
        QVERIFY2(imported.status == 0, qPrintable(imported.errors));
        const QJsonDocument said = QJsonDocument::fromJson(imported.output.toUtf8());
        QCOMPARE(said["pair"]["teacher"]["kind"].toString(), QString("torchscript"));
        QCOMPARE(said["pair"]["teacher"]["sha256"].toString(), sha256);
        QCOMPARE(said["blocks"][0]["output_shape"].toArray(), QJsonArray({8, 16, 16}));
        QCOMPARE(said["blocks"][0]["gradient_tensors"].toInt(), 6); // two convolutions and a batch norm
        QVERIFY(said["blocks"][0]["without_gradient"].toArray().isEmpty());

        for (const char* strategy : {"single", "tr+dpu"}) {
            const Ended ended = train("script", 2, strategy, QString("script-") + strategy);
            QVERIFY2(ended.status == 0, qPrintable(ended.errors));
        }
        QVERIFY(!bytesOf("script-single/student.safetensors").isEmpty());
        QVERIFY(bytesOf("script-single/student.safetensors") == bytesOf("script-tr+dpu/student.safetensors"));
        const PythonEnded trained = python({"-c",
            "import torch, safetensors.torch\n"
            "start = torch.jit.load('student.pt').state_dict()\n"
            "trained = safetensors.torch.load_file('script-single/student.safetensors')\n"
            "assert all(not torch.equal(trained[k], start[k]) for k in start if k.endswith('weight')), 'it has not been trained'\n"
            "assert not torch.equal(trained['0.1.running_mean'], start['0.1.running_mean'])\n"});
        QVERIFY2(trained.status == 0, qPrintable(trained.errors));

        // Another program in its place is not run.
        const QString teacher = said["folder"].toString() + "/" + said["pair"]["teacher"]["file"].toString();
        QVERIFY(QFile::remove(teacher) && QFile::copy(path("residual.pt"), teacher));
        const Ended ended = train("script", 2, "single", "script-changed");
        QCOMPARE(ended.status, 2);
        QVERIFY2(ended.errors.contains("the model file has changed since it was imported (its SHA-256 differs): " + teacher),
            qPrintable(ended.errors));
    }

    void oneFileOfEachKindMakeAPair()
    {
        const Ended imported = import("teacher.pt2", "student.pt", "mixed", {"--trust"});
        QVERIFY2(imported.status == 0, qPrintable(imported.errors));
        const Ended ended = train("mixed", 2, "tr+dpu", "mixed");
        QVERIFY2(ended.status == 0, qPrintable(ended.errors));
    }

    void aScriptThatIsNoChainIsRefused()
    {
        const Ended ended = import("residual.pt", "residual.pt", "never", {"--trust", "--input", "3x8x8"});
        QCOMPARE(ended.status, 2);
        QVERIFY2(ended.errors.contains("the module does more than run its children one after another ("), qPrintable(ended.errors));
    }

    // I4
    void aScriptThatNeverEndsIsStoppedWithin30Seconds()
    {
        const QStringList before = filesOfPairs();
        const Ended ended = import("endless.pt", "endless.pt", "never", {"--trust", "--input", "4"});
        QCOMPARE(ended.status, 1);
        QVERIFY2(ended.errors.contains("pipebd: error: the engine that opened the models did not finish within 30 s: "),
            qPrintable(ended.errors));
        QCOMPARE(filesOfPairs(), before);
    }

    // I3, I4
    void damagedFilesNeverHarmTheCaller()
    {
        const QStringList before = filesOfPairs();
        const QByteArray whole = bytesOf("student.pt2");
        std::uint32_t seed = 20260131;
        qInfo("seed %u", seed);
        const auto next = [&seed](int n) { return static_cast<int>((seed = seed * 1664525 + 1013904223) >> 8) % n; };
        for (int round = 0; round < 12; ++round) {
            QByteArray damaged = whole;
            if (round % 2 == 0)
                damaged.truncate(next(int(whole.size())));
            else
                for (int i = 0; i < 20; ++i)
                    damaged[next(int(whole.size()))] = static_cast<char>(next(256));
            write(path("damaged.pt2"), damaged);
            const Ended ended = import("teacher.pt2", "damaged.pt2", "never");
            QVERIFY2(ended.status == 2 && ended.errors.count("pipebd: error: ") == 1, qPrintable(ended.errors));
            QCOMPARE(filesOfPairs(), before);
        }
    }
};

QTEST_GUILESS_MAIN(TestOwnModels)
#include "test_own_models.moc"
