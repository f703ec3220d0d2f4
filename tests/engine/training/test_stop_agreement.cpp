// The agreement on where ranks stop: every order of events of small jobs is walked, and each must end with all that exchange
// anything at the end of one round, none of them waiting for ever.
#include "engine/training/stop_agreement.h"

#include <QTest>

#include <deque>
#include <set>

using namespace pipebd;
using namespace pipebd::engine;

namespace {

/// A board that can be copied, as the state of a walk is.
class Notices final : public Board {
public:
    void post(const std::string& name, const std::string& text) override { notices[name] = text; }
    std::optional<std::string> find(const std::string& name) override
    {
        const auto found = notices.find(name);
        return found == notices.end() ? std::nullopt : std::optional(found->second);
    }
    std::map<std::string, std::string> notices;
};

struct Rank {
    StopAgreement agreement;
    std::int64_t round = 1; // that it is in, or at whose end it waits
    bool at_end = false;
    std::optional<std::int64_t> stopped; // after which round
};

/// Ranks 0, 1, ... of which each needs of the one before that it has come `ahead` rounds further, at most, and keeps that one from
/// getting more than `behind` rounds ahead of it: 0 and 0 is a job that goes in step, as under an all-reduce.
struct Job {
    int ranks = 2;
    std::int64_t rounds = 3;
    std::int64_t behind = 0; // how far a rank may get ahead of the next
    bool chained = true; // false: they exchange nothing
    std::set<int> signalled = {0}; // who is told
};

struct State {
    std::vector<Rank> ranks;
    Notices board;
    std::set<int> to_signal;
};

State begin(const Job& job)
{
    State state;
    for (int rank = 0; rank < job.ranks; ++rank) {
        std::vector<int> members;
        for (int other = 0; other < job.ranks; ++other)
            if (job.chained || other == rank)
                members.push_back(other);
        state.ranks.push_back({StopAgreement(rank, members, 0), 1, false, {}});
    }
    state.to_signal = job.signalled;
    return state;
}

/// Rounds that a rank has done, for all that its neighbours can tell.
std::int64_t done(const Rank& rank)
{
    return rank.at_end || rank.stopped ? rank.round : rank.round - 1;
}

/// Whether the step that the rank is in can end.
bool can_end(const Job& job, const State& state, int rank)
{
    if (!job.chained)
        return true;
    const std::int64_t round = state.ranks[static_cast<std::size_t>(rank)].round;
    // What it receives comes from the rank before as soon as that is in the round; in step, that means it is at its end or past it
    // once both are in it.
    if (rank > 0) {
        const Rank& before = state.ranks[static_cast<std::size_t>(rank - 1)];
        if (before.stopped ? *before.stopped < round : before.round < round)
            return false;
    }
    if (rank + 1 < job.ranks) {
        const Rank& after = state.ranks[static_cast<std::size_t>(rank + 1)];
        const std::int64_t there = after.stopped ? *after.stopped : after.round;
        if (there + job.behind < round)
            return false;
    }
    return true;
}

/// All that can happen next; each rank's interpreter and watching thread act by themselves.
std::vector<State> successors(const Job& job, const State& state)
{
    std::vector<State> next;
    for (const int rank : state.to_signal) {
        State told = state;
        told.to_signal.erase(rank);
        told.ranks[static_cast<std::size_t>(rank)].agreement.ask();
        next.push_back(std::move(told));
    }
    for (int i = 0; i < job.ranks; ++i) {
        const auto index = static_cast<std::size_t>(i);
        State looked = state;
        looked.ranks[index].agreement.look(looked.board);
        if (looked.board.notices != state.board.notices
            || looked.ranks[index].agreement.agreed() != state.ranks[index].agreement.agreed()
            || looked.ranks[index].agreement.is_asked() != state.ranks[index].agreement.is_asked())
            next.push_back(std::move(looked));

        const Rank& rank = state.ranks[index];
        if (rank.stopped)
            continue;
        State moved = state;
        Rank& moving = moved.ranks[index];
        if (!rank.at_end) {
            if (!can_end(job, state, i))
                continue;
            moving.at_end = true;
            next.push_back(std::move(moved));
            continue;
        }
        switch (moving.agreement.at_end_of(rank.round)) {
        case StopAgreement::Answer::Wait:
            break;
        case StopAgreement::Answer::Stop:
            moving.stopped = rank.round;
            next.push_back(std::move(moved));
            break;
        case StopAgreement::Answer::GoOn:
            if (rank.round == job.rounds)
                moving.stopped = rank.round; // all is done
            else {
                ++moving.round;
                moving.at_end = false;
            }
            next.push_back(std::move(moved));
            break;
        }
    }
    return next;
}

/// What tells states apart.
std::string key_of(const State& state)
{
    std::string key;
    for (const Rank& rank : state.ranks)
        key += std::to_string(rank.round) + (rank.at_end ? "e" : "m") + (rank.stopped ? "s" : "")
            + (rank.agreement.is_asked() ? "a" : "") + (rank.agreement.agreed() ? std::to_string(*rank.agreement.agreed()) : "-")
            + " ";
    for (const auto& [name, text] : state.board.notices)
        key += name + "=" + text + " ";
    for (const int rank : state.to_signal)
        key += std::to_string(rank) + "? ";
    return key;
}

struct Walk {
    std::size_t states = 0;
    std::vector<std::vector<std::int64_t>> ends; // rounds after which the ranks stopped
    std::string stuck; // the first state that nothing follows though a rank has not stopped
};

Walk walk(const Job& job)
{
    Walk result;
    std::set<std::string> seen;
    std::deque<State> open{begin(job)};
    seen.insert(key_of(open.front()));
    while (!open.empty()) {
        const State state = std::move(open.front());
        open.pop_front();
        ++result.states;
        const std::vector<State> next = successors(job, state);
        bool all = true;
        for (const Rank& rank : state.ranks)
            all = all && rank.stopped.has_value();
        if (all) {
            std::vector<std::int64_t> rounds;
            for (const Rank& rank : state.ranks)
                rounds.push_back(*rank.stopped);
            result.ends.push_back(std::move(rounds));
        } else if (next.empty() && result.stuck.empty()) {
            result.stuck = key_of(state);
        }
        for (const State& one : next)
            if (seen.insert(key_of(one)).second)
                open.push_back(one);
    }
    return result;
}

} // namespace

