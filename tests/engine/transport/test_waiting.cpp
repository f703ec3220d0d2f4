// Waiting for other ranks: in slices, by a thread of its own, and for how long where no supervisor follows them.
#include "base/error.h"
#include "engine/transport/errands.h"
#include "engine/transport/peer_progress.h"
#include "engine/transport/sliced_wait.h"

#include <QTest>

#include <condition_variable>
#include <mutex>
#include <stdexcept>
#include <vector>

using namespace pipebd;
using namespace pipebd::engine;
using namespace std::chrono_literals;

namespace {

/// A collective as c10d gives it, whose waits end as they are told to.
class Work {
public:
    enum class Event { Done, SliceIsOver, DoneJustAfterTheSlice, Failed, FailedJustAfterTheSlice };

    explicit Work(std::vector<Event> events)
        : events_(std::move(events))
    {
    }

    void wait(std::chrono::milliseconds)
    {
        const Event event = events_.at(waits_++);
        const bool late = event == Event::DoneJustAfterTheSlice || event == Event::FailedJustAfterTheSlice;
        completed_ = event != Event::SliceIsOver;
        if (event == Event::Failed || event == Event::FailedJustAfterTheSlice)
            failure_ = std::make_exception_ptr(std::runtime_error("connection reset by peer"));
        if (late || event == Event::SliceIsOver)
            throw std::runtime_error("Operation timed out!");
        if (failure_)
            std::rethrow_exception(failure_);
    }
    bool isCompleted() const { return completed_; }
    std::exception_ptr exception() const { return failure_; }

    std::size_t waits() const { return waits_; }

private:
    std::vector<Event> events_;
    std::size_t waits_ = 0;
    bool completed_ = false;
    std::exception_ptr failure_;
};

using Event = Work::Event;

/// How often the waiting was told of, and what it threw ("" for nothing).
std::pair<int, QByteArray> wait_for(Work& work)
{
    int told = 0;
    try {
        wait_in_slices(
            "all-reduce", [&](const std::string&) { ++told; },
            [&](std::chrono::milliseconds slice) { return is_done_within(work, slice); });
    } catch (const std::exception& failure) {
        return {told, failure.what()};
    }
    return {told, {}};
}

/// Three ranks as rank 0 sees them, by a clock that is set by hand.
struct Seen {
    FairClock::Clock::time_point time{100s};
    PeerProgress peers{0, 3, {.silence = 10s, .stall = 60s}, [this] { return time; }};
    std::vector<ProgressReport> said = std::vector<ProgressReport>(3);

    /// Half a second on: `working` and `waiting` have reported.
    std::optional<Error> tick(const std::vector<int>& working, const std::vector<int>& waiting)
    {
        time += 500ms;
        for (int rank : working)
            ++said[static_cast<std::size_t>(rank)].work;
        for (const auto& ranks : {working, waiting})
            for (int rank : ranks) {
                ++said[static_cast<std::size_t>(rank)].beats;
                peers.heard(rank, said[static_cast<std::size_t>(rank)]);
            }
        return peers.verdict("waiting for rank 2");
    }
};

} // namespace

