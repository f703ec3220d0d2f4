// RunSpec: spec.json says all that a rank needs, and nothing that does not fit together.
#include "experiment/run_spec.h"
#include "experiment_testing.h"

#include <QJsonArray>
#include <QJsonDocument>
#include <QJsonObject>

using namespace pipebd;
using namespace pipebd::experiment;

namespace {

RunSpec someSpec()
{
    RunSpec spec;
    spec.experiment = parse_experiment("pair = \"nas-digits\"\n", "digits-nas.toml",
        std::vector<std::string>{"train.steps=200", "run.strategy=tr+dpu", "run.devices=cpu,cpu@2"});
    spec.devices = parse_devices("cpu,cpu@2", "test");
    spec.program = schedule::from_text("device 0: load  T0 send>1  F0 B0 U0\ndevice 1: recv<0  T1  F1 B1 U1\n");
    spec.pair_folder = "/lab/pairs/größe";
    spec.folder = "/lab/runs/0007-größe \"x\"";
    spec.checkpoint_steps = 50;
    spec.buffers = 3;
    spec.deliver = false;
    spec.resume = "/lab/runs/0006-größe/checkpoints/round-000000012";
    spec.done = {12, 7};
    spec.planned_bytes = {1 << 20, 3};
    spec.profile_sizes = {128, 8};
    return spec;
}

QJsonObject objectOf(const RunSpec& spec)
{
    return QJsonDocument::fromJson(QByteArray::fromStdString(to_json(spec))).object();
}

RunSpec specOf(const QJsonObject& object)
{
    return run_spec_from_json(QJsonDocument(object).toJson().toStdString(), "spec.json");
}

} // namespace

class TestRunSpec : public QObject {
    Q_OBJECT

private slots:
    void aSpecComesBackFromItsJson()
    {
        const RunSpec spec = someSpec();
        QCOMPARE(run_spec_from_json(to_json(spec), "spec.json"), spec);
    }

    void theWholeProgramComesBack()
    {
        RunSpec spec = someSpec();
        spec.program.blocks = 6;
        spec.done.clear();
        spec.program.microbatches = 4;
        spec.program.phases.push_back(spec.program.phases.front());
        spec.program.phases.back().devices[1].instructions.clear();
        QCOMPARE(run_spec_from_json(to_json(spec), "spec.json"), spec);
    }

    void aSpecWithoutAProgramComesBack()
    {
        RunSpec spec = someSpec();
        spec.program = {};
        spec.devices.clear();
        spec.planned_bytes.clear();
        spec.done.clear();
        QCOMPARE(run_spec_from_json(to_json(spec), "spec.json"), spec);
    }

    void aNumberBeyondAllRangeIsDamageNotAForeignException()
    {
        try {
            run_spec_from_json(R"({"format": 4e77777})", "spec.json");
            QFAIL("it was read");
        } catch (const pipebd::Error& error) {
            QCOMPARE(error.code(), pipebd::Code::Damaged);
        }
    }

    void theJsonIsAsTheFormatSays()
    {
        const QJsonObject object = objectOf(someSpec());
        QCOMPARE(object["format"].toString(), "pipebd.spec/1");
        QCOMPARE(object["devices"].toArray(), (QJsonArray{"cpu", "cpu@2"}));
        QCOMPARE(object["program"].toString(), "device 0: load  T0 send>1  F0 B0 U0\ndevice 1: recv<0  T1  F1 B1 U1\n");
        QCOMPARE(object["folder"].toString(), "/lab/runs/0007-größe \"x\"");
        QCOMPARE(object["checkpoint_steps"].toInt(), 50);
        QCOMPARE(object["buffers"].toInt(), 3);
        QCOMPARE(object["experiment"].toObject()["pair"].toString(), "nas-digits");
    }

    void minutesAreMeasuredWhereNobodySaysHowManyStepsTheyAre()
    {
        RunSpec spec = someSpec();
        spec.deliver = true;
        spec.checkpoint_steps = 0;
        spec.experiment.run.checkpoint_minutes = 7;
        spec.experiment.run.checkpoint_steps.reset();
        QCOMPARE(minutes_to_measure(spec), 7.0);
        spec.checkpoint_steps = 50;
        QCOMPARE(minutes_to_measure(spec), 0.0);
        spec.checkpoint_steps = 0;
        spec.experiment.run.checkpoint_steps = 0;
        QCOMPARE(minutes_to_measure(spec), 0.0);
        spec.experiment.run.checkpoint_steps.reset();
        spec.deliver = false;
        QCOMPARE(minutes_to_measure(spec), 0.0);
    }

    void moreKeysAreLetBe()
    {
        QJsonObject object = objectOf(someSpec());
        object["later"] = QJsonArray{1};
        QCOMPARE(specOf(object), someSpec());
    }

