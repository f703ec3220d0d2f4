// One run from request to final record, with fake ranks.
#include "base/file.h"
#include "launch/recorder.h"
#include "launch/supervised.h"
#include "launch/training.h"

#include <QJsonArray>
#include <QJsonDocument>
#include <QJsonObject>
#include <QTemporaryDir>
#include <QTest>

#include <filesystem>

#include <sys/resource.h>

using namespace pipebd;
using namespace pipebd::launch;
using store::RunRecord;
using store::RunState;
using store::RunStore;
using store::Series;

namespace {

constexpr const char* program = "device 0: load T0 send>1 F0 B0 U0\ndevice 1: recv<0 T1 F1 B1 U1\n";

TrainingRequest request()
{
    TrainingRequest request;
    request.experiment_text = "name = \"fake\"\npair = \"nas-digits\"\n";
    request.experiment = experiment::parse_experiment(request.experiment_text, "fake.toml");
    request.experiment.data.batch = 64;
    request.devices = experiment::parse_devices("cpu,cpu", "test");
    request.planned.schedule.strategy = "tr+dpu";
    request.planned.program = schedule::from_text(program);
    request.planned.simulation.step = 11;
    request.steps = 20;
    return request;
}

std::vector<double> values(const RunStore& store, const Series& series)
{
    std::vector<double> result;
    for (const store::Sample& sample : store.samples(series))
        result.push_back(sample.value);
    return result;
}

RunStore reader(const RunRecord& run)
{
    return RunStore(run.folder / "run.sqlite", RunStore::Mode::ReadOnly);
}

} // namespace

class TestTraining : public QObject {
    Q_OBJECT

    std::unique_ptr<QTemporaryDir> folder_;
    std::optional<store::Lab> lab_;
    std::atomic<bool> cancel_ = false;

    RunRecord train_told(const QByteArray& directives, const TrainingRequest& asked = request())
    {
        const Told told(directives);
        return train(*lab_, asked, {}, cancel_);
    }

private slots:
    void initTestCase() { qputenv("PIPEBD_ENGINE", FAKE_ENGINE); }

    void init()
    {
        folder_ = std::make_unique<QTemporaryDir>();
        lab_.emplace(std::filesystem::path(folder_->path().toStdString()) / "lab");
        cancel_ = false;
    }

    void aFinishedRunHasItsCurvesAndFigures()
    {
        const RunRecord run = train_told("steps=20");

        QCOMPARE(run.state, RunState::Finished);
        QCOMPARE(run.steps_done, std::int64_t(20));
        QCOMPARE(run.measured_step, 10.0); // what the slower of the fake ranks says
        QCOMPARE(run.predicted_step, 11.0);
        QCOMPARE(run.throughput, 6400.0);
        QCOMPARE(run.accuracy, 0.75);
        QCOMPARE(run.first_loss, std::vector<double>({0.75, 1.5})); // of 1, 1/2, ... and twice that
        QVERIFY(run.final_loss[0] < run.first_loss[0]);

        const RunStore store = reader(run);
        QCOMPARE(store.record().state, RunState::Finished);
        QCOMPARE(values(store, {"throughput", -1, -1}), std::vector<double>(20, 6400.0));
        QCOMPARE(values(store, {"loss", -1, 1}).size(), std::size_t(20));
        QCOMPARE(values(store, {"memory_bytes", 1, -1}).front(), 1001.0);
        QCOMPARE(store.spans().size(), std::size_t(20 * 11)); // of each instruction in each step
        QCOMPARE(store.check(), std::string("ok"));
    }

    void theRunFolderHoldsWhatItWasMadeFrom()
    {
        const RunRecord run = train_told("steps=3");

        QCOMPARE(read_file(run.folder / "experiment.toml"), request().experiment_text);
        const experiment::RunSpec spec = experiment::run_spec_from_json(read_file(run.folder / "spec.json"), "spec.json");
        QCOMPARE(spec.experiment.run.strategy, std::string("tr+dpu"));
        QCOMPARE(spec.experiment.run.devices, std::string("cpu,cpu"));
        QCOMPARE(to_text(spec.program), std::string(to_text(schedule::from_text(program))));
        QCOMPARE(spec.checkpoint_steps, std::int64_t(54545)); // ten minutes of 11 ms
        const RunStore store = reader(run);
        QCOMPARE(store.document("spec"), read_file(run.folder / "spec.json"));
        QCOMPARE(store.document("program"), to_text(spec.program));
    }

    void stepsAloneAreTakenWhereNothingIsToBeDelivered()
    {
        TrainingRequest asked = request();
        asked.deliver = false;
        asked.experiment.run.checkpoint_steps = 2;

        const RunRecord run = train_told("steps=20", asked);

        QCOMPARE(run.state, RunState::Finished);
        QCOMPARE(run.steps_done, std::int64_t(20));
        QCOMPARE(run.accuracy, -1.0);
        const experiment::RunSpec spec = experiment::run_spec_from_json(read_file(run.folder / "spec.json"), "spec.json");
        QVERIFY(!spec.deliver);
        QCOMPARE(spec.checkpoint_steps, std::int64_t(0));
        QVERIFY(!std::filesystem::exists(run.folder / "student.safetensors"));
    }

