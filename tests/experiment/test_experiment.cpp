// Experiment files: what may stand there, what is understood without being there, and what overrides what.
#include "base/file.h"
#include "experiment/experiment.h"
#include "experiment/stages.h"
#include "experiment_testing.h"

#include <cmath>
#include <limits>

using namespace pipebd;
using namespace pipebd::experiment;

namespace {

using Settings = std::vector<std::string>;

constexpr const char* everything = R"(
name = "größe"
pair = "nas-digits"
seed = 9223372036854775807
[data]
source = "synthetic"
batch = 1_000
shuffle = false
augment = "none"
held_out = 0.1
broken_limit = 7
workers = 3
[train]
network = "student"
epochs = 0.5
optimizer = "adamw"
learning_rate = 1
momentum = 0
nesterov = false
weight_decay = 1e-4
schedule = "step"
[distill]
loss = "mse"
last_block_loss = "mse"
[student]
weights = "begin.safetensors"
[run]
strategy = "tr+dpu"
stages = " 0 on 0|1-2 on 1"
devices = "cpu@2, cuda:1"
dtype = "bfloat16"
batch_norm = "local"
checkpoint_steps = 500
checkpoint_keep = 5
checkpoint_failure = "warn"
timeout = 60
join_timeout = 600
stop_grace = 5.5
)";

Experiment minimal(const Settings& settings = {})
{
    return parse_experiment("pair = \"p\"\n", "a.toml", settings);
}

} // namespace

class TestExperiment : public QObject {
    Q_OBJECT

    QTemporaryDir m_folder;

    fs::path write(const std::string& name, const std::string& text) const
    {
        const fs::path file = fs::path(m_folder.path().toStdString()) / name;
        fs::create_directories(file.parent_path());
        replace_file(file, text);
        return file;
    }

private slots:
    void init() { m_folder = QTemporaryDir(); }

    void everyExperimentThatComesWithTheProgramCanBeRead()
    {
        int files = 0;
        for (const fs::directory_entry& entry : fs::directory_iterator(PIPEBD_SOURCE_DIR "/experiments")) {
            if (entry.path().extension() != ".toml")
                continue;
            const Experiment experiment = parse_experiment(read_file(entry.path()), entry.path().string());
            QCOMPARE(experiment.name, entry.path().stem().string());
            ++files;
        }
        QVERIFY(files >= 10);
    }

    void everyKeyButThePairHasItsDefault()
    {
        const Experiment e = parse_experiment("pair = \"nas-digits\"", "experiments/digits-nas.toml");
        QCOMPARE(e.name, std::string("digits-nas"));
        QCOMPARE(e.pair, std::string("nas-digits"));
        QCOMPARE(e.seed, std::uint64_t(0));
        QCOMPARE(e.data, (Data{"digits", "", 64, true, "none", 0, 100, std::nullopt}));
        QCOMPARE(e.train, (Train{"student", 4, std::nullopt, "sgd", 0.05, 0.9, true, 0, "cosine"}));
        QCOMPARE(e.teacher, Teacher{});
        QCOMPARE(e.distill, (Distill{"mse", "soft-cross-entropy"}));
        QCOMPARE(e.run, (Run{"auto", "", "auto", "float32", "sync", 10, std::nullopt, 2, "stop", 10, 180, 30}));
    }

    void everyKeyIsRead()
    {
        const Experiment e = parse_experiment(everything, "a.toml");
        QCOMPARE(e.name, std::string("größe"));
        QCOMPARE(e.seed, std::uint64_t(std::numeric_limits<std::int64_t>::max()));
        QCOMPARE(e.data, (Data{"synthetic", "", 1000, false, "none", 0.1, 7, 3}));
        QCOMPARE(e.train, (Train{"student", 0.5, std::nullopt, "adamw", 1, 0, false, 1e-4, "step"}));
        QCOMPARE(e.distill, (Distill{"mse", "mse"}));
        QCOMPARE(e.student.weights, std::string("begin.safetensors"));
        QCOMPARE(e.run, (Run{"tr+dpu", "0 on 0 | 1-2 on 1", "cpu@2,cuda:1", "bfloat16", "local", 10, 500, 5, "warn", 60, 600, 5.5}));
    }

    void keysMayBeWrittenInAnyWayTomlAllows()
    {
        const Experiment e = parse_experiment(
            "\xef\xbb\xbfpair = 'p'\r\ndata.batch = 0x20 # hexadecimal\r\ntrain = {epochs = 2, optimizer = \"adam\"}\r\n",
            "a.toml");
        QCOMPARE(e.data.batch, 32);
        QCOMPARE(e.train.epochs, 2.0);
        QCOMPARE(e.train.optimizer, std::string("adam"));
    }