class TestWaiting : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void whatIsDoneBetweenTheEndOfASliceAndTheLookIsDone()
    {
        Work work({Event::SliceIsOver, Event::DoneJustAfterTheSlice});
        QCOMPARE(wait_for(work), std::pair(1, QByteArray()));
        QCOMPARE(work.waits(), std::size_t(2));
    }

    void everySliceIsTold()
    {
        Work work({Event::SliceIsOver, Event::SliceIsOver, Event::SliceIsOver, Event::Done});
        QCOMPARE(wait_for(work), std::pair(3, QByteArray()));
    }

    void aFailureIsThrownWhenEverItComes_data()
    {
        QTest::addColumn<int>("event");
        QTest::newRow("in a slice") << static_cast<int>(Event::Failed);
        QTest::newRow("between the end of a slice and the look") << static_cast<int>(Event::FailedJustAfterTheSlice);
    }

    void aFailureIsThrownWhenEverItComes()
    {
        QFETCH(int, event);
        Work work({Event::SliceIsOver, static_cast<Event>(event)});
        QCOMPARE(wait_for(work), std::pair(1, QByteArray("connection reset by peer")));
    }

    void whoIsToldMayEndTheWaiting()
    {
        Work work(std::vector<Event>(10, Event::SliceIsOver));
        const auto give_up = [](const std::string& doing) { throw Error(Code::TimedOut, "enough", doing); };
        QVERIFY_THROWS_EXCEPTION(Error,
            wait_in_slices("all-reduce", give_up, [&](std::chrono::milliseconds slice) { return is_done_within(work, slice); }));
        QCOMPARE(work.waits(), std::size_t(1));
    }

    void errandsAreDoneInTheirOrderAndThrowWhereTheyAreWaitedFor()
    {
        Errands errands;
        std::vector<int> done;
        const auto first = errands.post("first", [&] { done.push_back(1); });
        const auto second = errands.post("second", [&] {
            done.push_back(2);
            throw Error(Code::RankDied, "gone", "second");
        });
        const auto third = errands.post("third", [&] { done.push_back(3); });

        errands.wait(*third, {});
        QCOMPARE(done, std::vector<int>({1, 2, 3}));
        QVERIFY(errands.is_done(*first) && errands.is_done(*second));
        QVERIFY_THROWS_EXCEPTION(Error, errands.wait(*second, {}));
        QVERIFY(second->ready >= first->finished);
    }

    void anErrandThatNeverEndsIsToldAndLeft()
    {
        struct Gate {
            std::mutex mutex;
            std::condition_variable changed;
            bool open = false;
        };
        const auto gate = std::make_shared<Gate>(); // that of a peer which is never heard of again
        int told = 0;
        {
            Errands errands;
            const auto errand = errands.post("receiving", [gate] {
                std::unique_lock lock(gate->mutex);
                gate->changed.wait(lock, [&] { return gate->open; });
            });
            QVERIFY_THROWS_EXCEPTION(Error, errands.wait(*errand, [&](const std::string& doing) {
                ++told;
                throw Error(Code::TimedOut, "given up", doing);
            }));
        } // does not wait for it
        QCOMPARE(told, 1);
        std::lock_guard lock(gate->mutex);
        gate->open = true;
        gate->changed.notify_all();
    }

    void aRankWaitsAsLongAsAnotherWorks()
    {
        Seen seen;
        for (int i = 0; i < 2 * 3600; ++i) // an hour
            QVERIFY(!seen.tick({1}, {0, 2}));
    }

    void aRankThatReportsNothingAnyMoreIsNamed()
    {
        Seen seen;
        for (int i = 0; i < 20; ++i)
            QVERIFY(!seen.tick({1, 2}, {0}));
        std::optional<Error> error;
        int ticks = 0;
        for (; !error && ticks < 100; ++ticks)
            error = seen.tick({1}, {0}); // the other one still works
        QVERIFY(error.has_value());
        QCOMPARE(ticks, 20); // 10 s
        QCOMPARE(error->code(), Code::TimedOut);
        QCOMPARE(error->problem(), std::string("rank 2 has made no progress for 10 s"));
    }

    void ranksThatOnlyWaitForEachOtherAreFound()
    {
        Seen seen;
        seen.tick({0, 1, 2}, {});
        std::optional<Error> error;
        int ticks = 0;
        for (; !error && ticks < 1000; ++ticks)
            error = seen.tick({}, {0, 1, 2});
        QVERIFY(error.has_value());
        QCOMPARE(ticks, 120); // 60 s
        QCOMPARE(error->code(), Code::TimedOut);
    }

    void aRankThatHasLeftIsNotMissed()
    {
        Seen seen;
        seen.said[2].left = true;
        seen.tick({2}, {});
        for (int i = 0; i < 1000; ++i)
            QVERIFY(!seen.tick({1}, {0}));
    }

    void timeInWhichNobodyLookedDoesNotCount() // this rank was working, or kept from running
    {
        Seen seen;
        seen.tick({1, 2}, {0});
        seen.time += 1h;
        QVERIFY(!seen.tick({}, {0}));
    }

    void aReportIsReadAsItWasWritten()
    {
        for (const ProgressReport& report : {ProgressReport{}, ProgressReport{12, 7, false}, ProgressReport{12, 7, true}})
            QCOMPARE(ProgressReport::from_text(report.text()), report);
        for (const char* text : {"", "1", "a b", "1 2 gone"})
            QVERIFY_THROWS_EXCEPTION(Error, ProgressReport::from_text(text));
    }
};

QTEST_APPLESS_MAIN(TestWaiting)
#include "test_waiting.moc"
