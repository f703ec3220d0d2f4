#include "schedule/planning.h"
#include "schedule/random_profile.h"
#include "schedule/small_profile.h"

#include <QTest>

#include <cstdint>
#include <limits>
#include <set>
#include <utility>
#include <vector>

using namespace pipebd::schedule;
using namespace pipebd::schedule::test;

namespace {

using Points = std::vector<std::pair<double, std::int64_t>>;

Points above(std::int64_t held, const std::vector<MemoryPoint>& memory)
{
    Points points;
    for (const MemoryPoint& point : memory)
        points.emplace_back(point.time, point.bytes - held);
    return points;
}

QString described(const Points& points)
{
    QString text;
    for (const auto& [time, bytes] : points)
        text += QString("%1: %2  ").arg(time).arg(bytes);
    return text;
}

#define COMPARE_POINTS(held, memory, ...)                                                                                          \
    do {                                                                                                                           \
        const Points points = above(held, memory);                                                                                 \
        QVERIFY2((points == Points __VA_ARGS__), qPrintable(described(points)));                                                   \
    } while (false)

std::int64_t held_by(const Program& program, const Profile& profile, int device)
{
    std::set<int> teachers;
    std::set<int> students;
    for (const Phase& phase : program.phases)
        for (const Instruction& instruction : phase.devices[std::size_t(device)].instructions) {
            if (instruction.op == Op::TeacherForward)
                teachers.insert(instruction.block);
            if (instruction.op == Op::StudentForward)
                students.insert(instruction.block);
        }
    std::int64_t bytes = 0;
    for (int b : teachers)
        bytes += profile.blocks[std::size_t(b)].teacher_bytes;
    for (int b : students) {
        const BlockProfile& block = profile.blocks[std::size_t(b)];
        bytes += block.student_bytes + block.gradient_bytes + block.optimizer_bytes;
    }
    return bytes;
}

} // namespace

class TestMemoryUse : public QObject {
    Q_OBJECT
private slots:
    void aTeachersOutputIsHeldUntilItsLastUseAndActivationsUntilTheBackward()
    {
        Profile profile = small_profile(2, 0);
        profile.blocks[1].activation_bytes = 700;
        const Simulation simulation = simulated("device 0: load T0 T1 F0 B0 U0 F1 B1 U1", profile, {2, 2, true});
        const std::int64_t held = teacher_bytes(0) + teacher_bytes(1) + student_bytes(0) + student_bytes(1);
        COMPARE_POINTS(held, simulation.memory.at(0),
            ({{0, 0}, {1, 40}, {3, 120}, {5, 4120}, {12, 120}, {17, 2920}, {20, 2840}, {24, 0}, // outputs 40 and 80
                {30, 40}, {32, 120}, {34, 4120}, {41, 120}, {46, 2920}, {49, 2840}, {53, 0}}));
        QCOMPARE(simulation.peak_memory, std::vector<std::int64_t>{held + 120 + 4000});
    }

    void whatIsSentIsHeldUntilTheTransferHasEndedAndByTheReceiverFromItsStart()
    {
        const Simulation simulation = simulated(two_stages, small_profile(2, 20), {1, 2, true});
        COMPARE_POINTS(
            teacher_bytes(0) + student_bytes(0), simulation.memory.at(0), ({{0, 0}, {1, 40}, {3, 4040}, {10, 40}, {23, 0}}));
        COMPARE_POINTS(teacher_bytes(1) + student_bytes(1), simulation.memory.at(1),
            ({{0, 0}, {3, 40}, {23, 120}, {25, 8120}, {28, 8040}, {32, 0}}));
    }

    void whatIsReceivedAndNotNeededIsHeldWhileItTravels()
    {
        const Simulation simulation = simulated("device 0: load T0 send>1\ndevice 1: recv<0", small_profile(1, 20), {1, 2, true});
        COMPARE_POINTS(0, simulation.memory.at(1), ({{0, 0}, {3, 40}, {23, 0}}));
    }

    void microbatchesHoldTheirActivationsUntilTheLastPartOfTheirBackward()
    {
        const Simulation simulation = simulated("microbatches 2\n"
                                                "device 0: load F0.0 F0.1 loss B0.0(0/2) B0.0(1/2) B0.1 U0",
            small_profile(1, 0), {1, 2, true});
        COMPARE_POINTS(student_bytes(0), simulation.memory.at(0), ({{0, 0}, {1, 2000}, {4, 4000}, {11, 2000}, {15, 0}}));
    }

    void studentOutputsAndGradientsCountBesidesTheActivationsOnlyWhileTheyAreSent()
    {
        const Simulation simulation = simulated("device 0: load F0 send[F0]>1 recv[G0]<1 B0 U0\n"
                                                "device 1: recv[F0]<0 F1 loss B1 send[G0]>0 U1",
            small_profile(2, 7), {1, 2, true});
        COMPARE_POINTS(student_bytes(0), simulation.memory.at(0), ({{0, 0}, {1, 4040}, {11, 4000}, {18, 4040}, {29, 0}}));
        COMPARE_POINTS(student_bytes(1), simulation.memory.at(1), ({{0, 0}, {4, 40}, {11, 8040}, {14, 8080}, {18, 40}, {25, 0}}));
    }

    void activationsAreNotHeldForASend()
    {
        const Simulation simulation
            = simulated("device 0: load T0 F0 send[F0]>1 B0 U0\ndevice 1: recv[F0]<0", small_profile(1, 20), {1, 2, true});
        COMPARE_POINTS(teacher_bytes(0) + student_bytes(0), simulation.memory.at(0),
            ({{0, 0}, {1, 40}, {3, 4080}, {6, 4040}, {10, 40}, {26, 0}}));
    }