    void aSettingIsReadAsTomlOrElseAsBareText()
    {
        const Experiment e = minimal({"train.steps=20", "train.optimizer=adam", "train.schedule=\"step\"", "data.shuffle=false",
            " train.learning_rate = 1e-3 ", "name=2024", "pair=true", "run.devices=cpu,cpu", "run.strategy=tr+dpu"});
        QCOMPARE(e.train.steps, std::optional<std::int64_t>(20));
        QCOMPARE(e.train.optimizer, std::string("adam"));
        QCOMPARE(e.train.schedule, std::string("step"));
        QCOMPARE(e.data.shuffle, false);
        QCOMPARE(e.train.learning_rate, 1e-3);
        QCOMPARE(e.name, std::string("2024"));
        QCOMPARE(e.pair, std::string("true"));
        QCOMPARE(e.run.devices, std::string("cpu,cpu"));
        QCOMPARE(e.run.strategy, std::string("tr+dpu"));
    }

    void aSettingOverridesTheFileAndALaterOneAnEarlierOne()
    {
        const Experiment e = parse_experiment(
            "pair = \"p\"\nseed = 1\n[data]\nbatch = 2\n", "a.toml", Settings{"seed=3", "data.batch=4", "seed=5"});
        QCOMPARE(e.seed, std::uint64_t(5));
        QCOMPARE(e.data.batch, 4);
    }

    void anExperimentIsChangedBySettingsAsAFileIs()
    {
        const Experiment e = parse_experiment(everything, "a.toml");
        QCOMPARE(changed(e, {}), e);
        const Experiment other
            = changed(e, Settings{"train.steps=7", "run.checkpoint_minutes=3", "run.strategy=dp", "run.stages="});
        QCOMPARE(other.train.steps, std::optional<std::int64_t>(7));
        QCOMPARE(other.run.checkpoint_steps, std::nullopt);
        QCOMPARE(differing_keys(e, other),
            (std::vector<std::string>{
                "train.epochs", "train.steps", "run.strategy", "run.stages", "run.checkpoint_minutes", "run.checkpoint_steps"}));
        const Experiment longer = changed(other, Settings{"train.epochs=9"});
        QCOMPARE(longer.train.steps, std::nullopt);
        QCOMPARE(longer.train.epochs, 9.0);
        QVERIFY_THROWS_EXCEPTION(pipebd::Error, changed(e, Settings{"train.step=7"}));
    }

    void aSettingMayGiveThePair() { QCOMPARE(parse_experiment("", "a.toml", Settings{"pair=p"}).pair, std::string("p")); }

    void aSettingDropsTheKeyOfTheFileThatExcludesIt()
    {
        const Experiment steps = parse_experiment("pair = \"p\"\ntrain.epochs = 9", "a.toml", Settings{"train.steps=20"});
        QCOMPARE(steps.train.steps, std::optional<std::int64_t>(20));
        const Experiment epochs = parse_experiment("pair = \"p\"\ntrain.steps = 20", "a.toml", Settings{"train.epochs=9"});
        QCOMPARE(epochs.train.steps, std::nullopt);
        QCOMPARE(epochs.train.epochs, 9.0);
        const Experiment minutes
            = parse_experiment("pair = \"p\"\nrun.checkpoint_steps = 20", "a.toml", Settings{"run.checkpoint_minutes=9"});
        QCOMPARE(minutes.run.checkpoint_steps, std::nullopt);
        QCOMPARE(minutes.run.checkpoint_minutes, 9.0);
    }

    void aSettingCannotBringInOtherKeys()
    {
        const Experiment e = minimal({"name=1\nseed = 7"});
        QCOMPARE(e.name, std::string("1\nseed = 7"));
        QCOMPARE(e.seed, std::uint64_t(0));
    }

    void withoutMomentumThereIsNoNesterovUnlessAskedFor() { QCOMPARE(minimal({"train.momentum=0"}).train.nesterov, false); }

    void theTeacherItselfIsTrainedOnOneDevice()
    {
        QCOMPARE(minimal({"train.network=teacher"}).run.strategy, std::string("auto"));
        QCOMPARE(minimal({"train.network=teacher", "run.strategy=single"}).train.network, std::string("teacher"));
    }

