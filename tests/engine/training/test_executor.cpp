// The interpreter on one device, on programs whose results are known otherwise.

#include "small_pair.h"

#include "base/error.h"
#include "engine/training/executor.h"

#include <ATen/ops/allclose.h>
#include <ATen/ops/equal.h>

#include <QTest>
#include <fcntl.h>

using namespace pipebd;
using namespace pipebd::engine;
using namespace pipebd::test;

namespace {

Reporter& reporter()
{
    static Reporter instance(open("/dev/null", O_WRONLY | O_CLOEXEC));
    return instance;
}

/// The processor, said to lag behind the host: counts the losses that are read in the step in which they were computed.
class LaggingBackend final : public Backend {
public:
    at::Device device() const override { return cpu_->device(); }
    bool lags() const override { return true; }
    std::string name() const override { return cpu_->name(); }
    std::int64_t memory_bytes() const override { return cpu_->memory_bytes(); }
    std::int64_t free_bytes() const override { return cpu_->free_bytes(); }
    void synchronize() override { }
    Mark mark() override { return cpu_->mark(); }
    double time(const Mark& mark) override { return cpu_->time(mark); }
    MemoryUse memory() override { return cpu_->memory(); }
    void reset_peak() override { }
    std::function<double()> read_later(const at::Tensor& scalar) override
    {
        return [this, step = steps_, value = scalar.detach().clone()] {
            read_too_early_ += step == steps_ ? 1 : 0;
            ++read_;
            return value.item<double>();
        };
    }
    std::unique_ptr<Transport> connect(const Rendezvous&, const Topology&) override { return no_transport(); }

    void end_step() { ++steps_; }
    int read() const { return read_; }
    int read_too_early() const { return read_too_early_; }

private:
    std::unique_ptr<Backend> cpu_ = make_backend(experiment::Device{});
    int steps_ = 0;
    int read_ = 0;
    int read_too_early_ = 0;
};

/// The student's weights after `steps` steps of `program` on one device.
std::vector<at::Tensor> trained(const Pair& pair, const std::string& program, std::int64_t steps, double learning_rate = 0.05,
    int microbatches = 1, LaggingBackend* lagging = nullptr)
{
    const int blocks = static_cast<int>(pair.block_names().size());
    NumberData data;
    experiment::RunSpec spec;
    spec.experiment.pair = "linear";
    spec.experiment.data.batch = 8;
    spec.experiment.train.learning_rate = learning_rate;
    spec.experiment.distill.last_block_loss = "mse";
    spec.devices = {experiment::Device{}};
    spec.program = schedule::from_text(program);
    spec.program.microbatches = microbatches;

    static std::unique_ptr<Backend> cpu = make_backend(experiment::Device{});
    Backend& backend = lagging == nullptr ? *cpu : *lagging;
    std::unique_ptr<Transport> transport = no_transport();
    Models models = all_models(pair, spec.experiment.train);
    Executor executor({spec, pair, data, backend, *transport, reporter(), models}, steps);
    std::int64_t rounds = 0;
    executor.run([&](std::int64_t round) {
        rounds = round;
        if (lagging != nullptr)
            lagging->end_step();
    });
    if (rounds != steps * static_cast<std::int64_t>(spec.program.phases.size()))
        throw Error(Code::Internal, "rounds were left out", "test");
    std::vector<at::Tensor> weights;
    for (int block = 0; block < blocks; ++block)
        weights.push_back(models.student[block]->parameters()[0].tensor.detach().clone());
    return weights;
}

std::vector<at::Tensor> trained(
    const std::string& program, int blocks, std::int64_t steps, double learning_rate = 0.05, int microbatches = 1)
{
    return trained(LinearPair(blocks), program, steps, learning_rate, microbatches);
}

enum class Breaks { Activation, Gradient };

/// A linear block that breaks at step 3: its output, or its gradient while its output stays sound.
class BrokenBlock final : public Block {
public:
    BrokenBlock(std::unique_ptr<Block> sound, Breaks what)
        : sound_(std::move(sound))
        , what_(what)
    {
        parameters_ = sound_->parameters();
    }

