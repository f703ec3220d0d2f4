// What a rank says of itself into a file, and where it finds the others.
#include "engine/report/reporter.h"
#include "engine/transport/transport.h"

#include "base/error.h"
#include "base/file.h"
#include "base/temporary_folder.h"

#include <QTest>

#include <csignal>

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

using namespace pipebd;
using namespace pipebd::engine;

namespace {

experiment::Metric message(const std::string& text)
{
    experiment::Metric metric;
    metric.type = experiment::Metric::Type::Log;
    metric.text = text;
    return metric;
}

/// What `write` puts on standard error.
template <typename Body>
QByteArray said_on_stderr(const std::filesystem::path& file, Body body)
{
    const int kept = dup(STDERR_FILENO);
    const int caught = open(file.c_str(), O_RDWR | O_CREAT | O_TRUNC, 0600);
    dup2(caught, STDERR_FILENO);
    body();
    dup2(kept, STDERR_FILENO);
    close(caught);
    close(kept);
    return QByteArray::fromStdString(read_file(file));
}

/// The variables of a rank, for as long as it lives.
class Environment {
public:
    explicit Environment(std::vector<std::pair<const char*, const char*>> variables)
        : variables_(std::move(variables))
    {
        for (const char* name : {"LOCAL_WORLD_SIZE", "TORCHELASTIC_USE_AGENT_STORE", "TORCHELASTIC_RESTART_COUNT",
                 "PIPEBD_LISTEN_FD", "PIPEBD_SUPERVISED"})
            unsetenv(name);
        for (const auto& [name, value] : variables_)
            setenv(name, value, 1);
    }
    ~Environment()
    {
        for (const auto& [name, value] : variables_)
            unsetenv(name);
    }
    Environment(const Environment&) = delete;

private:
    std::vector<std::pair<const char*, const char*>> variables_;
};

} // namespace

