// Labs that are mistyped, not there yet, read only, or damaged, as a user meets them.
#include "command.h"

#include <QDir>
#include <QFileInfo>

#include <unistd.h>

class TestLabs : public QObject {
    Q_OBJECT

    std::unique_ptr<Workplace> here_;
    QString experiment_;

    void train() const { QCOMPARE(here_->run({"run", experiment_, "--devices", "cpu", "--strategy", "single"}).status, 0); }

private slots:
    void init()
    {
        here_ = std::make_unique<Workplace>();
        experiment_ = here_->write("digits.toml", "pair = \"nas-digits\"\n[train]\nsteps = 10\n");
    }

    void aMistypedLabIsRefusedByWhatReadsAndIsNotMade_data()
    {
        QTest::addColumn<QStringList>("command");
        for (const char* command : {"runs list", "runs show 1", "runs compare 1 2", "runs export 1 --csv x.csv",
                 "runs tag 1 --add x", "runs note 1 x", "runs delete 1", "runs restore 1", "runs purge 1", "runs stop 1",
                 "profiles list", "profiles show x", "profiles export x y", "profiles delete x", "pairs list", "pairs delete x",
                 "run --resume 1", "doctor", "plan --profile 0123abcd --devices 2"})
            QTest::newRow(command) << QString::fromLatin1(command).split(' ');
    }

    void aMistypedLabIsRefusedByWhatReadsAndIsNotMade()
    {
        QFETCH(QStringList, command);
        const QString mistyped = here_->path("mistyped");
        const Said said = here_->run(QStringList{"--lab", mistyped} + command);
        QCOMPARE(said.status, 2);
        QCOMPARE(QString::fromUtf8(said.err),
            "pipebd: error: there is no lab: " + mistyped + "; check the path; `pipebd run` creates a lab where none exists\n");
        QVERIFY(!QFileInfo::exists(mistyped));
    }

    void beforeTheFirstRunListsAreEmptyAndNothingIsMade()
    {
        QCOMPARE(here_->run({"runs", "list", "--json"}).array(), QJsonArray());
        QCOMPARE(here_->run({"profiles", "list", "--json"}).array(), QJsonArray());
        QCOMPARE(here_->run({"doctor"}).status, 0);
        const Said said = here_->run({"runs", "show", "1"});
        QCOMPARE(said.status, 2);
        QVERIFY2(said.err.contains("there are no runs yet"), said.err.constData());
        QVERIFY(!QFileInfo::exists(here_->path("lab")));
    }

