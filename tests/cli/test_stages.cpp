// The stages of an experiment as a user sees them, with the fake engine: which are run, with whose results, and how to go on.
#include "command.h"

namespace {

constexpr const char* whole_life = "pair = \"nas-digits\"\n[stage.teacher]\nsteps = 5\nlearning_rate = 0.25\n"
                                   "[stage.finetune]\nepochs = 2\noptimizer = \"adam\"\n";

} // namespace

class TestStages : public QObject {
    Q_OBJECT

    std::unique_ptr<Workplace> here_;
    QString experiment_;

    Said run(const QStringList& more, const QByteArray& told = {}) const
    {
        return here_->run(QStringList{"run", experiment_, "--devices", "cpu,cpu", "--strategy", "tr+dpu"} + more, told);
    }

    QJsonValue shown(int id) const { return here_->run({"runs", "show", QString::number(id), "--json"}).object(); }
    int runs() const { return static_cast<int>(here_->run({"runs", "list", "--json"}).array().size()); }
    QString weightsOf(int id) const { return shown(id)["folder"].toString() + "/student.safetensors"; }

private slots:
    void init()
    {
        here_ = std::make_unique<Workplace>();
        experiment_ = here_->write("life.toml", whole_life);
    }

    void eachStageIsARunThatBeginsWithTheResultsOfTheOneBefore()
    {
        const Said said = run({"--out", "results"});

        QVERIFY2(said.status == 0, said.err);
        QCOMPARE(runs(), 3);
        const QJsonValue teacher = shown(1), distilled = shown(2), finetuned = shown(3);
        QCOMPARE(teacher["settings"]["train"]["network"].toString(), QString("teacher"));
        QCOMPARE(teacher["settings"]["train"]["steps"].toInt(), 5);
        QCOMPARE(teacher["settings"]["train"]["learning_rate"].toDouble(), 0.25);
        QCOMPARE(teacher["devices"].toArray(), QJsonArray{"cpu"});
        QCOMPARE(distilled["settings"]["train"]["network"].toString(), QString("student"));
        QCOMPARE(distilled["settings"]["teacher"]["weights"].toString(), weightsOf(1));
        QCOMPARE(distilled["strategy"].toString(), QString("tr+dpu"));
        QCOMPARE(finetuned["settings"]["train"]["network"].toString(), QString("student-on-labels"));
        QCOMPARE(finetuned["settings"]["train"]["epochs"].toDouble(), 2.0);
        QCOMPARE(finetuned["settings"]["train"]["optimizer"].toString(), QString("adam"));
        QCOMPARE(finetuned["settings"]["student"]["weights"].toString(), weightsOf(2));
        const QStringList stages{"teacher", "distil", "finetune"};
        for (int id = 1; id <= 3; ++id) {
            const QJsonValue results = shown(id)["results"];
            QCOMPARE(results["stage"].toString(), stages[id - 1]);
            QCOMPARE(results["weights_from"].toInt(), id - 1);
            QVERIFY(shown(id)["settings"]["stage"]["finetune"]["epochs"].isNull());
        }
        QVERIFY(here_->run({"runs", "show", "3"}).out.contains("stage       finetune, starting from the results of run 2\n"));
        QVERIFY(said.out.contains("fine-tuned student"));
        QFile metrics(here_->path("results/metrics.json"));
        QVERIFY(metrics.open(QIODevice::ReadOnly));
        const QJsonArray summary = QJsonDocument::fromJson(metrics.readAll()).object()["stages"].toArray();
        QCOMPARE(summary.size(), 3);
        QCOMPARE(summary[2]["evaluation"]["test_accuracy"].toDouble(), 0.75);
    }

    void someOfThemAreRunWithTheResultsOfARunThatIsNamed()
    {
        QCOMPARE(run({"--stage", "teacher"}).status, 0);
        QCOMPARE(runs(), 1);
        const Said said = run({"--stage", "finetune,distil", "--from", "1", "--json"});
        QVERIFY2(said.status == 0, said.err);
        QCOMPARE(runs(), 3);
        QCOMPARE(shown(2)["results"]["weights_from"].toInt(), 1);
        QCOMPARE(said.object()["stages"].toArray().size(), 3);
    }

    void anExperimentWithoutSectionsIsOneStage()
    {
        experiment_ = here_->write("plain.toml", "pair = \"nas-digits\"\n");
        const Said said = run({});
        QCOMPARE(said.status, 0);
        QCOMPARE(runs(), 1);
        QCOMPARE(shown(1)["results"]["stage"].toString(), QString("distil"));
        QVERIFY(!said.out.contains("top-1"));
    }

    void whatFailsStopsTheRestAndSaysHowToGoOn()
    {
        const Said said = run({}, "in=train;rank=1;step=3;do=exit:1"); // the teacher has one rank
        QCOMPARE(said.status, 1);
        QCOMPARE(runs(), 2);
        QVERIFY2(said.err.contains("pipebd: error: rank 1 ended with exit code 1"), said.err);
        QVERIFY2(said.err.endsWith("pipebd: to resume: pipebd run " + experiment_.toUtf8() + " --stage distil,finetune --from 1\n"),
            said.err);
    }

    void whatCannotBeIsRefusedInOneLine_data()
    {
        QTest::addColumn<QStringList>("more");
        QTest::addColumn<QByteArray>("line");
        QTest::newRow("no such stage") << QStringList{
            "--stage", "derive"} << QByteArray("unknown stage 'derive': --stage derive; name one of teacher, distil, finetune");
        QTest::newRow("no weights") << QStringList{"--stage", "finetune"}
                                    << QByteArray("the run that the stage starts from is missing: --stage finetune; give the run "
                                                  "of the stage distil with --from RUN, or run that stage too");
        QTest::newRow("no teacher") << QStringList{"--stage", "distil"}
                                    << QByteArray("the run that the stage starts from is missing: --stage distil; give the run of "
                                                  "the stage teacher with --from RUN, or run that stage too");
        QTest::newRow("of another stage") << QStringList{"--stage", "finetune", "--from", "1"}
                                          << QByteArray(
                                                 "the stage finetune follows the stage distil, which this run is not: --from 1; "
                                                 "give a run of that stage; pipebd runs show prints the stage of a run");
        QTest::newRow("none before") << QStringList{"--from", "1"}
                                     << QByteArray("a teacher does not start from another run's weights: --from 1; leave it out");
    }

    void whatCannotBeIsRefusedInOneLine()
    {
        QFETCH(QStringList, more);
        QFETCH(QByteArray, line);
        QCOMPARE(run({"--stage", "teacher", "--quiet"}).status, 0);
        const Said said = run(more);
        QCOMPARE(said.status, 2);
        QCOMPARE(said.err, "pipebd: error: " + line + "\n");
        QCOMPARE(runs(), 1);
    }

    void aStageThatTheExperimentDoesNotHaveIsRefused()
    {
        experiment_ = here_->write("plain.toml", "pair = \"nas-digits\"\n");
        QCOMPARE(run({"--stage", "finetune"}).err,
            QByteArray("pipebd: error: the experiment has no stage finetune: --stage finetune; describe it in [stage.finetune], such as "
                       "--set stage.finetune.epochs=4\n"));
    }
};

QTEST_GUILESS_MAIN(TestStages)
#include "test_stages.moc"
