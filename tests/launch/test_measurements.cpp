// The figures of a run from its ranks' metrics, beside sums done by hand.
#include "launch/measurements.h"
#include "schedule/strategies.h"

#include <QTest>

#include <algorithm>
#include <cmath>

using namespace pipebd;
using namespace pipebd::launch;
using experiment::Metric;
using store::Sample;
using store::Series;

namespace {

constexpr int batch = 64;

Metric step_of(int rank, int phase, int step, double ms, double t = 0)
{
    Metric metric;
    metric.type = Metric::Type::Step;
    metric.rank = rank;
    metric.phase = phase;
    metric.step = step;
    metric.ms = ms;
    metric.t = t;
    return metric;
}

Metric loss_of(int block, int step, double value)
{
    Metric metric;
    metric.type = Metric::Type::Loss;
    metric.block = block;
    metric.step = step;
    metric.value = value;
    return metric;
}

std::vector<double> values(const std::vector<Sample>& samples, const Series& series)
{
    std::vector<double> result;
    for (const Sample& sample : samples)
        if (sample.series == series)
            result.push_back(sample.value);
    return result;
}

schedule::Program two_devices()
{
    return schedule::from_text("device 0: load T0 send>1 F0 B0 U0\ndevice 1: recv<0 T1 F1 B1 U1\n");
}

/// Two phases on two devices; the second device has no part in the second phase.
schedule::Program two_phases()
{
    schedule::Program program = two_devices();
    program.phases.push_back(program.phases.front());
    program.phases[1].devices[1].instructions.clear();
    return program;
}

} // namespace

class TestMeasurements : public QObject {
    Q_OBJECT

private slots:
    void aStepCountsOnceEveryRankHasDoneIt()
    {
        Measurements run(two_devices(), 10, batch, {1.0});
        std::vector<Sample> samples;
        run.take(step_of(0, 0, 0, 20), samples);
        run.take(step_of(0, 0, 1, 20), samples);
        QCOMPARE(run.steps_done(), std::int64_t(0));
        QVERIFY(values(samples, {"throughput", -1, -1}).empty());

        run.take(step_of(1, 0, 0, 25), samples);

        QCOMPARE(run.steps_done(), std::int64_t(1));
        QCOMPARE(values(samples, {"throughput", -1, -1}), std::vector<double>({64 * 1000.0 / 25})); // by the slower rank
        QCOMPARE(values(samples, {"step_ms", 0, -1}), std::vector<double>({20, 20}));
    }

    void theStepIsTheSlowestRanksMedianWithoutItsWarmUp()
    {
        Measurements run(two_devices(), 10, batch, {1.0});
        std::vector<Sample> samples;
        for (int step = 0; step < 10; ++step) {
            run.take(step_of(0, 0, step, step == 0 ? 5000 : 10 + step), samples); // 11..19 after the first
            run.take(step_of(1, 0, step, 12), samples);
        }
        QCOMPARE(run.step(), 15.0);
        QCOMPARE(run.throughput(), 64 * 1000.0 / 15);
    }

    void phasesAddUpAndARankWithoutPartIsNotWaitedFor()
    {
        Measurements run(two_phases(), 2, batch, {0.25, 0.75});
        std::vector<Sample> samples;
        for (int step = 0; step < 2; ++step)
            for (int rank = 0; rank < 2; ++rank)
                run.take(step_of(rank, 0, step, 10), samples);
        QCOMPARE(run.step(), 0.0); // the second phase is not measured yet
        QCOMPARE(run.steps_done(), std::int64_t(2));

        for (int step = 0; step < 2; ++step)
            run.take(step_of(0, 1, step, 30), samples);

        QCOMPARE(run.steps(), std::int64_t(4));
        QCOMPARE(run.steps_done(), std::int64_t(4));
        QCOMPARE(run.step(), 40.0);
        const double whole = 64 * 1000.0 / 40; // 10 ms are a quarter of the step, 30 ms the rest
        QCOMPARE(values(samples, {"throughput", -1, -1}), std::vector<double>({whole, whole, whole, whole}));
    }

    void aRunThatGoesOnCountsTheStepsBeforeItAndTakesADonePhaseToLastItsShare()
    {
        schedule::Program program
            = schedule::from_text("phase 0\ndevice 0: load T0 F0 B0 U0\nphase 1\ndevice 0: load T0 T1 F1 B1 U1\n");
        Measurements run(program, 10, batch, {0.25, 0.75}, {10, 4});
        QCOMPARE(run.steps(), std::int64_t(20));
        QCOMPARE(run.steps_done(), std::int64_t(14));
        std::vector<Sample> samples;
        run.take(step_of(0, 1, 2, 1000), samples); // had before
        QVERIFY(samples.empty());
        for (int step = 4; step < 10; ++step)
            run.take(step_of(0, 1, step, 30), samples);
        QCOMPARE(run.steps_done(), std::int64_t(20));
        QCOMPARE(run.step(), 40.0);
    }

    void ranksThatPassFromPhaseToPhaseOnTheirOwnDoNotWaitForEachOther()
    {
        schedule::Program program = two_devices();
        program.phases.push_back(program.phases.front());
        Measurements run(program, 2, batch, {0.5, 0.5});
        std::vector<Sample> samples;
        for (int phase = 0; phase < 2; ++phase)
            for (int step = 0; step < 2; ++step)
                for (int rank = 0; rank < 2; ++rank) // layer-wise: the one has its long task first, the other last
                    run.take(step_of(rank, phase, step, rank == phase ? 30 : 12), samples);
        QCOMPARE(run.step(), 42.0);
    }

