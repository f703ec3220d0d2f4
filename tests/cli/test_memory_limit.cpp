// A rank that gets no memory: told as such, with the figures (T6).
#include "real_run.h"

#include <QTemporaryDir>
#include <QTest>

#include <sys/resource.h>

class TestMemoryLimit : public QObject {
    Q_OBJECT

private slots:
    void aRankThatGetsNoMemorySaysWhatWasPlannedAndWhatIsFree()
    {
        const QTemporaryDir folder;
        const QString profile = large_profile_in(folder.path());
        QProcess process;
        process.setChildProcessModifier([] {
            const rlimit limit = {rlim_t{4} << 30, rlim_t{4} << 30};
            setrlimit(RLIMIT_AS, &limit);
        });
        start(process, folder.filePath("lab"),
            {"run", experiment_file, "--strategy", "tr+dpu", "--devices", "cpu,cpu", "--set", "data.batch=4096", "--set",
                "train.steps=2", "--profile", profile, "--quiet"});
        QVERIFY(process.waitForFinished(120'000));

        const QString error = QString::fromUtf8(process.readAllStandardError());
        QCOMPARE(process.exitCode(), 1);
        QVERIFY2(error.startsWith("pipebd: error: the device has no memory left (in use "), qPrintable(error));
        QVERIFY2(error.contains(", planned ") && error.contains(", free ") && error.contains(" on rank "), qPrintable(error));
    }
};

QTEST_GUILESS_MAIN(TestMemoryLimit)
#include "test_memory_limit.moc"
