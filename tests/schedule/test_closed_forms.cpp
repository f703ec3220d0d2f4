#include "schedule/nearly.h"
#include "schedule/planning.h"
#include "schedule/random_profile.h"

#include <QTest>

#include <algorithm>
#include <cmath>
#include <numeric>

using namespace pipebd::schedule;
using namespace pipebd::schedule::test;

namespace {

// The symbols of the literature: times of block b for n samples, all-reduce over g devices.
struct Symbols {
    const Profile& profile;

    double L(int n) const { return profile.load.at(n); }
    double T(int b, int n) const { return profile.blocks[std::size_t(b)].teacher_forward.at(n); }
    double S(int b, int n) const
    {
        return profile.blocks[std::size_t(b)].student_forward.at(n) + profile.blocks[std::size_t(b)].student_backward.at(n);
    }
    double A(int b, int g) const { return g > 1 ? profile.blocks[std::size_t(b)].all_reduce.at(g) : 0; }
    double U(int b) const { return profile.blocks[std::size_t(b)].update; }
    double prefix(int b, int n) const
    {
        double sum = 0;
        for (int j = 0; j <= b; ++j)
            sum += T(j, n);
        return sum;
    }
};

double data_parallel(const Symbols& s, int N, int B, int G)
{
    const int n = (B + G - 1) / G;
    double sum = 0;
    for (int b = 0; b < N; ++b)
        sum += s.L(n) + s.prefix(b, n) + s.S(b, n) + s.A(b, G) + s.U(b);
    return sum;
}

double internal_relay(const Symbols& s, int N, int B, int G)
{
    const int n = (B + G - 1) / G;
    double sum = s.L(n);
    for (int b = 0; b < N; ++b)
        sum += s.T(b, n) + s.S(b, n) + s.A(b, G) + s.U(b);
    return sum;
}

std::vector<double> task_times(const Symbols& s, int N, int B)
{
    std::vector<double> times;
    for (int b = 0; b < N; ++b)
        times.push_back(s.L(B) + s.prefix(b, B) + s.S(b, B) + s.U(b));
    return times;
}

/// Each task to the device that has the least to do so far; the most that one of them has.
double list_scheduled(const std::vector<double>& times, int G)
{
    std::vector<double> work(std::size_t(G), 0.0);
    for (double time : times)
        *std::min_element(work.begin(), work.end()) += time;
    return *std::max_element(work.begin(), work.end());
}

/// From barrier to barrier: every device updates its blocks, then the pipeline fills from empty and ends with the student's work
/// of the last one to be ready.
double synchronous_relay(const Profile& profile, const std::vector<Stage>& stages)
{
    const Symbols s{profile};
    const int B = profile.batch;
    double arrival = 0; // of the teacher's input of the stage
    double barrier = 0;
    for (const Stage& stage : stages) {
        double teacher = stage.first == 0 ? s.L(B) : 0;
        double student = 0;
        double update = 0;
        for (int b = stage.first; b < stage.last; ++b) {
            teacher += s.T(b, B);
            student += s.S(b, B);
            update += s.U(b);
        }
        const double done = std::max(arrival, update) + teacher;
        barrier = std::max(barrier, done + student);
        arrival = done + profile.link.latency
            + double(B) * double(profile.blocks[std::size_t(stage.last) - 1].output_bytes) / profile.link.bytes_per_ms;
    }
    return barrier;
}

double step_of(const Plan& plan)
{
    return plan.strategies.at(0).simulation.step;
}

} // namespace