    void weightsAreSeenFromTheExperimentsFolder()
    {
        const fs::path weights = write("models/teacher.safetensors", "");
        const fs::path file = write("experiments/a b.toml", "pair = \"p\"\nteacher.weights = \"../models/teacher.safetensors\"\n");
        const Experiment e = read_experiment(file);
        QCOMPARE(e.teacher.weights, weights.native());
        QCOMPARE(e.name, std::string("a b"));
        QCOMPARE(read_experiment(file, Settings{"teacher.weights=" + weights.native()}).teacher.weights, weights.native());
        QCOMPARE(read_experiment(file, Settings{"teacher.weights=\"\""}).teacher.weights, std::string());
    }

    void dataIsSeenFromTheExperimentsFolder()
    {
        const fs::path folder = write("data/cifar/data_batch_1.bin", "").parent_path();
        const fs::path tensors = write("data/texts.safetensors", "");
        const auto path_of = [&](const std::string& source, const std::string& path, const Settings& settings = {}) {
            const fs::path file
                = write("experiments/a.toml", "pair = \"p\"\n[data]\nsource = \"" + source + "\"\npath = \"" + path + "\"\n");
            return read_experiment(file, settings).data.path;
        };
        QCOMPARE(path_of("cifar10", "../data/cifar"), folder.native());
        QCOMPARE(path_of("tensors", "../data/./texts.safetensors"), tensors.native());
        QCOMPARE(path_of("cifar10", "nowhere", Settings{"data.path=" + folder.native()}), folder.native());
        QCOMPARE(path_of("cifar10", "nowhere", Settings{"data.source=digits", "data.path="}), std::string());
        VERIFY_REFUSED(path_of("imagefolder", "../data/texts.safetensors"), Code::NotFound, "a.toml:4; give the path of a folder");
        VERIFY_REFUSED(path_of("tensors", "../data/cifar"), Code::NotFound, "a.toml:4; give the path of a safetensors file");
        VERIFY_REFUSED(path_of("cifar100", "nowhere"), Code::NotFound, "data.path is not an existing folder");
    }

    void aFileNameThatIsNotUtf8StillGivesAName()
    {
        QCOMPARE(read_experiment(write("gr\xf6\xdf.toml", "pair = \"p\"\n")).name, std::string("gr??"));
    }

    void weightsThatAreNotThereAreNotFound()
    {
        const fs::path file = write("a.toml", "pair = \"p\"\n\nteacher.weights = \"none.safetensors\"\n");
        VERIFY_REFUSED(read_experiment(file), Code::NotFound, "a.toml:3; give the path of a safetensors file");
    }

    void aFileThatIsNotThereIsNotFound()
    {
        VERIFY_REFUSED(read_experiment("/nowhere/a.toml"), Code::NotFound, "/nowhere/a.toml");
        VERIFY_REFUSED(read_experiment("/"), Code::BadRequest, "this is a folder");
    }

    void aStageIsTheTrainingWithItsOwnSettingsLaidOver()
    {
        const Experiment e = parse_experiment("pair = \"p\"\n[data]\nheld_out = 0.2\n[train]\nsteps = 9\nmomentum = 0.5\n"
                                              "[architecture]\ntrain = true\n[run]\nstrategy = \"dp\"\n"
                                              "[stage.teacher]\nepochs = 2\nmomentum = 0\n[stage.finetune]\nlearning_rate = 0.01\n",
            "a.toml");
        QCOMPARE(stages_of(e), (std::vector<StageKind>{StageKind::Teacher, StageKind::Distil, StageKind::Finetune}));
        const Experiment teacher = of_stage(e, StageKind::Teacher), distil = of_stage(e, StageKind::Distil),
                         finetune = of_stage(e, StageKind::Finetune);
        QCOMPARE(teacher.train.network, std::string("teacher"));
        QCOMPARE(teacher.train.epochs, 2.0);
        QCOMPARE(teacher.train.steps, std::nullopt);
        QCOMPARE(teacher.train.nesterov, false);
        QCOMPARE(distil.train, e.train);
        QVERIFY(distil.architecture.train && distil.run.strategy == "dp");
        QCOMPARE(finetune.train.network, std::string("student-on-labels"));
        QCOMPARE(finetune.train.learning_rate, 0.01);
        QCOMPARE(finetune.train.steps, std::optional<std::int64_t>(9));
        for (const Experiment& stage : {teacher, distil, finetune}) {
            QCOMPARE(stages_of(stage).size(), std::size_t{1});
            QCOMPARE(experiment_from_json(to_json(stage), "spec.json"), stage);
        }
        for (const Experiment& stage : {teacher, finetune})
            QVERIFY(
                !stage.architecture.train && stage.data.held_out == 0 && stage.run.strategy == "auto" && stage.run.stages.empty());
        QCOMPARE(stages_of(minimal()), std::vector<StageKind>{StageKind::Distil});
        QCOMPARE(stages_of(minimal({"train.network=teacher"})), std::vector<StageKind>{StageKind::Teacher});
        QCOMPARE(stages_of(minimal({"stage.finetune.epochs=3"})).size(), std::size_t{2});
    }

