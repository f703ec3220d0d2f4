// Ranks on two hosts that torchrun would have started: two network namespaces with a cable between them.
#include "real_run.h"

#include "base/checksum.h"
#include "base/file.h"

#include <QFile>
#include <QJsonArray>
#include <QJsonDocument>
#include <QJsonObject>
#include <QTemporaryDir>
#include <QTest>

#include <unistd.h>

using namespace pipebd;

namespace {

const QString engine_program = QStringLiteral(PIPEBD_BIN_DIR "/pipebd-engine");

/// The second host, held by a process that sleeps; the first is `wrapper`'s. $HOST2 runs a command on the second.
const char* const two_hosts = R"sh(
set -e
ip link set lo up
unshare -n sleep 600 & H=$!
trap "kill $H" EXIT
while [ "$(readlink /proc/$H/ns/net)" = "$(readlink /proc/self/ns/net)" ]; do :; done
ip link add host1 type veth peer name host2
ip link set host2 netns $H
ip addr add 10.77.0.1/24 dev host1
ip link set host1 up
HOST2="nsenter -t $H -n"
$HOST2 sh -c 'ip link set lo up; ip addr add 10.77.0.2/24 dev host2; ip link set host2 up'
export MASTER_ADDR=10.77.0.1 MASTER_PORT=29500 WORLD_SIZE=2 LOCAL_RANK=0 LOCAL_WORLD_SIZE=1 OMP_NUM_THREADS=1
)sh";

const QString stages_file = QStringLiteral(PIPEBD_SOURCE_DIR "/experiments/digits-nas.toml");

/// The commands of the README for several machines, with what is there in place of what it names.
QStringList commands_of_the_readme(const QString& folder, const QStringList& more)
{
    const QString text = QString::fromStdString(read_file(PIPEBD_SOURCE_DIR "/README.md"));
    QStringList commands;
    for (QString line : text.section("\n## Several machines\n", 1, 1).section("\n## ", 0, 0).split('\n')) {
        if (!line.startsWith("    pipebd "))
            continue;
        line = line.section('#', 0, 0).trimmed().replace("/shared/run7", folder).replace("HOST", "10.77.0.1");
        line = line.replace("cuda:0,cuda:1", "cpu").replace("experiments/digits-nas.toml", stages_file);
        if (line.contains(" --prepare "))
            line += " " + more.join(' ');
        commands.append(pipebd_program + line.mid(6));
    }
    return commands;
}

