// Real ranks that wait for each other: however long, while one of them works, and not for a rank that stands still.
#include "real_run.h"

#include "store/run_store.h"

#include <QElapsedTimer>
#include <QJsonArray>
#include <QJsonDocument>
#include <QJsonObject>
#include <QTemporaryDir>
#include <QTest>

#include <csignal>
#include <random>

using namespace pipebd;

namespace {

const QString engine_program = QStringLiteral(PIPEBD_BIN_DIR "/pipebd-engine");
// For ever, so to say.
const QStringList endless{"--set", "data.batch=8", "--set", "train.steps=1000000"};

int number_from(const char* variable, int otherwise)
{
    return qEnvironmentVariableIsSet(variable) ? qEnvironmentVariableIntValue(variable) : otherwise;
}

/// A profile by which one device gets the first block and the other one all others, though that takes several times as long.
QString lopsided_profile_in(const QString& folder)
{
    QFile measured(with_profile.last());
    QFile profile(folder + "/lopsided.json");
    if (!measured.open(QIODevice::ReadOnly) || !profile.open(QIODevice::WriteOnly))
        return {};
    QJsonObject object = QJsonDocument::fromJson(measured.readAll()).object();
    QJsonArray blocks = object["blocks"].toArray();
    QJsonObject first = blocks[0].toObject();
    for (const char* times : {"student_forward", "student_backward"}) {
        QJsonObject by_size = first[times].toObject();
        for (const QString& size : by_size.keys())
            by_size[size] = 1e6;
        first[times] = by_size;
    }
    blocks[0] = first;
    object["blocks"] = blocks;
    profile.write(QJsonDocument(object).toJson());
    return profile.fileName();
}

} // namespace

class TestWaitingRanks : public QObject {
    Q_OBJECT

    QTemporaryDir folder_;

    QString path(const QString& name) const { return folder_.filePath(name); }

    static QJsonObject run_of(const QString& lab)
    {
        return QJsonDocument::fromJson(run(lab, {"runs", "show", "1", "--json"}).output.toUtf8()).object();
    }

    /// A rank as torchrun starts it: nobody follows it.
    void start_rank(QProcess& rank, int number, const QString& spec_folder, int port) const
    {
        QProcessEnvironment environment = QProcessEnvironment::systemEnvironment();
        environment.insert("RANK", QString::number(number));
        environment.insert("LOCAL_RANK", QString::number(number));
        environment.insert("WORLD_SIZE", "2");
        environment.insert("LOCAL_WORLD_SIZE", "2");
        environment.insert("MASTER_ADDR", "127.0.0.1");
        environment.insert("MASTER_PORT", QString::number(port));
        environment.insert("OMP_NUM_THREADS", "1");
        rank.setProcessEnvironment(environment);
        rank.start(engine_program, {"train", "--spec", spec_folder + "/spec.json"});
    }

    QString prepare(const QString& name, const QStringList& more)
    {
        const Ended prepared = run(path("prepared"),
            QStringList{"run", experiment_file, "--strategy", "tr+dpu", "--devices", "cpu,cpu", "--prepare", path(name)}
                + with_profile + endless + more);
        if (prepared.status != 0)
            qFatal("%s", qPrintable(prepared.errors));
        return path(name);
    }

