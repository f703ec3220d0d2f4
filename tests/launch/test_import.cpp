// Runs made of what ranks have written to files, written here by hand.
#include "base/file.h"
#include "launch/import.h"
#include "launch/metric_file.h"
#include "launch/training.h"
#include "store/run_store.h"

#include <QTemporaryDir>
#include <QTest>

#include <filesystem>

using namespace pipebd;
using namespace pipebd::launch;
using store::RunRecord;
using store::RunState;
using store::RunStore;
using store::Series;

namespace {

namespace fs = std::filesystem;

constexpr const char* program = "device 0: load T0 send>1 F0 B0 U0\ndevice 1: recv<0 T1 F1 B1 U1\n";

/// JSON is written with ' for ", and ` for \" within a text.
std::string json(const std::string& text)
{
    std::string result;
    for (const char character : text)
        result += character == '`' ? "\\\"" : character == '\'' ? "\"" : std::string(1, character);
    return result;
}

std::string line(int rank, double t, const std::string& type, const std::string& keys = {})
{
    return json("{'v':1,'type':'" + type + "','t':" + std::to_string(t) + ",'rank':" + std::to_string(rank)
        + (keys.empty() ? "" : "," + keys) + "}\n");
}

/// What a rank says in a run of two steps, by a clock whose zero is when it started: it met the others after `met` seconds.
std::string lines_of(int rank, double met, const std::string& end)
{
    std::string text = line(rank, 0.1, "hello", "'step':2,'text':'{`started`:1800000000.5}'") + line(rank, met, "met");
    for (int step = 0; step < 2; ++step) {
        const std::string at = "'phase':0,'step':" + std::to_string(step);
        const double t = met + 1 + step;
        const std::string ms = std::to_string(t * 1000);
        text += line(rank, t, "loss", at + ",'block':" + std::to_string(rank) + ",'value':" + std::to_string(2 - step));
        text += line(rank, t, "span", at + ",'index':0,'start':" + ms + ",'end':" + ms);
        text += line(rank, t, "step", at + ",'samples':64,'ms':" + std::to_string(10 + rank));
    }
    return text + end;
}

std::size_t samples_in(const RunRecord& run)
{
    const RunStore store(run.folder / "run.sqlite", RunStore::Mode::ReadOnly);
    std::int64_t after = 0;
    return store.new_samples(after).size();
}

bool says(const std::vector<std::string>& lines, const std::string& text)
{
    return std::any_of(lines.begin(), lines.end(), [&](const std::string& one) { return one.find(text) != std::string::npos; });
}

} // namespace

class TestImport : public QObject {
    Q_OBJECT

    std::unique_ptr<QTemporaryDir> folder_;
    std::optional<store::Lab> lab_;
    fs::path from_;

    void write(int rank, const std::string& text) const { replace_file(from_ / ("rank-" + std::to_string(rank) + ".jsonl"), text); }

    void write_both() const
    {
        write(0, lines_of(0, 5, line(0, 8, "bye")));
        write(1, lines_of(1, 0.5, line(1, 3.5, "bye"))); // started 4.5 s after rank 0
    }

    ImportedRun import(const std::string& name = {}) { return import_run(*lab_, from_, name); }

    std::optional<Error> refusal()
    {
        try {
            import();
        } catch (const Error& error) {
            return error;
        }
        return std::nullopt;
    }

private slots:
    void init()
    {
        folder_ = std::make_unique<QTemporaryDir>();
        lab_.emplace(fs::path(folder_->path().toStdString()) / "lab");
        from_ = fs::path(folder_->path().toStdString()) / "from";
        fs::create_directory(from_);
        TrainingRequest request;
        request.experiment_text = "name = \"far\"\npair = \"nas-digits\"\n";
        request.experiment = experiment::parse_experiment(request.experiment_text, "far.toml");
        request.devices = experiment::parse_devices("cpu,cpu", "test");
        request.planned.schedule.strategy = "tr+dpu";
        request.planned.program = schedule::from_text(program);
        prepare(request, from_);
    }

