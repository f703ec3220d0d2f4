#include "base/error.h"
#include "schedule/nearly.h"
#include "schedule/planning.h"
#include "schedule/random_profile.h"
#include "schedule/simulator.h"
#include "schedule/strategies.h"

#include <QTest>

#include <cmath>
#include <functional>
#include <map>

using namespace pipebd;
using namespace pipebd::schedule;
using namespace pipebd::schedule::test;

namespace {

/// One time for everything that has one: load 1, teacher 2, student forward 3, backward 4, update 5, all-reduce 6, transfers 7.
Profile plain_profile(int blocks, int batch, int devices = 1)
{
    Profile profile;
    profile.batch = batch;
    profile.link = {7, 0};
    BlockProfile block;
    for (int n = 1; n <= batch; ++n) {
        profile.load[n] = 1;
        block.teacher_forward[n] = 2;
        block.student_forward[n] = 3;
        block.student_backward[n] = 4;
    }
    block.update = 5;
    for (int g = 2; g <= devices; ++g)
        block.all_reduce[g] = 6;
    for (int b = 0; b < blocks; ++b) {
        block.name = std::to_string(b);
        profile.blocks.push_back(block);
    }
    return profile;
}

Span span_of(const Simulation& simulation, int device, int index, int step = 0)
{
    for (const Span& span : simulation.timeline.spans)
        if (span.device == device && span.index == index && span.step == step)
            return span;
    qFatal("there is no such span");
}

std::string refusal(const char* text, const Profile& profile, const SimulationOptions& options = {})
{
    try {
        simulate(from_text(text), profile, options);
    } catch (const Error& error) {
        return std::string(to_string(error.code())) + ": " + error.what();
    }
    return "accepted";
}

} // namespace

class TestSimulator : public QObject {
    Q_OBJECT
private slots:
    void singleTakesTheSumOfItsParts()
    {
        Random random(1);
        for (int i = 0; i < 100; ++i) {
            const Profile profile = random_profile(random, whole(random, 1, 7), 1);
            double expected = profile.load.at(profile.batch);
            for (const BlockProfile& block : profile.blocks)
                expected += block.teacher_forward.at(profile.batch) + block.student_forward.at(profile.batch)
                    + block.student_backward.at(profile.batch) + block.update;
            const Simulation simulation = simulate(program_on("single", profile, 1), profile);
            COMPARE_NEAR(simulation.step, expected);
            COMPARE_NEAR(simulation.fill, 0.0);
            COMPARE_NEAR(simulation.utilisation.at(0), 1.0);
        }
    }

    void dataParallelTakesTheClosedFormOfItsPhases()
    {
        Random random(2);
        for (int i = 0; i < 200; ++i) {
            const int devices = whole(random, 1, 6);
            const Profile profile = random_profile(random, whole(random, 1, 7), devices);
            const int n = (profile.batch + devices - 1) / devices;
            double expected = 0;
            double reducing = 0;
            for (std::size_t b = 0; b < profile.blocks.size(); ++b) {
                expected += profile.load.at(n);
                for (std::size_t j = 0; j <= b; ++j)
                    expected += profile.blocks[j].teacher_forward.at(n);
                expected += profile.blocks[b].student_forward.at(n) + profile.blocks[b].student_backward.at(n)
                    + profile.blocks[b].update;
                reducing += devices > 1 ? profile.blocks[b].all_reduce.at(devices) : 0;
            }
            const Simulation simulation = simulate(program_on("dp", profile, devices), profile);
            COMPARE_NEAR(simulation.step, expected + reducing);
            COMPARE_NEAR(simulation.fill, 0.0);
            QCOMPARE(simulation.utilisation.size(), static_cast<std::size_t>(devices));
            for (double busy : simulation.utilisation)
                COMPARE_NEAR(busy, expected / (expected + reducing));
        }
    }

