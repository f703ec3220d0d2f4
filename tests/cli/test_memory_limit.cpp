// A rank that gets no memory: told as such, with the figures (T6).
#include "real_run.h"

#include <QRegularExpression>
#include <QTemporaryDir>
#include <QTest>

#include <sys/resource.h>

class TestMemoryLimit : public QObject {
    Q_OBJECT

    /// A run of a batch of 4096 with 4 GiB for each process; what it says.
    static Ended limited(const QString& folder, const QString& profile)
    {
        QProcess process;
        process.setChildProcessModifier([] {
            const rlimit limit = {rlim_t{4} << 30, rlim_t{4} << 30};
            setrlimit(RLIMIT_AS, &limit);
        });
        start(process, folder + "/lab",
            {"run", experiment_file, "--strategy", "tr+dpu", "--devices", "cpu,cpu", "--set", "data.batch=4096", "--set",
                "train.steps=2", "--profile", profile, "--quiet"});
        process.waitForFinished(120'000);
        return {process.exitCode(), {}, QString::fromUtf8(process.readAllStandardError())};
    }

private slots:
    void aRunThatNeedsFarMoreThanThereIsIsRefusedBeforeItStarts()
    {
        const QTemporaryDir folder;
        const Ended ended = limited(folder.path(), large_profile_in(folder.path()));
        QCOMPARE(ended.status, 2);
        QVERIFY2(ended.errors.startsWith("pipebd: error: this run needs about "), qPrintable(ended.errors));
        QVERIFY2(ended.errors.contains("the limit of a process (ulimit -v) has 4.0 GiB")
                && ended.errors.contains("use a batch of at most "),
            qPrintable(ended.errors));
    }

    void aRankThatGetsNoMemorySaysWhatWasPlannedAndWhatIsFree()
    {
        // By a profile that says too little.
        const QTemporaryDir folder;
        const QString profile = large_profile_in(folder.path());
        QFile file(profile);
        QVERIFY(file.open(QIODevice::ReadOnly));
        QString text = QString::fromUtf8(file.readAll());
        file.close();
        text.replace(QRegularExpression("\"activation_bytes\": *[0-9]+"), "\"activation_bytes\": 1000");
        QVERIFY(file.open(QIODevice::WriteOnly | QIODevice::Truncate) && file.write(text.toUtf8()) > 0);
        file.close();
        const Ended ended = limited(folder.path(), profile);

        const QString error
            = ended.errors.section("pipebd: warning: ", -1).section('\n', ended.errors.startsWith("pipebd: w") ? 1 : 0);
        QCOMPARE(ended.status, 1);
        QVERIFY2(error.startsWith("pipebd: error: the device is out of memory ("), qPrintable(error));
        QVERIFY2(
            error.contains("in use ") && error.contains(", planned ") && error.contains(", free ") && error.contains(" on rank "),
            qPrintable(error));
    }
};

QTEST_GUILESS_MAIN(TestMemoryLimit)
#include "test_memory_limit.moc"