    void aLabThatCannotBeWrittenCanBeLookedAt()
    {
        train();
        const QString lab = here_->path("lab");
        const QByteArray before = here_->run({"runs", "list", "--json"}).out;
        // A read-only mount of its own, so that root cannot write either.
        const auto as_it_is = [&](const QString& command) {
            auto process = std::make_unique<QProcess>();
            QProcessEnvironment environment = QProcessEnvironment::systemEnvironment();
            environment.insert("PIPEBD_ENGINE", FAKE_ENGINE);
            process->setProcessEnvironment(environment);
            process->setWorkingDirectory(here_->path("."));
            process->start("unshare",
                {"--mount", "--map-root-user", "/bin/sh", "-c",
                    "mount --bind \"$1\" \"$1\" && mount -o remount,bind,ro \"$1\" && if touch \"$1/x\" 2>/dev/null; then exit 77; "
                    "fi; "
                        + command,
                    "sh", lab, PIPEBD_BIN_DIR "/pipebd"});
            process->waitForFinished(60'000);
            return process;
        };
        if (as_it_is("exit 42")->exitCode() != 42)
            QSKIP("this machine lets nobody make a read-only mount of their own (unshare --mount), which the test needs");
        const auto reads = [&](const QString& words) {
            const auto process = as_it_is("\"$2\" --lab \"$1\" " + words);
            const QByteArray errors = process->readAllStandardError();
            if (process->exitCode() != 0)
                qWarning("%s: %s", qPrintable(words), errors.constData());
            return process->readAllStandardOutput();
        };
        QCOMPARE(reads("runs list --json"), before);
        QVERIFY(!reads("runs show 1").isEmpty());
        QVERIFY(!reads("runs export 1 --csv out.csv").isEmpty());
        QVERIFY(!reads("runs compare 1 1").isEmpty());
        QVERIFY(reads("doctor").contains("(read-only)"));
        QVERIFY(!reads("profiles list").isEmpty());
        QVERIFY(!reads("pairs list").isEmpty());
        const auto refused_with = [&](const QString& words, const QByteArray& beginning) {
            const auto process = as_it_is("\"$2\" --lab \"$1\" " + words);
            const QByteArray line = process->readAllStandardError();
            if (process->exitCode() != 1 || line.count('\n') != 1 || !line.startsWith("pipebd: error: " + beginning))
                qWarning("%s: %d, %s", qPrintable(words), process->exitCode(), line.constData());
            return process->exitCode() == 1 && line.count('\n') == 1 && line.startsWith("pipebd: error: " + beginning);
        };
        QVERIFY(refused_with("runs tag 1 --add x", "no permission to write this"));
        // Before anything is measured: no line tells of a profile, and one line is all there is.
        const QByteArray no_place = "the lab cannot be written, and results are kept there: " + lab.toUtf8()
            + "; name another one with --lab, or copy it to a folder that you can write\n";
        for (const char* words : {"run digits.toml --devices cpu,cpu", "run digits.toml --devices cpu --strategy single --check",
                 "run --resume 1", "profile digits.toml --devices cpu", "runs import .",
                 "pairs import --teacher digits.toml --student digits.toml --name x"})
            QVERIFY(refused_with(words, no_place));
    }

    void aLabWhoseRunsCannotBeWrittenIsRefusedBeforeARun()
    {
        if (::geteuid() == 0)
            QSKIP("root may write everything");
        train();
        const QString runs = here_->path("lab/runs");
        QVERIFY(QFile::setPermissions(runs, QFile::ReadOwner | QFile::ExeOwner));
        const Said said = here_->run({"run", experiment_, "--devices", "cpu", "--strategy", "single"});
        QVERIFY(QFile::setPermissions(runs, QFile::ReadOwner | QFile::WriteOwner | QFile::ExeOwner));
        QCOMPARE(said.status, 1);
        QVERIFY2(said.err.startsWith("pipebd: error: the lab cannot be written"), said.err.constData());
    }

    void aDamagedRunIsToldByDoctorShowExportAndCompareAndRepaired()
    {
        train();
        train();
        const QString file = QDir(here_->path("lab/runs")).entryInfoList({"0001-*"}, QDir::Dirs).first().filePath() + "/run.sqlite";
        QFile database(file);
        QVERIFY(database.open(QIODevice::ReadWrite) && database.seek(72) && database.write("x") == 1);
        database.close();

        const Said doctor = here_->run({"doctor", "--json"});
        QCOMPARE(doctor.status, 1);
        QCOMPARE(doctor.object()["damaged_runs"].toArray(), QJsonArray({1}));
        for (const QStringList& command : {QStringList{"runs", "show", "1"},
                 QStringList{"runs", "export", "1", "--csv", here_->path("x.csv")}, QStringList{"runs", "compare", "1", "2"}}) {
            const Said said = here_->run(command);
            QCOMPARE(said.status, 1);
            QVERIFY2(said.err.startsWith("pipebd: warning: run 1 is damaged"), said.err.constData());
            QCOMPARE(said.err.count('\n'), 1);
        }
        QVERIFY(here_->run({"runs", "show", "1", "--json"}).object().contains("damage"));
        QCOMPARE(here_->run({"runs", "show", "2"}).status, 0);

        const Said repaired = here_->run({"doctor", "--repair"});
        QCOMPARE(repaired.status, 0);
        QVERIFY2(repaired.out.contains("repaired: saved its record"), repaired.out.constData());
        QCOMPARE(here_->run({"runs", "show", "1"}).status, 0);
        QCOMPARE(here_->run({"doctor"}).status, 0);
        QVERIFY(QFileInfo::exists(file + ".damaged"));
    }
};

QTEST_GUILESS_MAIN(TestLabs)
#include "test_labs.moc"
