// Pairs of hundreds of blocks, and blocks of microseconds: what they report is taken in, and every strategy trains them.
//
// PIPEBD_BLOCKS: how many blocks (40; a thousand take ten minutes).
#include "python.h"
#include "real_run.h"

#include <QDir>
#include <QJsonArray>
#include <QJsonDocument>
#include <QJsonObject>
#include <QRegularExpression>
#include <QTemporaryDir>
#include <QTest>

#include <sys/resource.h>

using pipebd::test::PythonEnded;
using pipebd::test::whyPythonCannotImport;

namespace {

constexpr const char* makePairs = R"(
import sys, torch
from torch import nn
for name, blocks in (("many", int(sys.argv[1])), ("few", 2)):
    model = nn.Sequential(nn.Sequential(nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(12, 8)),
                          *[nn.Linear(8, 8) for _ in range(blocks - 1)]).train()
    batch = torch.export.Dim("batch", min=1, max=1 << 20)
    torch.export.save(torch.export.export(model, (torch.randn(4, 3, 8, 8),), dynamic_shapes=({0: batch},)), name + ".pt2")
)";

/// Of `blocks` blocks, for up to 1,024 devices.
QByteArray profileFor1024Devices(int blocks)
{
    constexpr int batch = 4096;
    QJsonObject times;
    QJsonObject reductions;
    for (int devices = 1; devices <= 1024; ++devices) {
        times[QString::number((batch + devices - 1) / devices)] = 1.0 + 1.0 / devices;
        if (devices > 1)
            reductions[QString::number(devices)] = 0.5;
    }
    QJsonArray all;
    for (int block = 0; block < blocks; ++block)
        all.append(QJsonObject{{"name", QString::number(block)}, {"teacher_forward", times}, {"student_forward", times},
            {"student_backward", times}, {"update", 0.4}, {"all_reduce", reductions}, {"output_bytes", 98304},
            {"activation_bytes", 1200000}, {"teacher_bytes", 40000}, {"student_bytes", 90000}, {"gradient_bytes", 80000},
            {"optimizer_bytes", 80000}});
    return QJsonDocument(
        QJsonObject{{"format", "pipebd.profile/1"}, {"pair", "large"}, {"device", "none"}, {"dtype", "float32"}, {"batch", batch},
            {"load", times}, {"blocks", all}, {"link", QJsonObject{{"latency", 0.02}, {"bytes_per_ms", 1e7}}}})
        .toJson(QJsonDocument::Compact);
}

/// Of the largest of all children so far, MiB.
long peakOfChildren()
{
    rusage usage = {};
    ::getrusage(RUSAGE_CHILDREN, &usage);
    return usage.ru_maxrss / 1024;
}

/// Of all children so far, seconds.
double processorOfChildren()
{
    rusage usage = {};
    ::getrusage(RUSAGE_CHILDREN, &usage);
    const auto seconds = [](timeval time) { return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6; };
    return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

} // namespace

class TestManyBlocks : public QObject {
    Q_OBJECT

    QTemporaryDir m_folder;
    int m_blocks = 40;
    QString m_whyNot;

    QString path(const QString& name) const { return m_folder.filePath(name); }
    QString lab() const { return path("lab"); }

    Ended onTwo(const QString& command, const QStringList& more) const
    {
        return run(lab(), QStringList{command, path("own.toml"), "--devices", "cpu,cpu", "--quiet"} + more);
    }

    QStringList curvesOf(const QString& id) const
    {
        const QString file = path("curves.csv");
        const Ended exported = run(lab(), {"runs", "export", id, "--csv", file});
        QFile written(file);
        return exported.status == 0 && written.open(QIODevice::ReadOnly) ? QString::fromUtf8(written.readAll()).split('\n')
                                                                         : QStringList();
    }

    QJsonObject newestRun() const
    {
        const QJsonArray runs = QJsonDocument::fromJson(run(lab(), {"runs", "list", "--json"}).output.toUtf8()).array();
        return runs.isEmpty() ? QJsonObject() : runs.at(0).toObject();
    }

private slots:
    void initTestCase()
    {
        if (qEnvironmentVariableIsSet("PIPEBD_BLOCKS"))
            m_blocks = qEnvironmentVariableIntValue("PIPEBD_BLOCKS");
    }

    void dataParallelTrainingOn1024DevicesIsPlannedInLittleTimeAndMemory_data()
    {
        QTest::addColumn<int>("blocks");
        QTest::addColumn<double>("seconds"); // of processor time
        QTest::newRow("128 blocks") << 128 << 1.0; // the promise of the documentation
        QTest::newRow("1,000 blocks") << 1000 << 3.0; // far less on an idle machine
    }

