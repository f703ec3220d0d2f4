// Saving a checkpoint with several ranks: whatever fails on whichever rank, all of them are told the same.
#include "base/error.h"
#include "base/file.h"
#include "experiment/checkpoint_manifest.h"
#include "experiment/metrics.h"
#include "experiment/run_spec.h"

#include <QProcess>
#include <QTemporaryDir>
#include <QTest>

#include <array>
#include <netinet/in.h>
#include <sstream>
#include <sys/socket.h>
#include <unistd.h>

using namespace pipebd;
using namespace pipebd::experiment;

namespace fs = std::filesystem;

namespace {

constexpr int ranks = 2;

RunSpec specIn(const fs::path& folder)
{
    RunSpec spec;
    spec.experiment = parse_experiment("pair = \"nas-digits\"\n", "saving.toml",
        std::vector<std::string>{"data.batch=4", "train.steps=2", "derive.samples=4", "derive.calibration=1", "run.strategy=tr+dpu",
            "run.devices=cpu,cpu"});
    spec.devices = parse_devices("cpu,cpu", "test");
    spec.program = schedule::from_text("device 0: load  T0 T1 T2 send>1  F0 B0 U0 F1 B1 U1 F2 B2 U2\n"
                                       "device 1: recv<0  T3 T4 T5  F3 B3 U3 F4 B4 U4 F5 B5 U5\n");
    spec.folder = folder;
    spec.checkpoint_steps = 1;
    return spec;
}

struct Rank {
    int status = -1;
    std::vector<Metric> metrics;

    /// The first of its kind; empty if there is none.
    std::string said(Metric::Type type) const
    {
        for (const Metric& metric : metrics)
            if (metric.type == type)
                return type == Metric::Type::Error ? metric.code + ": " + metric.what : metric.text;
        return {};
    }
};

int freePort()
{
    const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    bind(socket, reinterpret_cast<sockaddr*>(&address), size);
    getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size);
    close(socket);
    return ntohs(address.sin_port);
}

std::array<Rank, ranks> train(const RunSpec& spec)
{
    replace_file(spec.folder / "spec.json", to_json(spec));
    const QString port = QString::number(freePort());
    std::array<QProcess, ranks> processes;
    for (int rank = 0; rank < ranks; ++rank) {
        QProcess& process = processes[static_cast<std::size_t>(rank)];
        QProcessEnvironment environment = QProcessEnvironment::systemEnvironment();
        environment.insert("RANK", QString::number(rank));
        environment.insert("LOCAL_RANK", QString::number(rank));
        environment.insert("WORLD_SIZE", QString::number(ranks));
        environment.insert("MASTER_ADDR", "127.0.0.1");
        environment.insert("MASTER_PORT", port);
        process.setProcessEnvironment(environment);
        process.setProcessChannelMode(QProcess::ForwardedErrorChannel);
        process.start(
            PIPEBD_BIN_DIR "/pipebd-engine", {"train", "--spec", QString::fromStdString((spec.folder / "spec.json").string())});
    }
    std::array<Rank, ranks> result;
    for (std::size_t rank = 0; rank < ranks; ++rank) {
        if (!processes[rank].waitForFinished(60'000))
            processes[rank].kill();
        result[rank].status = processes[rank].exitCode();
        std::istringstream lines(processes[rank].readAllStandardOutput().toStdString());
        for (std::string line; std::getline(lines, line);)
            result[rank].metrics.push_back(metric_from_line(line));
    }
    return result;
}

bool isSound(const fs::path& checkpoint)
{
    try {
        check_blocks(checkpoint, read_manifest(checkpoint));
        return true;
    } catch (const Error&) {
        return false;
    }
}

} // namespace

class TestSaving : public QObject {
    Q_OBJECT

private slots:
    void anErrorAtAnyPhaseOnAnyRankIsOneErrorThatAllAreTold_data() // T9
    {
        QTest::addColumn<QString>("obstacle"); // a folder where a file is to be
        QTest::addColumn<QString>("culprits");
        QTest::newRow("a block of rank 0") << "block1.safetensors"
                                           << "rank 0";
        QTest::newRow("a block of rank 1") << "block4.safetensors"
                                           << "rank 1";
        QTest::newRow("a block of each") << "block0.safetensors,block3.safetensors"
                                         << "rank 0, rank 1";
        QTest::newRow("the manifest") << "manifest.json"
                                      << "rank 0";
    }

    void anErrorAtAnyPhaseOnAnyRankIsOneErrorThatAllAreTold()
    {
        QFETCH(QString, obstacle);
        QFETCH(QString, culprits);
        const QTemporaryDir dir;
        const fs::path folder = dir.path().toStdString();
        for (const QString& name : obstacle.split(','))
            fs::create_directories(folder / "checkpoints/.round-000000001.partial" / name.toStdString() / "in the way");

        const auto both = train(specIn(folder));

        for (const Rank& rank : both) {
            QCOMPARE(rank.status, 1);
            const QString error = QString::fromStdString(rank.said(Metric::Type::Error));
            QVERIFY2(error.contains("could not be saved by " + culprits + " ("), qPrintable(error));
            QCOMPARE(rank.said(Metric::Type::Error), both[0].said(Metric::Type::Error));
        }
        const std::vector<fs::path> kept = checkpoints_of(folder);
        QCOMPARE(kept.size(), std::size_t{1});
        QCOMPARE(kept[0].filename(), fs::path(checkpoint_name(0)));
        QVERIFY(isSound(kept[0]));
        QVERIFY(!fs::exists(folder / "checkpoints/.round-000000001.partial"));
    }

    void minutesBecomeStepsWithoutAPrediction()
    {
        const QTemporaryDir dir;
        RunSpec spec = specIn(dir.path().toStdString());
        spec.checkpoint_steps = 0;
        spec.experiment.train.steps = 6;
        spec.experiment.run.checkpoint_minutes = 1e-6; // less than a step: each is saved, once it is known how long they take

        const auto both = train(spec);

        std::vector<std::int64_t> saved;
        for (const Metric& metric : both[0].metrics)
            if (metric.type == Metric::Type::Checkpoint)
                saved.push_back(metric.step);
        QCOMPARE(saved, (std::vector<std::int64_t>{0, 2, 3, 4, 5, 6}));
        QCOMPARE(both[1].status, 0);
    }

    void whereTheExperimentSaysSoTheRunGoesOnWarned() // T8
    {
        const QTemporaryDir dir;
        const fs::path folder = dir.path().toStdString();
        fs::create_directories(folder / "checkpoints/.round-000000001.partial/block4.safetensors/in the way");
        RunSpec spec = specIn(folder);
        spec.experiment.run.checkpoint_failure = "warn";

        const auto both = train(spec);

        for (const Rank& rank : both)
            QCOMPARE(rank.status, 0);
        const QString warning = QString::fromStdString(both[0].said(Metric::Type::Log)); // said once
        QVERIFY2(warning.startsWith("warning: ") && warning.contains("could not be saved by rank 1"), qPrintable(warning));
        QVERIFY(both[1].said(Metric::Type::Log).empty());
        QVERIFY(isSound(folder / "checkpoints" / checkpoint_name(2)));
        QVERIFY(fs::exists(folder / "student.safetensors"));
    }
};

QTEST_GUILESS_MAIN(TestSaving)
#include "test_saving.moc"