    void aRelayTakesItsSlowestStageOrLinkWithTransfersBesideTheWork()
    {
        Random random(3);
        int slow_links = 0;
        for (int i = 0; i < 300; ++i) {
            const int blocks = whole(random, 1, 7);
            const int devices = whole(random, 1, blocks);
            Profile profile = random_profile(random, blocks, devices);
            if (i % 3 == 0)
                profile.link.bytes_per_ms /= 100;
            const Cluster cluster = alike(devices);
            const Schedule schedule = make_schedule("tr+dpu", Costs(profile, cluster));
            const Simulation simulation = simulate(make_program(schedule), profile);

            const int n = profile.batch;
            double slowest_work = 0;
            double slowest_link = 0;
            double slowest_cost = 0;
            double fill = 0;
            double fill_here = 0;
            std::vector<double> works;
            for (const Stage& stage : schedule.stages) {
                double transfer = 0;
                if (stage.first > 0)
                    transfer = profile.link.latency
                        + double(n) * double(profile.blocks[std::size_t(stage.first) - 1].output_bytes) / profile.link.bytes_per_ms;
                double teacher = stage.first == 0 ? profile.load.at(n) : 0;
                double student = 0;
                for (int b = stage.first; b < stage.last; ++b) {
                    const BlockProfile& block = profile.blocks[std::size_t(b)];
                    teacher += block.teacher_forward.at(n);
                    student += block.student_forward.at(n) + block.student_backward.at(n) + block.update;
                }
                fill_here += transfer;
                fill = fill_here; // of the last stage
                fill_here += teacher;
                works.push_back(teacher + student);
                slowest_work = std::max(slowest_work, teacher + student);
                slowest_link = std::max(slowest_link, transfer);
                slowest_cost = std::max(slowest_cost, teacher + student + transfer);
            }
            COMPARE_NEAR(simulation.step, std::max(slowest_work, slowest_link));
            QVERIFY(simulation.step <= slowest_cost + 1e-9);
            COMPARE_NEAR(simulation.fill, fill);
            for (std::size_t d = 0; d < works.size(); ++d)
                COMPARE_NEAR(simulation.utilisation.at(d), works[d] / simulation.step);
            slow_links += slowest_link > slowest_work ? 1 : 0;
        }
        QVERIFY2(slow_links > 20 && slow_links < 200, qPrintable(QString::number(slow_links)));
    }

    void aReceiverHoldsNoMoreBatchesThanItHasBuffers()
    {
        for (int buffers = 1; buffers <= 4; ++buffers) {
            Profile profile = plain_profile(2, 4);
            profile.link = {0.5, 0};
            profile.blocks[1].student_backward[4] = 100;
            const Simulation simulation = simulate(
                from_text("device 0: load  T0 send>1  F0 B0 U0\ndevice 1: recv<0  T1  F1 B1 U1"), profile, {30, buffers, true});
            for (int k = buffers; k < 30; ++k) {
                const Span arrives = span_of(simulation, 1, 0, k);
                QVERIFY(arrives.communication);
                QVERIFY(arrives.start >= span_of(simulation, 1, 3, k - buffers).end); // the backward that needs it last
                if (k > 2 * buffers)
                    COMPARE_NEAR(arrives.start, span_of(simulation, 1, 3, k - buffers).end);
            }
            for (int k = 2 * buffers; k < 30; ++k) // nor does the sender run away
                QVERIFY(span_of(simulation, 0, 3, k).start >= span_of(simulation, 0, 2, k - buffers).end);
        }
    }

    void withOneBufferTheTransferIsNoLongerHidden()
    {
        const Profile profile = plain_profile(2, 4);
        const Program program = from_text("device 0: load  T0 send>1  F0 B0 U0\ndevice 1: recv<0  T1  F1 B1 U1");
        COMPARE_NEAR(simulate(program, profile).step, 15.0);
        // transfer 7, T 2, F 3, B 4, then the buffer is free again
        COMPARE_NEAR(simulate(program, profile, {0, 1, true}).step, 16.0);
    }