    void ranksThatAllSaidByeMakeAFinishedRun()
    {
        write_both();
        const ImportedRun imported = import();

        QVERIFY(imported.warnings.empty());
        const RunRecord run = lab_->run(imported.record.id);
        QCOMPARE(run.state, RunState::Finished);
        QCOMPARE(run.name, std::string("far"));
        QCOMPARE(run.strategy, std::string("tr+dpu"));
        QCOMPARE(run.devices, std::vector<std::string>({"cpu", "cpu"}));
        QCOMPARE(run.steps_done, std::int64_t(2));
        QCOMPARE(run.measured_step, 11.0);
        QCOMPARE(run.first_loss, std::vector<double>({2, 2}));
        QCOMPARE(run.final_loss, std::vector<double>({1, 1}));
        const RunStore store(run.folder / "run.sqlite", RunStore::Mode::ReadOnly);
        QCOMPARE(store.check(), std::string("ok"));
        const experiment::RunSpec spec = experiment::run_spec_from_json(store.document("spec"), "spec");
        QCOMPARE(spec.folder, run.folder);
        QCOMPARE(store.document("experiment"), std::string("name = \"far\"\npair = \"nas-digits\"\n"));
    }

    void ranksThatWereToldToStopMakeACancelledRun()
    {
        write(0, lines_of(0, 5, line(0, 7.5, "doing", "'name':'stopping','step':2") + line(0, 8, "bye")));
        write(1, lines_of(1, 0.5, line(1, 3.5, "bye")));
        QCOMPARE(import().record.state, RunState::Cancelled);

        init();
        write_both();
        QCOMPARE(import().record.state, RunState::Finished);
    }

    void timesAreThoseOfTheRankThatStartedFirst()
    {
        write_both();
        const RunRecord run = import().record;

        const RunStore store(run.folder / "run.sqlite", RunStore::Mode::ReadOnly);
        for (int rank : {0, 1}) {
            const std::vector<store::Sample> steps = store.samples({"step_ms", rank, -1});
            QCOMPARE(steps.size(), std::size_t(2));
            QCOMPARE(steps[0].t, 6.0);
            QCOMPARE(steps[1].t, 7.0);
        }
        for (const store::MeasuredSpan& span : store.spans())
            QCOMPARE(span.start, span.step == 0 ? 6000.0 : 7000.0);
        QCOMPARE(run.started, std::string("2027-01-15T07:59:56.000Z")); // 4.5 s before 1800000000.5
        QCOMPARE(run.finished, std::string("2027-01-15T08:00:04.000Z"));
    }

    void theCauseIsTheFirstErrorThatIsNoConsequence()
    {
        const std::string broke = "'code':'RankDied','what':'the connection broke','where':'send','remedy':''";
        const std::string cause = "'code':'NotFinite','what':'the loss is NaN','where':'block 1','remedy':''";
        write(0, lines_of(0, 5, line(0, 7.5, "error", broke)));
        write(1, lines_of(1, 0.5, line(1, 3.4, "error", cause)));

        const RunRecord run = import().record;

        QCOMPARE(run.state, RunState::Failed);
        QCOMPARE(run.culprit, 1);
        QVERIFY(run.error.starts_with("the loss is NaN"));
        QVERIFY(QByteArray::fromStdString(read_file(run.folder / "log.txt"))
                    .contains("as a consequence: rank 0: the connection broke"));
    }

    void ofTwoCausesTheEarlierByTheRunsOwnTimeIsTheOne()
    {
        const std::string cause = "'code':'NotFinite','what':'the loss is NaN','where':'','remedy':''";
        write(0, lines_of(0, 5, line(0, 7.9, "error", cause)));
        write(1, lines_of(1, 0.5, line(1, 3.5, "error", cause))); // 8.0 of the run, though 3.5 is less than 7.9

        QCOMPARE(import().record.culprit, 0);
    }

