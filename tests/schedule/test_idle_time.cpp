#include "schedule/planning.h"
#include "schedule/random_profile.h"
#include "schedule/small_profile.h"

#include <QTest>

#include <string>
#include <string_view>

using namespace pipebd::schedule;
using namespace pipebd::schedule::test;

namespace {

QString described(const Idle& idle)
{
    return QString("fill %1, imbalance %2, data %3, communication %4, barrier %5")
        .arg(idle.fill)
        .arg(idle.imbalance)
        .arg(idle.data)
        .arg(idle.communication)
        .arg(idle.barrier);
}

bool same(const Idle& a, const Idle& b)
{
    return near(a.fill, b.fill) && near(a.imbalance, b.imbalance) && near(a.data, b.data) && near(a.communication, b.communication)
        && near(a.barrier, b.barrier);
}

#define COMPARE_IDLE(idle, ...) QVERIFY2(same(idle, Idle __VA_ARGS__), qPrintable(described(idle)))

const char* check_sums(const Simulation& simulation)
{
    if (simulation.busy.size() != simulation.utilisation.size() || simulation.idle.size() != simulation.busy.size())
        return "not one of each a device";
    for (std::size_t d = 0; d < simulation.busy.size(); ++d) {
        const Idle& idle = simulation.idle[d];
        if (!near(simulation.busy[d] + idle.total(), simulation.step))
            return "busy and idle are not the step";
        if (!near(simulation.busy[d], simulation.utilisation[d] * simulation.step))
            return "busy is not the step's share";
        for (double part : {simulation.busy[d], idle.fill, idle.imbalance, idle.data, idle.communication, idle.barrier})
            if (!(part >= -1e-9))
                return "a part is negative";
    }
    return nullptr;
}

#define CHECK_SUMS(simulation)                                                                                                     \
    do {                                                                                                                           \
        const char* wrong = check_sums(simulation);                                                                                \
        QVERIFY2(!wrong, wrong);                                                                                                   \
    } while (false)

/// Milliseconds that `device` computes a step, read off the program.
double work_of(const Program& program, const Costs& costs, int device)
{
    double work = 0;
    for (const Phase& phase : program.phases)
        for (const Instruction& instruction : phase.devices[std::size_t(device)].instructions)
            if (instruction.op != Op::Send && instruction.op != Op::AllReduce)
                work += costs.of(instruction, device, program.microbatches);
    return work;
}

} // namespace

class TestIdleTime : public QObject {
    Q_OBJECT
private slots:
    void workAndIdleTimeMakeUpTheStepOfEveryDevice_data()
    {
        QTest::addColumn<QString>("strategy");
        for (std::string_view strategy : blockwise_strategy_names())
            QTest::newRow(std::string(strategy).c_str()) << QString::fromStdString(std::string(strategy));
    }

    void workAndIdleTimeMakeUpTheStepOfEveryDevice()
    {
        QFETCH(QString, strategy);
        const bool has_barrier = strategy == "tr";
        Random random(1);
        for (int i = 0; i < 60; ++i) {
            const int devices = whole(random, 1, 6);
            Profile profile = random_profile(random, whole(random, devices, 8), devices);
            if (i % 3 == 0)
                profile.link.bytes_per_ms /= 100;
            const Cluster cluster = alike(devices);
            const Program program = program_on(strategy.toStdString(), profile, devices);
            const Simulation simulation = simulate(program, profile, {0, whole(random, 1, 3), true});
            CHECK_SUMS(simulation);
            double busiest = 0;
            for (int d = 0; d < program.devices(); ++d) {
                COMPARE_NEAR(simulation.busy[std::size_t(d)], work_of(program, Costs(profile, cluster), d));
                busiest = std::max(busiest, simulation.busy[std::size_t(d)]);
                if (!has_barrier)
                    QVERIFY(simulation.idle[std::size_t(d)].fill + simulation.idle[std::size_t(d)].barrier == 0);
            }
            QVERIFY(busiest <= simulation.step * (1 + 1e-12));
            const Simulation few = simulate(program, profile, {whole(random, 1, 4), 2, false});
            CHECK_SUMS(few);
        }
    }

    void theIdleTimeIsTheSameWithoutATimeline()
    {
        Random random(2);
        for (const char* strategy : {"dp", "tr", "tr+dpu", "tr+dpu+ahd"}) {
            const Profile profile = random_profile(random, 6, 4);
            const Program program = program_on(strategy, profile, 4);
            const Simulation with = simulate(program, profile, {0, 2, true});
            const Simulation without = simulate(program, profile, {0, 2, false});
            QCOMPARE(with.busy, without.busy);
            for (std::size_t d = 0; d < 4; ++d)
                QVERIFY2(same(with.idle[d], without.idle[d]), qPrintable(described(without.idle[d])));
            QVERIFY(without.memory.empty() && without.peak_memory.empty());
            QCOMPARE(with.memory.size(), std::size_t(4));
            QCOMPARE(with.peak_memory.size(), std::size_t(4));
        }
    }