    void anAllReduceStartsWithTheLastOfItsGroupAndOneAtATime()
    {
        const Profile profile = plain_profile(2, 4, 2);
        for (int late : {0, 1}) { // that device has posted its first all-reduce at 20, the other one at 19
            const std::string line = "load T0 T1 F0 B0 F1 B1 A0{0,1} A1{0,1} U0 U1\n";
            const std::string text = std::string("device 0 shard 0/2: ") + (late == 0 ? "load " : "") + line
                + "device 1 shard 1/2: " + (late == 1 ? "load " : "") + line;
            const Simulation simulation = simulate(from_text(text), profile, {1, 2, true});
            for (int device : {0, 1}) {
                const int shift = device == late ? 1 : 0;
                const Span first = span_of(simulation, device, 7 + shift);
                QVERIFY(first.communication);
                COMPARE_NEAR(first.start, 20.0);
                COMPARE_NEAR(first.end, 26.0);
                const Span second = span_of(simulation, device, 8 + shift);
                COMPARE_NEAR(second.start, 26.0);
                COMPARE_NEAR(second.end, 32.0);
                COMPARE_NEAR(span_of(simulation, device, 9 + shift).start, 26.0);
                COMPARE_NEAR(span_of(simulation, device, 10 + shift).start, 32.0);
            }
        }
    }

    void aBarrierHoldsAllDevices()
    {
        const Profile profile = plain_profile(2, 4);
        const Simulation simulation
            = simulate(from_text("device 0: load  T0 send>1  F0 B0 barrier U0\ndevice 1: recv<0  T1  F1 B1 barrier U1\ndevice 2:"),
                profile, {4, 2, true});
        COMPARE_NEAR(span_of(simulation, 0, 6, 0).start, 19.0); // 1 + 2 + 7 + 2 + 3 + 4
        COMPARE_NEAR(span_of(simulation, 1, 5, 0).start, 19.0);
        COMPARE_NEAR(simulation.step, 24.0); // filled and drained every step
        QCOMPARE(simulation.utilisation.at(2), 0.0);
    }

    void whatRunsAheadStartsBeforeTheFirstStepAndEndsBeforeTheLast()
    {
        const Profile profile = plain_profile(1, 4);
        const Simulation simulation = simulate(from_text("device 0: load+1 T0+1 F0 B0 U0"), profile, {6, 2, true});
        std::map<int, int> runs; // by index
        for (const Span& span : simulation.timeline.spans)
            ++runs[span.index];
        for (int index = 0; index < 5; ++index)
            QCOMPARE(runs[index], 6);
        QCOMPARE(simulation.timeline.spans.front().step, -1);
        QCOMPARE(simulation.timeline.spans.front().index, 0);
        COMPARE_NEAR(simulation.timeline.spans.at(2).start, 3.0);
        COMPARE_NEAR(simulation.timeline.length(), 6 * 15.0);
        COMPARE_NEAR(simulation.step, 15.0);
    }

    void microbatchesPartsAndGradientsGoThroughAnEndToEndPipeline()
    {
        Profile profile = plain_profile(2, 8);
        profile.link = {0.25, 0};
        const Program program = from_text("device 0: load  T0.0 send>1 T0.1 send>1  F0.0 send[F0.0]>1 F0.1 send[F0.1]>1"
                                          "  recv<1 B0.1(0/2) recv<1 B0.1(1/2) recv<1 B0.0(0/2) recv<1 B0.0(1/2) U0 M0\n"
                                          "device 1: recv<0 T1.0 recv<0 T1.1 recv<0 F1.0 recv<0 F1.1 loss"
                                          " B1.1(0/2) send[G0.1(0/2)]>0 B1.1(1/2) send[G0.1(1/2)]>0"
                                          " B1.0(0/2) send[G0.0(0/2)]>0 B1.0(1/2) send[G0.0(1/2)]>0 U1 M1\n");
        const Simulation simulation = simulate(program, profile);
        // Device 1 is the last to be given work (at 1 + 2 + 0.25) and then never waits: T T F F are 2 2 3 3, against
        // sends of T at 3 and 5 and of F at 8 and 11. Its forward of microbatch 1 can start at 11.25 only.
        // From there: F 3, B halves of 2. Device 0 takes up the first gradient 2.25 later, and ends 4 x 2 + 5 after it.
        COMPARE_NEAR(simulation.step, 11 + 0.25 + 3 + 2 + 0.25 + 8 + 5);
        const Span backward = span_of(simulate(program, profile, {1, 2, true}), 0, 10);
        COMPARE_NEAR(backward.end - backward.start, 2.0);
        COMPARE_NEAR(backward.start, 11 + 0.25 + 3 + 2 + 0.25);
    }