    void aRankThatFallsSilentOrLeftNothingMakesALostRun()
    {
        write(0, lines_of(0, 5, ""));

        const ImportedRun imported = import();

        QCOMPARE(imported.record.state, RunState::Lost);
        QVERIFY(imported.record.error.starts_with("ranks 0, 1 ended without reporting how"));
        QCOMPARE(imported.warnings.size(), std::size_t(1));
        QVERIFY(says(imported.warnings, "rank-1.jsonl"));
        QCOMPARE(lab_->run(imported.record.id).state, RunState::Lost);
    }

    void linesOfAnotherRankAreLeftOut()
    {
        write(0, lines_of(0, 5, line(0, 7.5, "bye")));
        write(1, lines_of(0, 5, line(0, 7.5, "bye"))); // a copy of the wrong file

        const ImportedRun imported = import();

        QCOMPARE(imported.record.state, RunState::Lost);
        QVERIFY(says(imported.warnings, "rank-1.jsonl:1: it belongs to rank 0"));
    }

    void whatIsNoMetricIsLeftOutAndNamedByFileAndLine()
    {
        write_both();
        std::string garbage = lines_of(1, 0.5, "");
        garbage.insert(garbage.find('\n') + 1, "NCCL INFO\n\xff\xfe\n" + std::string(3 << 20, 'x') + "\n");
        garbage += json("{'v':1,'type':'step','t':null,'rank':0,'step':0}\n");
        garbage += line(1, 1e300, "memory") + line(1, 3.5, "memory", "'step':-5,'phase':2147483647");
        garbage += line(1, 3.5, "span", "'start':null,'end':'inf'") + line(1, 3.5, "loss", "'block':999999,'value':null");
        write(1, garbage + line(1, 3.5, "bye"));

        const ImportedRun imported = import();

        QCOMPARE(imported.record.state, RunState::Finished);
        QCOMPARE(imported.record.final_loss.size(), std::size_t(2));
        const RunStore store(imported.record.folder / "run.sqlite", RunStore::Mode::ReadOnly);
        QCOMPARE(store.spans().size(), std::size_t(4));
        QVERIFY(!store.log().empty());
        QCOMPARE(imported.warnings.size(), std::size_t(1));
        QVERIFY2(says(imported.warnings, "rank-1.jsonl:2: not a metric: this line is not JSON"), imported.warnings[0].c_str());
        QVERIFY2(says(imported.warnings, "so are 4 others"), imported.warnings[0].c_str());
    }

    void cutOffAnywhereNoWholeLineIsLost()
    {
        write_both();
        const std::string whole = lines_of(1, 0.5, line(1, 3.5, "bye"));
        for (std::size_t length = 0; length <= whole.size(); ++length) {
            const std::string cut = whole.substr(0, length);
            write(1, cut);
            // A last line is whole without its line break, too.
            const std::string kept = whole[length] == '\n' ? cut : cut.substr(0, cut.rfind('\n') + 1);
            const QByteArray lines = QByteArray::fromStdString(kept + (kept.empty() || kept.ends_with('\n') ? "" : "\n"));

            MetricFile file(from_ / "rank-1.jsonl", 1);
            int metrics = 0;
            while (file.next())
                ++metrics;

            QCOMPARE(metrics, static_cast<int>(lines.count('\n')));
            QCOMPARE(file.left_out().find("the last line is cut off") != std::string::npos, kept.size() != cut.size());
            if (length % 499 != 0 && length + 1 < whole.size())
                continue; // imported are the longest, and some others
            const ImportedRun imported = import();
            QCOMPARE(imported.record.state, lines.contains("bye") ? RunState::Finished : RunState::Lost);
            // Of rank 0 four; a loss is one, and a step its time and the throughput.
            QCOMPARE(samples_in(imported.record),
                static_cast<std::size_t>(4 + lines.count("\"loss\"") + 2 * lines.count("\"samples\"")));
            fs::remove_all(imported.record.folder);
        }
    }

