// pipebd bench with fake ranks that say how long their steps take.
#include "command.h"

#include <algorithm>
#include <cmath>
#include <csignal>

class TestBench : public QObject {
    Q_OBJECT

    std::unique_ptr<Workplace> here_;
    QString experiment_;
    const QByteArray temporary_files_ = qgetenv("TMPDIR");

    Said bench(const QStringList& arguments, const QByteArray& told = {}, int rounds = 2) const
    {
        const QStringList short_one{
            "bench", experiment_, "--devices", "cpu,cpu", "--steps", "3", "--rounds", QString::number(rounds)};
        return here_->run(short_one + arguments, "pace=0;" + told);
    }

    /// Of the strategy of that name.
    static QJsonObject strategy(const QJsonObject& bench, const QString& name)
    {
        for (const QJsonValue& strategy : bench["strategies"].toArray())
            if (strategy["strategy"] == name)
                return strategy.toObject();
        return {};
    }

    static QList<double> numbers(const QJsonValue& array)
    {
        QList<double> result;
        for (const QJsonValue& number : array.toArray())
            result << number.toDouble();
        return result;
    }

    QStringList left_in_scratch() const { return QDir(here_->path("scratch")).entryList(QDir::AllEntries | QDir::NoDotAndDotDot); }

private slots:
    void init()
    {
        here_ = std::make_unique<Workplace>();
        experiment_ = here_->write("digits.toml", "pair = \"nas-digits\"\n[train]\nepochs = 3\n[run]\nstrategy = \"dp\"\n");
        QVERIFY(QDir(here_->path("")).mkdir("scratch"));
        qputenv("TMPDIR", here_->path("scratch").toUtf8());
    }

    void cleanup() { qputenv("TMPDIR", temporary_files_); }

    void everyStrategyThatTrainsBlockByBlockIsMeasured()
    {
        const Said said = bench({"--json"});

        QVERIFY2(said.status == 0, said.err);
        const QJsonObject json = said.object();
        QCOMPARE(json["format"].toString(), QString("pipebd.bench/1"));
        QCOMPARE(json["pair"].toString(), QString("nas-digits"));
        QCOMPARE(json["devices"].toArray(), QJsonArray({"cpu", "cpu"}));
        QCOMPARE(json["batch"].toInt(), 64);
        QCOMPARE(json["rounds"].toInt(), 2);
        QCOMPARE(json["steps"].toInt(), 3);
        QCOMPARE(json["limit_step"].toDouble(), 5.0); // 10 ms on each of two
        QStringList names;
        for (const QJsonValue& strategy : json["strategies"].toArray()) {
            names << strategy["strategy"].toString();
            for (const char* key : {"step", "spread", "throughput", "over_dp", "over_ls", "share_of_limit", "predicted_step"})
                QVERIFY2(strategy[key].isDouble(), key);
            QVERIFY(strategy["predicted_step"].toDouble() > 0);
            QVERIFY(!strategy["stages"].toArray().isEmpty());
        }
        QCOMPARE(names, QStringList({"single", "dp", "ls", "ls-steal", "ir", "tr", "tr+dpu", "tr+dpu+ahd"}));
        QCOMPARE(json["not_possible"].toArray().size(), 0);
    }

    void ratiosFollowFromWhatTheRanksSay()
    {
        // A step of dp has three phases, one a block; a device of ls trains two of the three blocks or one.
        const QJsonObject json = bench({"--json"}, "ms=dp=20,ls=12,tr+dpu=16,single=40,single/2=50").object();

        QCOMPARE(json["limit_step"].toDouble(), 25.0);
        const QJsonObject dp = strategy(json, "dp");
        QCOMPARE(dp["step"].toDouble(), 60.0);
        QCOMPARE(dp["over_dp"].toDouble(), 1.0);
        const QJsonObject relayed = strategy(json, "tr+dpu");
        QCOMPARE(relayed["step"].toDouble(), 16.0);
        QCOMPARE(relayed["spread"].toDouble(), 0.0);
        QCOMPARE(relayed["throughput"].toDouble(), 4000.0);
        QCOMPARE(relayed["over_dp"].toDouble(), 60.0 / 16);
        QCOMPARE(relayed["over_ls"].toDouble(), strategy(json, "ls")["step"].toDouble() / 16);
        QCOMPARE(relayed["share_of_limit"].toDouble(), 25.0 / 16);
        QCOMPARE(relayed["prediction_error"].toDouble(), relayed["predicted_step"].toDouble() / 16 - 1);
        QCOMPARE(strategy(json, "single")["step"].toDouble(), 40.0);
    }