    void theTimeLeftFollowsFromTheRateOfTheWholeRun()
    {
        Measurements run(two_phases(), 10, batch, {0.25, 0.75});
        std::vector<Sample> samples;
        QCOMPARE(run.seconds_left(), -1.0);
        for (int step = 0; step < 10; ++step)
            for (int rank = 0; rank < 2; ++rank)
                run.take(step_of(rank, 0, step, 100, 0.1 * (step + 1)), samples);
        // 10 steps of the first quarter take 1 s, so the other three take 3 s
        QVERIFY(std::abs(run.seconds_left() - 3.0) < 1e-9);
        QVERIFY(std::abs(run.recent_throughput() - 10 * batch / 4.0) < 1e-9);
    }

    void stepsThatCannotBeAreLetBe()
    {
        Measurements run(two_devices(), 5, batch, {1.0});
        std::vector<Sample> samples;
        for (const Metric& metric : {step_of(2, 0, 0, 1), step_of(-1, 0, 0, 1), step_of(0, 1, 0, 1), step_of(0, -1, 0, 1),
                 step_of(0, 0, 5, 1), step_of(0, 0, -1, 1), step_of(0, 0, 0, -1), step_of(0, 0, 0, std::nan(""))})
            run.take(metric, samples);
        run.take(loss_of(2, 0, 1), samples);
        run.take(loss_of(-1, 0, 1), samples);
        QVERIFY(samples.empty());
        QCOMPARE(run.steps_done(), std::int64_t(0));
    }

    void lossesAreMeansOfTheFirstAndTheLastTenth()
    {
        Measurements run(two_devices(), 40, batch, {1.0});
        std::vector<Sample> samples;
        for (int step = 0; step < 40; ++step)
            run.take(loss_of(0, step, 40 - step), samples); // 40, 39, 38, 37 ... 4, 3, 2, 1
        QCOMPARE(run.first_loss(), std::vector<double>({38.5}));
        QCOMPARE(run.final_loss(), std::vector<double>({2.5}));

        Measurements thinned(two_devices(), 1000, batch, {1.0});
        for (int step = 0; step < 1000; step += step < 100 ? 1 : 50) // the first were all reported, the others now and then
            thinned.take(loss_of(0, step, step), samples);
        QCOMPARE(thinned.first_loss(), std::vector<double>({47})); // of steps 0 to 94
        QCOMPARE(thinned.final_loss(), std::vector<double>({925})); // of steps 900 and 950

        samples.clear();
        for (int step = 0; step < 40; ++step)
            run.take(loss_of(0, step, 40 - step), samples);
        run.take(loss_of(1, 0, 7), samples);
        QCOMPARE(run.newest_loss(), std::vector<double>({1, 7}));
        QCOMPARE(values(samples, {"loss", -1, 0}).size(), std::size_t(40));
    }

    void trainedEndToEndThereIsOneLoss()
    {
        Measurements run(schedule::make_supervised_program(3), 5, batch, {1.0});
        std::vector<Sample> samples;
        run.take(loss_of(2, 0, 0.5), samples);
        QCOMPARE(run.newest_loss(), std::vector<double>({0.5}));
        QCOMPARE(values(samples, {"loss", -1, -1}), std::vector<double>({0.5}));
    }

    void memoryIsKeptAndWhatTheDriverSaysWhereItDoes()
    {
        Measurements run(two_phases(), 5, batch, {0.5, 0.5});
        std::vector<Sample> samples;
        Metric metric;
        metric.type = Metric::Type::Memory;
        metric.rank = 1;
        metric.phase = 1;
        metric.step = 3;
        metric.bytes = 10;
        metric.peak_bytes = 20;
        run.take(metric, samples);
        QCOMPARE(samples.size(), std::size_t(2));
        QCOMPARE(samples[0].step, std::int64_t(8));
        QCOMPARE(values(samples, {"peak_memory_bytes", 1, -1}), std::vector<double>({20}));

        samples.clear();
        metric.device_bytes = 30;
        metric.utilisation = 0; // idle, which is known
        metric.watts = 55.5;
        run.take(metric, samples);
        QCOMPARE(values(samples, {"device_memory_bytes", 1, -1}), std::vector<double>({30}));
        QCOMPARE(values(samples, {"utilisation", 1, -1}), std::vector<double>({0}));
        QCOMPARE(values(samples, {"power_watts", 1, -1}), std::vector<double>({55.5}));
    }

    void sharesOfPhasesComeFromTheTimeline()
    {
        schedule::Timeline timeline;
        timeline.spans = {{.device = 0, .phase = 0, .start = 0, .end = 10}, {.device = 1, .phase = 0, .start = 5, .end = 20},
            {.device = 0, .phase = 1, .start = 20, .end = 80}};
        QCOMPARE(phase_shares(timeline, 2), std::vector<double>({0.25, 0.75}));
        QCOMPARE(phase_shares({}, 4), std::vector<double>(4, 0.25));
    }
};

QTEST_GUILESS_MAIN(TestMeasurements)
#include "test_measurements.moc"