    void whatRunsAheadOfTheFirstStepKeepsTheSum()
    {
        for (int steps : {1, 2, 3, 7, 0})
            for (const char* text : {"device 0: load+2 T0+1 F0 B0-1 U0-1", "device 0:\ndevice 1: load T0 F0 B0 U0",
                     "device 0: load+1 T0+1 send>1 F0 B0 U0\ndevice 1: recv[T0+1]<0 T1 F1 B1 U1\ndevice 2: load",
                     "microbatches 2\ndevice 0: load T0.0 send>1 T0.1 send>1 F0.0 B0.0 F0.1 B0.1 U0\n"
                     "device 1: recv<0 recv<0 T1.0 F1.0 B1.0 T1.1 F1.1 B1.1 U1"})
                CHECK_SUMS(simulated(text, small_profile(2, 7), {steps, 2, true}));
    }

    void stepsAfterTheMeasuredOnesDoNotCount()
    {
        const Simulation simulation
            = simulated("device 0: load+3 T0+3 send>1 F0 B0 U0\ndevice 1: recv[T0]<0 T1 F1 B1 U1", small_profile(2, 100));
        COMPARE_NEAR(simulation.step, 100.0);
        COMPARE_NEAR(simulation.busy.at(0), 15.0);
        COMPARE_NEAR(simulation.busy.at(1), 14.0);
        COMPARE_IDLE(simulation.idle.at(1), {.communication = 86});
    }

    void aStageWithLessToDoIsIdleByImbalance()
    {
        Profile profile = small_profile(2, 0);
        profile.blocks[1].student_backward[4] = 20; // behind: 30 against 15
        const Simulation behind = simulated(two_stages, profile);
        COMPARE_NEAR(behind.step, 30.0);
        COMPARE_IDLE(behind.idle.at(0), {.imbalance = 15});
        COMPARE_IDLE(behind.idle.at(1), {});

        profile = small_profile(2, 0);
        profile.blocks[0].student_backward[4] = 20; // before: 31 against 14
        const Simulation before = simulated(two_stages, profile);
        COMPARE_IDLE(before.idle.at(0), {});
        COMPARE_IDLE(before.idle.at(1), {.imbalance = 17});
        COMPARE_NEAR(before.busy.at(1), 14.0);
    }

    void aDeviceThatIsDoneSoonerOrHasNothingToDoIsIdleByImbalance()
    {
        Profile profile = small_profile(3, 0);
        profile.blocks[2].student_forward[4] = 20;
        const Simulation simulation = simulated("phase 0\ndevice 0: load T0 F0 B0 U0\ndevice 1: load T0 T1 T2 F2 B2 U2\ndevice 2:\n"
                                                "phase 1\ndevice 0: load T0 T1 F1 B1 U1\ndevice 1:\ndevice 2:\n",
            profile);
        COMPARE_NEAR(simulation.step, 36.0);
        COMPARE_NEAR(simulation.busy.at(0), 15.0 + 17.0);
        COMPARE_IDLE(simulation.idle.at(0), {.imbalance = 4});
        COMPARE_IDLE(simulation.idle.at(1), {});
        COMPARE_IDLE(simulation.idle.at(2), {.imbalance = 36});
    }

    void aSlowLinkIsCommunicationAtBothOfItsEnds()
    {
        const Simulation simulation = simulated(two_stages, small_profile(2, 100));
        COMPARE_NEAR(simulation.step, 100.0);
        COMPARE_IDLE(simulation.idle.at(0), {.communication = 85});
        COMPARE_IDLE(simulation.idle.at(1), {.communication = 86});
    }

    void aLinkThatIsALittleTooSlowIsCommunicationEvenBeforeAllBuffersAreFull()
    {
        for (double latency : {15.1, 16.0, 18.0, 23.0, 40.0}) {
            const Simulation simulation = simulated(two_stages, small_profile(2, latency));
            COMPARE_NEAR(simulation.step, latency);
            COMPARE_IDLE(simulation.idle.at(0), {.communication = latency - 15});
            COMPARE_IDLE(simulation.idle.at(1), {.communication = latency - 14});
        }
    }

    void aStageALittleTooSlowIsImbalanceEvenBeforeAllBuffersAreFull()
    {
        for (double backward : {5.1, 6.0, 10.0}) {
            Profile profile = small_profile(2, 0);
            profile.blocks[1].student_backward[4] = backward;
            COMPARE_IDLE(simulated(two_stages, profile).idle.at(0), {.imbalance = backward - 5});
        }
    }

    void withOneBufferTheTransferThatIsNotHiddenIsCommunication()
    {
        const Simulation simulation = simulated(two_stages, small_profile(2, 7), {0, 1, true});
        COMPARE_NEAR(simulation.step, 16.0);
        COMPARE_IDLE(simulation.idle.at(0), {.communication = 1});
        COMPARE_IDLE(simulation.idle.at(1), {.communication = 2}); // the update hides 5 of 7
    }