    void trainingFromLabelsNeedsNoTeacher()
    {
        const Profile profile = plain_profile(3, 4);
        COMPARE_NEAR(simulate(make_supervised_program(3), profile).step, 1 + 3 * (3 + 4 + 5.0));
    }

    void relaysBetweenStagesOfDifferentWidthMoveTheirCommonRows()
    {
        Profile profile = plain_profile(2, 10, 3);
        profile.link = {0, 1};
        profile.blocks[0].output_bytes = 1;
        const Simulation simulation = simulate(from_text("device 0 shard 0/2: load T0 send>2 send>3 F0 B0 A0{0,1} U0\n"
                                                         "device 1 shard 1/2: load T0 send>3 send>4 F0 B0 A0{0,1} U0\n"
                                                         "device 2 shard 0/3: recv<0 T1 F1 B1 A1{2,3,4} U1\n"
                                                         "device 3 shard 1/3: recv<0 recv<1 T1 F1 B1 A1{2,3,4} U1\n"
                                                         "device 4 shard 2/3: recv<1 T1 F1 B1 A1{2,3,4} U1\n"),
            profile, {1, 2, true});
        const auto moved = [&](int device, int index) {
            const Span span = span_of(simulation, device, index);
            return std::lround(span.end - span.start);
        };
        QCOMPARE(moved(0, 2), 4l); // rows 0..4 of 10 against 0..3
        QCOMPARE(moved(0, 3), 1l);
        QCOMPARE(moved(1, 2), 2l);
        QCOMPARE(moved(1, 3), 3l);
        QCOMPARE(moved(3, 0), 1l);
        QCOMPARE(moved(3, 1), 2l);
        COMPARE_NEAR(span_of(simulation, 3, 2).start, 3 + 2.0); // the later of both
    }

    void spansAreOrderedAndADeviceDoesOneThingAtATime()
    {
        Random random(4);
        for (const char* strategy : {"single", "dp", "tr+dpu"})
            for (int i = 0; i < 20; ++i) {
                const int devices = whole(random, 1, 4);
                const Profile profile = random_profile(random, whole(random, devices, 6), devices);
                const Program program = program_on(strategy, profile, devices);
                const Simulation simulation = simulate(program, profile);
                QCOMPARE(simulation.timeline.devices, program.devices());
                std::map<int, double> free;
                std::vector<double> busy(static_cast<std::size_t>(program.devices()));
                const Span* before = nullptr;
                for (const Span& span : simulation.timeline.spans) {
                    QVERIFY(span.end >= span.start);
                    QVERIFY(!before || std::pair(before->device, before->start) <= std::pair(span.device, span.start));
                    before = &span;
                    if (span.communication)
                        continue;
                    QVERIFY(span.start >= free[span.device]);
                    free[span.device] = span.end;
                    busy[static_cast<std::size_t>(span.device)] += span.end - span.start;
                }
                QCOMPARE(busy_time(simulation.timeline), busy);
                const Simulation bare = simulate(program, profile, {0, 2, false});
                QVERIFY(bare.timeline.spans.empty());
                QCOMPARE(bare.step, simulation.step);
            }
    }

