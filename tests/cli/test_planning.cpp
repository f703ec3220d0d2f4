// pipebd plan from profile files: what it prints, what if, and profiles that are none.
#include "command.h"

#include <QFileInfo>

namespace {

/// Six blocks; times in proportion to the samples, for shards of up to eight devices of a batch of 256.
QJsonObject profile_json()
{
    const auto times = [](double of_whole) {
        QJsonObject result;
        for (int g = 1; g <= 8; ++g) {
            const int n = (256 + g - 1) / g;
            result[QString::number(n)] = of_whole * n / 256;
        }
        return result;
    };
    QJsonObject all_reduce;
    for (int g = 2; g <= 8; ++g)
        all_reduce[QString::number(g)] = 0.3;
    QJsonArray blocks;
    for (int b = 0; b < 6; ++b)
        blocks.append(QJsonObject{{"name", QString("stage%1").arg(b)}, {"teacher_forward", times(4)}, {"student_forward", times(5)},
            {"student_backward", times(b == 0 ? 27 : 9)}, {"update", 0.5}, {"all_reduce", all_reduce}, {"output_bytes", 100'000},
            {"activation_bytes", 1'000'000}, {"teacher_bytes", 40'000}, {"student_bytes", 90'000}, {"gradient_bytes", 80'000},
            {"optimizer_bytes", 80'000}});
    return {{"format", "pipebd.profile/1"}, {"pair", "made up"}, {"device", "none"}, {"dtype", "float32"}, {"batch", 256},
        {"load", times(2)}, {"blocks", blocks}, {"link", QJsonObject{{"latency", 0.02}, {"bytes_per_ms", 1e7}}}};
}

QByteArray text_of(const QJsonObject& json)
{
    return QJsonDocument(json).toJson(QJsonDocument::Compact);
}

} // namespace

class TestPlanning : public QObject {
    Q_OBJECT

    Workplace here_;

    Said plan(const QStringList& arguments) const
    {
        return here_.run(QStringList{"plan", "--profile", "profile.json"} + arguments);
    }

    QJsonObject strategy(const QString& name, const QStringList& arguments) const
    {
        const Said said = plan(QStringList{"--json", "--strategies", name} + arguments);
        if (said.status != 0)
            qFatal("%s", said.err.constData());
        return said.object()["strategies"].toArray().at(0).toObject();
    }

private slots:
    void initTestCase() { here_.write("profile.json", text_of(profile_json())); }

    void theTableShowsEveryStrategyThatIsPossibleAndWhyTheOthersAreNot()
    {
        const Said said = plan({"--devices", "8"});
        QCOMPARE(said.status, 0);
        for (const char* name : {"\nsingle ", "\ndp ", "\nls ", "\nls-steal ", "\nir ", "\ntr+dpu+ahd ", "\nddp "})
            QVERIFY2(said.out.contains(name), said.out);
        QVERIFY2(
            said.out.contains("\ntr is not possible: it needs a block for every device, but there are 6 blocks for 8 devices\n"),
            said.out);
        QVERIFY(said.out.contains("search of 792"));
        const Said four = plan({"--devices", "4"});
        for (const char* name : {"\ntr ", "\ntr+dpu ", "\ngpipe ", "\n1f1b ", "\nmp ", "\ntspipe-published ", "\ntspipe "})
            QVERIFY2(four.out.contains(name), four.out);
        QVERIFY(!four.out.contains("is not possible"));
    }

    void groupsOfStrategiesAndTheOtherNameOfOneAreUnderstood()
    {
        const auto count = [&](const QString& names) {
            return plan({"--json", "--devices", "4", "--strategies", names}).object()["strategies"].toArray().size();
        };
        QCOMPARE(count("blockwise"), 8);
        QCOMPARE(count("end-to-end"), 6);
        QCOMPARE(count("all"), 14);
        QCOMPARE(count("dp,dp,pipe-bd,tr+dpu+ahd"), 2);
        QCOMPARE(strategy("pipe-bd", {"--devices", "4"})["strategy"].toString(), "tr+dpu+ahd");
    }

    void stagesPlacedByHandStandBesideTheSearchs()
    {
        const QJsonArray best = strategy("pipe-bd", {"--devices", "4"})["stages"].toArray();
        QStringList text;
        for (const QJsonValue& stage : best) {
            QStringList devices;
            for (const QJsonValue& device : stage["devices"].toArray())
                devices += QString::number(device.toInt());
            const QJsonArray blocks = stage["blocks"].toArray();
            text += QString("%1-%2 on %3").arg(blocks.first().toInt()).arg(blocks.last().toInt()).arg(devices.join(','));
        }
        const QStringList byHand{"--devices", "4", "--strategies", "pipe-bd", "--stages", text.join("|")};
        const QJsonArray both = plan(byHand + QStringList{"--json"}).object()["strategies"].toArray();
        QCOMPARE(both.size(), 2);
        QJsonObject searched = both[0].toObject();
        QJsonObject placed = both[1].toObject();
        QCOMPARE(placed.take("decided_by").toString(), "hand");
        QCOMPARE(searched.take("decided_by").toString(), "search");
        QCOMPARE(placed.take("candidates").toInt(), 1);
        searched.remove("candidates");
        QCOMPARE(placed, searched);
        const Said table = plan(byHand);
        QVERIFY2(table.out.contains("\ntr+dpu+ahd by hand  "), table.out);

        const Said tight
            = plan({"--devices", "2", "--strategies", "dp", "--stages", "0-4 on 0 | 5 on 1", "--memory-limit", "150MB"});
        QCOMPARE(tight.status, 0);
        QVERIFY2(tight.out.contains("\ntr+dpu+ahd by hand is not possible: stage 0 (blocks 0-4 on 0) needs "), tight.out);
        const Said none = plan({"--devices", "2", "--stages", "0-4 on 0"});
        QCOMPARE(none.status, 2);
        QCOMPARE(none.err,
            QByteArray("pipebd: error: block 5 has no stage: run.stages '0-4 on 0'; give every block to exactly one stage, in "
                       "order, and every device to at most one\n"));
    }

    void theExhaustiveSearchFindsTheSameAndRanksTheCandidates()
    {
        const QJsonObject exact = strategy("pipe-bd", {"--devices", "4"});
        const QJsonObject all = strategy("pipe-bd", {"--devices", "4", "--search", "exhaustive", "--ranked", "5"});
        QCOMPARE(all["stages"], exact["stages"]);
        QCOMPARE(all["candidates"].toInt(), 56);
        QCOMPARE(exact["candidates"].toInt(), 56);
        QCOMPARE(all["decided_by"].toString(), "exhaustive search");
        const QJsonArray ranked = all["ranked"].toArray();
        QCOMPARE(ranked.size(), 5);
        for (int i = 1; i < 5; ++i)
            QVERIFY(ranked[i]["cost"].toDouble() >= ranked[i - 1]["cost"].toDouble());
        QVERIFY(plan({"--devices", "4", "--strategies", "pipe-bd", "--ranked", "3"}).out.contains("slowest stage"));
    }

    void theProgramIsPrintedInTextFormAndStandsInTheJsonToo()
    {
        const Said text = plan({"--devices", "3", "--strategies", "tr+dpu", "--program"});
        QVERIFY2(text.out.startsWith("device 0: load  T0 T1 send>1  F0 B0 U0 F1 B1 U1\n"), text.out);
        QCOMPARE(strategy("tr+dpu", {"--devices", "3", "--program"})["program"].toString().toUtf8(), text.out);
        QVERIFY(!strategy("tr+dpu", {"--devices", "3"}).contains("program"));
    }

    void theTraceIsAFileOfChromeTraceEvents()
    {
        const Said said = plan({"--devices", "4", "--strategies", "tr+dpu", "--trace", "trace.json"});
        QCOMPARE(said.status, 0);
        QVERIFY(said.out.contains("tr+dpu"));
        QFile file(here_.path("trace.json"));
        QVERIFY(file.open(QIODevice::ReadOnly));
        QVERIFY(QJsonDocument::fromJson(file.readAll())["traceEvents"].toArray().size() > 100);
        const Said nowhere = plan({"--devices", "4", "--trace", "no/such/folder/trace.json"});
        QCOMPARE(nowhere.status, 2);
        QCOMPARE(nowhere.err.count('\n'), 1);
        QVERIFY2(nowhere.err.contains("no/such/folder"), nowhere.err);
    }

    void aFasterDeviceAndAnotherLinkChangeWhatTheyShould()
    {
        const double step = strategy("single", {"--devices", "1"})["step"].toDouble();
        const QJsonObject faster = strategy("single", {"--devices", "1", "--scale-device", "1.7"});
        QVERIFY(qFuzzyCompare(faster["step"].toDouble(), 2 + (step - 2) / 1.7)); // loading is not the device's
        const QJsonArray usual = strategy("tr+dpu", {"--devices", "2"})["stages"].toArray();
        const QJsonArray slow = strategy("tr+dpu", {"--devices", "2", "--link", "1GB/s"})["stages"].toArray();
        QVERIFY(qFuzzyCompare(slow[1]["cost"].toDouble() - usual[1]["cost"].toDouble(), 25.6 - 2.56)); // 25.6 MB
        const QJsonArray notes
            = plan({"--json", "--devices", "2", "--link", "1GB/s", "--scale-device", "2"}).object()["notes"].toArray();
        QCOMPARE(notes.size(), 2);
        QCOMPARE(notes[1].toString(), "links of 1.00 GB/s instead of the measured 10.0 GB/s");
    }

    void anotherBatchIsInterpolatedAndThePlanSaysSo()
    {
        const Said said = plan({"--devices", "2", "--batch", "100", "--strategies", "dp,single"});
        QVERIFY2(said.out.startsWith("batch 100: measured for 256 and interpolated\n"), said.out);
        QVERIFY2(said.out.contains("\n~ uses times that are interpolated, not measured: parts of 100 and 50 samples; to measure: "),
            said.out);
        const QJsonObject single = strategy("single", {"--devices", "1", "--batch", "100"});
        QVERIFY(qFuzzyCompare(single["step"].toDouble(), (2 + 6 * (4 + 5 + 9) + 18) * 100 / 256. + 6 * 0.5)); // linear as it is
    }

    void whatTheProfileLacksIsInterpolatedAndMarked()
    {
        QJsonObject profile = profile_json();
        QJsonArray blocks = profile["blocks"].toArray();
        QJsonObject block = blocks[2].toObject();
        block["teacher_forward"] = QJsonObject{{"256", 4}, {"64", 1}}; // linear, as it was
        blocks[2] = block;
        profile["blocks"] = blocks;
        here_.write("lacks.json", text_of(profile));
        const QStringList two{"plan", "--profile", "lacks.json", "--devices", "2", "--strategies", "single,dp"};
        const Said said = here_.run(two);
        QCOMPARE(said.status, 0);
        QVERIFY2(said.out.contains("\ndp ") && said.out.contains(" ~"), said.out);
        QVERIFY2(said.out.contains("\n~ uses times that are interpolated, not measured: parts of 128 samples; to measure: pipebd "
                                   "profile EXPERIMENT --sizes 128\n"),
            said.out);
        const QJsonArray strategies = here_.run(two + QStringList{"--json"}).object()["strategies"].toArray();
        QVERIFY(!strategies[0].toObject().contains("interpolated"));
        QCOMPARE(strategies[1]["interpolated"].toObject(), (QJsonObject{{"compute", QJsonArray{128}}}));
        QVERIFY(qFuzzyCompare(strategies[1]["step"].toDouble(), strategy("dp", {"--devices", "2"})["step"].toDouble()));
    }

    void aMemoryLimitMakesWhatDoesNotFitImpossible()
    {
        const QJsonObject dp = strategy("dp", {"--devices", "4", "--memory-limit", "60MB"});
        QCOMPARE(dp["feasible"].toBool(true), false);
        QVERIFY2(dp["why"].toString().contains("57.2 MiB"), qPrintable(dp["why"].toString()));
        const QJsonObject fits = strategy("pipe-bd", {"--devices", "4", "--memory-limit", "300MB"});
        for (const QJsonValue& stage : fits["stages"].toArray())
            QVERIFY(stage["memory_bytes"].toDouble() <= 300e6);
    }

    void anEpochsTimeNeedsTheSizeOfTheDataSet()
    {
        QVERIFY(!strategy("single", {"--devices", "1"}).contains("epoch"));
        const QJsonObject single = strategy("single", {"--devices", "1", "--samples", "2560"});
        QVERIFY(qFuzzyCompare(single["epoch"].toDouble(), 10 * single["step"].toDouble()));
    }

    void aClusterFileDescribesTheDevices()
    {
        here_.write("unequal.toml",
            "[[device]]\nspeed = 3\nmemory = \"2GB\"\n[[device]]\nnode = \"b\"\n[between]\nbandwidth = \"1GB/s\"\n");
        const QJsonObject relay = strategy("tr+dpu", {"--devices", "unequal.toml"});
        const QJsonArray stages = relay["stages"].toArray();
        QCOMPARE(stages.size(), 2);
        QVERIFY(stages[0]["blocks"].toArray().size() > stages[1]["blocks"].toArray().size());
        here_.write("broken.toml", "[[device]]\nspeed = -1\n");
        const Said broken = plan({"--devices", "broken.toml"});
        QCOMPARE(broken.status, 2);
        QCOMPARE(
            broken.err, QByteArray("pipebd: error: speed must be a number above 0: broken.toml:2; write it like speed = 0.5\n"));
    }

    void endToEndStrategiesTakeTheirOptions()
    {
        const QJsonObject published
            = strategy("tspipe-published", {"--devices", "4", "--microbatches", "3", "--views", "2", "--teacher", "momentum"});
        const QJsonObject pipeline = published["pipeline"].toObject();
        QCOMPARE(pipeline["microbatches"].toInt(), 3);
        QCOMPARE(pipeline["views"].toInt(), 2);
        QCOMPARE(pipeline["teacher"].toString(), "momentum");
        const QJsonObject split = strategy("tspipe", {"--devices", "4", "--backward-split", "4"})["pipeline"].toObject();
        QCOMPARE(split["backward_split"].toInt(), 4);
    }

    void aWrongOptionIsRefused_data()
    {
        QTest::addColumn<QStringList>("options");
        QTest::addColumn<QByteArray>("line");
        const auto row = [](const QStringList& options, const char* line) { QTest::newRow(line) << options << QByteArray(line); };
        row({"--search", "quick"}, "unknown search 'quick': --search; choose exact or exhaustive");
        row({"--ranked", "-1"}, "too many or too few candidates to list: --ranked; give a number up to 100000");
        row({"--teacher", "warm"}, "unknown kind of teacher 'warm': --teacher; choose frozen or momentum");
        row({"--scale-device", "0"}, "0 is not a possible factor of speed: --scale-device; give a factor such as 1.7");
        row({"--scale-device", "nan"}, "nan is not a possible factor of speed: --scale-device; give a factor such as 1.7");
        row({"--link", "fast"}, "'fast' is not a bandwidth: --link; write bytes per second, such as 25GB/s");
        row({"--batch", "0"}, "a batch of 0 is not possible: --batch; give a number from 1 to 1073741824");
        row({"--views", "3"}, "3 is not possible: --views; give a number from 1 to 2");
        row({"--microbatches", "0"}, "0 is not possible: --microbatches; give a number from 1 to 1073741824");
        row({"--backward-split", "65"}, "65 is not possible: --backward-split; give a number from 1 to 64");
        row({"--set", "train.steps=3"},
            "--profile takes no settings, which belong to an experiment: --set train.steps=3; leave them out with --profile");
        row({"--trace", "."}, "this is not a regular file: --trace .; name a regular file, or one that does not exist");
        row({"--trace", "/dev/null"},
            "this is not a regular file: --trace /dev/null; name a regular file, or one that does not exist");
        row({"--samples", "0"}, "an epoch has at least one sample: --samples; give the number of samples of the data set");
        row({"--strategies", "dp,zigzag"},
            "unknown strategy 'zigzag': --strategies; known are single, dp, ls, ls-steal, ir, tr, tr+dpu, tr+dpu+ahd, ddp, mp, "
            "gpipe, "
            "1f1b, tspipe-published, tspipe, and blockwise, end-to-end, all");
    }

    void aWrongOptionIsRefused()
    {
        QFETCH(QStringList, options);
        QFETCH(QByteArray, line);
        const Said said = plan(QStringList{"--devices", "2"} + options);
        QCOMPARE(said.err, "pipebd: error: " + line + "\n");
        QCOMPARE(said.status, 2);
    }

    void aProfileThatIsNoneIsRefusedWithItsPlace_data()
    {
        QTest::addColumn<QByteArray>("text");
        QTest::addColumn<QByteArray>("place");
        const auto row
            = [](const char* name, const QByteArray& text, const char* place) { QTest::newRow(name) << text << QByteArray(place); };
        const auto with = [](const QString& key, const QJsonValue& value) { // of block 2
            QJsonObject profile = profile_json();
            QJsonArray blocks = profile["blocks"].toArray();
            QJsonObject block = blocks[2].toObject();
            block[key] = value;
            blocks[2] = block;
            profile["blocks"] = blocks;
            return text_of(profile);
        };
        row("negative time", with("student_backward", QJsonObject{{"256", -1}}), "blocks[2].student_backward[\"256\"]");
        row("NaN", text_of(profile_json()).replace("\"update\":0.5", "\"update\":NaN"), "bad.json:1:");
        row("NaN as a text", with("update", "NaN"), "blocks[2].update");
        row("infinite", text_of(profile_json()).replace("\"update\":0.5", "\"update\":1e999"), "bad.json");
        row("duplicate name", with("name", "stage0"), "blocks[2].name");
        QJsonObject none = profile_json();
        none["blocks"] = QJsonArray();
        row("no blocks", text_of(none), "blocks");
        none = profile_json();
        none.remove("batch");
        row("no batch", text_of(none), "bad.json");
        none = profile_json();
        none["batch"] = 0;
        row("batch 0", text_of(none), "batch");
        row("a key twice", text_of(profile_json()).replace("\"batch\":256", "\"batch\":256,\"batch\":128"),
            "'batch' appears twice");
        row("empty", "", "bad.json:1:1");
        row("binary", QByteArray("\0\377\0", 3), "bad.json:1:1");
    }

    void aProfileThatIsNoneIsRefusedWithItsPlace()
    {
        QFETCH(QByteArray, text);
        QFETCH(QByteArray, place);
        here_.write("bad.json", text);
        const Said said = here_.run({"plan", "--profile", "bad.json", "--devices", "2"});
        QCOMPARE(said.status, 2);
        QCOMPARE(said.out, QByteArray());
        QVERIFY2(said.err.startsWith("pipebd: error: ") && said.err.count('\n') == 1, said.err);
        QVERIFY2(said.err.contains(place), said.err);
        QVERIFY2(said.err.contains("; "), said.err); // how to put it right
    }

    void aTraceIsWrittenThroughALink()
    {
        here_.write("real.json", "old");
        QVERIFY(QFile::link("real.json", here_.path("link.json")));
        QCOMPARE(plan({"--devices", "2", "--trace", "link.json"}).status, 0);
        QVERIFY(QFileInfo(here_.path("link.json")).isSymLink());
        QVERIFY(QFileInfo(here_.path("real.json")).size() > 1000);
    }

    void anExhaustiveSearchThatWouldNotEndIsRefused()
    {
        QJsonObject profile = profile_json();
        QJsonArray blocks;
        for (int b = 0; b < 80; ++b) {
            QJsonObject block = profile["blocks"].toArray()[1].toObject();
            block["name"] = QString::number(b);
            blocks.append(block);
        }
        profile["blocks"] = blocks;
        here_.write("long.json", text_of(profile));
        const Said said
            = here_.run({"plan", "--profile", "long.json", "--devices", "8", "--strategies", "pipe-bd", "--search", "exhaustive"});
        QCOMPARE(said.status, 2);
        QCOMPARE(said.err,
            QByteArray("pipebd: error: tr+dpu+ahd has 5373200880 candidates, too many to evaluate: exhaustive search; use the "
                       "exact search, or fewer devices\n"));
    }

    void aProfileThatIsCutOffIsRefusedWithItsPlace()
    {
        const QByteArray whole = text_of(profile_json());
        for (qsizetype length = 0; length < whole.size(); length += 211) {
            here_.write("cut.json", whole.first(length));
            const Said said = here_.run({"plan", "--profile", "cut.json", "--devices", "2"});
            QCOMPARE(said.status, 2);
            QVERIFY2(said.err.startsWith("pipebd: error: the JSON is cut off: cut.json:1:") && said.err.count('\n') == 1, said.err);
        }
    }
};

QTEST_GUILESS_MAIN(TestPlanning)
#include "test_planning.moc"
