// Pairs of the user's own: imported, named in an experiment, deleted; with fake ranks.
#include "command.h"

#include <QDir>

class TestImportedPairs : public QObject {
    Q_OBJECT

    std::unique_ptr<Workplace> here_;

    QStringList importing(const QString& name, const QStringList& more = {}) const
    {
        return QStringList{"pairs", "import", "--teacher", "T.pt2", "--student", "S.pt2", "--name", name} + more;
    }

    /// The experiment file of the pair `name`.
    QString experimentOf(const QByteArray& name) const
    {
        return here_->write("own.toml", "pair = \"" + name + "\"\n[train]\nsteps = 4\n");
    }

    QJsonObject specOf(const QString& run) const
    {
        QFile file(here_->path("lab/runs/" + run + "/spec.json"));
        return file.open(QIODevice::ReadOnly) ? QJsonDocument::fromJson(file.readAll()).object() : QJsonObject();
    }

private slots:
    void init()
    {
        here_ = std::make_unique<Workplace>();
        here_->write("T.pt2", "model");
        here_->write("S.pt2", "model");
    }

    void whatWasFoundIsShownAndThePairIsKept()
    {
        const Said said = here_->run(importing("mine", {"--teacher-blocks", "features.0-3"}));
        QVERIFY2(said.status == 0, said.err);
        QCOMPARE(said.out,
            QByteArray("block  teacher   student  output  teacher parameters  student parameters  gradients\n"
                       "0      features  body      8x4x4                1200                 300  2 of 3\n"
                       "no gradient reaches body.unused of the student's block 0\n"
                       "SHA-256 of the weights: teacher aaaaaaaaaaaa, student bbbbbbbbbbbb\n"
                       "imported; in an experiment: pair = \"mine\"\n"));
        QVERIFY(QFile::exists(here_->path("lab/pairs/0001-mine/pair.json")));
        QCOMPARE(here_->run({"pairs", "list"}).out,
            QByteArray("pair        input    classes  blocks\nnas-digits  1x32x32       10  block0, block1, block2\n"
                       "mine        3x8x8         10  features\n"));

        const Said json = here_->run(importing("other", {"--json"}));
        QCOMPARE(json.object()["name"].toString(), QString("other"));
        QCOMPARE(json.object()["folder"].toString(), here_->path("lab/pairs/0002-other"));
        QCOMPARE(json.object()["blocks"].toArray()[0].toObject()["output_shape"].toArray(), QJsonArray({8, 4, 4}));
        QCOMPARE(json.object()["pair"].toObject()["format"].toString(), QString("pipebd.pair/1"));
        QCOMPARE(json.object()["weights"].toObject()["teacher"].toString(), QString(64, 'a'));
        QCOMPARE(json.object()["weights"].toObject()["student"].toString(), QString(64, 'b'));
        QVERIFY(!json.object().contains("teacher_test"));
    }

    void aTeacherIsTriedOnTestDataAgainstChance_data()
    {
        QTest::addColumn<QByteArray>("evaluated");
        QTest::addColumn<bool>("is_better");
        QTest::addColumn<QByteArray>("says");
        const auto row = [](const char* name, const char* evaluated, bool is_better, const char* says) {
            QTest::newRow(name) << QByteArray(evaluated) << is_better << QByteArray(says);
        };
        row("trained", R"({"correct":340,"test_samples":360,"classes":10})", true,
            "the teacher classifies 340 of 360 test samples right, 94 %; chance is 10 %\n");
        row("random", R"({"correct":31,"test_samples":360,"classes":10})", false,
            "pipebd: warning: the teacher classifies 31 of 360 test samples right, no better than chance (10 %): are its weights "
            "random?\n");
        row("lucky", R"({"correct":53,"test_samples":360,"classes":10})", false, "no better than chance"); // 36 and 3 times 5.7
        row("weak", R"({"correct":54,"test_samples":360,"classes":10})", true, "15 %; chance is 10 %\n");
        row("of many classes", R"({"correct":60,"test_samples":50000,"classes":1000})", false, "chance (0.10 %)");
    }

    void aTeacherIsTriedOnTestDataAgainstChance()
    {
        QFETCH(QByteArray, evaluated);
        QFETCH(bool, is_better);
        QFETCH(QByteArray, says);
        const QStringList test_data{"--test-data", experimentOf("nas-digits")};
        const Said said = here_->run(importing("mine", test_data), "evaluated=" + evaluated);
        QVERIFY2(said.status == 0, said.err);
        QVERIFY2((is_better ? said.out : said.err).contains(says), said.out + said.err);
        const Said json = here_->run(importing("other", test_data + QStringList{"--json"}), "evaluated=" + evaluated);
        QCOMPARE(json.object()["teacher_test"].toObject()["better_than_chance"].toBool(), is_better);
    }

