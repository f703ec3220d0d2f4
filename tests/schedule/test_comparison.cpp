// What ranks report, made a timeline and laid beside the simulated one. Figures by hand.
#include "schedule/small_profile.h"

#include "schedule/comparison.h"
#include "schedule/measured_timeline.h"

#include <QTest>

#include <map>

using namespace pipebd::schedule;
using namespace pipebd::schedule::test;

namespace {

/// load, T0, send, F0, B0, U0 on device 0; recv, T1, F1, B1, U1 on device 1.
Program two_stage_program()
{
    return from_text(two_stages);
}

Span report(int device, int step, int index, double start, double end, int phase = 0)
{
    return {.device = device, .phase = phase, .step = step, .index = index, .start = start, .end = end};
}

const Span* find(const Timeline& timeline, int device, int step, int index)
{
    for (const Span& span : timeline.spans)
        if (span.device == device && span.step == step && span.index == index)
            return &span;
    return nullptr;
}

/// What ranks would report of `timeline`, so much later and with compute instructions so many times as long.
std::vector<Span> reports_of(const Timeline& timeline, double later, double longer)
{
    std::vector<Span> reports = timeline.spans;
    for (Span& span : reports) {
        span.end = span.communication ? span.end : span.start + (span.end - span.start) * longer;
        span.start += later;
        span.end += later;
    }
    return reports;
}

std::map<std::string, KindTime> by_kind(const std::vector<KindTime>& times)
{
    std::map<std::string, KindTime> result;
    for (const KindTime& time : times)
        result[std::string(time.kind)] = time;
    return result;
}

} // namespace

class TestComparison : public QObject {
    Q_OBJECT

private slots:
    void aTransferRunsFromWhenBothAreReadyUntilBothAreDone()
    {
        const std::vector<Span> reports{report(0, 3, 2, 20, 29), report(1, 3, 0, 24, 30)};
        const Timeline timeline = measured_timeline(two_stage_program(), reports);
        QCOMPARE(timeline.spans.size(), std::size_t(2));
        for (const Span& span : timeline.spans) {
            QCOMPARE(span.start, 24.0);
            QCOMPARE(span.end, 30.0);
            QVERIFY(span.communication);
        }
    }

    void aReceiveThatWaitedForItsSendHasTheSendsTime()
    {
        const std::vector<Span> reports{report(1, 3, 0, 5, 30), report(0, 3, 2, 28, 29)};
        QCOMPARE(find(measured_timeline(two_stage_program(), reports), 1, 3, 0)->start, 28.0);
    }

    void endsOfATransferMeetByBatchNotByStep()
    {
        const Program program = from_text("device 0: load+1 T0+1 send[T0+1]>1 F0 B0 U0\ndevice 1: recv[T0]<0 T1 F1 B1 U1");
        const std::vector<Span> reports{report(0, 2, 2, 10, 12), report(1, 3, 0, 9, 13), report(1, 2, 0, 1, 2)};
        const Timeline timeline = measured_timeline(program, reports);
        QCOMPARE(timeline.spans.size(), std::size_t(2)); // the Send of what came in step 2 was not measured
        QCOMPARE(find(timeline, 1, 3, 0)->start, 10.0);
    }

    void anAllReduceAndABarrierBeginWhenTheLastIsThere()
    {
        const Program program = from_text(
            "device 0 shard 0/2: load T0 F0 B0 A0{0,1} U0 barrier\ndevice 1 shard 1/2: load T0 F0 B0 A0{0,1} U0 barrier");
        const std::vector<Span> reports{
            report(0, 0, 4, 10, 21), report(1, 0, 4, 17, 20), report(0, 0, 6, 30, 41), report(1, 0, 6, 40, 40.5)};
        const Timeline timeline = measured_timeline(program, reports);
        QCOMPARE(find(timeline, 0, 0, 4)->start, 17.0);
        QCOMPARE(find(timeline, 1, 0, 4)->end, 21.0);
        QCOMPARE(find(timeline, 0, 0, 6)->start, 40.0);
        QVERIFY(!find(timeline, 0, 0, 6)->communication);
        QVERIFY(measured_timeline(program, {reports.front()}).spans.empty());
    }

    void reportsOfWhatTheProgramDoesNotHaveAreLetBe()
    {
        for (const Span& wrong : {report(2, 0, 0, 0, 1), report(-1, 0, 0, 0, 1), report(0, 0, 6, 0, 1), report(0, 0, -1, 0, 1),
                 report(0, 0, 0, 0, 1, 1)})
            QVERIFY(measured_timeline(two_stage_program(), {wrong}).spans.empty());
        QVERIFY(measured_timeline(Program(), {report(0, 0, 0, 0, 1)}).spans.empty());
    }