Ended shell(const QString& script)
{
    QProcess process;
    const QStringList in_a_network{"-n", "sh", "-c", script};
    process.start("unshare", geteuid() == 0 ? in_a_network : QStringList{"-r"} + in_a_network);
    if (!process.waitForFinished(300'000))
        return {-1, {}, QStringLiteral("it does not end, or there is no unshare")};
    return {
        process.exitCode(), QString::fromUtf8(process.readAllStandardOutput()), QString::fromUtf8(process.readAllStandardError())};
}

} // namespace

class TestSeveralMachines : public QObject {
    Q_OBJECT

    QTemporaryDir folder_;

    QString path(const QString& name) const { return folder_.filePath(name); }
    QString lab() const { return path("lab"); }

    Ended prepare(const QString& name, const QStringList& more)
    {
        return run(
            lab(), QStringList{"run", experiment_file, "--strategy", "tr+dpu", "--prepare", path(name)} + with_profile + more);
    }

private slots:
    void initTestCase()
    {
        const Ended tried = shell(QString(two_hosts) + "$HOST2 true");
        if (tried.status != 0)
            QSKIP(qPrintable(QStringLiteral("two network namespaces cannot be made here: ") + tried.errors.trimmed()));
    }

    void twoHostsTrainTheBitsOfOne()
    {
        const Ended local = run(lab(),
            QStringList{"run", experiment_file, "--strategy", "tr+dpu", "--devices", "cpu,cpu", "--out", path("local")} + small
                + with_profile);
        QVERIFY2(local.status == 0, qPrintable(local.errors));
        const Ended prepared = prepare("far", QStringList{"--devices", "cpu", "--machines", "2"} + small);
        QVERIFY2(prepared.status == 0, qPrintable(prepared.errors));
        QVERIFY2(prepared.output.contains("torchrun --no-python --nnodes 2 --node-rank 1 --nproc-per-node 1"),
            qPrintable(prepared.output));

        const QString train
            = QStringLiteral(" %1 train --spec %2/spec.json --metrics %2 > /dev/null").arg(engine_program, path("far"));
        const Ended far = shell(QString(two_hosts) + "$HOST2 env RANK=1" + train + " & R=$!\nRANK=0" + train + "\nwait $R\n");
        QVERIFY2(far.status == 0, qPrintable(far.errors));

        const Ended imported = run(lab(), {"runs", "import", path("far"), "--json"});
        QVERIFY2(imported.status == 0 && imported.errors.isEmpty(), qPrintable(imported.errors));
        const QJsonObject record = QJsonDocument::fromJson(imported.output.toUtf8()).object();
        QCOMPARE(record["state"].toString(), QString("finished"));
        const QString weights = record["folder"].toString() + "/student.safetensors";
        QCOMPARE(sha256_of_file(weights.toStdString()), sha256_of_file(path("local/student.safetensors").toStdString()));
        const QJsonObject local_record
            = QJsonDocument::fromJson(QByteArray::fromStdString(read_file(path("local/metrics.json").toStdString()))).object();
        QVERIFY(!record["final_loss"].toArray().isEmpty());
        QCOMPARE(record["final_loss"], local_record["final_loss"]);
    }

    /// The commands of the guide, each on its host; cpu ranks and few steps in place of what would take long here.
    void theCommandsOfTheGuideRunAllStagesFromTheFirstToTheLast()
    {
        const QStringList fewer = small + with_profile
            + QStringList{"--set", "stage.finetune.steps=3", "--set", "derive.samples=8", "--set", "derive.calibration=1"};
        const Ended local
            = run(lab(), QStringList{"run", stages_file, "--devices", "cpu,cpu", "--out", path("staged-local")} + fewer);
        QVERIFY2(local.status == 0, qPrintable(local.errors));
        const QStringList commands = commands_of_the_readme(path("staged"), fewer);
        QCOMPARE(commands.size(), 4);
        QVERIFY(commands[0].contains(" --prepare ") && commands[3].contains(" runs import "));

        const Ended far = shell(QString(two_hosts) + QStringLiteral("export PIPEBD_LAB=%1\n").arg(path("staged-lab")) + commands[0]
            + "\n$HOST2 " + commands[2] + " & R=$!\n" + commands[1] + "\nwait $R\n" + commands[3] + " --json > "
            + path("imported.json"));

        QVERIFY2(far.status == 0, qPrintable(far.output + far.errors));
        const QJsonArray runs
            = QJsonDocument::fromJson(QByteArray::fromStdString(read_file(path("imported.json").toStdString()))).array();
        QCOMPARE(runs.size(), 2);
        for (const QJsonValue& imported : runs)
            QCOMPARE(imported["state"].toString(), QString("finished"));
        QCOMPARE(sha256_of_file((runs[1]["folder"].toString() + "/student.safetensors").toStdString()),
            sha256_of_file(path("staged-local/student.safetensors").toStdString()));
    }

    void everyStrategyIsPreparedForSeveralMachines_data()
    {
        QTest::addColumn<QString>("strategy");
        for (const char* strategy : {"dp", "ls", "ls-steal", "ir", "tr", "tr+dpu", "tr+dpu+ahd", "auto"})
            QTest::newRow(strategy) << QString(strategy);
    }

    void everyStrategyIsPreparedForSeveralMachines()
    {
        QFETCH(const QString, strategy);
        const QString folder = path("prepared-" + strategy);
        const Ended prepared = run(lab(),
            QStringList{"run", stages_file, "--strategy", strategy, "--devices", "cpu", "--machines", "2", "--prepare", folder}
                + small + with_profile);
        QVERIFY2(prepared.status == 0, qPrintable(prepared.errors));
        const QJsonArray stages
            = QJsonDocument::fromJson(QByteArray::fromStdString(read_file((folder + "/prepared.json").toStdString())))["stages"]
                  .toArray();
        QCOMPARE(stages.size(), 2);
        QCOMPARE(stages[0]["ranks"].toArray(), (QJsonArray{1, 1}));
        const QByteArray second = QByteArray::fromStdString(read_file((folder + "/2-finetune/spec.json").toStdString()));
        QVERIFY(second.contains((folder + "/1-distil/student.safetensors").toUtf8()));
    }

    void singleIsRefusedForSeveralMachines()
    {
        const Ended refused = run(lab(),
            QStringList{"run", stages_file, "--strategy", "single", "--devices", "cpu", "--machines", "2", "--prepare", path("one")}
                + small + with_profile);
        QCOMPARE(refused.status, 2);
        QVERIFY2(refused.errors.contains("the schedule uses a single device"), qPrintable(refused.errors));
        QVERIFY(!QFile::exists(path("one/prepared.json")));
    }

    void aRankThatDiesEndsAllMachinesWithItsMachineAndNumber()
    {
        const Ended prepared = run(lab(),
            QStringList{"run", experiment_file, "--strategy", "tr+dpu", "--devices", "cpu", "--machines", "2", "--prepare",
                path("dying"), "--set", "data.batch=8", "--set", "train.steps=1000000"}
                + with_profile);
        QVERIFY2(prepared.status == 0, qPrintable(prepared.errors));
        const QString launch
            = QStringLiteral("%1 launch %2 --master-addr 10.77.0.1 --node-rank ").arg(pipebd_program, path("dying"));

        const Ended far = shell(QString(two_hosts) + "set +e\n$HOST2 " + launch + "1 2> " + path("second.txt") + " & R=$!\n"
            + launch + "0 2> " + path("first.txt") + " & F=$!\n"
            + QStringLiteral("until grep -q '\"type\":\"step\"' %1/rank-1.jsonl 2> /dev/null; do sleep 0.1; done\n")
                  .arg(path("dying"))
            + "kill -9 $(pgrep -P $R pipebd-engine || pgrep -P $(pgrep -P $R) pipebd-engine)\nwait $R; echo second $?\nwait $F; "
              "echo first $?\n");

        QVERIFY2(far.output.contains("first 1") && far.output.contains("second 1"), qPrintable(far.output + far.errors));
        for (const char* file : {"first.txt", "second.txt"}) {
            const QString said = QString::fromStdString(read_file(path(file).toStdString()));
            QVERIFY2(said.contains("machine 1: rank 1 was killed by signal 9"), qPrintable(said));
        }
    }

    void machinesThatDoNotShareTheFolderAreToldBeforeTraining()
    {
        const Ended prepared = prepare("apart", QStringList{"--devices", "cpu", "--machines", "2"} + small);
        QVERIFY2(prepared.status == 0, qPrintable(prepared.errors));
        // The second host sees another folder in its place.
        const QString train = QStringLiteral(" %1 train --spec %2/spec.json > /dev/null").arg(engine_program, path("apart"));
        const QString apart = QStringLiteral("cp -r %1 %2; $HOST2 unshare -m sh -c 'mount --bind %2 %1; RANK=1 exec")
                                  .arg(path("apart"), path("copy"));
        const Ended far
            = shell(QString(two_hosts) + "RANK=0" + train + " & R=$!\nset +e\n" + apart + train + "'\necho second $?\nkill $R");

        QVERIFY2(far.output.contains("second 2"), qPrintable(far.output + far.errors));
        QVERIFY2(far.errors.contains("the machines do not share the run's folder"), qPrintable(far.errors));
    }

    void ranksDieWithTheLauncherThatStartedThem() // P4, of torchrun: here a shell stands in for it
    {
        const Ended prepared
            = prepare("endless", {"--devices", "cpu,cpu", "--set", "data.batch=8", "--set", "train.steps=1000000"});
        QVERIFY2(prepared.status == 0, qPrintable(prepared.errors));
        const QString rank = QStringLiteral(" LOCAL_RANK=$RANK %1 train --spec %2/spec.json --metrics %2 > /dev/null & echo $!\n")
                                 .arg(engine_program, path("endless"));
        const QString script = "export WORLD_SIZE=2 LOCAL_WORLD_SIZE=2 MASTER_ADDR=127.0.0.1 MASTER_PORT=29519 OMP_NUM_THREADS=1\n"
                               "export RANK=0;"
            + rank + "export RANK=1;" + rank + "wait\n";
        QProcess launcher;
        launcher.start("sh", {"-c", script});
        QList<int> ranks;
        while (ranks.size() < 2 && (launcher.canReadLine() || launcher.waitForReadyRead(10'000)))
            ranks.append(launcher.readLine().trimmed().toInt());
        QCOMPARE(ranks.size(), 2);
        const auto trains = [&] {
            for (int number : {0, 1}) {
                QFile file(path("endless") + QStringLiteral("/rank-%1.jsonl").arg(number));
                if (!file.open(QIODevice::ReadOnly) || !file.readAll().contains("\"samples\""))
                    return false;
            }
            return true;
        };
        QTRY_VERIFY_WITH_TIMEOUT(trains(), 60'000);

        launcher.kill();

        const auto gone = [](int pid) {
            QFile stat(QStringLiteral("/proc/%1/stat").arg(pid));
            if (!stat.open(QIODevice::ReadOnly))
                return true;
            const QByteArray text = stat.readAll();
            return text.mid(text.lastIndexOf(')') + 2).startsWith('Z');
        };
        QTRY_VERIFY_WITH_TIMEOUT(gone(ranks[0]) && gone(ranks[1]), 1000);
        launcher.waitForFinished();
        const Ended imported = run(lab(), {"runs", "import", path("endless"), "--json"});
        QCOMPARE(QJsonDocument::fromJson(imported.output.toUtf8()).object()["state"].toString(), QString("lost"));
    }
};

QTEST_GUILESS_MAIN(TestSeveralMachines)
#include "test_several_machines.moc"
