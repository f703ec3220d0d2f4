// Going on from a checkpoint: the same bits as without a break, whatever the program before and after it.

#include "small_pair.h"

#include "engine/training/checkpoint.h"
#include "engine/training/executor.h"

#include <ATen/ops/equal.h>

#include <QTemporaryDir>
#include <QTest>
#include <fcntl.h>

using namespace pipebd;
using namespace pipebd::engine;
using namespace pipebd::test;

namespace {

constexpr int blocks = 3;
constexpr std::int64_t steps = 6;

const std::string relayed = "device 0: load  T0 T1 T2  F0 B0 U0 F1 B1 U1 F2 B2 U2";
const std::string block_by_block = "phase 0\ndevice 0: load  T0  F0 B0 U0\n"
                                   "phase 1\ndevice 0: load  T0 T1  F1 B1 U1\n"
                                   "phase 2\ndevice 0: load  T0 T1 T2  F2 B2 U2\n";
const std::string two_and_one = "phase 0\ndevice 0: load  T0 T1 T2  F0 B0 U0 F2 B2 U2\n"
                                "phase 1\ndevice 0: load  T0 T1  F1 B1 U1\n";

Reporter& reporter()
{
    static Reporter instance(open("/dev/null", O_WRONLY | O_CLOEXEC));
    return instance;
}

/// The weights and optimizer state of all blocks.
using State = std::vector<at::Tensor>;

struct Run {
    std::string program;
    std::string optimizer = "adam";
    std::filesystem::path folder = {};
    std::int64_t saved_at = -1; // the round after which a checkpoint is written and the run ends as if it were killed
    std::filesystem::path resumed = {}; // checkpoint
};

struct Killed { };

State trained(const Run& run, std::int64_t* rounds = nullptr)
{
    LinearPair pair(blocks);
    NumberData data;
    experiment::RunSpec spec;
    spec.experiment.name = spec.experiment.pair = "linear";
    spec.experiment.data.batch = 8;
    spec.experiment.train.optimizer = run.optimizer;
    spec.experiment.distill.last_block_loss = "mse";
    spec.devices = {experiment::Device{}};
    spec.program = schedule::from_text(run.program);
    static std::unique_ptr<Backend> backend = make_backend(experiment::Device{});
    std::unique_ptr<Transport> transport = no_transport();
    Models models = all_models(pair, spec.experiment.train);
    if (!run.resumed.empty()) {
        const experiment::CheckpointManifest manifest = experiment::read_manifest(run.resumed);
        spec.done = manifest.updates();
        for (int block = 0; block < blocks; ++block)
            read_block(run.resumed, manifest, block, *models.student[block], *models.optimizer[block]);
    }
    Executor executor({spec, pair, data, *backend, *transport, reporter(), models}, steps);
    std::int64_t count = 0;
    try {
        executor.run([&](std::int64_t round) {
            ++count;
            if (round != run.saved_at)
                return;
            const std::filesystem::path folder = begin_checkpoint(run.folder, round);
            for (int block = 0; block < blocks; ++block)
                write_block(folder, block, *models.student[block], *models.optimizer[block], executor.updates_of(block),
                    executor.take_loss(block));
            commit_checkpoint(folder, spec, round, "");
            throw Killed{};
        });
    } catch (const Killed&) {
        return {};
    }
    if (rounds)
        *rounds = count;
    State state;
    for (int block = 0; block < blocks; ++block) {
        state.push_back(models.student[block]->parameters()[0].tensor.detach().clone());
        for (const NamedTensor& tensor : models.optimizer[block]->state())
            state.push_back(tensor.tensor.clone());
    }
    return state;
}

bool same(const State& a, const State& b)
{
    for (std::size_t i = 0; i < a.size(); ++i)
        if (!at::equal(a[i], b.at(i)))
            return false;
    return a.size() == b.size() && !a.empty();
}

} // namespace

class TestResume : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void aRunThatGoesOnAtAnyStepGivesTheSameBits_data() // T1
    {
        QTest::addColumn<std::string>("before");
        QTest::addColumn<std::string>("after");
        QTest::addColumn<std::string>("optimizer");
        const std::pair<const char*, std::string> programs[]
            = {{"relayed", relayed}, {"block by block", block_by_block}, {"two and one", two_and_one}};
        for (const auto& [before, first] : programs)
            for (const auto& [after, second] : programs)
                for (const char* optimizer : {"sgd", "adam", "rmsprop"})
                    QTest::addRow("%s, then %s, %s", before, after, optimizer) << first << second << std::string(optimizer);
    }

    void aRunThatGoesOnAtAnyStepGivesTheSameBits()
    {
        QFETCH(std::string, before);
        QFETCH(std::string, after);
        QFETCH(std::string, optimizer);
        const State unbroken = trained({.program = relayed, .optimizer = optimizer});
        const auto phases = static_cast<std::int64_t>(schedule::from_text(before).phases.size());
        for (std::int64_t round = 1; round <= phases * steps; ++round) {
            QTemporaryDir dir;
            const std::filesystem::path folder = dir.path().toStdString();
            trained({.program = before, .optimizer = optimizer, .folder = folder, .saved_at = round});
            const std::filesystem::path checkpoint = experiment::checkpoints_of(folder).at(0);
            const State resumed = trained({.program = after, .optimizer = optimizer, .resumed = checkpoint});
            QVERIFY2(same(unbroken, resumed), qPrintable(QString("after round %1").arg(round)));
        }
    }

    void onlyTheRoundsThatAreLeftAreRun()
    {
        QTemporaryDir dir;
        const std::filesystem::path folder = dir.path().toStdString();
        trained({.program = block_by_block, .folder = folder, .saved_at = steps + 4}); // block 0 done, block 1 at 4
        std::int64_t rounds = 0;
        trained({.program = block_by_block, .resumed = experiment::checkpoints_of(folder).at(0)}, &rounds);
        QCOMPARE(rounds, 2 * steps - 4);
        trained({.program = relayed, .resumed = experiment::checkpoints_of(folder).at(0)}, &rounds);
        QCOMPARE(rounds, steps); // block 2 has all of its steps before it
    }
};

QTEST_GUILESS_MAIN(TestResume)
#include "test_resume.moc"