    void ofTwoReportsOfTheSameTheLaterCounts() // a run that went on from a checkpoint
    {
        const std::vector<Span> reports{report(0, 5, 0, 1, 2), report(0, 5, 0, 11, 14)};
        const Timeline timeline = measured_timeline(two_stage_program(), reports);
        QCOMPARE(timeline.spans.size(), std::size_t(1));
        QCOMPARE(timeline.spans[0].start, 11.0);
    }

    void whatIsMeasuredAsPredictedHasNoError()
    {
        const Simulation simulation = simulated(two_stages, small_profile(2, 0.5));
        const Timeline measured = measured_timeline(two_stage_program(), reports_of(simulation.timeline, 1000, 1));
        QCOMPARE(measured.spans.size(), simulation.timeline.spans.size());
        const std::vector<KindTime> times = compare(two_stage_program(), simulation.timeline, measured);
        QCOMPARE(times.size(), std::size_t(7));
        for (const KindTime& time : times)
            QVERIFY(std::abs(time.error().value_or(1)) < 1e-9);
    }

    void timesOfAKindAreSummedOverDevices()
    {
        const Simulation simulation = simulated(two_stages, small_profile(2, 0.5));
        const Timeline measured = measured_timeline(two_stage_program(), reports_of(simulation.timeline, 0, 2));
        const auto times = by_kind(compare(two_stage_program(), simulation.timeline, measured));
        QCOMPARE(*times.at("load").predicted, 1.0); // on one device
        QCOMPARE(*times.at("teacher forward").predicted, 4.0); // 2 on both
        QCOMPARE(*times.at("student backward").predicted, 8.0);
        QVERIFY(near(*times.at("student backward").measured, 16.0));
        QVERIFY(near(*times.at("update").error(), -0.5));
        QVERIFY(near(*times.at("send").measured, 0.5));
        QVERIFY(near(*times.at("receive").predicted, 0.5));
    }

    void theMedianOfTheStepsCounts()
    {
        std::vector<Span> reports;
        const auto measured = [&] {
            return *by_kind(compare(two_stage_program(), {}, measured_timeline(two_stage_program(), reports))).at("load").measured;
        };
        for (int step = 0; double length : {90, 2, 3, 4, 1}) {
            reports.push_back(report(0, step, 0, 100 * step, 100 * step + length));
            ++step;
        }
        QCOMPARE(measured(), 3.0); // one slow step changes nothing
        reports.push_back(report(0, 5, 0, 500, 503.5));
        QCOMPARE(measured(), 3.25); // between the two in the middle
    }

    void aKindOfWhichAnInstructionWasNotMeasuredHasNoTime()
    {
        const std::vector<Span> reports{report(0, 0, 0, 0, 1), report(0, 0, 1, 1, 3)};
        const auto times = by_kind(compare(two_stage_program(), {}, measured_timeline(two_stage_program(), reports)));
        QVERIFY(times.at("load").measured);
        QVERIFY(!times.at("teacher forward").measured); // that of device 1 is missing
        QVERIFY(!times.at("load").predicted);
        QVERIFY(!times.at("load").error());
    }

    void theNewestStepsThatEveryDeviceHasAreLaidBesideSteadyOnes()
    {
        const Simulation simulation = simulated(two_stages, small_profile(2, 0.5), {.steps = 40});
        Timeline measured = measured_timeline(two_stage_program(), reports_of(simulation.timeline, 1000, 1));
        std::erase_if(measured.spans, [](const Span& span) {
            return span.step == 20 || span.step > 24 || (span.step == 24 && span.device == 1);
        }); // 21, 22 and 23 are left in a row

        const SideBySide both = side_by_side(two_stage_program(), simulation, measured);

        QCOMPARE(both.measured.spans.size(), std::size_t(3 * 11));
        QCOMPARE(both.predicted.spans.size(), both.measured.spans.size());
        QCOMPARE(both.measured.spans.front().step, 21);
        QCOMPARE(both.predicted.spans.front().step, 20);
        for (std::size_t i = 0; i < both.measured.spans.size(); ++i) { // the same steady state, moved
            QCOMPARE(both.measured.spans[i].index, both.predicted.spans[i].index);
            QVERIFY(near(both.measured.spans[i].start, both.predicted.spans[i].start));
            QVERIFY(both.measured.spans[i].start >= 0);
        }
        QCOMPARE(side_by_side(two_stage_program(), simulation, measured, 2).measured.spans.size(), std::size_t(2 * 11));
    }

    void aStepBeginsWhereItComputesThoughItsTransfersMoveBefore()
    {
        const char* text = "device 0: load+1 T0+1 send[T0+1]>1 F0 B0 U0\ndevice 1: recv[T0]<0 T1 F1 B1 U1";
        const Program program = from_text(text);
        const Simulation simulation = simulated(text, small_profile(2, 0.5), {.steps = 40});
        std::vector<Span> reports = simulation.timeline.spans;
        for (Span& span : reports)
            span.start -= span.communication ? 0.25 : 0; // transfers take longer
        const SideBySide both = side_by_side(program, simulation, measured_timeline(program, reports), 1);
        const auto computes_from = [](const Timeline& timeline) {
            double begin = 1e9;
            for (const Span& span : timeline.spans)
                begin = span.communication ? begin : std::min(begin, span.start);
            return begin;
        };
        QVERIFY(computes_from(both.predicted) > 0);
        QVERIFY(near(computes_from(both.predicted), computes_from(both.measured)));
        QVERIFY(both.measured.spans.front().start >= 0);
    }

