// Runs side by side: which is best in what, what differs, what repeats; and the tables of it in files.
#include "compared_runs.h"

#include "store/comparison_tables.h"

#include <QJsonArray>
#include <QJsonDocument>
#include <QJsonObject>

#include <array>
#include <cmath>

using namespace pipebd;
using namespace pipebd::store;

namespace {

const ComparedResult& resultOf(const RunComparison& comparison, const std::string& key, int block = -1)
{
    for (const ComparedResult& result : comparison.results)
        if (result.key == key && result.block == block)
            return result;
    qFatal("there is no result %s", key.c_str());
}

const ComparedSetting& settingOf(const RunComparison& comparison, const std::string& key)
{
    for (const ComparedSetting& setting : comparison.settings)
        if (setting.key == key)
            return setting;
    qFatal("there is no setting %s", key.c_str());
}

} // namespace

class TestRunComparison : public QObject {
    Q_OBJECT

    QTemporaryDir m_folder;

private slots:
    void init() { m_folder = QTemporaryDir(); }

    void theBestIsMarkedAsEachResultIsBetter()
    {
        Lab lab(pathOf(m_folder));
        make_run(lab, {.throughput = 100, .final_loss = {0.5, 0.1}, .predicted = 8, .measured = 10});
        make_run(lab, {.throughput = 120, .final_loss = {0.4, 0.1}, .predicted = 9, .measured = 8});
        make_run(lab, {.state = RunState::Failed, .throughput = 900, .final_loss = {0.1, 0.01}});
        const RunComparison comparison = compare_runs(lab, std::array{1, 2, 3, 1});

        QCOMPARE(comparison.runs.size(), std::size_t{3});
        using Marks = std::vector<bool>;
        QCOMPARE(resultOf(comparison, "throughput").best, Marks({false, true, false})); // a failed run is never best
        QCOMPARE(resultOf(comparison, "measured_step").best, Marks({false, true, false}));
        QCOMPARE(resultOf(comparison, "prediction_error").best, Marks({false, true, false})); // -20 % and +12.5 %
        QCOMPARE(*resultOf(comparison, "prediction_error").values[1], 0.125);
        QCOMPARE(resultOf(comparison, "final_loss", 0).best, Marks({false, true, false}));
        QCOMPARE(resultOf(comparison, "final_loss", 1).best, Marks({false, false, false})); // equal
        QCOMPARE(resultOf(comparison, "predicted_step").best, Marks({false, false, false}));
        QCOMPARE(*resultOf(comparison, "wall_time").values[0], 61.5);
    }

    void aNetworkTrainedEndToEndHasOneLossAndNothingIsMadeUp()
    {
        Lab lab(pathOf(m_folder));
        make_run(lab, {.throughput = 0, .final_loss = {0.5}, .predicted = 0});
        make_run(lab, {.throughput = std::nan(""), .final_loss = {0.5, std::nan("")}, .predicted = 0});
        const RunComparison comparison = compare_runs(lab, std::array{1, 2});
        QCOMPARE(*resultOf(comparison, "final_loss").values[0], 0.5);
        QVERIFY(!resultOf(comparison, "final_loss").values[1]);
        QCOMPARE(*resultOf(comparison, "final_loss", 0).values[1], 0.5);
        for (const ComparedResult& result : comparison.results) {
            QVERIFY(result.key != "throughput" && result.key != "predicted_step" && result.key != "prediction_error");
            QVERIFY(result.key != "final_loss" || result.block < 1);
        }
    }

    void settingsThatDifferAreThoseWhoseValuesDo()
    {
        Lab lab(pathOf(m_folder));
        make_run(lab, {.strategy = "dp"});
        make_run(lab, {.strategy = "tr+dpu"});
        const fs::path broken = lab.new_run("broken").folder / "run.sqlite";
        makeFinishedRun(broken); // has no settings
        const RunComparison comparison = compare_runs(lab, std::array{1, 2, 3});

        std::vector<std::string> differing;
        for (const ComparedSetting& setting : comparison.settings)
            if (setting.differs)
                differing.push_back(setting.key);
        QCOMPARE(differing, experiment::differing_keys(*comparison.runs[0].experiment, *comparison.runs[1].experiment));
        QCOMPARE(differing, std::vector<std::string>({"run.strategy"}));
        QCOMPARE(settingOf(comparison, "run.strategy").values[1].value(), "tr+dpu");
        QVERIFY(!settingOf(comparison, "run.strategy").values[2]);
        QCOMPARE(settingOf(comparison, "data.batch").values[0].value(), "64");
        QCOMPARE(comparison.settings.front().key, "name");
    }