    void dataParallelTrainingOn1024DevicesIsPlannedInLittleTimeAndMemory()
    {
        QFETCH(int, blocks);
        QFETCH(double, seconds);
        write(path("large.json"), profileFor1024Devices(blocks));
        const double before = processorOfChildren();
        const Ended planned
            = run(lab(), {"plan", "--profile", path("large.json"), "--devices", "1024", "--strategies", "dp", "--json"});
        QVERIFY2(planned.status == 0, qPrintable(planned.errors));
        const double taken = processorOfChildren() - before;
        QVERIFY2(taken < seconds, qPrintable(QString::number(taken)));
        QVERIFY2(peakOfChildren() < 200, qPrintable(QString::number(peakOfChildren())));
        const QJsonObject dp = QJsonDocument::fromJson(planned.output.toUtf8())["strategies"][0].toObject();
        QCOMPARE(dp["memory_bytes"].toArray().size(), 1024);
        QCOMPARE(dp["teacher_forwards"].toInt(), blocks * (blocks + 1) / 2);
        const double pass = 1 + 1.0 / 1024; // each block: load, the teacher up to it, student, all-reduce, update
        const double step = blocks * (3 * pass + 0.5 + 0.4) + pass * blocks * (blocks + 1) / 2;
        QVERIFY2(std::abs(dp["step"].toDouble() - step) < 1e-6 * step, qPrintable(QString::number(dp["step"].toDouble())));
    }

    void pairsAreMade()
    {
        if (m_whyNot = whyPythonCannotImport("torch"); !m_whyNot.isEmpty())
            QSKIP(qPrintable(m_whyNot));
        write(path("make.py"), makePairs);
        const PythonEnded made = pipebd::test::python({"make.py", QString::number(m_blocks)}, m_folder.path());
        QVERIFY2(made.status == 0, qPrintable(made.errors));
        for (const char* name : {"many", "few"}) {
            const QString file = path(QString(name) + ".pt2");
            const Ended imported = run(lab(), {"pairs", "import", "--teacher", file, "--student", file, "--name", name, "--json"});
            QVERIFY2(imported.status == 0, qPrintable(imported.errors));
        }
        const Ended shown = run(lab(), {"pairs", "show", "many", "--json"});
        QCOMPARE(QJsonDocument::fromJson(shown.output.toUtf8())["blocks"].toArray().size(), m_blocks);

        write(path("own.toml"),
            "pair = \"many\"\n[data]\nsource = \"synthetic\"\nbatch = 4\n[train]\nsteps = 2\nlearning_rate = 0.01\n"
            "[run]\nbatch_norm = \"local\"\n");
        const Ended profiled = onTwo("profile", {}); // which `single` would do without, and then show no costs of instructions
        QVERIFY2(profiled.status == 0, qPrintable(profiled.errors));
    }

    void manyBlocksTrainUnderEveryStrategy_data()
    {
        QTest::addColumn<QString>("strategy");
        for (const char* strategy : {"single", "dp", "ls", "ls-steal", "ir", "tr", "tr+dpu", "tr+dpu+ahd"})
            QTest::newRow(strategy) << QString(strategy);
    }

    void manyBlocksTrainUnderEveryStrategy()
    {
        if (!m_whyNot.isEmpty())
            QSKIP(qPrintable(m_whyNot));
        QFETCH(QString, strategy);
        const Ended trained = onTwo("run", {"--strategy", strategy});
        QVERIFY2(trained.status == 0, qPrintable(trained.errors));
        const QJsonObject done = newestRun();
        QCOMPARE(done["state"].toString(), "finished");
        QCOMPARE(done["strategy"].toString(), strategy);
        QCOMPARE(done["final_loss"].toArray().size(), m_blocks);
        const QString id = QString::number(done["id"].toInt());
        const Ended shown = run(lab(), {"runs", "show", id});
        QVERIFY2(shown.status == 0 && shown.output.contains("teacher forward"), qPrintable(shown.errors));
        QCOMPARE(curvesOf(id).filter(QRegularExpression("^loss,")).size(), 2 * m_blocks);
    }

    void blocksOfMicrosecondsAreReportedByAnEvenSampleWithTheFirstAndTheLastStep()
    {
        if (!m_whyNot.isEmpty())
            QSKIP(qPrintable(m_whyNot));
        constexpr int steps = 40'000;
        write(path("own.toml"),
            "pair = \"few\"\n[data]\nsource = \"synthetic\"\nbatch = 1\n[train]\nsteps = 40000\nlearning_rate = 0.001\n");
        const Ended trained = onTwo("run", {"--strategy", "ls"});
        QVERIFY2(trained.status == 0, qPrintable(trained.errors));
        const QJsonObject done = newestRun();
        QCOMPARE(done["state"].toString(), "finished");
        const QStringList curves = curvesOf(QString::number(done["id"].toInt()));
        for (int block = 0; block < 2; ++block) {
            QList<int> reported;
            for (const QString& line : curves)
                if (const QStringList cells = line.split(','); cells.size() > 3 && cells[0] == "loss" && cells[2].toInt() == block)
                    reported.append(cells[3].toInt());
            QVERIFY2(reported.size() >= 10'000 && reported.size() < steps, qPrintable(QString::number(reported.size())));
            QCOMPARE(reported.first(), 0);
            QCOMPARE(reported.last(), steps - 1);
            for (int i = 1; i + 1 < reported.size(); ++i) {
                const int gap = reported[i] - reported[i - 1];
                QVERIFY(gap > 0 && (gap & (gap - 1)) == 0);
            }
        }
    }
};

QTEST_GUILESS_MAIN(TestManyBlocks)
#include "test_many_blocks.moc"