    // As under `ls`, where a device may be minutes ahead of another.
    void devicesThatExchangeNothingBeginTheSameStepTogether()
    {
        const Program program = from_text("device 0: load T0 F0 B0 U0\ndevice 1: load T0 T1 F1 B1 U1\n");
        const Simulation simulation = simulate(program, small_profile(2, 0));
        std::vector<Span> reports = reports_of(simulation.timeline, 1000, 1);
        for (Span& span : reports) {
            span.start += span.device == 1 ? 60'000 : 0;
            span.end += span.device == 1 ? 60'000 : 0;
        }
        const SideBySide both = side_by_side(program, simulation, measured_timeline(program, reports), 2);
        std::map<int, double> begins;
        for (const Span& span : both.measured.spans)
            begins.emplace(span.device, span.start);
        QCOMPARE(begins, (std::map<int, double>{{0, 0.0}, {1, 0.0}}));
        QVERIFY(both.measured.length() < 100);
        const std::vector<double> share = busy_share(both.measured);
        QVERIFY(near(share.at(0), 1) && near(share.at(1), 1));
    }

    void aDeviceIsBusyForAShareOfItsOwnSteps()
    {
        // Device 0 computes 3 of every 4 ms; device 1 all the time, in the first of its two steps as in the second.
        const Timeline timeline{{{0, false, 0, 0, 0, 0, 3}, {0, true, 0, 0, 1, 3, 4}, {0, false, 0, 1, 0, 4, 7},
                                    {0, false, 0, 2, 0, 8, 11}, {1, false, 0, 0, 0, 100, 105}, {1, false, 0, 1, 0, 105, 110}},
            3};
        const std::vector<double> share = busy_share(timeline);
        QCOMPARE(share.size(), std::size_t(3));
        QVERIFY(near(share[0], 0.75));
        QVERIFY(near(share[1], 1));
        QCOMPARE(share[2], 0.0);
        QVERIFY(near(busy_share({{{0, false, 0, 0, 0, 0, 1}, {0, false, 0, 0, 1, 3, 4}}, 1})[0], 0.5)); // of one step: to its end
    }

    void memoryIsCutWithThePrediction()
    {
        const Simulation simulation = simulated(two_stages, small_profile(2, 0.5), {.steps = 40});
        const Timeline measured = measured_timeline(two_stage_program(), reports_of(simulation.timeline, 1000, 1));
        const SideBySide both = side_by_side(two_stage_program(), simulation, measured);
        QCOMPARE(both.memory.size(), std::size_t(2));
        for (std::size_t device = 0; device < 2; ++device) {
            std::int64_t most = 0;
            for (const MemoryPoint& point : both.memory[device]) {
                QVERIFY(point.time >= 0 && point.time <= both.predicted.length());
                most = std::max(most, point.bytes);
            }
            QCOMPARE(most, simulation.peak_memory[device]);
        }
    }

    void phasesFollowOneAnotherAndBeginTogether()
    {
        const Program program = from_text("phase 0\ndevice 0: load T0 F0 B0 U0\nphase 1\ndevice 0: load T0 T1 F1 B1 U1\n");
        const Simulation simulation = simulate(program, small_profile(2, 0));
        const Timeline measured = measured_timeline(program, reports_of(simulation.timeline, 1000, 0.5));
        const SideBySide both = side_by_side(program, simulation, measured, 1);
        double ends = 0;
        double begins = 1e9;
        for (const Timeline* timeline : {&both.predicted, &both.measured})
            for (const Span& span : timeline->spans) {
                if (span.phase == 0)
                    ends = std::max(ends, span.end);
                else
                    begins = std::min(begins, span.start);
            }
        QCOMPARE(ends, 15.0); // load 1, teacher 2, forward 3, backward 4, update 5
        QCOMPARE(begins, 15.0);
        QCOMPARE(both.predicted.spans[5].start, both.measured.spans[5].start);
    }

    void withoutAPredictionOnlyWhatWasMeasuredIsThere()
    {
        const std::vector<Span> reports{report(0, 0, 0, 50, 51), report(1, 0, 1, 52, 53)};
        const SideBySide both = side_by_side(two_stage_program(), {}, measured_timeline(two_stage_program(), reports));
        QVERIFY(both.predicted.spans.empty());
        QCOMPARE(both.measured.spans.size(), std::size_t(2));
        QCOMPARE(both.measured.spans[0].start, 0.0);
    }
};

QTEST_APPLESS_MAIN(TestComparison)
#include "test_comparison.moc"
