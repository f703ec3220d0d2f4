#include "experiment/cluster_file.h"
#include "experiment_testing.h"

#include <QTest>

using namespace pipebd;
using namespace pipebd::experiment;

namespace {

const std::string two_nodes = R"(# two computers
[link]
latency = 0.005
bandwidth = "25GB/s"

[between]
latency = 0.03
bandwidth = "1.25GB/s"

[[device]]
name = "RTX A6000"
count = 2
memory = "48GiB"
node = "a"

[[device]]
speed = 0.5
node = 7
)";

} // namespace

class TestCluster : public QObject {
    Q_OBJECT
private slots:
    void devicesAndLinksAreThoseOfTheFile()
    {
        const schedule::Cluster cluster = cluster_from_toml(two_nodes, "two.toml");
        QCOMPARE(cluster.size(), 3);
        QCOMPARE(cluster.devices[1], (schedule::ClusterDevice{"RTX A6000", 1, std::int64_t{48} << 30, 0}));
        QCOMPARE(cluster.devices[2], (schedule::ClusterDevice{"", 0.5, std::nullopt, 1}));
        QCOMPARE(cluster.inside->latency, 0.005);
        QCOMPARE(cluster.inside->bytes_per_ms, 25e6);
        QCOMPARE(cluster.between->bytes_per_ms, 1.25e6);
    }

    void whatIsLeftOutIsTheProfiles()
    {
        const schedule::Cluster cluster = cluster_from_toml("[[device]]\ncount = 1024", "plain.toml");
        QCOMPARE(cluster.size(), most_devices);
        QVERIFY(!cluster.inside && !cluster.between);
        QCOMPARE(cluster.devices[0], schedule::ClusterDevice{});
    }

    void whatIsNoClusterIsRefusedWithItsLine_data()
    {
        QTest::addColumn<QByteArray>("text");
        QTest::addColumn<QByteArray>("line");
        const auto row = [](const char* text, const char* line) { QTest::newRow(line) << QByteArray(text) << QByteArray(line); };
        row("", "no devices are described: c.toml; describe each kind of device in its own [[device]] section");
        row("device = 4", "no devices are described: c.toml:1; describe each kind of device in its own [[device]] section");
        row("device = [4]",
            "'[[device]]' is a section, not a value: c.toml:1; write its keys on lines of their own below [[device]]");
        row("[[device]]\n[[devices]]", "unknown key 'devices': c.toml:2; did you mean device?");
        row("[[device]]\ncolour = 3", "unknown key 'device.colour': c.toml:2; known are name, count, speed, memory, node");
        row("[[device]]\ncount = 0", "a cluster must have 1 to 1024 devices: c.toml:2; write it like count = 4");
        row("[[device]]\ncount = 2.5", "a cluster must have 1 to 1024 devices: c.toml:2; write it like count = 4");
        row("[[device]]\ncount = 1024\n[[device]]\n", "a cluster can have at most 1024 devices: c.toml:3; leave some out");
        row("[[device]]\nspeed = 0", "speed must be a number above 0: c.toml:2; write it like speed = 0.5");
        row("[[device]]\nspeed = nan", "speed must be a number above 0: c.toml:2; write it like speed = 0.5");
        row("[[device]]\nspeed = 1e-9",
            "speed must be at least a millionth of the profiled device's: c.toml:2; write it like speed = 0.5");
        row("[[device]]\nmemory = 11", "memory must be a string: c.toml:2; write it like memory = \"11GiB\"");
        row("[[device]]\nmemory = \"11 parsecs\"",
            "'11 parsecs' has an unknown unit: c.toml:2; write a whole number of bytes or a number with one of B, kB, MB, GB, TB, "
            "KiB, "
            "MiB, GiB, TiB, such as 11GiB");
        row("[[device]]\nnode = [1]", "node must be a name or a number: c.toml:2; write it like node = \"a\"");
        row("link = 3\n[[device]]",
            "'[link]' is a section, not a value: c.toml:1; write its keys on lines of their own below [link]");
        row("[link]\nlatency = -1\n[[device]]", "latency must be a number >= 0: c.toml:2; write it like latency = 0.5");
        row("[link]\nbandwidth = \"25GB\"\n[[device]]",
            "'25GB' is not a bandwidth: c.toml:2; write bytes per second, such as 25GB/s");
        row("[link]\nbandwidth = \"0B/s\"\n[[device]]",
            "a link cannot have a bandwidth of '0B/s': c.toml:2; write bytes per second, such as 25GB/s");
    }

    void whatIsNoClusterIsRefusedWithItsLine()
    {
        QFETCH(QByteArray, text);
        QFETCH(QByteArray, line);
        const auto refusal = errorOf([&] { cluster_from_toml(text.toStdString(), "c.toml"); });
        QVERIFY2(refusal, "nothing was refused");
        QCOMPARE(QByteArray(refusal->what()), line);
        QCOMPARE(to_string(refusal->code()), to_string(Code::BadRequest));
    }

    void aFileThatIsCutOffAnywhereIsACompleteClusterOrRefused()
    {
        for (std::size_t length = 0; length < two_nodes.size(); ++length) {
            try {
                QVERIFY(cluster_from_toml(two_nodes.substr(0, length), "cut.toml").size() >= 1);
            } catch (const Error& error) {
                QVERIFY2(QByteArray(error.what()).contains("cut.toml"), error.what());
            }
        }
    }
};

QTEST_APPLESS_MAIN(TestCluster)
#include "test_cluster.moc"
