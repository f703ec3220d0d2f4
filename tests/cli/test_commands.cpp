// The commands from end to end, with fake ranks.
#include "command.h"

#include <QMap>
#include <QRegularExpression>

#include <cmath>

class TestCommands : public QObject {
    Q_OBJECT

    std::unique_ptr<Workplace> here_;
    QString experiment_;

    QJsonArray trace() const
    {
        QFile file(here_->path("trace.json"));
        return file.open(QIODevice::ReadOnly) ? QJsonDocument::fromJson(file.readAll())["traceEvents"].toArray() : QJsonArray();
    }

    /// Names of the trace's processes, in order.
    QStringList processes() const
    {
        QMap<int, QString> names;
        for (const QJsonValue& event : trace())
            if (event["name"].toString() == "process_name")
                names[event["pid"].toInt()] = event["args"]["name"].toString();
        return names.values();
    }

private slots:
    void init()
    {
        here_ = std::make_unique<Workplace>();
        experiment_ = here_->write("digits.toml", "pair = \"nas-digits\"\n[train]\nsteps = 10\n");
    }

    void doctorNamesEngineDevicesAndLab()
    {
        const Said said = here_->run({"doctor", "--json"});
        QCOMPARE(said.status, 0);
        QCOMPARE(said.object()["engine"].toString(), QString(FAKE_ENGINE));
        QCOMPARE(said.object()["devices"].toArray().size(), 1);
        QCOMPARE(said.object()["library"].toString(), QString("ok"));
        QVERIFY(said.object()["SQLite"].toString().startsWith("3."));
        QCOMPARE(said.object()["telemetry"].toString(), QString("no GPU telemetry: fake"));
    }

    void doctorSaysWhatIsBroken()
    {
        const Said said = here_->run({"doctor"}, "in=devices;do=kill:11");
        QCOMPARE(said.status, 1);
        QVERIFY(said.out.contains("broken: "));
        QVERIFY(said.out.contains("SIGSEGV"));
        QVERIFY(said.out.contains("library   ok"));
    }

    void pairsAreListed()
    {
        QCOMPARE(here_->run({"pairs"}).out,
            QByteArray("pair        input    classes  blocks\nnas-digits  1x32x32       10  block0, block1, block2\n"));
    }

    void aPairIsShown()
    {
        QCOMPARE(here_->run({"pairs", "show", "small"}).out,
            QByteArray("small: 1x32x32 to 10 classes\n\n"
                       "block   network  output  M parameters     size    M multiply-accumulates\n"
                       "block0  teacher  8x4x4            1.5  5.7 MiB                       2.0\n"
                       "        student  8x4x4          0.000     80 B  0.000 to 3.0, mean 0.002\n"
                       "all     teacher                   1.5  5.7 MiB                       2.0\n"
                       "        student                 0.000     80 B  0.000 to 3.0, mean 0.002\n"));
        const Said said = here_->run({"pairs", "show"});
        QCOMPARE(said.status, 2);
        QVERIFY2(said.err.contains("no pair is named: pipebd pairs show; name one of"), said.err.constData());
    }

    void aRunUnderTheBestStrategyIsProfiledPlannedTrainedAndShown()
    {
        const Said said = here_->run({"run", experiment_, "--devices", "cpu,cpu"});

        QCOMPARE(said.status, 0);
        QVERIFY(said.err.contains("profiling nas-digits, batch 64, float32 on cpu,cpu"));
        for (const char* strategy : {"single", "dp", "tr+dpu"})
            QVERIFY2(said.out.contains(strategy), strategy);
        QVERIFY(said.out.contains("run 1 (digits) finished"));
        QVERIFY(said.out.contains("measured, "));
        QVERIFY(said.out.contains("accuracy    75.0 %"));
        QVERIFY(said.out.contains("loss 2"));
    }

    void theSecondRunUsesTheStoredProfile()
    {
        here_->run({"run", experiment_, "--devices", "cpu,cpu"});
        const QByteArray told = "in=profile;do=exit:7";

        QVERIFY(here_->run({"run", experiment_, "--devices", "cpu,cpu"}, told).err.contains("using the stored profile"));
        QCOMPARE(here_->run({"run", experiment_, "--devices", "cpu,cpu", "--profile-again"}, told).status, 1);
        QCOMPARE(here_->run({"run", experiment_, "--devices", "cpu"}, told).status, 1); // other devices: another profile
    }