    void devicesPassFromPhaseToPhaseOnTheirOwn()
    {
        Profile profile = plain_profile(3, 4);
        profile.blocks[2].student_forward[4] = 20;
        // Two tasks on device 0, one that takes longer on device 1: the slower sum counts.
        const Program program = from_text("phase 0\ndevice 0: load T0 F0 B0 U0\ndevice 1: load T0 T1 T2 F2 B2 U2\n"
                                          "phase 1\ndevice 0: load T0 T1 F1 B1 U1\ndevice 1:\n");
        const Simulation simulation = simulate(program, profile, {10, 2, true});
        COMPARE_NEAR(simulation.step, 1 + 6 + 20 + 4 + 5.0);
        COMPARE_NEAR(simulation.timeline.length(), 360.0);
        COMPARE_NEAR(simulation.utilisation.at(0), (15 + 17) / 36.0);
    }

    void whatNeverComesIsAnErrorThatNamesTheInstruction_data()
    {
        QTest::addColumn<QString>("text");
        QTest::addColumn<QString>("instruction");
        QTest::newRow("both wait first") << "device 0: load T0 recv[T1]<1 T2 send[T0]>1\ndevice 1: recv<0 T1 send>0"
                                         << "device 0: T2";
        QTest::newRow("receive without send") << "device 0: load T0\ndevice 1: recv[T0]<0 T1"
                                              << "device 1: recv[T0]<0";
        QTest::newRow("send without receive") << "device 0: load T0 send>1\ndevice 1: load T0"
                                              << "device 0: send[T0]>1";
        QTest::newRow("another block") << "device 0: load T0 send>1\ndevice 1: recv[T1]<0 T2"
                                       << "recv[T1]<0";
        QTest::newRow("another block, received before") << "device 0: recv[T1]<1 T2\ndevice 1: load T0 send>0"
                                                        << "device 1: send[T0]>0";
        QTest::newRow("other rows") << "device 0: load T0 send>1@0/2\ndevice 1: recv<0@0/1 T1"
                                    << "recv[T0]<0";
        QTest::newRow("no teacher before") << "device 0: load T1"
                                           << "device 0: T1";
        QTest::newRow("no data") << "device 0: T0"
                                 << "device 0: T0";
        QTest::newRow("data too late") << "device 0: T0 load"
                                       << "device 0: T0";
        QTest::newRow("data of the batch before") << "device 0: load T0+1"
                                                  << "device 0: T0+1";
        QTest::newRow("no target") << "device 0: load F0 B0"
                                   << "device 0: F0";
        QTest::newRow("backward before forward") << "device 0: load T0 B0 F0"
                                                 << "device 0: B0";
        QTest::newRow("no gradient to reduce") << "device 0: load T0 F0 A0{0,1}\ndevice 1: load T0 F0 A0{0,1}"
                                               << "device 0: A0{0,1}";
        QTest::newRow("half a group") << "device 0: load T0 F0 B0 A0{0,1} U0\ndevice 1: load T0 F0 B0"
                                      << "device 0: A0{0,1}";
        QTest::newRow("groups out of order") << "device 0: load T0 F0 B0 T1 F1 B1 A0{0,1} A1{0,1} U0 U1\n"
                                                "device 1: load T0 F0 B0 T1 F1 B1 A1{0,1} A0{0,1} U0 U1"
                                             << "device 1: A1{0,1}";
        QTest::newRow("half a barrier") << "device 0: load barrier\ndevice 1: load"
                                        << "device 0: barrier";
        QTest::newRow("no loss before") << "device 0: load F0 B0 loss"
                                        << "device 0: B0";
        QTest::newRow("loss of half a batch") << "microbatches 2\ndevice 0: load F2.1 loss"
                                              << "device 0: F2.1";
        QTest::newRow("in a later phase") << "phase 0\ndevice 0: load\nphase 1\ndevice 0: T0"
                                          << "phase 1, device 0: T0";
        QTest::newRow("block not profiled") << "device 0: load T0 T1 T2 T3"
                                            << "device 0: T3";
    }