    void whatCannotBeImportedIsSaidInOneLine_data()
    {
        QTest::addColumn<QStringList>("arguments");
        QTest::addColumn<QByteArray>("line");
        QTest::newRow("no teacher") << QStringList{"pairs", "import", "--student", "S.pt2", "--name", "n"}
                                    << QByteArray("--teacher is missing: pipebd pairs import; give the teacher's model file");
        QTest::newRow("no student") << QStringList{"pairs", "import", "--teacher", "T.pt2", "--name", "n"}
                                    << QByteArray("--student is missing: pipebd pairs import; give the student's model file");
        QTest::newRow("no name") << QStringList{"pairs", "import", "--teacher", "T.pt2", "--student", "S.pt2"}
                                 << QByteArray("--name is missing: pipebd pairs import; give the pair a name");
        QTest::newRow("name of a built-in one")
            << importing("nas-digits") << QByteArray("a built-in pair already has this name: --name 'nas-digits'; choose another");
        QTest::newRow("long name") << importing(QString(201, 'n')) << QByteArray("not a valid name for a pair: --name 'nnn");
        QTest::newRow("no file") << QStringList{"pairs", "import", "--teacher", "T.pt2", "--student", "none.pt2", "--name", "n"}
                                 << QByteArray("cannot open the file (No such file or directory): none.pt2; check the path");
        QTest::newRow("no model") << QStringList{"pairs", "import", "--teacher", "T.pt2", "--student", "text", "--name", "n"}
                                  << QByteArray("this is no model: text\n");
        QTest::newRow("delete nothing") << QStringList{"pairs", "delete"} << QByteArray("the pair's name is missing: ");
        QTest::newRow("delete what is not there") << QStringList{
            "pairs", "delete", "n"} << QByteArray("there is no imported pair of this name: 'n'; no pairs were imported\n");
    }

    void whatCannotBeImportedIsSaidInOneLine()
    {
        QFETCH(QStringList, arguments);
        QFETCH(QByteArray, line);
        here_->write("text", "a text");
        const Said said = here_->run(arguments);
        QCOMPARE(said.status, 2);
        QVERIFY2(said.err.contains("pipebd: error: " + line) && said.err.count("pipebd: error") == 1, said.err);
        QVERIFY(QDir(here_->path("lab/pairs")).entryList(QDir::AllEntries | QDir::Hidden | QDir::NoDotAndDotDot).isEmpty());
    }

    void aDeadEngineFailsTheCommandAlone() // I4
    {
        const Said said = here_->run(importing("mine"), "in=import;do=kill:11");
        QCOMPARE(said.status, 1);
        QVERIFY2(said.err.contains("pipebd: error: the engine that opened the models was killed by signal 11 (SIGSEGV): T.pt2 and "
                                   "S.pt2; one of them is damaged"),
            said.err);
        QCOMPARE(here_->run(importing("mine")).status, 0);
    }

    void anExperimentNamesItAndEveryRankIsToldWhereItLies()
    {
        QCOMPARE(here_->run(importing("mine")).status, 0);
        const QString experiment = experimentOf("mine");
        const QString folder = here_->path("lab/pairs/0001-mine");

        const Said ran = here_->run({"run", experiment, "--devices", "cpu,cpu", "--strategy", "tr+dpu"});
        QVERIFY2(ran.status == 0, ran.err);
        QCOMPARE(specOf("0001-own")["pair_folder"].toString(), folder);
        QCOMPARE(here_->run({"runs", "list", "--json"}).array()[0].toObject()["pair"].toString(), QString("mine"));

        for (const QStringList& command :
            {QStringList{"profile", experiment, "--devices", "cpu"}, {"plan", experiment, "--devices", "cpu,cpu"},
                {"bench", experiment, "--devices", "cpu", "--rounds", "1", "--steps", "2", "--strategies", "single"}}) {
            const Said said = here_->run(command);
            QVERIFY2(said.status == 0, said.err);
        }
        const Said prepared = here_->run({"run", experiment, "--devices", "cpu,cpu", "--prepare", "shared"});
        QVERIFY2(prepared.status == 0, prepared.err);
        QFile spec(here_->path("shared/spec.json"));
        QVERIFY(spec.open(QIODevice::ReadOnly));
        QCOMPARE(QJsonDocument::fromJson(spec.readAll()).object()["pair_folder"].toString(), folder);
    }

    void anUnknownPairListsThoseThereAre()
    {
        QCOMPARE(here_->run(importing("mine")).status, 0);
        QCOMPARE(here_->run(importing("../%s\n\u202E")).status, 0); // I7
        const QString experiment = experimentOf("yours");
        for (const char* command : {"run", "profile"}) {
            const Said said = here_->run({command, experiment, "--devices", "cpu"});
            QCOMPARE(said.status, 2);
            QVERIFY2(
                said.err.contains("pipebd: error: there is no such pair: 'yours'; built in: nas-digits; imported: ../%s ?, mine\n"),
                said.err);
        }
    }

    void theProfileOfADeletedPairIsNotTakenForThatOfItsNamesake()
    {
        const QString experiment = experimentOf("mine");
        here_->run(importing("mine"));
        QCOMPARE(here_->run({"run", experiment, "--devices", "cpu"}).status, 0);
        QVERIFY(here_->run({"run", experiment, "--devices", "cpu"}).err.contains("using the stored profile"));

        QCOMPARE(here_->run({"pairs", "delete", "mine"}).status, 0);
        QVERIFY(!QFile::exists(here_->path("lab/pairs/0001-mine")));
        QCOMPARE(here_->run({"run", experiment, "--devices", "cpu"}).status, 2);

        here_->run(importing("mine"));
        QVERIFY(here_->run({"run", experiment, "--devices", "cpu"}).err.contains("using the stored profile")); // the same models
        here_->run({"pairs", "delete", "mine"});
        here_->run(importing("mine", {"--student-blocks", "body.0"}));
        QVERIFY(here_->run({"run", experiment, "--devices", "cpu"}).err.contains("profiling mine"));
    }
};

QTEST_GUILESS_MAIN(TestImportedPairs)
#include "test_imported_pairs.moc"