class TestClosedForms : public QObject {
    Q_OBJECT
private slots:
    void dataParallelLayerWiseAndInternalRelayTakeTheirClosedForms()
    {
        Random random(1);
        for (int i = 0; i < 300; ++i) {
            const int N = whole(random, 1, 7);
            const int G = whole(random, 1, 6);
            const Profile profile = random_profile(random, N, G);
            const Symbols s{profile};
            const int B = profile.batch;
            for (const char* strategy : {"dp", "ir", "ls", "ls-steal", "single"}) {
                const Plan plan = plan_on(profile, G, {strategy});
                const PlannedStrategy& planned = plan.strategies[0];
                std::vector<double> tasks = task_times(s, N, B);
                double expected = internal_relay(s, N, B, 1);
                if (planned.schedule.strategy == "dp")
                    expected = data_parallel(s, N, B, G);
                else if (planned.schedule.strategy == "ir")
                    expected = internal_relay(s, N, B, G);
                else if (planned.schedule.strategy == "ls-steal")
                    expected = list_scheduled(tasks, G);
                else if (planned.schedule.strategy == "ls") {
                    std::sort(tasks.rbegin(), tasks.rend());
                    expected = list_scheduled(tasks, G);
                }
                COMPARE_NEAR(planned.simulation.step, expected);
                const double slowest = planned.schedule.task_order.empty()
                    ? planned.stage_costs.at(0)
                    : list_scheduled(tasks, G); // of tasks the sum of a device's
                COMPARE_NEAR(slowest, expected);
            }
        }
    }

    void longestTaskFirstIsWithinFourThirdsOfTheLowerBounds()
    {
        Random random(2);
        for (int i = 0; i < 200; ++i) {
            const int N = whole(random, 1, 8);
            const int G = whole(random, 1, 6);
            const Profile profile = random_profile(random, N, G);
            const std::vector<double> tasks = task_times({profile}, N, profile.batch);
            double best = *std::max_element(tasks.begin(), tasks.end()); // by trying all
            if (N <= 6 && G <= 3) {
                best = std::numeric_limits<double>::infinity();
                int all = 1;
                for (int b = 0; b < N; ++b)
                    all *= G;
                for (int code = 0; code < all; ++code) {
                    std::vector<double> work(std::size_t(G), 0.0);
                    for (int b = 0, rest = code; b < N; ++b, rest /= G)
                        work[std::size_t(rest % G)] += tasks[std::size_t(b)];
                    best = std::min(best, *std::max_element(work.begin(), work.end()));
                }
                QVERIFY(step_of(plan_on(profile, G, {"ls"})) <= best * (4.0 / 3 - 1.0 / (3 * G)) + 1e-9); // Graham 1969
            }
            QVERIFY(step_of(plan_on(profile, G, {"ls"})) >= best - 1e-9);
        }
    }

    void teacherRelayingFillsAndDrainsThePipelineEveryStep()
    {
        Random random(3);
        for (int i = 0; i < 200; ++i) {
            const int G = whole(random, 1, 6);
            const Profile profile = random_profile(random, whole(random, G, 8), G);
            const Plan plan = plan_on(profile, G, {"tr", "tr+dpu"});
            COMPARE_NEAR(plan.strategies[0].simulation.step, synchronous_relay(profile, plan.strategies[0].schedule.stages));
            QVERIFY(plan.strategies[1].simulation.step <= plan.strategies[0].simulation.step + 1e-9);
        }
    }

    void hybridDistributionIsNeverSlowerThanItsSlowestStage()
    {
        Random random(4);
        for (int i = 0; i < 200; ++i) {
            const int G = whole(random, 1, 6);
            const Profile profile = random_profile(random, whole(random, 1, 7), G);
            const Plan plan = plan_on(profile, G, {"tr+dpu+ahd"});
            const PlannedStrategy& planned = plan.strategies[0];
            double slowest = *std::max_element(planned.stage_costs.begin(), planned.stage_costs.end());
            // A re-split sends in pieces: each has the link's latency and its rows may be on two links at once, but a stage of a
            // narrower one after it may have to take in all of a wider one's pieces.
            double pieces = 0;
            for (const Stage& stage : planned.schedule.stages)
                pieces += profile.link.latency * static_cast<double>(stage.devices.size());
            QVERIFY2(planned.simulation.step <= slowest + pieces + 1e-9,
                qPrintable(QString("%1 > %2").arg(planned.simulation.step).arg(slowest)));
            int devices = 0;
            for (const Stage& stage : planned.schedule.stages)
                devices += static_cast<int>(stage.devices.size());
            QCOMPARE(devices, G);
        }
    }
};

QTEST_APPLESS_MAIN(TestClosedForms)
#include "test_closed_forms.moc"
