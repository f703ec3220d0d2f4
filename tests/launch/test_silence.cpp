// How much of a rank's silence counts against it, by what the kernel accounts of its threads.
#include "base/file.h"
#include "base/temporary_folder.h"
#include "launch/silence.h"

#include <QTest>

#include <filesystem>

#include <unistd.h>

using namespace pipebd;
using namespace pipebd::launch;
using namespace std::chrono_literals;

namespace {

/// A rank with two threads, by clocks that are set by hand.
struct Rank {
    FairClock::Clock::time_point time{100s};
    FairClock clock{[this] { return time; }};
    ProcessAccount threads{{7, {.state = 'S'}}, {8, {.state = 'S'}}};
    int asked = 0;
    Silence silence{clock, [this] {
                        ++asked;
                        return threads;
                    }};

    /// Each a quarter of a second.
    void turns(int count, const std::function<void()>& meanwhile = {})
    {
        for (int i = 0; i < count; ++i) {
            time += 250ms;
            if (meanwhile)
                meanwhile();
            silence.look(1s);
        }
    }
};

std::chrono::milliseconds ms(Silence::Duration time)
{
    return std::chrono::duration_cast<std::chrono::milliseconds>(time);
}

} // namespace

class TestSilence : public QObject {
    Q_OBJECT

private slots:
    void whoSpeaksIsNotLookedInto()
    {
        Rank rank;
        for (int i = 0; i < 100; ++i) {
            rank.turns(2);
            rank.silence.broken();
        }
        QCOMPARE(rank.asked, 0);
        QVERIFY(rank.silence.lasted() == 0s);
    }

    void aHangCountsInFull()
    {
        Rank rank;
        rank.turns(40);
        QCOMPARE(ms(rank.silence.counted()), 10'000ms);
        QCOMPARE(rank.silence.explanation(), std::string());
    }

    void waitsForAProcessorDoNotCount()
    {
        Rank rank;
        rank.turns(4); // from here on it is looked into
        rank.turns(36, [&] { rank.threads[8].kept += 230ms; }); // as the kernel adds them up, one by one
        QCOMPARE(ms(rank.silence.starved()), 36 * 230ms);
        QCOMPARE(ms(rank.silence.counted()), 10'000ms - 36 * 230ms);
        QVERIFY(rank.silence.explanation().find("without a processor for another 8.3 s") != std::string::npos);
    }

    void aWaitForAProcessorThatIsNotOverDoesNotCountEither()
    {
        Rank rank;
        rank.threads[7].state = 'R';
        rank.turns(4);
        rank.turns(36, [&] { rank.threads[7].ran += 10ms; });
        QCOMPARE(ms(rank.silence.starved()), 36 * 240ms);
        rank.threads[7].state = 'S';
        rank.turns(1, [&] { rank.threads[7].kept += 36 * 240ms; }); // told at last: no more than the time that has passed
        QCOMPARE(ms(rank.silence.starved()), 36 * 240ms + 250ms);
    }

    void whoComputesInSilenceHangs()
    {
        Rank rank;
        rank.threads[7].state = 'R';
        rank.turns(40, [&] { rank.threads[7].ran += 250ms; });
        QCOMPARE(ms(rank.silence.counted()), 10'000ms);
    }

    void threadsDoNotStarveTogetherForLongerThanOne()
    {
        Rank rank;
        rank.turns(4);
        rank.turns(4, [&] {
            rank.threads[7].kept += 200ms;
            rank.threads[8].kept += 200ms;
        });
        QCOMPARE(ms(rank.silence.starved()), 800ms);
    }

    void waitsForADiskDoNotCount()
    {
        Rank rank;
        rank.threads[8].state = 'D';
        rank.turns(40);
        QCOMPARE(ms(rank.silence.blocked()), 9'000ms); // all but the first second, of which nothing is known
        QVERIFY(rank.silence.explanation().find("waiting for a disk for another 9.0 s") != std::string::npos);
    }

    void aStoppedProcessIsToldAndCountsInFull()
    {
        Rank rank;
        rank.threads = {{7, {.state = 'T'}}, {8, {.state = 'T'}}};
        rank.turns(40);
        QVERIFY(rank.silence.is_stopped());
        QCOMPARE(ms(rank.silence.counted()), 10'000ms);
        QVERIFY(rank.silence.explanation().find("stopped") != std::string::npos);
        rank.threads[8].state = 'S';
        rank.turns(1);
        QVERIFY(!rank.silence.is_stopped());
    }

    void aNewSilenceKnowsNothingOfTheOld()
    {
        Rank rank;
        rank.turns(4);
        rank.turns(8, [&] { rank.threads[7].kept += 250ms; });
        rank.silence.broken();
        QVERIFY(rank.silence.starved() == 0s);
        rank.turns(3, [&] { rank.threads[7].kept += 250ms; });
        QVERIFY(rank.silence.starved() == 0s);
    }

    void theKernelsFilesAreRead()
    {
        const TemporaryFolder proc;
        const auto thread = proc.path() / "42" / "task" / "43";
        std::filesystem::create_directories(thread);
        replace_file(thread / "stat", "43 (a) R (b) D 1 42 42 0 -1\n");
        replace_file(thread / "schedstat", "1500000000 9200000000 151\n");
        std::filesystem::create_directories(proc.path() / "42" / "task" / "not a thread");

        const ProcessAccount account = account_of(42, proc.path());
        QCOMPARE(account.size(), std::size_t(1));
        QCOMPARE(account.at(43).state, 'D');
        QVERIFY(account.at(43).ran == 1500ms);
        QVERIFY(account.at(43).kept == 9200ms);
        QVERIFY(account_of(44, proc.path()).empty());
        QCOMPARE(account_of(::getpid()).at(::getpid()).state, 'R');
    }
};

QTEST_APPLESS_MAIN(TestSilence)
#include "test_silence.moc"