    void whatNeverComesIsAnErrorThatNamesTheInstruction()
    {
        QFETCH(QString, text);
        QFETCH(QString, instruction);
        for (int steps : {1, 0}) {
            const std::string line = refusal(text.toUtf8().constData(), plain_profile(3, 4, 2), {steps, 2, true});
            QVERIFY2(line.starts_with("BadRequest") && line.find(instruction.toStdString()) != std::string::npos, line.c_str());
        }
    }

    void aSizeThatIsNotInTheProfileIsNamed()
    {
        Profile profile = plain_profile(3, 4);
        profile.blocks[1].student_backward.erase(4);
        const std::string line = refusal("device 0: load T0 T1 F1 B1", profile);
        QVERIFY2(line.find("4 samples: blocks[1].student_backward") != std::string::npos, line.c_str());
    }

    void aFieldThatCannotBeIsRefused_data()
    {
        QTest::addColumn<int>("index");
        QTest::addColumn<std::function<void(Instruction&)>>("spoil");
        const auto row
            = [](const char* name, int index, std::function<void(Instruction&)> spoil) { QTest::newRow(name) << index << spoil; };
        row("block below 0", 1, [](Instruction& teacher) { teacher.block = -1; });
        row("block beyond the program", 1, [](Instruction& teacher) { teacher.block = 1; });
        row("no shard", 0, [](Instruction& load) { load.shard = {0, 0}; });
        row("shard beyond its count", 0, [](Instruction& load) { load.shard = {2, 2}; });
        row("microbatch that there is not", 1, [](Instruction& teacher) { teacher.microbatch = 1; });
        row("part that there is not", 4, [](Instruction& backward) { backward.part = 1; });
        row("no parts", 4, [](Instruction& backward) { backward.parts = 0; });
        row("peer that there is not", 2, [](Instruction& send) { send.peer = 2; });
        row("itself as peer", 2, [](Instruction& send) { send.peer = 0; });
        row("shard of the peer", 2, [](Instruction& send) { send.peer_shard = {1, 1}; });
        row("group of others", 5, [](Instruction& all_reduce) { all_reduce.group = {1}; });
        row("group of strangers", 5, [](Instruction& all_reduce) { all_reduce.group = {0, 2}; });
    }

    void aFieldThatCannotBeIsRefused()
    {
        QFETCH(int, index);
        QFETCH(std::function<void(Instruction&)>, spoil);
        const Profile profile = plain_profile(2, 4);
        Program program = from_text("device 0: load T0 send>1 F0 B0 A0{0} U0\ndevice 1: recv<0");
        QVERIFY(simulate(program, profile).step > 0);
        spoil(program.phases[0].devices[0].instructions[static_cast<std::size_t>(index)]);
        QVERIFY_THROWS_EXCEPTION(Error, simulate(program, profile));
    }

    void whatCannotBeSimulatedIsRefused()
    {
        const Profile profile = plain_profile(3, 4);
        QVERIFY(refusal("", profile).starts_with("BadRequest"));
        QVERIFY(refusal("device 0: load", profile, {-1, 2, true}).starts_with("BadRequest"));
        QVERIFY(refusal("device 0: load", profile, {0, 0, true}).starts_with("BadRequest"));
        QCOMPARE(refusal("device 0: load", profile), std::string("accepted"));
        QCOMPARE(refusal("device 0:", profile), std::string("accepted"));
    }

    void anyProgramIsSimulatedOrRefusedButNeverCrashes()
    {
        Random random(9);
        Profile profile = plain_profile(12, 24, 5);
        for (int i = 0; i < 2000; ++i) {
            const Program program = random_program(random);
            try {
                QVERIFY(simulate(program, profile, {4, 2, true}).step >= 0);
            } catch (const Error& error) {
                QCOMPARE(error.code(), Code::BadRequest);
            }
        }
    }
};

QTEST_APPLESS_MAIN(TestSimulator)
#include "test_simulator.moc"