    void whatIsMadeForALaterStepIsHeldUntilThen()
    {
        const Simulation simulation = simulated("device 0: load+1 T0+1 F0 B0 U0", small_profile(1, 0), {1, 2, true});
        COMPARE_POINTS(
            teacher_bytes(0) + student_bytes(0), simulation.memory.at(0), ({{0, 0}, {1, 40}, {3, 4040}, {6, 4000}, {10, 0}}));
    }

    void changesAtTheSameTimeAreOnePointAndNoneIfTheyCancelOut()
    {
        Profile profile = small_profile(1, 0);
        profile.load[4] = 0;
        const Simulation simulation = simulated("microbatches 2\ndevice 0: load T0.0 T0.1", profile, {1, 2, true});
        COMPARE_POINTS(teacher_bytes(0), simulation.memory.at(0), ({{0, 20}, {4, 0}}));
    }

    void aShardHoldsItsOwnRows()
    {
        const Simulation simulation
            = simulated("device 0 shard 0/3: load T0\ndevice 1 shard 2/3: load T0", small_profile(1, 0, 10), {1, 2, true});
        QCOMPARE(simulation.peak_memory.at(0), teacher_bytes(0) + 4 * 10);
        QCOMPARE(simulation.peak_memory.at(1), teacher_bytes(0) + 3 * 10);
    }

    void networksOfLaterPhasesAreHeldFromTheBeginning()
    {
        const Simulation simulation = simulated("phase 0\ndevice 0: load T0 F0 B0 U0\ndevice 1:\n"
                                                "phase 1\ndevice 0: load T0 T1 F1 B1 U1\ndevice 1:\n",
            small_profile(2, 0), {1, 2, true});
        COMPARE_POINTS(teacher_bytes(0) + teacher_bytes(1) + student_bytes(0) + student_bytes(1), simulation.memory.at(0),
            ({{0, 0}, {1, 40}, {3, 4040}, {6, 4000}, {10, 0}, {16, 40}, {18, 120}, {20, 8120}, {23, 8040}, {27, 0}}));
        COMPARE_POINTS(0, simulation.memory.at(1), ({{0, 0}}));
    }

    void sizesBeyondAllMeasureStopAtTheLargestNumber()
    {
        Profile profile = small_profile(1, 0);
        profile.blocks[0].activation_bytes = std::numeric_limits<std::int64_t>::max() / 2;
        QCOMPARE(simulated("device 0: load T0 F0 B0 U0", profile).peak_memory.at(0), std::numeric_limits<std::int64_t>::max());
    }

    void theMemoryOfAStageIsWithinItsClosedFormAndWhatIsOnTheWay()
    {
        Random random(3);
        for (int i = 0; i < 60; ++i) {
            const int devices = whole(random, 1, 5);
            const Profile profile = random_profile(random, whole(random, devices, 7), devices);
            const int buffers = whole(random, 1, 3);
            const Schedule schedule = schedule_on(i % 2 == 0 ? "tr+dpu" : "tr+dpu+ahd", profile, devices);
            const Program program = make_program(schedule);
            const Simulation simulation = simulate(program, profile, {0, buffers, true});
            for (const Stage& stage : schedule.stages)
                for (int d : stage.devices) {
                    const std::int64_t n = shard_size(profile.batch, static_cast<int>(stage.devices.size()));
                    std::int64_t moving
                        = stage.last < schedule.blocks ? profile.blocks[std::size_t(stage.last) - 1].output_bytes : 0;
                    if (stage.first > 0)
                        moving += profile.blocks[std::size_t(stage.first) - 1].output_bytes;
                    const std::int64_t held = held_by(program, profile, d);
                    const std::int64_t peak = simulation.peak_memory.at(std::size_t(d));
                    QVERIFY(peak >= held);
                    QVERIFY(peak <= stage_memory(profile, stage) + buffers * n * moving);
                }
        }
    }

    void theMemoryChangesAtEachPointAndEndsAsItBegan()
    {
        Random random(4);
        for (std::string_view strategy : blockwise_strategy_names())
            for (int i = 0; i < 8; ++i) {
                const int devices = whole(random, 1, 4);
                const Profile profile = random_profile(random, whole(random, devices, 6), devices);
                const Program program = program_on(strategy, profile, devices);
                const Simulation simulation = simulate(program, profile);
                QCOMPARE(simulation.memory.size(), std::size_t(program.devices()));
                QCOMPARE(simulate(program, profile, {.timeline = false, .peaks = true}).peak_memory, simulation.peak_memory);
                for (int d = 0; d < program.devices(); ++d) {
                    const std::vector<MemoryPoint>& points = simulation.memory[std::size_t(d)];
                    const std::int64_t held = held_by(program, profile, d);
                    QCOMPARE(points.front().time, 0.0);
                    QCOMPARE(points.back().bytes, held);
                    std::int64_t most = points.front().bytes;
                    for (std::size_t k = 1; k < points.size(); ++k) {
                        QVERIFY(points[k].time > points[k - 1].time);
                        QVERIFY(points[k].bytes != points[k - 1].bytes);
                        QVERIFY(points[k].bytes >= held);
                        most = std::max(most, points[k].bytes);
                    }
                    QCOMPARE(simulation.peak_memory[std::size_t(d)], most);
                    QVERIFY(points.back().time <= simulation.timeline.length());
                }
            }
    }
};

QTEST_APPLESS_MAIN(TestMemoryUse)
#include "test_memory_use.moc"