    void aLaterVersionIsRefusedByFileAndLineAndTheLabIsAsItWas()
    {
        write_both();
        write(1, lines_of(1, 0.5, json("{'v':2,'type':'bye','t':9,'rank':1}\n")));

        const auto error = refusal();

        QVERIFY(error);
        QCOMPARE(error->code(), Code::Newer);
        QVERIFY2(QByteArray(error->what()).contains("rank-1.jsonl:9"), error->what());
        QVERIFY(lab_->runs().empty());
    }

    void theSameFilesAreImportedOnce()
    {
        write_both();
        const int id = import().record.id;

        const auto error = refusal();

        QVERIFY(error);
        QCOMPARE(error->code(), Code::BadRequest);
        QVERIFY2(QByteArray(error->what()).contains("as run " + QByteArray::number(id)), error->what());
        QCOMPARE(lab_->runs().size(), std::size_t(1));
        fs::remove_all(lab_->run(id).folder);
        QVERIFY(!refusal());
    }

    void aFolderWithoutASpecOrWithoutMetricsIsRefused()
    {
        QCOMPARE(refusal()->code(), Code::NotFound);
        write(0, "");
        QCOMPARE(refusal()->code(), Code::NotFound);
        write(0, "no metric\n");
        QCOMPARE(refusal()->code(), Code::NotFound);
        write_both();
        fs::remove(from_ / "spec.json");
        const auto error = refusal();
        QCOMPARE(error->code(), Code::NotFound);
        QVERIFY(QByteArray(error->what()).contains("spec.json"));
        QVERIFY(lab_->runs().empty());
    }

    void linksAreNotFollowedOutOfTheFolder_data()
    {
        QTest::addColumn<QString>("name");
        for (const char* name : {"spec.json", "rank-1.jsonl", "experiment.toml", "student.safetensors", "architecture.json"})
            QTest::newRow(name) << QString::fromLatin1(name);
    }

    void linksAreNotFollowedOutOfTheFolder()
    {
        QFETCH(QString, name);
        write_both();
        replace_file(from_ / "student.safetensors", "weights");
        const fs::path linked = from_ / name.toStdString();
        const fs::path target = from_.parent_path() / "outside";
        std::error_code none;
        fs::remove(target, none);
        if (fs::exists(linked))
            fs::rename(linked, target);
        else
            replace_file(target, "secret");
        fs::create_symlink(target, linked);

        const auto error = refusal();

        QVERIFY(error);
        QCOMPARE(error->code(), Code::BadRequest);
        QVERIFY2(QByteArray(error->what()).contains("this is a symbolic link, and links are not followed"), error->what());
        QVERIFY(lab_->runs().empty());
    }

    void resultsAreTakenAlong()
    {
        write_both();
        replace_file(from_ / "student.safetensors", "weights");
        replace_file(from_ / "architecture.json", "{}");
        fs::create_directories(from_ / "checkpoints" / "round-000000002");
        replace_file(from_ / "checkpoints" / "round-000000002" / "manifest.json", "{}");
        fs::create_directories(from_ / "checkpoints" / ".round-000000003.partial");

        const RunRecord run = import("renamed").record;

        QCOMPARE(run.name, std::string("renamed"));
        QCOMPARE(read_file(run.folder / "student.safetensors"), std::string("weights"));
        QVERIFY(fs::exists(run.folder / "architecture.json"));
        QVERIFY(fs::exists(run.folder / "checkpoints" / "round-000000002" / "manifest.json"));
        QVERIFY(!fs::exists(run.folder / "checkpoints" / ".round-000000003.partial"));
    }
};

QTEST_GUILESS_MAIN(TestImport)
#include "test_import.moc"
