// After which rounds a run saves, where that is given in steps, and where it is found out from how long the first ones take.
#include "engine/training/checkpoint_rhythm.h"

#include <QTest>

#include <cmath>
#include <vector>

using namespace pipebd::engine;
using namespace std::chrono_literals;

namespace {

struct Walked {
    std::vector<std::int64_t> together; // the rounds after which the ranks came together
    std::int64_t first_due = 0;
};

/// `rounds` rounds of `length` each, after a first one that takes a minute.
Walked walk(CheckpointRhythm& rhythm, std::int64_t first, std::int64_t rounds, std::chrono::microseconds length)
{
    Walked walked;
    CheckpointRhythm::Time now{};
    for (std::int64_t round = first + 1; round <= first + rounds; ++round) {
        now += round == first + 1 ? std::chrono::microseconds(1min) : length;
        if (const std::optional<double> measured = rhythm.measured(round, now)) {
            walked.together.push_back(round - first);
            rhythm.agree(round, *measured);
        }
        if (walked.first_due == 0 && rhythm.is_due(round))
            walked.first_due = round;
    }
    return walked;
}

} // namespace

class TestCheckpointRhythm : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void stepsThatAreGivenAreNotMeasured()
    {
        CheckpointRhythm rhythm = CheckpointRhythm::every(50);
        const Walked walked = walk(rhythm, 0, 200, 1s);
        QVERIFY(walked.together.empty());
        QCOMPARE(walked.first_due, 50);
        CheckpointRhythm never = CheckpointRhythm::every(0);
        QCOMPARE(walk(never, 0, 200, 1s).first_due, 0);
    }

    void minutesBecomeRoundsAsLongAsTheFirstOnesTook_data()
    {
        QTest::addColumn<double>("minutes");
        QTest::addColumn<int>("milliseconds");
        QTest::addColumn<std::int64_t>("rounds");
        QTest::newRow("quick") << 10.0 << 2 << std::int64_t(300'000);
        QTest::newRow("as usual") << 10.0 << 250 << std::int64_t(2400);
        QTest::newRow("slow") << 10.0 << 60'000 << std::int64_t(10);
        QTest::newRow("slower than the interval") << 10.0 << 1'800'000 << std::int64_t(1);
        QTest::newRow("often") << 0.01 << 100 << std::int64_t(6);
    }

    void minutesBecomeRoundsAsLongAsTheFirstOnesTook()
    {
        QFETCH(const double, minutes);
        QFETCH(const int, milliseconds);
        QFETCH(const std::int64_t, rounds);
        for (const std::int64_t first : {0, 1000}) {
            CheckpointRhythm rhythm = CheckpointRhythm::about_every(minutes, first);
            const Walked walked = walk(rhythm, first, 20'000, std::chrono::milliseconds(milliseconds));
            QCOMPARE(rhythm.rounds(), rounds);
            if (rounds < 20'000)
                QVERIFY(walked.first_due > first && walked.first_due % rounds == 0);
        }
    }

    void theRanksComeTogetherAFewTimesOnly()
    {
        CheckpointRhythm rhythm = CheckpointRhythm::about_every(10, 0);
        QCOMPARE(walk(rhythm, 0, 100'000, 400ms).together, (std::vector<std::int64_t>{2, 3, 5, 9, 17}));
        CheckpointRhythm quick = CheckpointRhythm::about_every(10, 7);
        QCOMPARE(walk(quick, 7, 1'000'000, 50us).together.size(), std::size_t(18)); // 2^17 rounds take more than 5 s
    }

    void aRankThatMeasuredOtherwiseSaysTheSame()
    {
        CheckpointRhythm one = CheckpointRhythm::about_every(10, 0);
        CheckpointRhythm other = CheckpointRhythm::about_every(10, 0);
        CheckpointRhythm::Time now{};
        for (std::int64_t round = 1; round <= 100; ++round) {
            now += 3s;
            const std::optional<double> told = one.measured(round, now);
            const std::optional<double> own = other.measured(round, now + round * 1s);
            QCOMPARE(told.has_value(), own.has_value());
            if (!told)
                continue;
            QVERIFY(*own > *told);
            one.agree(round, *told);
            other.agree(round, *told);
        }
        QCOMPARE(one.rounds(), 200);
        QCOMPARE(other.rounds(), 200);
    }
};

QTEST_GUILESS_MAIN(TestCheckpointRhythm)
#include "test_checkpoint_rhythm.moc"
