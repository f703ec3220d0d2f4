// Checkpoints on disk: complete or not there, and damage is noticed.

#include "small_pair.h"

#include "base/error.h"
#include "base/file.h"
#include "base/safetensors.h"
#include "engine/training/checkpoint.h"

#include <ATen/ops/equal.h>

#include <csignal>
#include <fstream>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <QDateTime>
#include <QTemporaryDir>
#include <QTest>

using namespace pipebd;
using namespace pipebd::engine;
using namespace pipebd::test;

namespace {

experiment::RunSpec two_blocks()
{
    experiment::RunSpec spec;
    spec.experiment.name = "linear";
    spec.experiment.pair = "linear";
    spec.program = schedule::from_text("device 0: load T0 F0 B0 U0 T1 F1 B1 U1");
    return spec;
}

std::filesystem::path saved(const std::filesystem::path& run, std::int64_t round, std::optional<double> loss = {})
{
    LinearPair pair(2);
    std::filesystem::path folder = begin_checkpoint(run, round);
    for (int block = 0; block < 2; ++block) {
        std::unique_ptr<Block> student = pair.make_student(block, 0);
        write_block(folder, block, *student, *make_optimizer(experiment::Train{}, *student), round, loss);
    }
    return commit_checkpoint(folder, two_blocks(), round, "");
}

void check(const std::filesystem::path& checkpoint)
{
    experiment::check_blocks(checkpoint, experiment::read_manifest(checkpoint));
}

/// A new file each time: truncating one makes the file system write it out.
void put(const std::filesystem::path& file, const std::string& contents)
{
    std::filesystem::remove(file);
    std::ofstream(file, std::ios::binary) << contents;
}

Code code_of(const std::filesystem::path& checkpoint)
{
    try {
        check(checkpoint);
    } catch (const Error& error) {
        return error.code();
    }
    return Code::Internal; // nothing was found
}

} // namespace

