// The commands from end to end, with fake ranks.
#include "command.h"

#include "store/lab.h"
#include "store/run_store.h"

#include <QMap>
#include <QRegularExpression>

#include <cmath>

namespace {

/// `profile` whose blocks hold so many bytes for each sample.
QByteArray with_bytes_of_a_sample(QJsonObject profile, double bytes)
{
    QJsonArray blocks;
    for (const QJsonValue& value : profile["blocks"].toArray()) {
        QJsonObject block = value.toObject();
        block["activation_bytes"] = bytes;
        blocks.append(block);
    }
    profile["blocks"] = blocks;
    return QJsonDocument(profile).toJson();
}

} // namespace

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

    void make_lab() const { QVERIFY(QDir().mkpath(here_->path("lab/runs"))); }

private slots:
    void init()
    {
        here_ = std::make_unique<Workplace>();
        experiment_ = here_->write("digits.toml", "pair = \"nas-digits\"\n[train]\nsteps = 10\n");
    }

    void doctorNamesEngineDevicesAndLab()
    {
        make_lab();
        const Said said = here_->run({"doctor", "--json"});
        QCOMPARE(said.status, 0);
        QCOMPARE(said.object()["engine"].toString(), QString(FAKE_ENGINE));
        const QJsonArray devices = said.object()["devices"].toArray();
        QCOMPARE(devices.size(), 1);
        QCOMPARE(devices[0]["id"].toString(), QString("cpu"));
        QVERIFY(!devices[0]["name"].toString().isEmpty() && devices[0]["cores"].toInt() > 0);
        QVERIFY(devices[0].toObject().contains("memory_bytes"));
        QCOMPARE(said.object()["library"].toString(), QString("ok"));
        QVERIFY(said.object()["SQLite"].toString().startsWith("3."));
        QCOMPARE(said.object()["telemetry"].toString(), QString("no GPU telemetry: fake"));
    }

    void doctorSaysWhatIsBroken()
    {
        make_lab();
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
        QVERIFY2(said.err.contains("no pair given: pipebd pairs show; pipebd pairs list shows"), said.err.constData());
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

    void furtherBatchSizesAreMeasured()
    {
        const QStringList profile{"profile", experiment_, "--devices", "cpu,cpu", "--json"};
        const auto sizes = [&](const QStringList& more) {
            return here_->run(profile + more).object()["blocks"][0]["teacher_forward"].toObject().keys();
        };
        QCOMPARE(sizes({}), QStringList({"32", "64"}));
        QCOMPARE(sizes({"--sizes", "8, 128,8"}), QStringList({"128", "32", "64", "8"}));
        const QList<std::pair<QString, QByteArray>> refused{{"8,,9", "''"}, {"0", "'0'"}, {"8,", "''"}, {"x", "'x'"}};
        for (const auto& [text, part] : refused) {
            const Said said = here_->run(profile + QStringList{"--sizes", text});
            QCOMPARE(said.status, 2);
            QCOMPARE(said.err,
                "pipebd: error: " + part + " is not a batch size: --sizes; give numbers from 1 to 1048576, such as 8,16,128\n");
        }
    }

    void progressIsToldToProgramsAsALineOfJsonEach()
    {
        const Said said = here_->run({"run", experiment_, "--devices", "cpu,cpu", "--progress", "lines", "--quiet"}, "pace=50");
        QCOMPARE(said.status, 0);
        QStringList notes;
        double last = -1;
        for (const QByteArray& line : said.err.trimmed().split('\n')) {
            const QJsonObject object = QJsonDocument::fromJson(line).object();
            QVERIFY2(object.contains("note") != (object.contains("progress") && object.contains("doing")), line);
            if (object.contains("note"))
                notes += object["note"].toString();
            else
                last = object["progress"].toDouble(-1);
            QVERIFY(last <= 1);
        }
        QVERIFY(last >= 0);
        QVERIFY(notes.first().startsWith("profiling nas-digits, batch 64"));
        QVERIFY(notes.contains("run 1 has started"));
        QCOMPARE(here_->run({"plan", experiment_, "--devices", "cpu,cpu", "--progress", "lines", "--quiet"}).err,
            QByteArray("{\"note\":\"using the stored profile of nas-digits, batch 64, float32 on cpu,cpu\"}\n"));
        QCOMPARE(here_->run({"doctor", "--progress", "bar"}).err,
            QByteArray("pipebd: error: unknown form of progress 'bar': --progress; give text or lines\n"));
    }

    void profilesAreListedShownCopiedAndDeleted()
    {
        here_->run({"profile", experiment_, "--devices", "cpu,cpu", "--quiet"});
        const QJsonArray list = here_->run({"profiles", "list", "--json"}).array();
        QCOMPARE(list.size(), 1);
        const QString id = list[0]["id"].toString();
        QCOMPARE(list[0]["devices"].toString(), QString("cpu,cpu"));
        QCOMPARE(list[0]["device"].toString(), QString("fake"));
        QVERIFY(here_->run({"profiles"}).out.contains(id.toUtf8() + "  nas-digits     64  float32  cpu,cpu  2"));
        QVERIFY(here_->run({"profiles", "show", id}).out.startsWith("block   teacher forward"));
        QCOMPARE(here_->run({"profiles", "show", id, "--json"}).object()["format"].toString(), QString("pipebd.profile/1"));

        QCOMPARE(here_->run({"profiles", "export", id, "mine.json"}).status, 0);
        QCOMPARE(here_->run({"plan", "--profile", "mine.json", "--devices", "2", "--quiet"}).status, 0);
        const QJsonObject imported = here_->run({"profiles", "import", "mine.json", "--json"}).object();
        QCOMPARE(imported["devices"].toString(), QString("fake"));
        QCOMPARE(imported["conditions"].toString(), QString("imported from mine.json"));
        QCOMPARE(here_->run({"profiles", "list", "--json"}).array().size(), 2);

        QCOMPARE(here_->run({"profiles", "delete", id}).status, 0);
        const Said again = here_->run({"profiles", "delete", id});
        QCOMPARE(again.status, 2);
        QVERIFY2(again.err.startsWith("pipebd: error: there is no profile '" + id.toUtf8() + "': "), again.err);
        QVERIFY(again.err.endsWith("existing profiles: " + imported["id"].toString().toUtf8() + "\n"));
        QCOMPARE(here_->run({"profiles", "show"}).err,
            QByteArray("pipebd: error: no profile given: pipebd profiles show ID; give the id of a profile; pipebd profiles list "
                       "shows them\n"));
        here_->write("broken.json", "{\"format\": \"pipebd.profile/1\"}");
        const Said broken = here_->run({"profiles", "import", "broken.json"});
        QCOMPARE(broken.status, 2);
        QVERIFY2(broken.err.startsWith("pipebd: error: ") && broken.err.contains("broken.json") && broken.err.count('\n') == 1,
            broken.err);
    }

    void aRunTakesItsStagesByHand_data()
    {
        QTest::addColumn<QStringList>("options");
        QTest::addColumn<QString>("strategy");
        const QString stages = "0 on 0,1 | 1-2 on 2";
        QTest::newRow("shorthand") << QStringList{"--stages", " 0 on 0,1|1-2 on 2"} << "tr+dpu+ahd";
        QTest::newRow("setting") << QStringList{"--set", "run.stages=" + stages} << "tr+dpu+ahd";
        QTest::newRow("strategy") << QStringList{"--stages", "0-1 on 2 | 2 on 0", "--strategy", "tr"} << "tr";
    }

    void aRunTakesItsStagesByHand()
    {
        QFETCH(QStringList, options);
        QFETCH(QString, strategy);
        here_->run({"profile", experiment_, "--devices", "cpu,cpu,cpu", "--quiet"});
        const Said said = here_->run(QStringList{"run", experiment_, "--devices", "cpu,cpu,cpu", "--json"} + options);
        QVERIFY2(said.status == 0, said.err);
        QCOMPARE(said.object()["strategy"].toString(), strategy);
        const pipebd::store::RunRecord run = pipebd::store::Lab(here_->path("lab").toStdString()).run(1);
        const QJsonObject plan = QJsonDocument::fromJson(
            QByteArray::fromStdString(
                pipebd::store::RunStore(run.folder / "run.sqlite", pipebd::store::RunStore::Mode::ReadOnly).document("plan")))
                                     .object();
        const QJsonObject planned = plan["strategies"][0].toObject();
        QCOMPARE(planned["decided_by"].toString(), QString("hand"));
        QCOMPARE(planned["strategy"].toString(), strategy);
        if (strategy == "tr")
            return;
        QCOMPARE(planned["stages"][0]["devices"].toArray(), QJsonArray({0, 1}));
        QCOMPARE(planned["stages"][1]["blocks"].toArray(), QJsonArray({1, 2}));
    }

    void whatIsDecidedByHandStartsAtOnceAndIsPredictedWhereItCanBe()
    {
        const QByteArray cannot_measure = "in=profile;do=exit:7";
        const QStringList single{"run", experiment_, "--devices", "cpu,cpu,cpu", "--strategy", "single"};
        QStringList placed{"run", experiment_, "--devices", "cpu,cpu,cpu", "--stages", "0 on 1,2 | 1-2 on 0"};
        for (const QStringList& command : {single, placed}) {
            const Said said = here_->run(command, cannot_measure);
            QVERIFY2(said.status == 0, said.err);
            QVERIFY2(said.err.contains("no profile for this run: it starts without a prediction"), said.err);
            QVERIFY2(!said.err.contains("profiling") && !said.out.contains(" predicted"), said.err + said.out);
        }
        QVERIFY(here_->run({"profiles", "list", "--json"}).array().isEmpty());
        QVERIFY(here_->run({"runs", "show", "1", "--json"}).object()["prediction"].toObject()["step"].toDouble() == 0);

        here_->run({"profile", experiment_, "--devices", "cpu,cpu", "--quiet"});
        const Said exact = here_->run(single, cannot_measure); // on one device, of a profile of two
        QVERIFY2(exact.status == 0 && exact.out.contains(" predicted") && !exact.out.contains("~"), exact.out);
        QVERIFY2(exact.err.contains("using the stored profile of nas-digits, batch 64, float32 on cpu,cpu"), exact.err);
        placed.last() = "0 on 0-2 | 1-2 on 3";
        placed[3] = "cpu,cpu,cpu,cpu";
        const Said marked = here_->run(placed, cannot_measure); // a group of three was not measured
        QVERIFY2(marked.status == 0 && marked.out.contains(" ~"), marked.out);
        QVERIFY2(marked.out.contains("\n~ uses times that are interpolated, not measured: parts of 22 samples, all-reduces over 3 "
                                     "devices\n"),
            marked.out);
        const QString folder = here_->run({"runs", "show", "4", "--json"}).object()["folder"].toString();
        const pipebd::store::RunStore run(folder.toStdString() + "/run.sqlite", pipebd::store::RunStore::Mode::ReadOnly);
        const QJsonObject profile = QJsonDocument::fromJson(QByteArray::fromStdString(run.document("profile"))).object();
        QCOMPARE(profile["interpolated"].toObject(), (QJsonObject{{"load", QJsonArray{22}}}));
        QCOMPARE(profile["blocks"][0]["interpolated"]["all_reduce"].toArray(), QJsonArray{3});
        const QJsonObject plan = QJsonDocument::fromJson(QByteArray::fromStdString(run.document("plan"))).object();
        QCOMPARE(plan["strategies"][0]["interpolated"]["compute"].toArray(), QJsonArray{22});
        const QString id = here_->run({"profiles", "list", "--json"}).array().at(0)["id"].toString();
        QVERIFY(!here_->run({"profiles", "show", id, "--json"}).out.contains("interpolated")); // what was measured is as it was
        QCOMPARE(here_->run({"runs", "export", "4", "--trace", "four.json"}).status, 0); // simulated once more, of what was kept
    }

    void whatRunRefusesItsCheckRefusesTooAndNeitherMeasuresAnything_data()
    {
        QTest::addColumn<QStringList>("options");
        QTest::addColumn<QByteArray>("line");
        const auto row = [](const char* name, const QStringList& options, const char* line) {
            QTest::newRow(name) << options << QByteArray(line);
        };
        row("blocks that are not there", {"--stages", "0-9 on 0"},
            "there is no block 9, there are 3 blocks: run.stages '0-9 on 0'");
        row("a block left out", {"--stages", "0-1 on 0"}, "block 2 has no stage: run.stages '0-1 on 0'");
        row("a device that is not there", {"--stages", "0-2 on 0,7"}, "there is no device 7");
        row("too few samples", {"--strategy", "dp", "--set", "data.batch=1"},
            "the strategy cannot run on these devices (a batch of 1 cannot be split over 2 devices): strategy dp");
        row("too few samples by hand", {"--stages", "0-2 on 0,1", "--set", "data.batch=1"},
            "the strategy cannot run on these devices (stage 0");
        row("too few blocks", {"--strategy", "tr", "--devices", "cpu,cpu,cpu,cpu"},
            "the strategy cannot run on these devices (it needs a block for every device, but there are 3 blocks for 4 devices)");
        row("devices that differ", {"--devices", "cpu,cpu@2"}, "devices of different kinds cannot be profiled together");
        row("another pair", {"--profile", "other.json"},
            "the profile was measured for the pair 'other', but the run trains 'nas-digits': other.json");
        row("another batch", {"--profile", "mine.json", "--set", "data.batch=32"},
            "the profile was measured for batch 64, but the run uses 32: mine.json");
        row("other blocks", {"--profile", "fewer.json"}, "the profile has 2 blocks, the pair 3: --profile fewer.json");
        row("more memory than there is", {"--profile", "heavy.json"}, "this run needs about ");
        row("no folder", {"--out", "mine.json/there"}, "cannot write the results there: --out mine.json/there");
    }

    void whatRunRefusesItsCheckRefusesTooAndNeitherMeasuresAnything()
    {
        QFETCH(QStringList, options);
        QFETCH(QByteArray, line);
        const Said profile = here_->run({"profile", experiment_, "--devices", "cpu,cpu", "--json"});
        here_->write("mine.json", profile.out);
        QJsonObject other = profile.object();
        other["pair"] = "other";
        here_->write("other.json", QJsonDocument(other).toJson());
        QJsonObject fewer = profile.object();
        QJsonArray blocks = fewer["blocks"].toArray();
        blocks.removeLast();
        fewer["blocks"] = blocks;
        here_->write("fewer.json", QJsonDocument(fewer).toJson());
        here_->write("heavy.json", with_bytes_of_a_sample(profile.object(), 1e15));
        const QString id = here_->run({"profiles", "list", "--json"}).array().at(0)["id"].toString();
        here_->run({"profiles", "delete", id});

        QStringList command{"run", experiment_};
        if (!options.contains("--devices"))
            command += {"--devices", "cpu,cpu"};
        const Said checked = here_->run(command + options + QStringList{"--check"}, "in=profile;do=exit:7");
        QCOMPARE(checked.status, 2);
        QVERIFY2(checked.err.startsWith("pipebd: error: " + line), checked.err);
        QCOMPARE(checked.err.count('\n'), 1);
        const Said ran = here_->run(command + options, "in=profile;do=exit:7");
        QCOMPARE(ran.err, checked.err);
        QCOMPARE(ran.status, 2);
        QVERIFY(here_->run({"profiles", "list", "--json"}).array().isEmpty());
        QVERIFY(here_->run({"runs", "list", "--json"}).array().isEmpty());
    }

    void aPlanForMoreDevicesThanAreHereMeasuresTwoOrTakesWhatIsStored()
    {
        const QStringList eight{"plan", experiment_, "--devices", "cpu@64,cpu@64,cpu@64,cpu@64", "--json"};
        const Said said = here_->run(eight); // of the fake engine's cores there is room for one of them
        QVERIFY2(said.status == 0, said.err);
        QVERIFY2(said.err.contains("profiling nas-digits, batch 64, float32 on cpu@64\n"), said.err);
        const QJsonObject plan = said.object();
        QCOMPARE(plan["devices"].toInt(), 4);
        QCOMPARE(plan["notes"].toArray(), QJsonArray{"measured on cpu@64"});
        QHash<QString, QJsonObject> interpolated;
        for (const QJsonValue& strategy : plan["strategies"].toArray())
            interpolated[strategy["strategy"].toString()] = strategy["interpolated"].toObject();
        QVERIFY(interpolated["single"].isEmpty());
        QCOMPARE(interpolated["dp"], (QJsonObject{{"all_reduce", QJsonArray{4}}})); // the smallest part was measured
        const QByteArray told = "in=profile;do=exit:7";
        QVERIFY(here_->run(eight, told).err.startsWith("using the stored profile of nas-digits, batch 64, float32 on cpu@64\n"));
        const Said table = here_->run({"plan", experiment_, "--devices", "cpu@64,cpu@64,cpu@64"}, told);
        QVERIFY2(table.out.contains("parts of 22 samples, all-reduces over 3 devices; to measure: add --measure\n"), table.out);
        const Said measured = here_->run(eight + QStringList{"--measure"});
        QVERIFY2(measured.err.contains("profiling nas-digits, batch 64, float32 on cpu@64,cpu@64,cpu@64,cpu@64\n"), measured.err);
        QVERIFY(!measured.out.contains("interpolated"));
        const Said fewer = here_->run({"plan", experiment_, "--devices", "cpu@64,cpu@64,cpu@64", "--json"}, told);
        QVERIFY2(!fewer.out.contains("interpolated"), fewer.out); // of the one of four
    }

    void aProfileOfAnotherDtypeIsSaidToBeSo()
    {
        here_->write("mine.json", here_->run({"profile", experiment_, "--devices", "cpu,cpu", "--json"}).out);
        const Said said
            = here_->run({"run", experiment_, "--devices", "cpu,cpu", "--profile", "mine.json", "--set", "run.dtype=float64"});
        QCOMPARE(said.status, 0);
        QCOMPARE(
            said.err.count("the profile was measured in float32, but the run computes in float64: predictions will be off\n"), 1);
    }

    void aProfileOfAFileAndOfAnIdArePlannedAlike()
    {
        const Said profile = here_->run({"profile", experiment_, "--devices", "cpu,cpu", "--json"});
        here_->write("mine.json", profile.out);
        const QString id = here_->run({"profiles", "list", "--json"}).array().at(0)["id"].toString();
        for (const char* devices : {"2", "5"}) {
            const Said of_file = here_->run({"plan", "--profile", "mine.json", "--devices", devices});
            const Said of_id = here_->run({"plan", "--profile", id, "--devices", devices});
            QCOMPARE(of_file.status, 0);
            QCOMPARE(of_id.out, of_file.out);
            QCOMPARE(of_file.out.contains("all-reduces over 5 and 3 devices"), devices[0] == '5');
        }
        const QStringList run{"run", experiment_, "--devices", "cpu,cpu,cpu", "--strategy", "dp", "--profile"};
        for (const QString& name : {QString("mine.json"), id}) {
            const Said said = here_->run(run + QStringList{name});
            QVERIFY2(said.status == 0 && said.out.contains("\n~ uses times"), said.out + said.err);
        }
    }

    void stagesThatCannotBeAreRefusedBeforeAnythingRuns_data()
    {
        QTest::addColumn<QStringList>("arguments");
        QTest::addColumn<QByteArray>("line");
        const auto row = [](const char* name, const QStringList& arguments, const char* line) {
            QTest::newRow(name) << arguments << QByteArray(line);
        };
        row("no stages", {"run", "--stages", "0-2"},
            "invalid stages: 'on' is missing between blocks and devices: --stages '0-2', column 4; write blocks on devices, "
            "such as "
            "\"0-2 on 0,1 | 3-5 on 2\"");
        row("no device", {"run", "--stages", "0-2 on 0,5"},
            "there is no device 5, there are 2 devices: run.stages '0-2 on 0,5'; give every block to exactly one stage, in order, "
            "and every device to at most one");
        row("strategy", {"run", "--stages", "0-2 on 0", "--strategy", "dp"},
            "the stages of dp cannot be placed by hand: --set run.stages=0-2 on 0; leave it out, or choose one of tr, tr+dpu, "
            "tr+dpu+ahd");
        row("width", {"run", "--stages", "0-2 on 0,1", "--strategy", "tr"},
            "the strategy cannot run on these devices (stage 0 (blocks 0-2 on 0,1) has 2 devices, but tr gives one to each): "
            "strategy tr; "
            "name other "
            "devices or another strategy");
        row("bench", {"bench", "--set", "run.stages=0-2 on 0"},
            "stages placed by hand cannot be used here: each strategy is compared with the stages that it chooses: run.stages '0-2 "
            "on 0'; leave it "
            "out, or "
            "add --set run.stages=");
        row("verify", {"verify", "--set", "run.stages=0-2 on 0"},
            "stages placed by hand cannot be used here: each strategy is compared with the stages that it chooses: run.stages '0-2 "
            "on 0'; leave it "
            "out, or "
            "add --set run.stages=");
    }

    void stagesThatCannotBeAreRefusedBeforeAnythingRuns() // I1
    {
        QFETCH(QStringList, arguments);
        QFETCH(QByteArray, line);
        const Said said = here_->run(arguments + QStringList{experiment_, "--devices", "cpu,cpu", "--quiet"});
        QCOMPARE(said.err, "pipebd: error: " + line + "\n");
        QCOMPARE(said.status, 2);
        QCOMPARE(here_->run({"runs", "list", "--json"}).array().size(), 0);
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
        QVERIFY(shown.contains("step, slowest device"));
    }

    void aRunThatWasNotPlannedHasNoErrorByKind()
    {
        here_->run({"run", experiment_, "--set", "train.network=teacher", "--quiet"});
        QVERIFY(!here_->run({"runs", "show", "1"}).out.contains("slowest device"));
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

    void aCheckSaysWhatWouldBeTrainedAndStartsNothing()
    {
        const Said json
            = here_->run({"run", experiment_, "--devices", "cpu,cpu", "--out", here_->path("out"), "--check", "--json"});
        QCOMPARE(json.status, 0);
        QCOMPARE(json.object()["pair"].toString(), QString("nas-digits"));
        QCOMPARE(json.object()["steps"].toInt(), 10);
        QCOMPARE(json.object()["train_samples"].toInt(), 1000);
        QCOMPARE(json.object()["devices"].toArray(), QJsonArray({"cpu", "cpu"}));
        QCOMPARE(json.object()["stages"].toArray(), QJsonArray({"distil"}));
        QCOMPARE(here_->run({"run", experiment_, "--devices", "cpu,cpu", "--check"}).out,
            QByteArray("nas-digits, 3 blocks, on cpu,cpu\n10 steps of 64; 1000 training and 100 test samples\ncan be started\n"));
        QCOMPARE(here_->run({"runs", "list", "--json"}).array().size(), 0);
        QVERIFY(!QFile::exists(here_->path("out")));
    }

    void aCheckTellsWhatComesAfterTheFirstStage()
    {
        const QStringList command{"run", experiment_, "--set", "stage.finetune.steps=7", "--devices", "cpu,cpu", "--check"};
        const Said said = here_->run(command);
        QVERIFY2(said.out.endsWith("then finetune, 7 steps of 64, on cpu\ncan be started\n"), said.out.constData());
        const QJsonArray checked = here_->run(command + QStringList{"--json"}).object()["checked"].toArray();
        QCOMPARE(checked.size(), 2);
        QCOMPARE(checked[0]["stage"].toString(), QString("distil"));
        QCOMPARE(checked[1]["devices"].toArray(), QJsonArray{"cpu"});
        QCOMPARE(checked[1]["steps"].toInt(), 7);
    }

    void aCheckLooksAtEveryStage()
    {
        const QStringList teacher_first{"run", experiment_, "--set", "stage.teacher.steps=1", "--devices", "cpu,cpu", "--check"};
        QCOMPARE(here_->run(teacher_first).status, 0);
        const Said said = here_->run(teacher_first + QStringList{"--stages", "0-9 on 0"});
        QCOMPARE(said.status, 2);
        QVERIFY2(said.err.startsWith("pipebd: error: there is no block 9, there are 3 blocks"), said.err.constData());
        QCOMPARE(said.out, QByteArray());
    }

    void aCheckInALabThatIsNotThereMakesNone()
    {
        const QString lab = here_->path("new/lab");
        const QStringList command{"run", experiment_, "--devices", "cpu", "--strategy", "single", "--quiet", "--lab"};
        QCOMPARE(here_->run(command + QStringList{lab, "--check"}).status, 0);
        QVERIFY(!QFile::exists(here_->path("new")));
        QCOMPARE(here_->run(command + QStringList{lab}).status, 0);
        const Said never = here_->run(command + QStringList{experiment_ + "/lab", "--check"});
        QCOMPARE(never.status, 2);
        QVERIFY2(never.err.contains(experiment_.toUtf8() + "/lab"), never.err.constData());
    }

    void aCheckRefusesWhatAStoredProfileSaysNeedsTooMuchMemory()
    {
        const QStringList what{experiment_, "--devices", "cpu,cpu", "--set", "data.batch=1000000"};
        const QStringList check = QStringList{"run"} + what + QStringList{"--check", "--strategy", "dp"};
        QCOMPARE(here_->run(check).status, 0); // nothing is known of it
        QCOMPARE(here_->run(QStringList{"profile"} + what).status, 0);
        const Said said = here_->run(check);
        QCOMPARE(said.status, 2);
        QVERIFY2(said.err.startsWith("pipebd: error: this run needs about "), said.err.constData());
        const QJsonArray planned = here_->run(QStringList{"plan"} + what + QStringList{"--json"}).object()["strategies"].toArray();
        QVERIFY(planned[0]["memory_shortage"].toString().startsWith("this run needs about "));
        const Said table = here_->run(QStringList{"plan"} + what + QStringList{"--strategies", "dp"});
        QVERIFY2(table.out.contains("\n! dp does not fit: this run needs about "), table.out.constData());
    }

    void whatCannotBeStartedIsRefusedByTheCheck()
    {
        const QString none = here_->write("none.toml", "pair = \"nothing\"\n");
        const Said said = here_->run({"run", none, "--devices", "cpu", "--check"});
        QCOMPARE(said.status, 2);
        QVERIFY2(said.err.contains("there is no such pair"), said.err.constData());
        QCOMPARE(said.out, QByteArray());
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