    void aStepIsTheMedianOfTheRoundsAndTheSpreadIsOfThem()
    {
        const QJsonObject json
            = bench({"--json", "--strategies", "tr+dpu,ir"}, "ms=tr+dpu=20,ir=30,single/2=40;drift=2", 5).object();

        for (const char* name : {"tr+dpu", "ir"}) {
            const QJsonObject found = strategy(json, name);
            QList<double> rounds = numbers(found["step_by_round"]);
            QCOMPARE(rounds.size(), 5);
            std::sort(rounds.begin(), rounds.end());
            QVERIFY(rounds.front() < rounds.back());
            QCOMPARE(found["step"].toDouble(), rounds[2]);
            const double p10 = rounds[0] + 0.4 * (rounds[1] - rounds[0]);
            const double p90 = rounds[3] + 0.6 * (rounds[4] - rounds[3]);
            QCOMPARE(found["spread"].toDouble(), (p90 - p10) / rounds[2]);
        }
    }

    void turnsOfOneRoundStandTogetherAndInAnotherOrderEachTime()
    {
        // What a turn says is its number: the warm-up is the first of the lab.
        const QJsonObject json
            = bench({"--json", "--strategies", "tr,tr+dpu,ir"}, "ms=tr=0,tr+dpu=0,ir=0,single=0;drift=1", 4).object();

        QList<QList<double>> columns;
        for (const char* name : {"tr", "tr+dpu", "ir"})
            columns << numbers(strategy(json, name)["step_by_round"]);
        columns << numbers(json["limit_step_by_round"]);
        for (double& limit : columns.last())
            limit *= 2;
        for (QList<double>& column : columns)
            for (int round = 0; round < 4; ++round)
                column[round] -= 2 + 4 * round;
        QCOMPARE(columns[0], QList<double>({0, 1, 2, 3})); // the place of tr in each round
        QCOMPARE(columns[1], QList<double>({1, 0, 3, 2}));
        QCOMPARE(columns[2], QList<double>({2, 3, 0, 1}));
        QCOMPARE(columns[3], QList<double>({3, 2, 1, 0})); // of the limit
    }

    void withoutDpAndLsThereIsNothingToDivideBy()
    {
        const Said said = bench({"--json", "--strategies", "tr"});
        const QJsonObject relayed = strategy(said.object(), "tr");
        QVERIFY(relayed["over_dp"].isNull() && relayed.contains("over_dp"));
        QVERIFY(relayed["over_ls"].isNull() && relayed.contains("over_ls"));
    }

    void whatCannotRunIsSaidInWords()
    {
        const QStringList on_four{"bench", experiment_, "--devices", "cpu,cpu,cpu,cpu", "--steps", "2", "--rounds", "1"};
        const QJsonObject json = here_->run(on_four + QStringList{"--json", "--strategies", "tr,dp"}).object();
        QVERIFY(strategy(json, "tr").isEmpty());
        QVERIFY(!strategy(json, "dp").isEmpty());
        QCOMPARE(json["not_possible"][0]["strategy"].toString(), QString("tr"));

        const Said table = here_->run(on_four + QStringList{"--strategies", "tr,dp"});
        QVERIFY(table.out.contains("tr is not possible: " + json["not_possible"][0]["why"].toString().toUtf8()));

        const Said none = here_->run(on_four + QStringList{"--strategies", "tr"});
        QCOMPARE(none.status, 2);
        QVERIFY(none.err.contains("no strategy can run on these devices: --devices cpu,cpu,cpu,cpu; "));
    }