    void resultsAreAlsoWrittenWhereTheUserWantsThem()
    {
        TrainingRequest asked = request();
        asked.out = std::filesystem::path(folder_->path().toStdString()) / "out";
        std::filesystem::create_directory(asked.out);

        train_told("steps=5", asked);

        QCOMPARE(read_file(asked.out / "student.safetensors"), std::string("weights"));
        const QJsonObject metrics
            = QJsonDocument::fromJson(QByteArray::fromStdString(read_file(asked.out / "metrics.json"))).object();
        QCOMPARE(metrics["format"].toString(), QString("pipebd.metrics/1"));
        QCOMPARE(metrics["state"].toString(), QString("finished"));
        QVERIFY(metrics["series"].toArray().size() >= 6);
    }

    void aFailedRunNamesTheRankAndItsLastLines()
    {
        const RunRecord run = train_told("steps=100000;rank=1;step=5;do=chatter:3+kill:11");

        QCOMPARE(run.state, RunState::Failed);
        QCOMPARE(run.culprit, 1);
        QVERIFY(QByteArray::fromStdString(run.error).contains("rank 1 was killed by signal 11 (SIGSEGV)"));
        QCOMPARE(run.last_lines.size(), std::size_t(3));
        QCOMPARE(reader(run).record().error, run.error);
        QVERIFY(QByteArray::fromStdString(read_file(run.folder / "log.txt")).contains("rank 1 was killed"));
        QCOMPARE(reader(run).check(), std::string("ok"));
    }

    void aCancelledRunIsCancelled()
    {
        cancel_ = true;
        const RunRecord run = train_told("steps=100000");
        QCOMPARE(run.state, RunState::Cancelled);
        QCOMPARE(lab_->run(run.id).state, RunState::Cancelled);
    }

    void aRunThatCannotBeginIsRecordedAsFailed()
    {
        qputenv("PIPEBD_ENGINE", "/nowhere/engine");
        QVERIFY_THROWS_EXCEPTION(Error, train_told(""));
        qputenv("PIPEBD_ENGINE", FAKE_ENGINE);

        QCOMPARE(lab_->runs().size(), std::size_t(1));
        QCOMPARE(lab_->runs().front().state, RunState::Failed);
        QVERIFY(QByteArray::fromStdString(lab_->runs().front().error).contains("/nowhere/engine"));
    }

    void progressIsToldWhileItRuns()
    {
        const Told told("steps=60;pace=10");
        std::vector<Progress> seen;
        train(
            *lab_, request(), [&](const Progress& progress) { seen.push_back(progress); }, cancel_);
        QVERIFY(seen.size() >= 3); // 0.6 s, five times a second
        QVERIFY(std::is_sorted(
            seen.begin(), seen.end(), [](const Progress& a, const Progress& b) { return a.steps_done < b.steps_done; }));
        QCOMPARE(seen.back().steps, std::int64_t(20));
        QCOMPARE(seen.back().loss.size(), std::size_t(2));
    }

    void whatTheDiskDoesNotTakeIsKeptAndStoredLater() // S3
    {
        const std::filesystem::path run = lab_->new_run("full").folder;
        RunStore store(run / "run.sqlite", RunStore::Mode::Writer);
        RunRecord record;
        record.state = RunState::Running;
        Measurements measurements(schedule::from_text(program), 100'000, 64, {1.0});
        Recorder recorder(store, measurements, run / "log.txt", std::chrono::steady_clock::now());
        experiment::Metric step;
        step.type = experiment::Metric::Type::Step;
        step.ms = 5;

        ::signal(SIGXFSZ, SIG_IGN);
        rlimit before = {};
        ::getrlimit(RLIMIT_FSIZE, &before);
        const rlimit full = {.rlim_cur = 256 * 1024, .rlim_max = before.rlim_max};
        ::setrlimit(RLIMIT_FSIZE, &full);
        for (int i = 0; i < 50'000; ++i) {
            step.step = i;
            recorder.take(step);
        }
        recorder.flush(record, true);
        const std::string trouble = recorder.trouble();
        ::setrlimit(RLIMIT_FSIZE, &before);
        QVERIFY(!trouble.empty());

        recorder.flush(record, true);
        recorder.flush(record, true); // what has been stored is not stored again

        QCOMPARE(recorder.trouble(), std::string());
        QCOMPARE(values(store, {"step_ms", 0, -1}).size(), std::size_t(50'000));
        QCOMPARE(store.check(), std::string("ok"));
    }
};

QTEST_GUILESS_MAIN(TestTraining)
#include "test_training.moc"
