// Faults of ranks and what the supervisor makes of them: rows P1, P3, P7, P9, P10, P11 and I6 of the fault table.
#include "launch/supervised.h"

#include "launch/loopback_socket.h"

#include <QTest>

#include <fstream>
#include <random>

#include <arpa/inet.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace pipebd;
using namespace pipebd::launch;
using Kind = Outcome::Kind;
using Type = experiment::Metric::Type;

namespace {

long peak_kilobytes()
{
    rusage usage = {};
    ::getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss;
}

constexpr int no_namespace = 77;

/// Runs `body` in a process of its own that has a network of its own, without interfaces; its result, or no_namespace.
template <typename Body>
int in_empty_network(Body body)
{
    const pid_t child = ::fork();
    if (child == 0) {
        if (::unshare(CLONE_NEWNET) != 0 && ::unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0)
            ::_exit(no_namespace);
        ::_exit(body());
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

void raise_loopback()
{
    const int descriptor = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    ifreq request = {};
    std::snprintf(request.ifr_name, sizeof request.ifr_name, "lo");
    request.ifr_flags = IFF_UP | IFF_RUNNING;
    ::ioctl(descriptor, SIOCSIFFLAGS, &request);
    ::close(descriptor);
}

/// 0 if a socket can be had, 1 if that is an Error{System} within a second, 2 otherwise.
int try_socket()
{
    const auto begin = std::chrono::steady_clock::now();
    try {
        const LoopbackSocket socket;
        return 0;
    } catch (const Error& error) {
        return error.code() == Code::System && std::chrono::steady_clock::now() - begin < 1s ? 1 : 2;
    }
}

} // namespace

class TestSupervisor : public QObject {
    Q_OBJECT

private slots:
    void ranksThatAllSayByeFinishTheJob()
    {
        const Supervised job = supervise(fake_job(4), "steps=40;pace=10");

        QCOMPARE(job.outcome.kind, Kind::Finished);
        QCOMPARE(job.count(Type::Hello), 4);
        QCOMPARE(job.count(Type::Step), 160);
        QCOMPARE(job.count(Type::Bye), 4);
        QVERIFY(job.ticks >= 2); // the 0.4 s of its steps, at 5 ticks a second
        QCOMPARE(job.survivors(), 0);
    }

    void aRankThatDiesFailsTheJobAndLeavesNobodyBehind_data() // P1
    {
        QTest::addColumn<QByteArray>("how");
        QTest::addColumn<QByteArray>("named");
        QTest::addColumn<int>("rank");
        QTest::addColumn<int>("step");
        std::random_device device;
        const unsigned seed
            = qEnvironmentVariableIsSet("PIPEBD_TEST_SEED") ? qEnvironmentVariableIntValue("PIPEBD_TEST_SEED") : device();
        qInfo("PIPEBD_TEST_SEED=%u", seed);
        std::mt19937 random(seed);
        const std::vector<std::pair<QByteArray, QByteArray>> ways
            = {{"kill:9", "signal 9 (SIGKILL)"}, {"kill:11", "signal 11 (SIGSEGV)"}, {"kill:15", "signal 15 (SIGTERM)"},
                {"kill:6", "signal 6 (SIGABRT)"}, {"exit:0", "exit code 0"}, {"exit:1", "exit code 1"}};
        for (const auto& [how, named] : ways)
            for (int i = 0; i < 2; ++i) {
                const int rank = static_cast<int>(random() % 4);
                const int step = static_cast<int>(random() % 20);
                QTest::addRow("%s rank %d step %d", how.constData(), rank, step) << how << named << rank << step;
            }
    }

    void aRankThatDiesFailsTheJobAndLeavesNobodyBehind()
    {
        QFETCH(QByteArray, how);
        QFETCH(QByteArray, named);
        QFETCH(int, rank);
        QFETCH(int, step);

        const Supervised job = supervise(fake_job(4),
            "steps=100000;pace=2;rank=" + QByteArray::number(rank) + ";step=" + QByteArray::number(step) + ";do=" + how);

        QCOMPARE(job.outcome.kind, Kind::Failed);
        QCOMPARE(job.outcome.culprit, rank);
        QCOMPARE(job.outcome.error->code(), Code::RankDied);
        QVERIFY2(QByteArray(job.outcome.error->what()).contains(named), job.outcome.error->what());
        QVERIFY(job.after_the_fault < 2s);
        QCOMPARE(job.survivors(), 0);
    }

    void ranksThatIgnoreTermAreKilledWithinTheTwoSeconds() // P1
    {
        const Supervised job = supervise(fake_job(3), "steps=100000;rank=1;step=3;do=kill:9;deaf=1;notice=0");

        QCOMPARE(job.outcome.culprit, 1);
        QVERIFY(job.after_the_fault < 2s);
        QCOMPARE(job.survivors(), 0);
    }

    void aPeerThatSawTheRankVanishIsAConsequence() // P8, the order that is certain
    {
        const Supervised job = supervise(fake_job(4), "steps=100000;rank=2;step=5;do=kill:9;deaf=1");

        QCOMPARE(job.outcome.culprit, 2);
        QVERIFY(!job.outcome.consequences.empty());
        QVERIFY(QByteArray::fromStdString(job.outcome.consequences.front()).contains("vanished"));
    }

    void aRanksOwnErrorIsTheReason()
    {
        const Supervised job = supervise(fake_job(3), "steps=100000;rank=2;step=4;do=error:NotFinite");

        QCOMPARE(job.outcome.culprit, 2);
        QCOMPARE(job.outcome.error->code(), Code::NotFinite);
        QCOMPARE(job.outcome.error->problem(), std::string("told to fail"));
    }

    void aRankThatOnlySaysThatItsPeerIsGoneIsTheCulpritIfNobodyElseFails()
    {
        const Supervised job = supervise(fake_job(2), "steps=100000;rank=1;step=4;do=error:RankDied;notice=0");

        QCOMPARE(job.outcome.kind, Kind::Failed);
        QCOMPARE(job.outcome.culprit, 1);
    }

    void theCulpritsLastLinesAreKept()
    {
        const Supervised job = supervise(fake_job(2), "steps=100000;rank=1;step=4;do=chatter:60+exit:3");

        QCOMPARE(job.outcome.last_lines.size(), std::size_t(50));
        QVERIFY(job.outcome.last_lines.front().starts_with("line 11 ")); // 61 lines were said
        QCOMPARE(job.outcome.last_lines.back(), std::string("about to end"));
    }

    void aStoppedRankIsTimedOutAndNamed() // P3
    {
        Job limited = fake_job(3);
        limited.heartbeat_limit = 600ms;
        limited.failure_grace = 200ms;

        const Supervised job = supervise(limited, "steps=100000;rank=1;step=3;do=stop");

        QCOMPARE(job.outcome.culprit, 1);
        QCOMPARE(job.outcome.error->code(), Code::TimedOut);
        QVERIFY(job.after_the_fault < 2600ms); // the limit, and 2 s
        QCOMPARE(job.survivors(), 0);
    }

    void aRankThatNeverJoinsIsNamed() // P7
    {
        Job limited = fake_job(3);
        limited.start_limit = 1000ms;
        limited.heartbeat_limit = 100ms; // of no account before all have joined

        const Supervised job = supervise(limited, "rank=2;step=-1;do=hang");

        QCOMPARE(job.outcome.culprit, 2);
        QCOMPARE(job.outcome.error->code(), Code::TimedOut);
        QCOMPARE(job.outcome.error->problem(), std::string("rank 2 did not join within 1 s"));
        QCOMPARE(job.survivors(), 0);
    }

    void aRankThatDiesBeforeTheyMeetIsNamed() // P7
    {
        const Supervised job = supervise(fake_job(3), "rank=0;step=-1;do=kill:9");

        QCOMPARE(job.outcome.culprit, 0);
        QCOMPARE(job.outcome.error->code(), Code::RankDied);
        QCOMPARE(job.survivors(), 0);
    }

    void whatIsNoMetricIsAProtocolError_data() // I6
    {
        QTest::addColumn<QByteArray>("what");
        QTest::newRow("garbage") << QByteArray("garbage");
        QTest::newRow("half a line") << QByteArray("half");
        QTest::newRow("a line without end") << QByteArray("endless");
        QTest::newRow("a text without end") << QByteArray("parts");
        QTest::newRow("a million lines a second") << QByteArray("flood");
    }

    void whatIsNoMetricIsAProtocolError()
    {
        QFETCH(QByteArray, what);
        const long before = peak_kilobytes();
        Job limited = fake_job(2);
        limited.lines_per_second = 20'000;

        const Supervised job = supervise(limited, "steps=100000;rank=1;step=2;do=" + what);

        QCOMPARE(job.outcome.culprit, 1);
        QCOMPARE(job.outcome.error->code(), Code::Protocol);
        QVERIFY(peak_kilobytes() - before < 100 * 1024);
        QCOMPARE(job.survivors(), 0);
    }

    void noRankWaitsOnAFullPipe()
    {
        const Supervised job = supervise(fake_job(2), "steps=5;rank=1;step=1;do=chatter:20000"); // 4 MB

        QCOMPARE(job.outcome.kind, Kind::Finished);
        QVERIFY(job.logged.size() <= 2000); // and no rank fills the log
    }

    void aDescendantThatKeepsThePipesDoesNotKeepTheJob()
    {
        const Supervised job = supervise(fake_job(1), "steps=3;step=1;do=grandchild");
        QCOMPARE(job.outcome.kind, Kind::Finished);
    }

    void cancellingStopsEveryRank_data() // P10
    {
        QTest::addColumn<int>("at");
        QTest::addColumn<QByteArray>("told");
        QTest::newRow("at launch") << 0 << QByteArray("steps=100000");
        QTest::newRow("in a step") << 20 << QByteArray("steps=100000");
        QTest::newRow("deaf to TERM") << 20 << QByteArray("steps=100000;deaf=1");
    }

    void cancellingStopsEveryRank()
    {
        QFETCH(int, at);
        QFETCH(QByteArray, told);
        Job limited = fake_job(3);
        limited.cancel_grace = 500ms;

        const Supervised job = supervise(limited, told, at);

        QCOMPARE(job.outcome.kind, Kind::Cancelled);
        QVERIFY(job.after_the_fault < 1500ms); // the grace and a second, as 3 s are for 2 s
        QCOMPARE(job.survivors(), 0);
    }

    void aRankHasOnlyTheDescriptorsItIsGiven() // P11
    {
        const int leak = ::open("/dev/null", O_RDONLY); // without O_CLOEXEC

        const Supervised job = supervise(fake_job(3), "");

        ::close(leak);
        QCOMPARE(job.outcome.kind, Kind::Finished);
        for (const experiment::Metric& metric : job.metrics) {
            if (metric.type != Type::Hello)
                continue;
            const QList<QByteArray> open = QByteArray::fromStdString(metric.text).simplified().split(' ');
            QCOMPARE(open.size(), metric.rank == 0 ? 4 : 3); // rank 0 has the socket to meet at
            for (const char* standard : {"0", "1", "2"})
                QVERIFY(open.contains(standard));
            QVERIFY(!open.contains(QByteArray::number(leak)));
        }
    }

    void aPortThatTheUserNamedAndThatIsTakenIsNotUsed() // P9
    {
        const LoopbackSocket taken;
        qputenv("MASTER_PORT", QByteArray::number(taken.port()));

        const Supervised job = supervise(fake_job(2), "");

        qunsetenv("MASTER_PORT");
        QCOMPARE(job.outcome.kind, Kind::Finished);
    }

    void withoutALoopbackInterfaceItIsAnErrorAtOnce() // P9
    {
        const int result = in_empty_network(try_socket);
        if (result == no_namespace)
            QSKIP("network namespaces are not permitted here");
        QCOMPARE(result, 1);
    }

    void withoutAFreePortItIsAnErrorAtOnce() // P9
    {
        const int result = in_empty_network([] {
            raise_loopback();
            std::ofstream("/proc/sys/net/ipv4/ip_local_port_range") << "50000 50001" << std::flush;
            const LoopbackSocket first;
            const LoopbackSocket second;
            return first.port() < 50000 || first.port() > 50001 ? no_namespace : try_socket();
        });
        if (result == no_namespace)
            QSKIP("network namespaces are not permitted here");
        QCOMPARE(result, 1);
    }

    void withoutIPv6RanksMeetAllTheSame() // P9
    {
        const int result = in_empty_network([] {
            raise_loopback();
            std::ofstream("/proc/sys/net/ipv6/conf/all/disable_ipv6") << "1" << std::flush;
            return supervise(fake_job(2), "").outcome.kind == Kind::Finished ? 1 : 2;
        });
        if (result == no_namespace)
            QSKIP("network namespaces are not permitted here");
        QCOMPARE(result, 1);
    }

    void anEngineThatIsNotThereIsAnError()
    {
        Job job = fake_job(2);
        job.engine = "/nowhere/pipebd-engine";
        QVERIFY_THROWS_EXCEPTION(Error, supervise(job, ""));
    }
};

QTEST_GUILESS_MAIN(TestSupervisor)
#include "test_supervisor.moc"
