// Resume: where programs go on when their blocks have been trained for some steps.
#include <QTest>

#include "schedule/resume.h"

using namespace pipebd::schedule;

using Steps = std::vector<std::int64_t>;
using FirstSteps = std::vector<std::vector<std::int64_t>>;

class TestResume : public QObject {
    Q_OBJECT

private slots:
    void withNothingDoneEverythingBeginsAtTheFirstBatch()
    {
        const Program program = from_text("device 0: load  T0 send>1  F0 B0 U0\ndevice 1: recv<0  T1  F1 B1 U1\n");
        QCOMPARE(first_steps(program, {}, 10), (FirstSteps{{0, 0}}));
        QCOMPARE(first_steps(program, {0, 0}, 10), (FirstSteps{{0, 0}}));
    }

    void devicesThatExchangeAnythingBeginTogetherWithTheBlockThatIsFurthestBehind()
    {
        const Program program = from_text("device 0: load  T0 send>1  F0 B0 U0\n"
                                          "device 1: recv<0  T1  F1 B1 U1\n"
                                          "device 2: load  T0 T1 T2  F2 B2 U2\n");
        QCOMPARE(first_steps(program, {7, 3, 5}, 10), (FirstSteps{{3, 3, 5}}));
    }

    void whoSharesABlockBeginsWithTheOthers()
    {
        const Program program = from_text("device 0 shard 0/2: load  T0  F0 B0 A0{0,1} U0\n"
                                          "device 1 shard 1/2: load  T0  F0 B0 A0{0,1} U0\n");
        QCOMPARE(first_steps(program, {4}, 10), (FirstSteps{{4, 4}}));
    }

    void aBarrierIsAnExchange()
    {
        const Program program = from_text("device 0: load  T0  F0 B0 barrier U0\ndevice 1: load  T0 T1  F1 B1 barrier U1\n");
        QCOMPARE(first_steps(program, {4, 2}, 10), (FirstSteps{{2, 2}}));
    }

    void phasesThatAreDoneHaveNothingToDo()
    {
        const Program program = from_text("phase 0\ndevice 0: load  T0  F0 B0 U0\nphase 1\ndevice 0: load  T0 T1  F1 B1 U1\n");
        QCOMPARE(first_steps(program, {10, 4}, 10), (FirstSteps{{10}, {4}}));
    }

    void aDeviceWithoutWorkHasNothingToDo()
    {
        const Program program = from_text("device 0: load  T0  F0 B0 U0\ndevice 1:\n");
        QCOMPARE(first_steps(program, {}, 10), (FirstSteps{{0, 10}}));
    }

    void whatIsKeptOfAPhaseIsWhatTheDeviceFurthestBehindHasDone()
    {
        // Block 2 is trained on device 0 in the first phase, block 0 in the second; block 1 on device 1.
        const Program program = from_text("phase 0\ndevice 0: load  T0 T1 T2  F2 B2 U2\ndevice 1: load  T0 T1  F1 B1 U1\n"
                                          "phase 1\ndevice 0: load  T0  F0 B0 U0\ndevice 1:\n");
        const auto kept = [&](const Steps& done) { return steps_kept(first_steps(program, done, 10), 10); };
        QCOMPARE(kept({0, 0, 0}), std::int64_t(0));
        QCOMPARE(kept({0, 7, 3}), std::int64_t(3));
        QCOMPARE(kept({2, 7, 10}), std::int64_t(9)); // device 0 is in the second phase already
        QCOMPARE(kept({10, 10, 10}), std::int64_t(20));
    }

    void devicesThatExchangeAnythingInAnyPhaseAreOneSet()
    {
        using Sets = std::vector<std::vector<int>>;
        const Program program = from_text("phase 0\ndevice 0: load  T0 send>2  F0 B0 U0\ndevice 1: load  T0 T1 T2  F2 B2 U2\n"
                                          "device 2: recv<0  T1  F1 B1 U1\ndevice 3:\n");
        QCOMPARE(devices_that_exchange(program), (Sets{{0, 2}, {1}, {3}}));
        const Program barrier = from_text("device 0: load  T0  F0 B0 barrier U0\ndevice 1: load  T0 T1  F1 B1 barrier U1\n");
        QCOMPARE(devices_that_exchange(barrier), (Sets{{0, 1}}));
    }

    void onlyTheStudentsWorkOnBatchesThatABlockHasHadIsDone()
    {
        const Program program = from_text("device 0: load  T0 T1  F0 B0 U0 F1 B1 U1\n");
        for (const Instruction& instruction : program.phases[0].devices[0].instructions) {
            const bool student
                = instruction.op == Op::StudentForward || instruction.op == Op::StudentBackward || instruction.op == Op::Update;
            const Steps done = {3, 5};
            const std::int64_t had = done[static_cast<std::size_t>(instruction.block)];
            QCOMPARE(is_done(instruction, had - 1, done), student);
            QVERIFY(!is_done(instruction, had, done));
            QVERIFY(!is_done(instruction, 0, {}));
        }
    }
};

QTEST_APPLESS_MAIN(TestResume)
#include "test_resume.moc"