class TestStopAgreement : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void ranksThatExchangeAnythingStopAtOneRoundInEveryOrderOfEvents_data()
    {
        QTest::addColumn<int>("ranks");
        QTest::addColumn<int>("behind");
        QTest::addColumn<QList<int>>("signalled");
        QTest::newRow("two in step, one is told") << 2 << 0 << QList<int>{1};
        QTest::newRow("two in step, both are told") << 2 << 0 << QList<int>{0, 1};
        QTest::newRow("a pipeline of two, the last is told") << 2 << 2 << QList<int>{1};
        QTest::newRow("a pipeline of two, both are told") << 2 << 2 << QList<int>{0, 1};
        QTest::newRow("a pipeline of three, the middle is told") << 3 << 1 << QList<int>{1};
        QTest::newRow("three in step, the first is told") << 3 << 0 << QList<int>{0};
    }

    void ranksThatExchangeAnythingStopAtOneRoundInEveryOrderOfEvents()
    {
        QFETCH(int, ranks);
        QFETCH(int, behind);
        QFETCH(QList<int>, signalled);
        const Walk found = walk({.ranks = ranks,
            .rounds = 3,
            .behind = behind,
            .chained = true,
            .signalled = std::set<int>(signalled.begin(), signalled.end())});
        QVERIFY2(found.stuck.empty(), found.stuck.c_str());
        QVERIFY(!found.ends.empty());
        std::set<std::int64_t> rounds;
        for (const std::vector<std::int64_t>& end : found.ends) {
            QCOMPARE(std::set<std::int64_t>(end.begin(), end.end()).size(), std::size_t{1});
            rounds.insert(end.front());
        }
        QVERIFY2(rounds == std::set<std::int64_t>({1, 2, 3}), qPrintable(QString("%1 states").arg(found.states)));
    }

    void ranksThatExchangeNothingStopEachAtItsOwnRound()
    {
        const Walk found = walk({.ranks = 2, .rounds = 3, .behind = 0, .chained = false, .signalled = {0}});
        QVERIFY2(found.stuck.empty(), found.stuck.c_str());
        const std::set<std::vector<std::int64_t>> ends(found.ends.begin(), found.ends.end());
        QVERIFY(ends.contains({1, 3})); // the one that was told does not run to where the other is
        QVERIFY(ends.contains({1, 1}));
        QVERIFY(ends.contains({3, 1}));
    }

    void aRankThatIsAheadIsNotWaitedForLongerThanItTakesToAnnounce()
    {
        Notices board;
        StopAgreement slow(0, {0, 1}, 0);
        StopAgreement fast(1, {0, 1}, 0);
        QCOMPARE(fast.at_end_of(1), StopAgreement::Answer::GoOn);
        QCOMPARE(fast.at_end_of(2), StopAgreement::Answer::GoOn); // in the middle of the third
        slow.ask();
        slow.look(board);
        QCOMPARE(slow.at_end_of(1), StopAgreement::Answer::Wait);
        fast.look(board); // though its step has not ended
        slow.look(board);
        QCOMPARE(slow.agreed(), std::optional<std::int64_t>(3));
        QCOMPARE(slow.at_end_of(1), StopAgreement::Answer::GoOn);
        QCOMPARE(slow.at_end_of(2), StopAgreement::Answer::GoOn);
        QCOMPARE(slow.at_end_of(3), StopAgreement::Answer::Stop);
        QCOMPARE(fast.at_end_of(3), StopAgreement::Answer::Stop);
    }

    void whoExchangesWithWhomIsThatOfAllPhases()
    {
        const schedule::Program tasks
            = schedule::from_text("phase 0\ndevice 0: load  T0  F0 B0 U0\ndevice 1: load  T0 T1  F1 B1 U1\n");
        QCOMPARE(members_of(tasks, 0), std::vector<int>{0});
        QCOMPARE(members_of(tasks, 1), std::vector<int>{1});
        const schedule::Program mixed
            = schedule::from_text("phase 0\ndevice 0: load  T0  F0 B0 U0\ndevice 1 shard 0/2: load  T0 T1  F1 B1 A1{1,2} U1\n"
                                  "device 2 shard 1/2: load  T0 T1  F1 B1 A1{1,2} U1\n"
                                  "phase 1\ndevice 0 shard 0/2: load  T0 T1 T2  F2 B2 A2{0,1} U2\n"
                                  "device 1 shard 1/2: load  T0 T1 T2  F2 B2 A2{0,1} U2\ndevice 2:\n");
        QCOMPARE(members_of(mixed, 2), (std::vector<int>{0, 1, 2}));
    }
};

QTEST_GUILESS_MAIN(TestStopAgreement)
#include "test_stop_agreement.moc"
