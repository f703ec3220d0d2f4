// A lab that was moved is whole: what its runs began with is found inside it, and data elsewhere by what is in them.
#include "real_run.h"

#include "base/safetensors.h"

#include <QDir>
#include <QJsonArray>
#include <QJsonDocument>
#include <QJsonObject>
#include <QTemporaryDir>
#include <QTest>

#include <filesystem>

class TestMovedLab : public QObject {
    Q_OBJECT

    QTemporaryDir m_folder;

    QString path(const QString& name) const { return m_folder.filePath(name); }

    static QJsonObject show(const QString& lab, int id)
    {
        return QJsonDocument::fromJson(run(lab, {"runs", "show", QString::number(id), "--json"}).output.toUtf8()).object();
    }

    static QString folderOf(const QString& lab, int id)
    {
        return QDir(lab + "/runs")
            .entryInfoList({QStringLiteral("%1-*").arg(id, 4, 10, QLatin1Char('0'))}, QDir::Dirs)
            .value(0)
            .filePath();
    }

    /// Killed as soon as it has a checkpoint after the first.
    static void killAfterACheckpoint(const QString& lab, const QStringList& arguments, int id)
    {
        QProcess process;
        start(process, lab, arguments);
        const auto checkpoints = [&] { return QDir(folderOf(lab, id) + "/checkpoints").entryList({"round-*"}, QDir::Dirs); };
        QTRY_VERIFY_WITH_TIMEOUT(
            process.state() == QProcess::NotRunning || (!checkpoints().isEmpty() && checkpoints().last() > "round-000000001"),
            120'000);
        QCOMPARE(process.state(), QProcess::Running);
        process.kill();
        QVERIFY(process.waitForFinished(5000));
    }

private slots:
    void aFineTuningRunIsResumedInALabThatWasMoved()
    {
        const QString experiment = write(path("life.toml"),
            "pair = \"nas-digits\"\n[data]\nbatch = 8\n[train]\nsteps = 4\n[derive]\nmacs = 0.8\nsamples = 8\ncalibration = 1\n"
            "[stage.finetune]\nsteps = 400\n[run]\ncheckpoint_steps = 2\n");
        const QString lab = path("lab");
        const Ended distilled
            = run(lab, QStringList{"run", experiment, "--devices", "cpu,cpu", "--stage", "distil"} + with_profile);
        QVERIFY2(distilled.status == 0, qPrintable(distilled.errors));
        killAfterACheckpoint(lab, {"run", experiment, "--stage", "finetune", "--from", "1"}, 2);

        const QString moved = path("elsewhere");
        QVERIFY(QDir().rename(lab, moved));
        QVERIFY(QFile::remove(experiment));
        QCOMPARE(show(moved, 2)["state"].toString(), QStringLiteral("lost"));
        const Ended resumed = run(moved, {"run", "--resume", "2", "--set", "train.steps=30"});
        QVERIFY2(resumed.status == 0, qPrintable(resumed.errors));
        QCOMPARE(show(moved, 3)["results"].toObject()["resumed_from"].toInt(), 2);
        QCOMPARE(run(moved, {"runs", "compare", "2", "3"}).status, 0);
        QCOMPARE(run(moved, {"runs", "export", "3", "--metrics", path("metrics.json")}).status, 0);
        QVERIFY(!QFileInfo::exists(lab));

        // A copy of a lab does not look into the lab that it was copied from.
        const QString copied = path("copied");
        std::filesystem::copy(moved.toStdString(), copied.toStdString(), std::filesystem::copy_options::recursive);
        const Ended inside = run(copied, {"run", "--resume", "3", "--set", "train.steps=34"});
        QVERIFY2(inside.status == 0, qPrintable(inside.errors));
        QFile spec(folderOf(copied, 4) + "/spec.json");
        QVERIFY(spec.open(QIODevice::ReadOnly));
        const QByteArray started_with = spec.readAll();
        QVERIFY(started_with.contains(QFileInfo(folderOf(copied, 1)).filePath().toUtf8()));
        QVERIFY(!started_with.contains(QFileInfo(folderOf(moved, 1)).filePath().toUtf8()));

        // Another run under the number of the one that it began with is not taken for it.
        QFile architecture(folderOf(moved, 1) + "/architecture.json");
        QVERIFY(architecture.open(QIODevice::Append) && architecture.write("\n") == 1);
        architecture.close();
        const Ended refused = run(moved, {"run", "--resume", "2", "--set", "train.steps=30"});
        QCOMPARE(refused.status, 2);
        QVERIFY2(refused.errors.contains("is not the one that the run started from: SHA-256 "), qPrintable(refused.errors));
    }

    void dataElsewhereAreTheSameIfTheirContentsAre()
    {
        std::vector<std::byte> images(64 * 32 * 32);
        std::vector<std::byte> labels(64 * sizeof(std::int64_t));
        for (std::size_t i = 0; i < images.size(); ++i)
            images[i] = static_cast<std::byte>(i * 31 % 251);
        for (std::size_t i = 0; i < 64; ++i)
            labels[i * sizeof(std::int64_t)] = static_cast<std::byte>(i % 10);
        const QString data = path("data.safetensors");
        pipebd::write_safetensors(data.toStdString(),
            {{"images", pipebd::DType::U8, {64, 1, 32, 32}, images}, {"labels", pipebd::DType::I64, {64}, labels}});
        const QString experiment = write(path("tensors.toml"),
            "pair = \"nas-digits\"\n[data]\nsource = \"tensors\"\npath = \"data.safetensors\"\nbatch = 8\n[train]\nsteps = 400\n"
            "[run]\ncheckpoint_steps = 2\n");
        const QString lab = path("data-lab");
        killAfterACheckpoint(lab, QStringList{"run", experiment, "--devices", "cpu,cpu", "--stage", "distil"} + with_profile, 1);

        QVERIFY(QDir().mkdir(path("moved")));
        const QString moved = path("moved/data.safetensors");
        QVERIFY(QFile::rename(data, moved));
        const QStringList resume{
            "run", "--resume", "1", "--stage", "distil", "--set", "train.steps=8", "--set", "data.path=" + moved};
        const Ended resumed = run(lab, resume + with_profile);
        QVERIFY2(resumed.status == 0, qPrintable(resumed.errors));

        QFile file(moved);
        QVERIFY(file.open(QIODevice::ReadWrite) && file.seek(file.size() - 1) && file.write("\1") == 1);
        file.close();
        const Ended refused = run(lab, resume + with_profile);
        QCOMPARE(refused.status, 2);
        QVERIFY2(refused.errors.contains("these are not the data that run 1 was trained on: SHA-256 "), qPrintable(refused.errors));
    }
};

QTEST_GUILESS_MAIN(TestMovedLab)
#include "test_moved_lab.moc"