    void theTableHasARowAStrategyUnderWhatWasDone()
    {
        const Said said = bench({"--strategies", "dp,tr+dpu"}, "ms=dp=20,tr+dpu=16,single/2=30");
        QCOMPARE(said.status, 0);
        QVERIFY(said.out.startsWith("nas-digits on cpu,cpu, batch 64: 2 rounds of turns of 3 steps\nlimit 15.0 ms per step"));
        const QList<QByteArray> lines = said.out.split('\n');
        const auto row
            = std::find_if(lines.begin(), lines.end(), [](const QByteArray& line) { return line.startsWith("tr+dpu "); });
        QVERIFY(row != lines.end());
        for (const char* cell : {"16.0 ms", "4000.0", "3.75", "93.8 %"}) // step, samples/s, over dp, of the limit
            QVERIFY2(row->contains(cell), *row);
    }

    void roundsThatDisagreeAreSaid()
    {
        QVERIFY(!bench({"--strategies", "tr"}, "ms=tr=100,single=100").out.contains("rounds differ"));
        const QByteArray said = bench({"--strategies", "tr"}, "ms=tr=1,single=100;drift=10").out;
        QVERIFY2(said.contains("rounds differ by up to "), said);
    }

    void theUsersLabKeepsTheProfileAndNoRun()
    {
        QVERIFY(bench({"--strategies", "tr"}).err.contains("profiling nas-digits"));
        QVERIFY(bench({"--strategies", "tr"}).err.contains("using the stored profile"));
        QCOMPARE(here_->newest_state(), QString());
        QCOMPARE(left_in_scratch(), QStringList());
    }

    void turnsAreAsLongAsThePredictionAsksFor()
    {
        // The fake profile predicts 13 ms: three seconds would be more than enough.
        const QJsonObject json
            = here_->run({"bench", experiment_, "--devices", "cpu", "--strategies", "single", "--rounds", "1", "--json"}, "pace=0")
                  .object();
        const double step = strategy(json, "single")["predicted_step"].toDouble();
        QCOMPARE(json["steps"].toInt(), static_cast<int>(std::llround(std::clamp(3000 / step, 12.0, 200.0))));
    }

    void aFailedTurnFailsTheWhole()
    {
        const Said said = bench({"--strategies", "tr+dpu"}, "rank=1;step=2;do=exit:1");
        QCOMPARE(said.status, 1);
        QCOMPARE(said.out, QByteArray());
        QVERIFY2(
            said.err.contains("pipebd: error: the run under ") && said.err.contains("rank 1 ended with exit code 1"), said.err);
        QCOMPARE(left_in_scratch(), QStringList());
    }

    void aSignalEndsItAndLeavesNothingBehind()
    {
        const auto process = here_->start({"bench", experiment_, "--devices", "cpu,cpu", "--steps", "100000"}, "pace=5");
        QByteArray said;
        process->setReadChannel(QProcess::StandardError);
        while (!said.contains("warming up") && process->waitForReadyRead(10'000))
            said += process->readAllStandardError();
        QVERIFY2(said.contains("warming up"), said);
        QCOMPARE(left_in_scratch().size(), 1);

        QElapsedTimer timer;
        timer.start();
        ::kill(static_cast<pid_t>(process->processId()), SIGINT);

        QVERIFY(process->waitForFinished(5000));
        QVERIFY(timer.elapsed() <= 3000);
        QCOMPARE(process->exitCode(), 1);
        QVERIFY(process->readAllStandardError().contains("cancelled"));
        QCOMPARE(left_in_scratch(), QStringList());
    }
};

QTEST_GUILESS_MAIN(TestBench)
#include "test_bench.moc"