    void runPrintsTheSameJsonAsRunsShow()
    {
        const Said ran
            = here_->run({"run", experiment_, "--devices", "cpu,cpu", "--strategy", "dp", "--set", "train.steps=4", "--json"});
        QCOMPARE(ran.status, 0);
        QCOMPARE(here_->run({"runs", "show", "1", "--json"}).out, ran.out);

        const QJsonObject run = ran.object();
        QCOMPARE(run["id"].toInt(), 1);
        QCOMPARE(run["strategy"].toString(), QString("dp"));
        QCOMPARE(run["devices"].toArray(), QJsonArray({"cpu", "cpu"}));
        QCOMPARE(run["state"].toString(), QString("finished"));
        QCOMPARE(run["settings"]["train"]["steps"].toInt(), 4);
        QCOMPARE(run["results"]["steps"].toInt(), 12); // a phase for each of the three blocks
        QCOMPARE(run["final_loss"].toArray().size(), 3);
        QVERIFY(run["prediction"]["step"].toDouble() > 0);
    }

    void runsAreListedNewestFirst()
    {
        QCOMPARE(here_->run({"runs", "list", "--json"}).array().size(), 0);
        here_->run({"run", experiment_, "--devices", "cpu", "--quiet"});
        here_->run({"run", experiment_, "--devices", "cpu,cpu", "--strategy", "tr+dpu", "--quiet"});

        const QJsonArray runs = here_->run({"runs", "list", "--json"}).array();

        QCOMPARE(runs.size(), 2);
        QCOMPARE(runs[0]["id"].toInt(), 2);
        const QStringList keys = runs[0].toObject().keys();
        QCOMPARE(QSet<QString>(keys.begin(), keys.end()),
            QSet<QString>({"id", "name", "pair", "strategy", "devices", "state", "started", "throughput", "final_loss", "folder",
                "tags", "note", "deleted"}));
        QCOMPARE(here_->run({"runs"}).out.count('\n'), 3);
    }

    void quietSaysNothing()
    {
        const Said said = here_->run({"run", experiment_, "--devices", "cpu", "--quiet"});
        QCOMPARE(said.status, 0);
        QCOMPARE(said.out + said.err, QByteArray());
    }

    void resultsAreAlsoPutIntoOut()
    {
        QCOMPARE(here_->run({"run", experiment_, "--devices", "cpu", "--out", "deep/results"}).status, 0);
        QVERIFY(QFile::exists(here_->path("deep/results/student.safetensors")));
        QVERIFY(QFile::exists(here_->path("deep/results/metrics.json")));
    }

    void theTeacherIsTrainedWithoutAPlan()
    {
        const Said said = here_->run({"run", experiment_, "--set", "train.network=teacher"}, "in=profile;do=exit:7");
        QCOMPARE(said.status, 0);
        QVERIFY(said.out.contains("strategy    single on cpu\n"));
    }

    void aFailedRunNamesTheRankOnStandardError()
    {
        const Said said
            = here_->run({"run", experiment_, "--devices", "cpu,cpu", "--strategy", "tr+dpu"}, "rank=1;step=3;do=exit:1");
        QCOMPARE(said.status, 1);
        QVERIFY(said.err.contains("pipebd: error: rank 1 ended with exit code 1"));
        QVERIFY(said.out.contains("about to end")); // its last line
        QVERIFY(here_->run({"runs", "show", "1"}).out.contains("about to end"));
    }

    void aPlanComesFromAProfileFile()
    {
        const QString profile
            = here_->write("profile.json", here_->run({"profile", experiment_, "--devices", "cpu,cpu", "--json"}).out);

        const QJsonObject plan = here_->run({"plan", "--profile", profile, "--devices", "2", "--json"}).object();
        QCOMPARE(plan["format"].toString(), QString("pipebd.plan/1"));
        QCOMPARE(plan["strategies"].toArray().size(), 14);
        const Said program = here_->run({"plan", "--profile", profile, "--devices", "2", "--strategies", "tr+dpu", "--program"});
        QVERIFY(program.out.startsWith("device 0: load"));
    }

    void aPlanComesFromAnExperiment()
    {
        const Said said = here_->run({"plan", experiment_, "--devices", "2", "--strategies", "dp,tr+dpu"});
        QCOMPARE(said.status, 0);
        QVERIFY(said.out.contains("tr+dpu"));
        QVERIFY(!said.out.contains("single"));
        const Said tight = here_->run({"plan", experiment_, "--devices", "2", "--memory-limit", "1B", "--json"});
        QCOMPARE(tight.status, 0);
    }

