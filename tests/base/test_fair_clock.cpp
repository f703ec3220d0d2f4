#include "base/fair_clock.h"

#include <QTest>

using namespace pipebd;
using namespace std::chrono_literals;

namespace {

/// A steady clock that is set by hand, and one that is fair by it.
struct Clocks {
    FairClock::Clock::time_point steady{1000s};
    FairClock fair{[this] { return steady; }};

    FairClock::Clock::duration turn(std::chrono::milliseconds taken)
    {
        const auto before = fair.now();
        steady += taken;
        fair.turned(50ms);
        return fair.now() - before;
    }
};

} // namespace

class TestFairClock : public QObject {
    Q_OBJECT

private slots:
    void itGoesWithTheSteadyClockWhileNothingIsLate()
    {
        Clocks clocks;
        for (int i = 0; i < 100; ++i)
            QVERIFY(clocks.turn(50ms) == 50ms);
        QVERIFY(clocks.fair.late() == 0s);
    }

    void whatATurnTookLongerIsNotCounted()
    {
        Clocks clocks;
        QVERIFY(clocks.turn(10'450ms) == 50ms); // as was measured on a virtual machine
        QVERIFY(clocks.fair.late() == 10'400ms);
        QVERIFY(clocks.turn(50ms) == 50ms); // once only
        QVERIFY(clocks.turn(350ms) == 50ms);
        QVERIFY(clocks.fair.late() == 10'700ms);
    }

    void aLittleLatenessCounts() // else a limit would never be reached on a busy machine
    {
        Clocks clocks;
        QVERIFY(clocks.turn(150ms) == 150ms);
        QVERIFY(clocks.turn(1ms) == 1ms);
    }
};

QTEST_APPLESS_MAIN(TestFairClock)
#include "test_fair_clock.moc"