    static bool says(QProcess& rank, const QByteArray& what)
    {
        rank.setReadChannel(QProcess::StandardOutput);
        QByteArray said;
        while (!said.contains(what) && rank.waitForReadyRead(60'000))
            said += rank.readAllStandardOutput();
        return said.contains(what);
    }

private slots:
    void pausesOfARankFailNoRun() // around the slices in which the others wait for it
    {
        const int pauses = number_from("PIPEBD_TEST_PAUSES", 12);
        const unsigned seed = static_cast<unsigned>(number_from("PIPEBD_TEST_SEED", static_cast<int>(std::random_device{}() >> 1)));
        qInfo("PIPEBD_TEST_SEED=%u PIPEBD_TEST_PAUSES=%d", seed, pauses);
        std::mt19937 random(seed);
        const QString lab = path("pauses");
        QProcess process;
        start(process, lab,
            QStringList{"run", experiment_file, "--strategy", "ir", "--devices", "cpu,cpu", "--set", "run.batch_norm=sync"}
                + endless + with_profile);
        const auto steps = [&] { return run_of(lab)["results"].toObject()["steps_done"].toInteger(); };
        QTRY_VERIFY_WITH_TIMEOUT(steps() > 0 || process.state() == QProcess::NotRunning, 60'000);
        const std::vector<int> ranks = engines_of(lab);
        QCOMPARE(ranks.size(), std::size_t(2));

        int paused = 0;
        for (; paused < pauses && process.state() == QProcess::Running; ++paused) {
            const pid_t rank = ranks[random() % 2];
            ::kill(rank, SIGSTOP);
            process.waitForFinished(200 + static_cast<int>(random() % 601));
            ::kill(rank, SIGCONT);
            process.waitForFinished(40 + static_cast<int>(random() % 60)); // it trains meanwhile
        }
        const QByteArray errors = process.readAllStandardError();
        QVERIFY2(process.state() == QProcess::Running, QByteArray::number(paused) + " pauses, then: " + errors.constData());

        const auto before = steps();
        QTRY_VERIFY_WITH_TIMEOUT(steps() > before, 30'000);
        ::kill(static_cast<pid_t>(process.processId()), SIGQUIT);
        QVERIFY(process.waitForFinished(10'000));
    }

    void devicesOfLsMayBeDoneAnyTimeApart()
    {
        const QString lab = path("ls");
        const QString steps = QString::number(number_from("PIPEBD_TEST_LS_STEPS", 25));
        const Ended ended = run(lab,
            {"run", experiment_file, "--strategy", "ls", "--devices", "cpu,cpu", "--profile", lopsided_profile_in(folder_.path()),
                "--set", "data.batch=8", "--set", "train.steps=" + steps, "--set", "run.timeout=1"});
        QVERIFY2(ended.status == 0, qPrintable(ended.errors));

        const std::filesystem::path folder = run_of(lab)["folder"].toString().toStdString();
        const store::RunStore store(folder / "run.sqlite", store::RunStore::Mode::ReadOnly);
        std::vector<double> done;
        for (int rank : {0, 1})
            done.push_back(store.samples({"step_ms", rank, -1}).back().t);
        const double apart = std::abs(done[0] - done[1]);
        qInfo("%.1f s apart", apart);
        QVERIFY2(apart > 6, "too little to tell"); // the longest limit that follows from the timeout
    }

    void withoutASupervisorTheRankThatStandsStillIsNamedByThoseThatWait()
    {
        const QString spec = prepare("still", {"--set", "run.timeout=2"});
        QProcess rank0;
        QProcess rank1;
        start_rank(rank0, 0, spec, 29541);
        start_rank(rank1, 1, spec, 29541);
        QVERIFY(says(rank0, "\"step\",") && says(rank1, "\"step\","));
        // A pause is survived.
        ::kill(static_cast<pid_t>(rank1.processId()), SIGSTOP);
        QVERIFY(!rank0.waitForFinished(800));
        ::kill(static_cast<pid_t>(rank1.processId()), SIGCONT);
        QVERIFY(says(rank0, "\"step\",") && says(rank1, "\"step\","));

        ::kill(static_cast<pid_t>(rank1.processId()), SIGSTOP);
        QElapsedTimer timer;
        timer.start();
        QVERIFY(rank0.waitForFinished(20'000));
        QVERIFY2(timer.elapsed() < 6'000, QByteArray::number(timer.elapsed())); // the limit, two reports, and 2 s
        QCOMPARE(rank0.exitCode(), 1);
        const QByteArray errors = rank0.readAllStandardError();
        QVERIFY2(errors.contains("rank 1 has made no progress for 2 s"), errors.constData());
        rank1.kill();
        rank1.waitForFinished();
    }

    void withoutASupervisorARankThatNeverComesIsNotWaitedForForEver()
    {
        const QString spec = prepare("alone", {"--set", "run.join_timeout=2"});
        QProcess rank0;
        start_rank(rank0, 0, spec, 29542);
        QVERIFY(rank0.waitForFinished(30'000));
        QCOMPARE(rank0.exitCode(), 1);
        const QByteArray errors = rank0.readAllStandardError();
        QVERIFY2(errors.contains("the ranks did not meet within 2 s: waiting for rank 1"), errors.constData());
    }
};

QTEST_GUILESS_MAIN(TestWaitingRanks)
#include "test_waiting_ranks.moc"