    void aRunShowsItsErrorByKindOfInstructionAndItsMemory()
    {
        here_->run({"run", experiment_, "--devices", "cpu,cpu", "--strategy", "tr+dpu", "--quiet"});

        const QJsonObject run = here_->run({"runs", "show", "1", "--json"}).object();
        QCOMPARE(run["results"]["peak_memory_bytes"].toArray(), QJsonArray({2000, 2001}));
        QCOMPARE(run["prediction"]["memory_bytes"].toArray().size(), 2);
        QMap<QString, QJsonObject> kinds;
        for (const QJsonValue& kind : run["prediction"]["kinds"].toArray())
            kinds[kind["kind"].toString()] = kind.toObject();
        QCOMPARE(kinds["teacher forward"]["measured"].toDouble(), 1.5); // three of half a millisecond
        QCOMPARE(kinds["teacher forward"]["predicted"].toDouble(), 3 * 0.64); // as the fake profile says
        QVERIFY(std::abs(kinds["teacher forward"]["error"].toDouble() - 0.28) < 1e-9);
        QCOMPARE(kinds["load"]["measured"].toDouble(), 0.5);
        QVERIFY(kinds.contains("send") && kinds.contains("receive") && !kinds.contains("all-reduce"));

        const QByteArray shown = here_->run({"runs", "show", "1"}).out;
        QVERIFY(shown.contains("  memory 1    2.0 KiB at most, "));
        QVERIFY2(QRegularExpression("teacher forward +1.92 +1.50 +\\+28.0 %\n").match(shown).hasMatch(), shown);
        QVERIFY(shown.contains("step, of the slowest"));
    }

    void aRunThatWasNotPlannedHasNoErrorByKind()
    {
        here_->run({"run", experiment_, "--set", "train.network=teacher", "--quiet"});
        QVERIFY(!here_->run({"runs", "show", "1"}).out.contains("of the slowest"));
        QCOMPARE(here_->run({"runs", "export", "1", "--trace", "trace.json"}).status, 0);
        QCOMPARE(processes(), QStringList{"device 0 measured"});
    }

    void aRunsTraceHasWhatWasPredictedBesideWhatWasMeasured()
    {
        here_->run({"run", experiment_, "--devices", "cpu,cpu", "--strategy", "tr+dpu", "--quiet"});
        const Said said = here_->run({"runs", "export", "1", "--trace", "trace.json"});
        QCOMPARE(said.status, 0);
        QVERIFY(said.out.startsWith("trace.json: "));
        QCOMPARE(processes(), QStringList({"device 0 predicted", "device 0 measured", "device 1 predicted", "device 1 measured"}));

        const auto events = [this](int process) { // its instructions, by name
            QStringList names;
            for (const QJsonValue& event : trace())
                if (event["ph"].toString() == "X" && event["pid"].toInt() == process)
                    names << event["name"].toString();
            names.sort();
            return names;
        };
        for (int device = 0; device < 2; ++device) {
            QVERIFY(!events(2 * device + 1).empty());
            QCOMPARE(events(2 * device + 1), events(2 * device + 2));
        }
    }

    void whatCannotBeExportedIsSaidInOneLine()
    {
        here_->run({"run", experiment_, "--devices", "cpu", "--quiet"}, "step=0;do=exit:1");
        for (const QStringList& arguments :
            {QStringList{"1"}, {"1", "--trace", "t.json"}, {"2", "--trace", "t.json"}, {"1", "--trace", "/"}}) {
            const Said said = here_->run(QStringList{"runs", "export"} + arguments);
            QCOMPARE(said.status, 2);
            QVERIFY2(said.err.startsWith("pipebd: error: ") && said.err.count('\n') == 1, said.err);
        }
        QVERIFY(!QFile::exists(here_->path("t.json")));
    }

    void aRunIsPreparedForSeveralMachines()
    {
        const Said said = here_->run(
            {"run", experiment_, "--devices", "cpu", "--machines", "3", "--strategy", "tr+dpu", "--prepare", "the run", "--json"});
        QCOMPARE(said.status, 0);
        const QJsonArray commands = said.object()["commands"].toArray();
        QCOMPARE(commands.size(), 3);
        QCOMPARE(commands[2].toString(),
            QStringLiteral(
                "torchrun --no-python --nnodes 3 --node-rank 2 --nproc-per-node 1 --master-addr HOST --master-port 29500 "
                "pipebd-engine train --spec '%1/spec.json' --metrics '%1' > /dev/null")
                .arg(here_->path("the run")));
        QVERIFY(QFile::exists(said.object()["spec"].toString()));
        QVERIFY(here_->run({"runs", "list", "--json"}).array().isEmpty());
    }

    void aRunThatHasEndedCannotBeStopped()
    {
        here_->run({"run", experiment_, "--devices", "cpu", "--quiet"});
        const Said said = here_->run({"runs", "stop", "1"});
        QCOMPARE(said.status, 2);
        QCOMPARE(said.err,
            QByteArray(
                "pipebd: error: there is nothing to stop: run 1 is finished; pipebd runs list shows which runs are running\n"));
    }
};

QTEST_GUILESS_MAIN(TestCommands)
#include "test_commands.moc"