    void aBarrierHoldsTheOneAndLeavesThePipelineToBeFilledByTheOther()
    {
        const Simulation simulation
            = simulated("device 0: load  T0 send>1  F0 B0 barrier U0\ndevice 1: recv<0  T1  F1 B1 barrier U1", small_profile(2, 7));
        COMPARE_NEAR(simulation.step, 24.0); // 1 + 2 + 7 + 2 + 3 + 4, then 5
        COMPARE_IDLE(simulation.idle.at(0), {.barrier = 9});
        COMPARE_IDLE(simulation.idle.at(1), {.fill = 3, .communication = 7});
    }

    void afterTheFirstPieceWaitingForTheNextIsNoLongerFill()
    {
        const Simulation simulation = simulated("microbatches 2\ndevice 0: load T0.0 send>1 T0.1 send>1 barrier\n"
                                                "device 1: recv<0 recv<0 T1.0 T1.1 barrier",
            [] {
                Profile profile = small_profile(2, 0.5);
                profile.blocks[0].teacher_forward[2] = 10;
                return profile;
            }());
        // pieces leave at 11 and 21; the second teacher forward ends at 23.5
        COMPARE_NEAR(simulation.step, 23.5);
        COMPARE_IDLE(simulation.idle.at(0), {.barrier = 2.5});
        COMPARE_IDLE(simulation.idle.at(1), {.fill = 11, .imbalance = 7.5, .communication = 1});
    }

    void anAllReduceWaitsForItsLastMemberAndThenForItself()
    {
        const Simulation simulation = simulated("device 0 shard 0/2: load T0 F0 B0 A0{0,1} U0\n"
                                                "device 1 shard 1/2: load load T0 F0 B0 A0{0,1} U0",
            small_profile(1, 0));
        COMPARE_NEAR(simulation.step, 22.0);
        COMPARE_IDLE(simulation.idle.at(0), {.imbalance = 1, .communication = 6});
        COMPARE_IDLE(simulation.idle.at(1), {.communication = 6});
    }

    void anAllReduceBehindAnotherOneIsCommunication()
    {
        const Simulation simulation = simulated("device 0 shard 0/2: load T0 F0 B0 T1 F1 B1 A0{0,1} A1{0,1} U1 U0\n"
                                                "device 1 shard 1/2: load T0 F0 B0 T1 F1 B1 A0{0,1} A1{0,1} U1 U0",
            small_profile(2, 0));
        COMPARE_NEAR(simulation.step, 1 + 2 * 9 + 2 * 6 + 2 * 5.0);
        for (int d : {0, 1})
            COMPARE_IDLE(simulation.idle.at(std::size_t(d)), {.communication = 12});
    }

    void aRoundTripIsWaitingForData()
    {
        const Simulation simulation = simulated("device 0: load T0 send[T0]>1 recv[T1]<1 T2\n"
                                                "device 1: recv[T0]<0 T1 send[T1]>0",
            small_profile(3, 0));
        COMPARE_NEAR(simulation.step, 1 + 2 + 2 + 2.0);
        COMPARE_IDLE(simulation.idle.at(0), {.data = 2});
        COMPARE_IDLE(simulation.idle.at(1), {.imbalance = 3, .data = 2}); // 2 of work against 5
    }

    void linksBetweenNodesAreUsedAndHoldUpThoseBehind()
    {
        const Profile profile = small_profile(3, 0);
        Cluster cluster = alike(3);
        cluster.between = Link{100, 0};
        const Program program = from_text("device 0: load T0 send>1\ndevice 1: recv<0 T1 send>2\ndevice 2: recv<1 T2");
        COMPARE_NEAR(simulate(program, Costs(profile, cluster)).step, 3.0);

        cluster.devices[2].node = 1;
        const Simulation simulation = simulate(program, Costs(profile, cluster));
        COMPARE_NEAR(simulation.step, 100.0);
        COMPARE_IDLE(simulation.idle.at(0), {.data = 97}); // no room: device 1 waits for its own link
        COMPARE_IDLE(simulation.idle.at(1), {.communication = 98});
        COMPARE_IDLE(simulation.idle.at(2), {.communication = 98});
    }

    void aDeviceOfTwiceTheSpeedComputesInHalfTheTime()
    {
        const Profile profile = small_profile(1, 0);
        Cluster cluster = alike(2);
        cluster.devices[1].speed = 2;
        const Simulation simulation
            = simulate(from_text("device 0: load T0 F0 B0 U0\ndevice 1: load T0 F0 B0 U0"), Costs(profile, cluster));
        COMPARE_NEAR(simulation.busy.at(0), 15.0);
        COMPARE_NEAR(simulation.busy.at(1), 1 + 14 / 2.0); // loading is no faster
        COMPARE_IDLE(simulation.idle.at(1), {.imbalance = 7});
    }
};

QTEST_APPLESS_MAIN(TestIdleTime)
#include "test_idle_time.moc"