class TestReporter : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void theFileHoldsTheLinesOfStandardOutput()
    {
        TemporaryFolder folder;
        const std::filesystem::path output = folder.path() / "stdout";
        const std::filesystem::path copy = folder.path() / "made" / "rank-1.jsonl";
        {
            Reporter reporter(open(output.c_str(), O_WRONLY | O_CREAT, 0600));
            reporter.set_rank(1);
            reporter.copy_to(copy);
            for (int i = 0; i < 100; ++i)
                reporter.report(message("line " + std::to_string(i)));
            QVERIFY(read_file(copy).ends_with("\n")); // flushed as on standard output
        }
        QCOMPARE(read_file(copy), read_file(output));
        QCOMPARE(QByteArray::fromStdString(read_file(copy)).count('\n'), 100);
    }

    void aFullDiskIsSaidOnceAndStopsNothingAndTheFileHoldsWholeLines()
    {
        TemporaryFolder folder;
        const std::filesystem::path copy = folder.path() / "rank-0.jsonl";
        signal(SIGXFSZ, SIG_IGN);
        rlimit before = {};
        getrlimit(RLIMIT_FSIZE, &before);
        int channel[2];
        QCOMPARE(pipe2(channel, O_CLOEXEC), 0);
        Reporter reporter(channel[1]);
        reporter.copy_to(copy);
        const QByteArray said = said_on_stderr(folder.path() / "stderr", [&] {
            const rlimit full = {.rlim_cur = 1000, .rlim_max = before.rlim_max};
            setrlimit(RLIMIT_FSIZE, &full);
            for (int i = 0; i < 100; ++i)
                reporter.report(message(std::string(50, 'x')));
            setrlimit(RLIMIT_FSIZE, &before);
        });
        const QByteArray held = QByteArray::fromStdString(read_file(copy));
        reporter.report(message("there is room again"));

        QCOMPARE(said.count("pipebd-engine: warning: metrics are missing from the file"), 1);
        QVERIFY(held.size() > 700 && held.size() <= 1000 && held.endsWith("\n"));
        QVERIFY(read_file(copy).starts_with(held.toStdString()));
        QVERIFY(QByteArray::fromStdString(read_file(copy)).contains("there is room again"));
        close(channel[0]);
    }

    void aRankThatWaitsSaysSoUnlessItHasWorkedSinceItsLastHeartbeat()
    {
        TemporaryFolder folder;
        const std::filesystem::path output = folder.path() / "stdout";
        std::vector<bool> told;
        {
            Reporter reporter(open(output.c_str(), O_WRONLY | O_CREAT, 0600), 10);
            reporter.on_heartbeat([&](bool worked) { told.push_back(worked); });
            auto wait_for_a_line = [&, lines = std::size_t{0}]() mutable {
                for (++lines; told.size() < lines;)
                    reporter.waiting("all-reduce");
            };
            wait_for_a_line(); // it has only waited so far
            reporter.heartbeat(3, "F0"); // too early for a line of its own
            wait_for_a_line();
            wait_for_a_line();
        }
        std::vector<std::string> waits;
        for (const QByteArray& line : QByteArray::fromStdString(read_file(output)).trimmed().split('\n')) {
            const experiment::Metric metric = experiment::metric_from_line(line.toStdString());
            QCOMPARE(metric.type, experiment::Metric::Type::Heartbeat);
            waits.push_back(metric.waiting);
        }
        QCOMPARE(waits, std::vector<std::string>({"all-reduce", "", "all-reduce"}));
        QCOMPARE(told, std::vector<bool>({false, true, false}));
    }

    void ranksOfTorchrunKnowTheirPlace()
    {
        const Environment environment(
            {{"RANK", "3"}, {"LOCAL_RANK", "1"}, {"WORLD_SIZE", "4"}, {"LOCAL_WORLD_SIZE", "2"}, {"MASTER_ADDR", "10.0.0.1"},
                {"MASTER_PORT", "29500"}, {"TORCHELASTIC_USE_AGENT_STORE", "True"}, {"TORCHELASTIC_RESTART_COUNT", "2"}});
        const Rendezvous place = Rendezvous::from_environment();
        QCOMPARE(place.rank, 3);
        QCOMPARE(place.local_rank, 1);
        QCOMPARE(place.size, 4);
        QCOMPARE(place.port, std::uint16_t{29500});
        QVERIFY(!place.serve);
        QVERIFY(!place.one_machine);
        QCOMPARE(place.attempt, std::string("2"));
        QVERIFY(!place.supervised); // they decide themselves how long they wait
    }

    void onOneMachineRanksStayOnItsLoopbackInterface()
    {
        const Environment environment(
            {{"RANK", "0"}, {"WORLD_SIZE", "2"}, {"LOCAL_WORLD_SIZE", "2"}, {"MASTER_ADDR", "its-name"}, {"MASTER_PORT", "29500"}});
        QVERIFY(Rendezvous::from_environment().one_machine);
    }

    void anAddressThatOtherMachinesCannotReachIsRefused()
    {
        const Environment environment({{"RANK", "0"}, {"WORLD_SIZE", "2"}, {"LOCAL_WORLD_SIZE", "1"}, {"MASTER_ADDR", "127.0.0.1"},
            {"MASTER_PORT", "29500"}});
        QVERIFY_THROWS_EXCEPTION(Error, Rendezvous::from_environment());
        // As on systems whose own name is an entry of /etc/hosts.
        const Rendezvous master{.size = 2, .address = "localhost.", .port = 29500, .one_machine = false};
        QVERIFY_THROWS_EXCEPTION(Error, address_towards_master(master));
        const Rendezvous nowhere{.size = 2, .address = "no-such-machine.invalid", .port = 29500, .one_machine = false};
        QVERIFY_THROWS_EXCEPTION(Error, address_towards_master(nowhere));
    }
};

QTEST_GUILESS_MAIN(TestReporter)
#include "test_reporter.moc"