    void stagesAreNamedInAnyOrderAndDoneInTheirs()
    {
        QCOMPARE(parse_stages("finetune, teacher,finetune", "--stage"),
            (std::vector<StageKind>{StageKind::Teacher, StageKind::Finetune}));
        VERIFY_REFUSED(parse_stages("distil,", "--stage"), Code::BadRequest,
            "unknown stage '': --stage; name one of teacher, distil, finetune");
    }

    void jsonHasEveryKeyAndReadsBack()
    {
        for (const Experiment& e : {parse_experiment(everything, "a.toml"), minimal(), minimal({"train.steps=20", "seed=7"}),
                 minimal({"stage.teacher.nesterov=false", "stage.finetune.schedule=step", "stage.finetune.steps=5"})}) {
            const std::string json = to_json(e);
            QCOMPARE(experiment_from_json(json, "spec.json"), e);
            for (const char* key : {"\"path\": \"\"", "\"nesterov\"", "\"checkpoint_minutes\"", "\"steps\"", "\"weights\": \"\""})
                QVERIFY2(json.find(key) != std::string::npos, key);
        }
    }

    void jsonKeepsEveryBitOfANumber()
    {
        Experiment e = minimal();
        e.seed = std::numeric_limits<std::uint64_t>::max();
        e.train.learning_rate = std::nextafter(0.1, 1);
        e.train.weight_decay = std::numeric_limits<double>::denorm_min();
        QCOMPARE(experiment_from_json(to_json(e), "j"), e);
    }

    void jsonOfALaterVersionMayHaveMoreKeys()
    {
        const Experiment e
            = experiment_from_json(R"({"name":"n","pair":"p","later":1,"data":{"batch":8,"later":{}},"new":{}})", "j");
        QCOMPARE(e.data.batch, 8);
        QCOMPARE(e.train, Train{});
    }

    void badJsonIsRefusedWithItsPath_data()
    {
        QTest::addColumn<QString>("json");
        QTest::addColumn<bool>("damaged");
        QTest::addColumn<QByteArray>("says");
        QTest::newRow("empty") << "" << true << QByteArray("this is not JSON: spec.json, byte 1");
        QTest::newRow("cut") << "{\"pair\":" << true << QByteArray("this is not JSON");
        QTest::newRow("list") << "[]" << false << QByteArray("an experiment must be a JSON object: spec.json");
        QTest::newRow("no pair") << "{}" << false << QByteArray("pair is missing: spec.json");
        QTest::newRow("section") << R"({"pair":"p","data":3})" << false << QByteArray("not a JSON object: spec.json: data");
        QTest::newRow("type") << R"({"pair":"p","data":{"batch":"8"}})" << false
                              << QByteArray("data.batch is a string: spec.json: data.batch");
        QTest::newRow("fraction") << R"({"pair":"p","data":{"batch":8.5}})" << false
                                  << QByteArray("data.batch is a floating-point number");
        QTest::newRow("range") << R"({"pair":"p","data":{"batch":0}})" << false << QByteArray("data.batch cannot be 0");
        QTest::newRow("huge") << R"({"pair":"p","data":{"batch":18446744073709551615}})" << false
                              << QByteArray("data.batch cannot be 18446744073709551615");
        QTest::newRow("object") << R"({"pair":{}})" << false << QByteArray("pair is an object: spec.json: pair");
        QTest::newRow("choice") << R"({"pair":"p","run":{"dtype":"float8"}})" << false
                                << QByteArray("run.dtype 'float8' is not a possible value");
        QTest::newRow("zero in a text") << R"({"pair":"p\u0000q"})" << false << QByteArray("pair cannot be 'p?q'");
    }

    void badJsonIsRefusedWithItsPath()
    {
        QFETCH(QString, json);
        QFETCH(bool, damaged);
        QFETCH(QByteArray, says);
        VERIFY_REFUSED(experiment_from_json(json.toStdString(), "spec.json"), damaged ? Code::Damaged : Code::BadRequest, says);
    }
};

QTEST_GUILESS_MAIN(TestExperiment)
#include "test_experiment.moc"
