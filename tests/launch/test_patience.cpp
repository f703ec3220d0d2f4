// How long ranks are waited for: as long as one of them gets on, whoever is kept waiting meanwhile; and who is named once nobody
// does.
#include "launch/supervised.h"

#include <QTest>

#include <poll.h>

using namespace pipebd;
using namespace pipebd::launch;
using Kind = Outcome::Kind;
using Type = experiment::Metric::Type;

namespace {

Job impatient_job(int ranks)
{
    Job job = fake_job(ranks);
    job.heartbeat_limit = 600ms;
    job.stall_limit = 600ms;
    job.start_limit = 600ms;
    job.failure_grace = 200ms;
    return job;
}

QByteArray warnings_of(const Supervised& job)
{
    QByteArray text;
    for (const experiment::Metric& metric : job.metrics)
        if (metric.type == Type::Log && metric.text.starts_with("warning: "))
            text += QByteArray::fromStdString(metric.text) + '\n';
    return text;
}

} // namespace

class TestPatience : public QObject {
    Q_OBJECT

private slots:
    void aRankMayWaitForAnotherThatWorksForAnyTime() // as the devices of ls that are done first
    {
        const Supervised job = supervise(impatient_job(3), "steps=8;step=3;rank=1;do=beat:2500");

        QVERIFY2(job.outcome.kind == Kind::Finished, job.outcome.error ? job.outcome.error->what() : "");
    }

    void ranksThatOnlyWaitForEachOtherAreFound()
    {
        const Supervised job = supervise(impatient_job(3), "steps=100000;step=3;do=wait");

        QCOMPARE(job.outcome.kind, Kind::Failed);
        QCOMPARE(job.outcome.error->code(), Code::TimedOut);
        QVERIFY2(QByteArray(job.outcome.error->what()).contains("rank 2 for 'rank 0'"), job.outcome.error->what());
        QCOMPARE(job.survivors(), 0);
    }

    void theRankThatIsStoppedIsNamedNotThoseThatHangWithIt() // P3: who asks a stopped rank for something falls silent, too
    {
        const Supervised job = supervise(impatient_job(4), "steps=100000;step=3;rank=2;do=stop;others=hang");

        QCOMPARE(job.outcome.culprit, 2);
        QCOMPARE(job.outcome.error->code(), Code::TimedOut);
        QVERIFY2(QByteArray(job.outcome.error->what()).contains("its process is stopped"), job.outcome.error->what());
        QVERIFY(job.after_the_fault < 2600ms);
        QCOMPARE(job.survivors(), 0);
    }

    void theRankThatHangsInItsWorkIsNamedNotThoseThatHangInWaiting()
    {
        const Supervised job = supervise(impatient_job(4), "steps=100000;step=3;rank=2;do=beat:60+hang;others=wait:60+hang");

        QCOMPARE(job.outcome.culprit, 2);
        QCOMPARE(job.outcome.error->code(), Code::TimedOut);
    }

    void aRankThatReadsForLongBeforeItJoinsIsWaitedFor() // from a cold disk, say
    {
        const Supervised job = supervise(impatient_job(3), "steps=8;step=-1;rank=1;do=beat:2000");

        QVERIFY2(job.outcome.kind == Kind::Finished, job.outcome.error ? job.outcome.error->what() : "");
    }

    void aRankThatDiesBeforeItJoinsIsToldAtOnceHoweverLongJoiningMayTake() // P7
    {
        Job patient = fake_job(3);
        patient.start_limit = 180s;

        const Supervised job = supervise(patient, "step=-1;rank=1;do=pause:100+exit:3;deaf=1");

        QCOMPARE(job.outcome.culprit, 1);
        QCOMPARE(job.outcome.error->code(), Code::RankDied);
        QCOMPARE(job.survivors(), 0);
    }

    void aMachineThatStandsStillIsNotHeldAgainstTheRanks()
    {
        const Told told("steps=8;step=3;do=pause:1400");
        std::atomic<bool> cancel = false;
        bool slept = false;
        int steps = 0;
        Listener listener;
        listener.metric = [&](const experiment::Metric& metric) { steps += metric.type == Type::Step ? 1 : 0; };
        listener.tick = [&] { // on the thread that supervises: as if it had not been given a processor
            if (steps >= 6 && !std::exchange(slept, true))
                ::poll(nullptr, 0, 1000);
        };

        const Outcome outcome = run(impatient_job(2), listener, cancel);

        QVERIFY(slept);
        QVERIFY2(outcome.kind == Kind::Finished, outcome.error ? outcome.error->what() : "");
    }

    void aRankThatStarvesIsToldFromOneThatHangs()
    {
        const Supervised job = supervise(impatient_job(2), "steps=8;step=3;rank=1;do=starve:1500");

        QVERIFY2(job.outcome.kind == Kind::Finished, job.outcome.error ? job.outcome.error->what() : "");
        const QByteArray warnings = warnings_of(job);
        QCOMPARE(warnings.count("warning: "), 1);
        QVERIFY2(warnings.contains("rank 1 was runnable but got no processor for 0."), warnings.constData());
        QVERIFY2(warnings.contains("more ranks than free cores"), warnings.constData());
    }

    void aRankThatHangsAfterItHasStarvedIsFailedAndTheErrorSaysHowLongItStarved()
    {
        const Supervised job = supervise(impatient_job(2), "steps=100000;step=3;rank=1;do=starve:1500+hang;others=wait");

        QCOMPARE(job.outcome.culprit, 1);
        QCOMPARE(job.outcome.error->code(), Code::TimedOut);
        const QByteArray error = job.outcome.error->what();
        QVERIFY2(error.contains("without a processor for another 1."), error.constData());
        QCOMPARE(job.survivors(), 0);
    }
};

QTEST_GUILESS_MAIN(TestPatience)
#include "test_patience.moc"