    void everyKeyIsNeeded()
    {
        const QJsonObject whole = objectOf(someSpec());
        for (const QString& key : whole.keys()) {
            if (key == "profile_sizes") // only profiling asks for it
                continue;
            QJsonObject object = whole;
            object.remove(key);
            VERIFY_REFUSED(specOf(object), Code::BadRequest, "the key is missing: spec.json: " + key.toUtf8());
        }
    }

    void whatCannotBeIsRefusedWithItsPath_data()
    {
        QTest::addColumn<QString>("key");
        QTest::addColumn<QJsonValue>("value");
        QTest::addColumn<QByteArray>("says");
        const auto row = [](const char* name, const char* key, const QJsonValue& value, const char* says) {
            QTest::newRow(name) << key << value << QByteArray(says);
        };
        row("format", "format", "pipebd.plan/1", "'pipebd.plan/1' is not pipebd.spec/1: spec.json: format");
        row("format 1", "format", 1, "a string is expected here: spec.json: format");
        row("experiment", "experiment", 3, "an experiment must be a JSON object: spec.json: experiment");
        row("in the experiment", "experiment", QJsonObject{{"pair", "p"}, {"seed", -1}},
            "seed cannot be -1: spec.json: experiment: seed");
        row("devices", "devices", "cpu,cpu", "a list of devices is expected here: spec.json: devices");
        row("device", "devices", QJsonArray{"cpu", "gpu"}, "'gpu' is not a device: spec.json: devices[1]");
        row("device 3", "devices", QJsonArray{3, "cpu"}, "a string is expected here: spec.json: devices[0]");
        row("two in one", "devices", QJsonArray{"cpu,cpu"}, "one device is expected here: spec.json: devices[0]");
        row("fewer devices", "devices", QJsonArray{"cpu"}, "the program is for 2 devices, the list has 1: spec.json: program");
        row("program", "program", "device 0: dance\n", "spec.json: program");
        row("program 3", "program", 3, "a string is expected here: spec.json: program");
        row("pair folder", "pair_folder", QJsonValue(), "a string is expected here: spec.json: pair_folder");
        row("folder", "folder", QJsonValue(), "a string is expected here: spec.json: folder");
        row("checkpoint_steps", "checkpoint_steps", -1,
            "an integer from 0 to 1099511627776 is expected here: spec.json: checkpoint_steps");
        row("fraction", "checkpoint_steps", 1.5, "an integer from 0 to 1099511627776 is expected here");
        row("buffers", "buffers", 0, "an integer from 1 to 1048576 is expected here: spec.json: buffers");
        row("deliver", "deliver", 1, "true or false is expected here: spec.json: deliver");
        row("resume", "resume", 7, "a string is expected here: spec.json: resume");
        row("done", "done", 7, "a list of integers is expected here: spec.json: done");
        row("bytes of one device", "planned_bytes", QJsonArray{1},
            "sizes are given for 1 devices, the list has 2: spec.json: planned_bytes");
        row("done before the beginning", "done", QJsonArray{1, -1}, "is expected here: spec.json: done[1]");
        row("done of one block", "done", QJsonArray{1}, "steps are given for 1 blocks, the program has 2: spec.json: done");
        row("profile of nothing", "profile_sizes", QJsonArray{8, 0},
            "an integer from 1 to 1048576 is expected here: spec.json: profile_sizes[1]");
        row("huge", "buffers", 1e300, "an integer from 1 to 1048576 is expected here");
    }

    void whatCannotBeIsRefusedWithItsPath()
    {
        QFETCH(QString, key);
        QFETCH(QJsonValue, value);
        QFETCH(QByteArray, says);
        QJsonObject object = objectOf(someSpec());
        object[key] = value;
        VERIFY_REFUSED(specOf(object), Code::BadRequest, says);
    }

    void aLaterFormatIsNewer()
    {
        QJsonObject object = objectOf(someSpec());
        object["format"] = "pipebd.spec/2";
        VERIFY_REFUSED(specOf(object), Code::Newer, "'pipebd.spec/2': spec.json: format; use the version");
    }

    void everyTruncationIsRefused()
    {
        const std::string json = to_json(someSpec());
        for (std::size_t length = 0; length + 2 < json.size(); ++length)
            VERIFY_REFUSED(
                run_spec_from_json(json.substr(0, length), "spec.json"), Code::Damaged, "this is not JSON: spec.json, byte");
    }

    void aFolderThatIsNotUtf8IsRefused()
    {
        RunSpec spec = someSpec();
        spec.folder = "/lab/\xff";
        VERIFY_REFUSED(to_json(spec), Code::BadRequest, "not UTF-8: /lab/?");
    }
};

QTEST_GUILESS_MAIN(TestRunSpec)
#include "test_run_spec.moc"
