// Checkpoints on disk: complete or not there, and damage is noticed.

#include "small_pair.h"

#include "base/error.h"
#include "base/file.h"
#include "base/safetensors.h"
#include "engine/checkpoint.h"

#include <fstream>

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

std::filesystem::path saved(
    const std::filesystem::path& run, std::int64_t round, std::optional<double> loss = {})
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

    void everyFlippedOrLostByteOfABlockIsNoticed() // T7, blocks
    {
        QTemporaryDir dir;
        std::filesystem::path checkpoint = saved(dir.path().toStdString(), 1);
        std::filesystem::path file = checkpoint / "block1.safetensors";
        std::string whole = read_file(file);
        for (std::size_t i = 0; i < whole.size(); i += 3) {
            std::string damaged = whole;
            damaged[i] = static_cast<char>(damaged[i] ^ 0x10);
            std::ofstream(file, std::ios::binary) << damaged;
            QCOMPARE(code_of(checkpoint), Code::Damaged);
            std::ofstream(file, std::ios::binary) << whole.substr(0, i);
            QCOMPARE(code_of(checkpoint), Code::Damaged);
        }
        std::ofstream(file, std::ios::binary) << whole;
        check(checkpoint);
    }

    void aManifestThatIsCutOffOrNewerIsRefused() // T7, manifest
    {
        QTemporaryDir dir;
        std::filesystem::path checkpoint = saved(dir.path().toStdString(), 1);
        std::filesystem::path file = checkpoint / "manifest.json";
        std::string whole = read_file(file);
        for (std::size_t length = 0; length + 2 < whole.size(); length += 7) {
            std::ofstream(file, std::ios::binary) << whole.substr(0, length);
            QCOMPARE(code_of(checkpoint), Code::Damaged);
        }
        std::string newer = whole;
        newer.replace(newer.find("checkpoint/1"), 12, "checkpoint/2");
        std::ofstream(file, std::ios::binary) << newer;
        QCOMPARE(code_of(checkpoint), Code::Newer);
        std::filesystem::remove(file);
        QCOMPARE(code_of(checkpoint), Code::NotFound);
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