    at::Tensor forward(const at::Tensor& input, const Context& context) override
    {
        at::Tensor output = sound_->forward(input, context);
        if (context.step != 3)
            return output;
        const at::Tensor nothing = parameters_[0].tensor.sum().mul(0);
        return what_ == Breaks::Activation ? output.div(nothing) : output.add(nothing.sqrt()); // d sqrt(x) at 0 has no bounds
    }

private:
    std::unique_ptr<Block> sound_;
    Breaks what_;
};

class BrokenPair final : public LinearPair {
public:
    BrokenPair(int blocks, int broken, Breaks what)
        : LinearPair(blocks)
        , broken_(broken)
        , what_(what)
    {
    }

    std::unique_ptr<Block> make_student(int block, std::uint64_t seed) const override
    {
        std::unique_ptr<Block> sound = LinearPair::make_student(block, seed);
        return block == broken_ ? std::make_unique<BrokenBlock>(std::move(sound), what_) : std::move(sound);
    }

private:
    int broken_;
    Breaks what_;
};

bool same(const std::vector<at::Tensor>& a, const std::vector<at::Tensor>& b)
{
    for (std::size_t i = 0; i < a.size(); ++i) {
        if (!at::equal(a[i], b[i]))
            return false;
    }
    return a.size() == b.size();
}

bool close(const std::vector<at::Tensor>& a, const std::vector<at::Tensor>& b)
{
    for (std::size_t i = 0; i < a.size(); ++i) {
        if (!at::allclose(a[i], b[i], 1e-4, 1e-5))
            return false;
    }
    return a.size() == b.size();
}

const std::string relayed = "device 0: load  T0 T1 T2  F0 B0 U0 F1 B1 U1 F2 B2 U2";

} // namespace