    void runsThatDifferInTheSeedOnlyAreARepetition()
    {
        Lab lab(pathOf(m_folder));
        make_run(lab, {.seed = 1, .throughput = 90});
        make_run(lab, {.strategy = "dp", .throughput = 50});
        make_run(lab, {.name = "again", .seed = 2, .throughput = 100});
        make_run(lab, {.seed = 3, .throughput = 110});
        make_run(lab, {.seed = 4, .state = RunState::Cancelled, .throughput = 5});
        const RunComparison comparison = compare_runs(lab, std::array{1, 2, 3, 4, 5});

        QCOMPARE(comparison.repetitions.size(), std::size_t{1});
        const Repetition& repetition = comparison.repetitions[0];
        QCOMPARE(repetition.runs, std::vector<std::size_t>({0, 2, 3, 4}));
        QCOMPARE(comparison.results[0].key, "throughput");
        const RepeatedResult throughput = repetition.results[0].value();
        QCOMPARE(throughput.count, std::size_t{3});
        QCOMPARE(throughput.mean, 100.0);
        QCOMPARE(throughput.deviation, 10.0);
    }

    void aRunThatIsNotThereIsSaid()
    {
        const Lab lab(pathOf(m_folder));
        QVERIFY(errorOf([&] { compare_runs(lab, std::array{1}); }) == Code::NotFound);
    }

    void tablesInFilesHaveEveryFactAndNoFormula()
    {
        Lab lab(pathOf(m_folder));
        make_run(lab, {.name = "=1+1", .strategy = "dp", .steps = 3});
        make_run(lab, {.name = "a,\"b\"", .throughput = 0.1});
        lab.set_tags(1, std::array<std::string, 2>{"x", "y"});
        const RunComparison comparison = compare_runs(lab, std::array{1, 2});

        const QByteArray csv = QByteArray::fromStdString(to_csv(comparison, true));
        QVERIFY(csv.contains("run,name,'=1+1,\"a,\"\"b\"\"\"\r\n"));
        QVERIFY(csv.contains("result,throughput,100,0.1\r\n"));
        QVERIFY(csv.contains("setting,run.strategy,dp,tr+dpu\r\n"));
        QVERIFY(!csv.contains("data.batch"));
        QVERIFY(QByteArray::fromStdString(to_csv(comparison)).contains("setting,data.batch,64,64\r\n"));

        const QJsonObject json = QJsonDocument::fromJson(QByteArray::fromStdString(to_json(comparison))).object();
        QCOMPARE(json["format"].toString(), "pipebd.comparison/1");
        QCOMPARE(json["runs"][0]["tags"].toArray().size(), 2);
        QCOMPARE(json["results"][0]["values"][0].toDouble(), 100.0);
        QCOMPARE(json["results"][0]["best"][0].toBool(), true);

        const QByteArray list = QByteArray::fromStdString(runs_to_csv(lab.runs(), lab.annotations()));
        QCOMPARE(list.count("\r\n"), 3);
        QVERIFY(list.contains("\r\n1,'=1+1,nas-digits,dp,\"cpu,cpu\",finished,"));
        QVERIFY(list.contains(",\"x,y\","));

        const RunStore store(lab.run(1).folder / "run.sqlite", RunStore::Mode::ReadOnly);
        const QByteArray samples = QByteArray::fromStdString(samples_to_csv(store));
        QCOMPARE(samples.count("\r\n"), 10);
        QVERIFY(samples.startsWith("series,rank,block,step,t,value\r\nloss,-1,0,0,0,2\r\n"));
    }
};

QTEST_GUILESS_MAIN(TestRunComparison)
#include "test_run_comparison.moc"
