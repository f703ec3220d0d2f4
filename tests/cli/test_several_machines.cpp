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

const QStringList long_enough{"--set", "data.batch=8", "--set", "train.steps=80"}; // to be stopped on the way
const QString both_ended = QStringLiteral("wait $R; echo second $?\nwait $F; echo first $?\n");

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
    std::string unbroken_;

    QString path(const QString& name) const { return folder_.filePath(name); }
    QString lab() const { return path("lab"); }

    Ended prepare(const QString& name, const QStringList& more)
    {
        return run(
            lab(), QStringList{"run", experiment_file, "--strategy", "tr+dpu", "--prepare", path(name)} + with_profile + more);
    }

    /// A launcher on each host, whose process ids are $F and $R, until there are steps in `file`.
    QString both_launched(const QString& folder, const QString& file) const
    {
        const QString launch = QStringLiteral("%1 launch %2 --master-addr 10.77.0.1 --node-rank ").arg(pipebd_program, folder);
        return QString(two_hosts) + "set +e\n$HOST2 " + launch + "1 2> " + path("second.txt") + " & R=$!\n" + launch + "0 2> "
            + path("first.txt") + " & F=$!\n"
            + QStringLiteral("until grep -q '\"type\":\"step\"' %1 2> /dev/null; do sleep 0.1; done\n").arg(file);
    }

    /// What the launcher of `machine` has printed on standard error.
    QString said_by(int machine) const
    {
        return QString::fromStdString(read_file(path(machine == 0 ? "first.txt" : "second.txt").toStdString()));
    }

    QJsonObject imported_from(const QString& folder) const
    {
        const Ended imported = run(lab(), {"runs", "import", folder, "--json"});
        if (imported.status != 0)
            qFatal("%s", qPrintable(imported.errors));
        return QJsonDocument::fromJson(imported.output.toUtf8()).object();
    }

    /// The bits of a run of `long_enough` steps that nobody stopped.
    const std::string& unbroken()
    {
        if (unbroken_.empty()) {
            const Ended ended = run(lab(),
                QStringList{"run", experiment_file, "--strategy", "tr+dpu", "--devices", "cpu,cpu", "--out", path("unbroken")}
                    + long_enough + with_profile);
            if (ended.status != 0)
                qFatal("%s", qPrintable(ended.errors));
            unbroken_ = sha256_of_file(path("unbroken/student.safetensors").toStdString());
        }
        return unbroken_;
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
        const Ended far = shell(both_launched(path("dying"), path("dying/rank-1.jsonl"))
            + "kill -9 $(pgrep -P $R pipebd-engine || pgrep -P $(pgrep -P $R) pipebd-engine)\n" + both_ended);

        QVERIFY2(far.output.contains("first 1") && far.output.contains("second 1"), qPrintable(far.output + far.errors));
        for (const int machine : {0, 1})
            QVERIFY2(said_by(machine).contains("machine 1: rank 1 was killed by signal 9"), qPrintable(said_by(machine)));
    }

    void aSignalToOneMachineMakesAllOfThemSaveTheSameStep_data()
    {
        QTest::addColumn<QString>("signal");
        QTest::addColumn<int>("machine");
        QTest::newRow("TERM to the first") << "TERM" << 0;
        QTest::newRow("INT to the second") << "INT" << 1;
        QTest::newRow("HUP to the second") << "HUP" << 1;
    }

    void aSignalToOneMachineMakesAllOfThemSaveTheSameStep()
    {
        QFETCH(const QString, signal);
        QFETCH(const int, machine);
        const QString folder = path("stopped-" + signal);
        const Ended prepared = run(lab(),
            QStringList{"run", experiment_file, "--strategy", "tr+dpu", "--devices", "cpu", "--machines", "2", "--prepare", folder}
                + long_enough + with_profile);
        QVERIFY2(prepared.status == 0, qPrintable(prepared.errors));

        const QString launchers = machine == 0 ? "$F" : "$R";
        const Ended far
            = shell(both_launched(folder, folder + "/rank-1.jsonl") + "kill -" + signal + " " + launchers + "\n" + both_ended);
        QVERIFY2(far.output.contains("first 1") && far.output.contains("second 1"), qPrintable(far.output + far.errors));
        const QString here = said_by(machine);
        const QString there = said_by(1 - machine);
        const std::int64_t step = number_in(here, "to resume from step (\\d+): pipebd runs import ");
        QVERIFY2(step > 0 && step < 80, qPrintable(here));
        QVERIFY2(
            here.contains(QStringLiteral("at the end of step %1; press Ctrl-C again to stop at once").arg(step)), qPrintable(here));
        QVERIFY2(there.contains(QStringLiteral("machine %1 was told to stop\n").arg(machine)), qPrintable(there));
        QVERIFY2(there.contains(QStringLiteral("at the end of step %1; press Ctrl-C twice to stop at once").arg(step)),
            qPrintable(there));
        for (const QString& said : {here, there})
            QVERIFY2(said.contains("pipebd: error: cancelled: " + folder) && !said.contains("warning"), qPrintable(said));

        const QJsonObject imported = imported_from(folder);
        QCOMPARE(imported["state"].toString(), QString("cancelled"));
        const QStringList resuming{"run", "--resume", QString::number(imported["id"].toInt())};
        const QString out = path("resumed-" + signal);
        if (machine == 0) { // on one machine
            const Ended resumed = run(lab(), resuming + QStringList{"--out", out, "--devices", "cpu,cpu"} + with_profile);
            QVERIFY2(resumed.status == 0, qPrintable(resumed.errors));
            QVERIFY2(
                resumed.errors.contains(QStringLiteral("from step %1 of 80, none repeated").arg(step)), qPrintable(resumed.errors));
        } else { // on both again
            const Ended again
                = run(lab(), resuming + QStringList{"--prepare", out, "--devices", "cpu", "--machines", "2"} + with_profile);
            QVERIFY2(again.status == 0, qPrintable(again.errors));
            const Ended resumed = shell(both_launched(out, out + "/rank-1.jsonl") + both_ended);
            QVERIFY2(
                resumed.output.contains("first 0") && resumed.output.contains("second 0"), qPrintable(said_by(0) + said_by(1)));
        }
        QCOMPARE(sha256_of_file((out + "/student.safetensors").toStdString()), unbroken());
    }

    void aMachineWithoutRanksOfTheStageStopsItGentlyToo()
    {
        const QString folder = path("waiting");
        const Ended prepared = run(lab(),
            QStringList{"run", stages_file, "--devices", "cpu", "--machines", "2", "--prepare", folder, "--set",
                "stage.finetune.steps=1000000", "--set", "derive.samples=8", "--set", "derive.calibration=1"}
                + small + with_profile);
        QVERIFY2(prepared.status == 0, qPrintable(prepared.errors));

        const Ended far = shell(both_launched(folder, folder + "/2-finetune/rank-0.jsonl") + "kill -TERM $R\n" + both_ended);
        QVERIFY2(far.output.contains("first 1") && far.output.contains("second 1"), qPrintable(far.output + far.errors));
        const std::int64_t step = number_in(said_by(0), "to resume from step (\\d+): pipebd runs import ");
        QVERIFY2(step > 0, qPrintable(said_by(0)));
        QVERIFY2(said_by(1).contains("pipebd: error: cancelled: " + folder), qPrintable(said_by(1)));
        QVERIFY(QFile::exists(folder + "/2-finetune/checkpoints/" + QStringLiteral("round-%1").arg(step, 9, 10, QChar('0'))));
    }

    void aSecondSignalEndsAllMachinesAtOnce()
    {
        const QString folder = path("hurried");
        const Ended prepared = run(lab(),
            QStringList{"run", experiment_file, "--strategy", "tr+dpu", "--devices", "cpu", "--machines", "2", "--prepare", folder,
                "--set", "data.batch=8", "--set", "train.steps=1000000", "--set", "run.stop_grace=600", "--set", "run.timeout=600"}
                + with_profile);
        QVERIFY2(prepared.status == 0, qPrintable(prepared.errors));

        // A rank that stands still will never save anything.
        const Ended far = shell(both_launched(folder, folder + "/rank-1.jsonl") + "kill -STOP $(pgrep -P $R)\nkill -TERM $F\n"
            + QStringLiteral("until grep -q 'was told to stop' %1; do sleep 0.1; done\n").arg(path("second.txt"))
            + "kill -0 $F && kill -0 $R && echo both wait\n" + "while kill -0 $F 2> /dev/null; do kill -TERM $F; sleep 0.1; done\n"
            + both_ended);
        QVERIFY2(far.output.contains("both wait") && far.output.contains("first 1") && far.output.contains("second 1"),
            qPrintable(far.output + far.errors));
        for (const int machine : {0, 1})
            QVERIFY2(said_by(machine).contains("pipebd: error: cancelled: " + folder), qPrintable(said_by(machine)));
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
