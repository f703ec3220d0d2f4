// What a fast rank reports: everything at first, then an even sample that whoever follows it can take.
#include "engine/report/measured_steps.h"
#include "engine/report/reported_steps.h"

#include <QTest>

#include <vector>

using namespace pipebd::engine;

namespace {

/// The steps reported of `steps`, each `ms` long and with `lines` lines.
std::vector<std::int64_t> reported(ReportedSteps& steps_reported, std::int64_t steps, double ms, int lines, double& now)
{
    std::vector<std::int64_t> result;
    for (std::int64_t step = 0; step < steps; ++step) {
        now += ms;
        if (!steps_reported.contains(step) && step != steps - 1)
            continue;
        result.push_back(step);
        steps_reported.wrote(lines, now);
    }
    return result;
}

} // namespace

class TestReportedSteps : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void aRankThatIsNoFasterThanItCanBeFollowedReportsAllSteps()
    {
        ReportedSteps steps;
        double now = 0;
        QCOMPARE(reported(steps, 50'000, 3.6, 7, now).size(), std::size_t(50'000)); // six losses and the step: 1,944 a second
    }

    void theFirstTwentyThousandLinesAreAllReported()
    {
        ReportedSteps steps;
        double now = 0;
        QCOMPARE(reported(steps, 10'000, 0.02, 2, now).size(), std::size_t(10'000));
    }

    void aFastRankReportsAboutTwoThousandLinesASecond()
    {
        for (double ms : {0.01, 0.03, 0.1, 0.5}) {
            ReportedSteps steps;
            double now = 0;
            reported(steps, 20'000, ms, 2, now); // all that is reported whatever the speed, and the time to find one
            now += 1000;
            const double begin = now;
            const std::size_t count = reported(steps, static_cast<std::int64_t>(20'000 / ms), ms, 2, now).size();
            const double lines_a_second = 2000.0 * static_cast<double>(count) / (now - begin);
            QVERIFY2(lines_a_second < 2300 && lines_a_second > 450, qPrintable(QString::number(lines_a_second)));
        }
    }

    void noSecondHasMoreThanHalfOfWhatIsRefused() // 50,000 lines
    {
        ReportedSteps steps;
        double now = 0;
        double second = 1000;
        int lines = 0;
        for (std::int64_t step = 0; step < 1'000'000; ++step) {
            now += 0.01;
            if (now > second) {
                second += 1000;
                lines = 0;
            }
            if (!steps.contains(step))
                continue;
            steps.wrote(2, now);
            lines += 2;
            QVERIFY(lines < 25'000);
        }
    }

    void theSampleIsEvenAndCommonToRanksOfUnlikeSpeed()
    {
        ReportedSteps fast;
        ReportedSteps slow;
        double now = 0;
        reported(fast, 200'000, 0.01, 2, now);
        const std::vector<std::int64_t> of_fast = reported(fast, 100'000, 0.01, 2, now);
        now = 0;
        reported(slow, 200'000, 0.05, 2, now);
        const std::vector<std::int64_t> of_slow = reported(slow, 100'000, 0.05, 2, now);
        QVERIFY(of_slow.size() > of_fast.size());
        for (std::size_t i = 2; i + 1 < of_fast.size(); ++i) {
            QCOMPARE(of_fast[i] - of_fast[i - 1], of_fast[1] - of_fast[0]);
            QVERIFY(std::find(of_slow.begin(), of_slow.end(), of_fast[i]) != of_slow.end());
        }
        QCOMPARE(of_fast.back(), std::int64_t(99'999));
    }

    void aRankThatSlowsDownReportsAllAgain()
    {
        ReportedSteps steps;
        double now = 0;
        reported(steps, 500'000, 0.01, 2, now);
        QVERIFY(steps.stride() > 8);
        reported(steps, 4'000, 100, 2, now);
        QCOMPARE(steps.stride(), std::int64_t(1));
    }

    void aLargeProgramIsMeasuredInFewerSteps()
    {
        const auto measured = [](std::int64_t steps, std::int64_t instructions) {
            std::vector<std::int64_t> result;
            for (std::int64_t step = 0; step < steps; ++step)
                if (is_measured(step, instructions))
                    result.push_back(step);
            return result;
        };
        QCOMPARE(measured(20, 30), std::vector<std::int64_t>({0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 16, 17, 18, 19}));
        QCOMPARE(measured(20, 10'000), measured(20, 30));
        QCOMPARE(measured(20, 60'000), std::vector<std::int64_t>({0, 1, 16, 17}));
        QCOMPARE(measured(40, 500'000), std::vector<std::int64_t>({0, 16, 32}));
    }
};

QTEST_APPLESS_MAIN(TestReportedSteps)
#include "test_reported_steps.moc"