class TestCheckpoint : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void aCheckpointThatWasCommittedIsWholeAndTheOnlyThingThere()
    {
        QTemporaryDir dir;
        std::filesystem::path run = dir.path().toStdString();
        std::filesystem::path checkpoint = saved(run, 5);
        check(checkpoint);
        int entries = 0;
        for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(run / "checkpoints"))
            ++entries;
        QCOMPARE(entries, 1);
    }

    void theNewestTwoAreKeptAndNeverFewer()
    {
        QTemporaryDir dir;
        std::filesystem::path run = dir.path().toStdString();
        std::filesystem::path first = saved(run, 9);
        std::filesystem::path second = saved(run, 10);
        std::filesystem::path third = saved(run, 100);
        QVERIFY(!std::filesystem::exists(first));
        check(second);
        check(third);
    }

    void theExportedStudentHasTheModelsNamesAndNoOptimizerState()
    {
        QTemporaryDir dir;
        std::filesystem::path run = dir.path().toStdString();
        std::filesystem::path checkpoint = saved(run, 1);
        SafetensorsFile block(checkpoint / "block0.safetensors");
        QVERIFY(block.tensors().size() > 1); // the optimizer's state is there

        export_student(checkpoint, 2, run / "student.safetensors");

        SafetensorsFile student(run / "student.safetensors");
        QCOMPARE(student.tensors().size(), std::size_t{2});
        LinearPair pair(2);
        std::unique_ptr<Block> expected = pair.make_student(1, 0);
        const TensorView* found = student.find("block1.weight");
        QVERIFY(found != nullptr);
        QCOMPARE(std::memcmp(found->data.data(), expected->parameters()[0].tensor.const_data_ptr(), found->data.size()), 0);
    }

    void asManyAreKeptAsTheExperimentSaysAndTheBestBesideThem()
    {
        QTemporaryDir dir;
        std::filesystem::path run = dir.path().toStdString();
        const double losses[] = {4, 2, 1, 3, 5, 6};
        for (int round = 1; round <= 6; ++round)
            saved(run, round, losses[round - 1]);
        std::vector<std::filesystem::path> kept;
        for (int round : {6, 5, 3})
            kept.push_back(run / "checkpoints" / experiment::checkpoint_name(round));
        QCOMPARE(experiment::checkpoints_of(run), kept);
        QCOMPARE(experiment::best_of(kept), kept.back());
        QCOMPARE(experiment::read_manifest(kept.back()).loss(), std::optional<double>(2.0)); // of two blocks
    }

    void aBlockComesBackWithTheSameBits()
    {
        QTemporaryDir dir;
        std::filesystem::path checkpoint = saved(dir.path().toStdString(), 7);
        LinearPair pair(2);
        std::unique_ptr<Block> written = pair.make_student(1, 0);
        std::unique_ptr<Block> read = pair.make_student(1, 99);
        QVERIFY(!at::equal(read->parameters()[0].tensor, written->parameters()[0].tensor));
        std::unique_ptr<Optimizer> optimizer = make_optimizer(experiment::Train{}, *read);
        const experiment::CheckpointManifest manifest = experiment::read_manifest(checkpoint);
        QCOMPARE(manifest.updates(), (std::vector<std::int64_t>{7, 7}));

        read_block(checkpoint, manifest, 1, *read, *optimizer);

        QVERIFY(at::equal(read->parameters()[0].tensor, written->parameters()[0].tensor));
    }

    void aCheckpointOfAnotherModelOrOptimizerIsRefused() // T7, other model
    {
        QTemporaryDir dir;
        std::filesystem::path checkpoint = saved(dir.path().toStdString(), 7);
        const experiment::CheckpointManifest manifest = experiment::read_manifest(checkpoint);
        LinearPair pair(3);
        std::unique_ptr<Block> other = pair.make_student(2, 0);
        std::unique_ptr<Optimizer> sgd = make_optimizer(experiment::Train{}, *other);
        QVERIFY_THROWS_EXCEPTION(Error, read_block(checkpoint, manifest, 1, *other, *sgd));
        std::unique_ptr<Block> student = pair.make_student(1, 0);
        experiment::Train train;
        train.optimizer = "adam";
        std::unique_ptr<Optimizer> adam = make_optimizer(train, *student);
        QVERIFY_THROWS_EXCEPTION(Error, read_block(checkpoint, manifest, 1, *student, *adam));
    }

    void noDamageIsLoadedSilently() // T7: flipped, cut, part gone
    {
        QTemporaryDir dir;
        const std::filesystem::path checkpoint = saved(dir.path().toStdString(), 1, 0.5);
        const std::vector<std::string> names = {"manifest.json", "block0.safetensors", "block1.safetensors"};
        const std::uint64_t seed = QDateTime::currentMSecsSinceEpoch();
        qInfo("seed %llu", static_cast<unsigned long long>(seed));
        for (std::uint64_t trial = 0; trial < 1000; ++trial) {
            const std::filesystem::path file = checkpoint / names[below(names.size(), draw({seed, trial, 0}))];
            const std::string whole = read_file(file);
            const std::size_t place = below(whole.size(), draw({seed, trial, 1}));
            std::string damaged = whole;
            switch (below(3, draw({seed, trial, 2}))) {
            case 0:
                damaged[place] = static_cast<char>(damaged[place] ^ (1 << below(8, draw({seed, trial, 3}))));
                break;
            case 1:
                damaged.resize(place);
                break;
            default:
                std::filesystem::remove(file);
            }
            if (std::filesystem::exists(file))
                put(file, damaged);
            const Code code = code_of(checkpoint);
            QVERIFY2(code == Code::Damaged || code == Code::NotFound || code == Code::Newer,
                qPrintable(QString("trial %1: %2").arg(trial).arg(QString::fromStdString(file.filename().string()))));
            put(file, whole);
        }
        check(checkpoint);
    }

    void everyTruncationOfTheManifestAndALaterFormatAreRefused() // T7, manifest
    {
        QTemporaryDir dir;
        std::filesystem::path checkpoint = saved(dir.path().toStdString(), 1);
        std::filesystem::path file = checkpoint / "manifest.json";
        std::string whole = read_file(file);
        for (std::size_t length = 0; length < whole.size(); ++length) {
            put(file, whole.substr(0, length));
            QCOMPARE(code_of(checkpoint), Code::Damaged);
        }
        std::string newer = whole;
        newer.replace(newer.find("checkpoint/1"), 12, "checkpoint/2");
        put(file, newer);
        QCOMPARE(code_of(checkpoint), Code::Newer);
        std::filesystem::remove(file);
        QCOMPARE(code_of(checkpoint), Code::NotFound);
    }

    void withoutRoomOnTheDiskTheOneBeforeStays() // T8
    {
        QTemporaryDir dir;
        std::filesystem::path run = dir.path().toStdString();
        std::filesystem::path good = saved(run, 1);
        const pid_t child = fork(); // the limit cannot be taken back by who is not root
        if (child == 0) {
            signal(SIGXFSZ, SIG_IGN);
            const rlimit limit = {100, 100};
            setrlimit(RLIMIT_FSIZE, &limit);
            try {
                saved(run, 2);
            } catch (const Error& error) {
                _exit(error.code() == Code::DiskFull ? 7 : 1);
            }
            _exit(0);
        }
        int status = 0;
        QCOMPARE(waitpid(child, &status, 0), child);
        QCOMPARE(WEXITSTATUS(status), 7);
        check(good);
        QCOMPARE(experiment::checkpoints_of(run).size(), std::size_t{1});
    }

    void aBlockThatIsMissingKeepsTheOldCheckpointAndMakesNoNewOne()
    {
        QTemporaryDir dir;
        std::filesystem::path run = dir.path().toStdString();
        std::filesystem::path good = saved(run, 1);
        std::filesystem::path folder = begin_checkpoint(run, 2);
        QVERIFY_THROWS_EXCEPTION(Error, commit_checkpoint(folder, two_blocks(), 2, ""));
        check(good);
        QVERIFY(!std::filesystem::exists(run / "checkpoints" / "round-000000002"));
    }
};

QTEST_GUILESS_MAIN(TestCheckpoint)
#include "test_checkpoint.moc"