class TestExecutor : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void trainingMovesTheStudentTowardsTheTeacher()
    {
        LinearPair pair(3);
        std::vector<at::Tensor> weights = trained(relayed, 3, 200);
        for (int block = 0; block < 3; ++block) {
            at::Tensor teacher = pair.make_teacher(block, 0)->parameters()[0].tensor.detach();
            at::Tensor before = pair.make_student(block, 0)->parameters()[0].tensor.detach();
            double distance = weights[static_cast<std::size_t>(block)].sub(teacher).norm().item<double>();
            QVERIFY(distance < 0.5 * before.sub(teacher).norm().item<double>());
        }
    }

    void theOrderOfIndependentInstructionsDoesNotChangeABit()
    {
        std::vector<at::Tensor> expected = trained(relayed, 3, 7);
        QVERIFY(same(trained("device 0: load T0 F0 B0 U0 T1 F1 B1 U1 T2 F2 B2 U2", 3, 7), expected));
        QVERIFY(same(trained("device 0: load T0 T1 T2 F2 F1 F0 B1 B2 B0 U2 U0 U1", 3, 7), expected));
    }

    void phasesOneBlockAfterAnotherGiveTheSameBits()
    {
        QVERIFY(same(trained("phase 0\ndevice 0: load T0 F0 B0 U0\nphase 1\ndevice 0: load T0 T1 F1 B1 U1\n"
                             "phase 2\ndevice 0: load T0 T1 T2 F2 B2 U2\n",
                         3, 7),
            trained(relayed, 3, 7)));
    }

    void teacherForwardsAheadOfTheirStepGiveTheSameBits()
    {
        QVERIFY(same(trained("device 0: load+1 T0+1 T1+1 T2+1 F0 B0 U0 F1 B1 U1 F2 B2 U2", 3, 7), trained(relayed, 3, 7)));
        QVERIFY(same(trained("device 0: F0 B0 U0 load+2 T0+2", 1, 7), trained("device 0: load T0 F0 B0 U0", 1, 7)));
    }

    void microbatchesSumToTheWholeBatch()
    {
        std::string text = "device 0: load T0.0 T0.1 F0.0 B0.0 F0.1 B0.1 U0";
        QVERIFY(close(trained(text, 1, 7, 0.05, 2), trained("device 0: load T0 F0 B0 U0", 1, 7)));
    }

    void endToEndEqualsOneChainUnderAutograd()
    {
        std::vector<at::Tensor> by_blocks = trained("device 0: load F0 F1 loss B1 U1 B0 U0", 2, 1, 0.1);

        // The same step, without blocks: cross-entropy of x W0^T W1^T, plain SGD with Nesterov momentum from zero.
        experiment::Experiment experiment;
        experiment.data.batch = 8;
        experiment.train.learning_rate = 0.1;
        LinearPair pair(2);
        NumberData data;
        at::Tensor first = pair.make_student(0, 0)->parameters()[0].tensor.detach().requires_grad_(true);
        at::Tensor second = pair.make_student(1, 0)->parameters()[0].tensor.detach().requires_grad_(true);
        Batch batch = data.get(DataSet::Split::Train, batch_samples(experiment, 40, 0, schedule::Rows{0, 8}));
        at::Tensor logits = at::linear(at::linear(batch.input, first), second);
        at::Tensor loss = logits.log_softmax(1).gather(1, batch.labels.unsqueeze(1)).mean().neg();
        loss.backward();
        double step = learning_rate(experiment.train, 0, 1) * (1 + experiment.train.momentum);
        QVERIFY(at::allclose(by_blocks[0], first.detach().sub(first.grad().mul(step)), 1e-4, 1e-6));
        QVERIFY(at::allclose(by_blocks[1], second.detach().sub(second.grad().mul(step)), 1e-4, 1e-6));
    }

    void aLossThatIsNoNumberEndsTheRunAndNamesStepAndBlock() // T4, loss
    {
        try {
            trained(relayed, 3, 400, 1e20);
            QFAIL("training went on");
        } catch (const Error& error) {
            QCOMPARE(error.code(), Code::NotFinite);
            QVERIFY(error.where().find("block") != std::string::npos);
            QVERIFY(error.where().find("step") != std::string::npos);
        }
    }

    void whatIsNoNumberEndsTheRunAStepLaterAtTheLatestAndNamesTheBlock_data() // T4, activation and gradient
    {
        QTest::addColumn<int>("what");
        QTest::addColumn<std::string>("where");
        QTest::newRow("activation") << static_cast<int>(Breaks::Activation) << std::string("step 3, block 1, rank 0");
        QTest::newRow("gradient") << static_cast<int>(Breaks::Gradient) << std::string("step 4, block 1, rank 0");
    }

    void whatIsNoNumberEndsTheRunAStepLaterAtTheLatestAndNamesTheBlock()
    {
        QFETCH(int, what);
        QFETCH(std::string, where);
        try {
            trained(BrokenPair(3, 1, static_cast<Breaks>(what)), relayed, 20);
            QFAIL("training went on");
        } catch (const Error& error) {
            QCOMPARE(error.code(), Code::NotFinite);
            QCOMPARE(error.where(), where);
        }
    }

    void aDeviceThatLagsIsNotWaitedForInTheStepOfALoss_data()
    {
        QTest::addColumn<std::string>("program");
        QTest::newRow("of the step's batch") << std::string("device 0: load T0 F0 B0 U0");
        QTest::newRow("of the batch before") << std::string("device 0: load T0 F0-1 B0-1 U0-1");
    }

    void aDeviceThatLagsIsNotWaitedForInTheStepOfALoss()
    {
        QFETCH(std::string, program);
        LaggingBackend lagging;
        trained(LinearPair(1), program, 7, 0.05, 1, &lagging);
        QVERIFY(lagging.read() >= 6);
        QCOMPARE(lagging.read_too_early(), 0);
    }

    void whatTheEngineCannotExecuteIsRefusedBeforeTheFirstStep()
    {
        QVERIFY_THROWS_EXCEPTION(Error, trained("device 0: load F0 loss B0:0/2 B0:1/2 U0", 1, 1));
    }
};

QTEST_GUILESS_MAIN(TestExecutor)
#include "test_executor.moc"
