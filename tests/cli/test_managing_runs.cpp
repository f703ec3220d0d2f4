// pipebd runs: tags, notes, filters, deletion, comparison and export, from end to end.
#include "command.h"

#include <QDir>

class TestManagingRuns : public QObject {
    Q_OBJECT

    std::unique_ptr<Workplace> here_;

    QJsonArray list(const QStringList& options = {}) const
    {
        return here_->run(QStringList{"runs", "list", "--json"} + options).array();
    }

    QList<int> ids(const QStringList& options = {}) const
    {
        QList<int> found;
        for (const QJsonValue& run : list(options))
            found << run["id"].toInt();
        return found;
    }

    void done(const QStringList& arguments) const
    {
        const Said said = here_->run(arguments);
        QVERIFY2(said.status == 0 && said.err.isEmpty(), said.err);
    }

    QByteArray contents(const QString& name) const
    {
        QFile file(here_->path(name));
        return file.open(QIODevice::ReadOnly) ? file.readAll() : QByteArray();
    }

private slots:
    void init()
    {
        here_ = std::make_unique<Workplace>();
        const QString experiment = here_->write("digits.toml", "pair = \"nas-digits\"\n[train]\nsteps = 10\n");
        done({"run", experiment, "--devices", "cpu", "--quiet"});
        done({"run", experiment, "--devices", "cpu,cpu", "--strategy", "tr+dpu", "--quiet", "--set", "name=Other"});
    }

    void tagsAndNotesAreShownAndFoundBy()
    {
        done({"runs", "tag", "1", "2", "--add", "good,paper"});
        done({"runs", "tag", "2", "--remove", "good", "--add", "old"});
        done({"runs", "note", "1", "Learning", "rate", "too high"});
        QCOMPARE(list().at(0)["tags"].toArray(), QJsonArray({"old", "paper"}));
        QCOMPARE(here_->run({"runs", "show", "1", "--json"}).object()["note"].toString(), "Learning rate too high");
        QVERIFY(here_->run({"runs", "show", "1"}).out.contains("good, paper"));
        QVERIFY(here_->run({"runs"}).out.contains("old, paper"));

        QCOMPARE(ids({"--tag", "paper"}), QList<int>({2, 1}));
        QCOMPARE(ids({"--tag", "paper", "--tag", "good"}), QList<int>({1}));
        QCOMPARE(ids({"--tag", "Paper"}), QList<int>());
        QCOMPARE(ids({"too", "LEARNING"}), QList<int>({1}));
        QCOMPARE(ids({"other"}), QList<int>({2}));
        QCOMPARE(ids({"--strategy", "tr+dpu", "--state", "finished,lost", "--pair", "nas-digits"}), QList<int>({2}));
        QCOMPARE(ids({"--state", "failed"}), QList<int>());
        done({"runs", "note", "1", "--clear"});
        QCOMPARE(list().at(1)["note"].toString(), QString());
    }

    void aDeletedRunIsHiddenUntilItIsRestoredAndGoneOnceItIsPurged()
    {
        done({"runs", "delete", "1", "2"});
        QCOMPARE(ids(), QList<int>());
        QCOMPARE(ids({"--deleted"}), QList<int>({2, 1}));
        QVERIFY(!list({"--deleted"}).at(0)["deleted"].toString().isEmpty());
        done({"runs", "restore", "2"});
        QCOMPARE(ids(), QList<int>({2}));
        QCOMPARE(ids({"--all"}), QList<int>({2, 1}));

        const QString folder = list({"--deleted"}).at(0)["folder"].toString();
        QVERIFY(QFile::exists(folder));
        QCOMPARE(here_->run({"runs", "purge", "1", "2"}).status, 2); // 2 is not deleted
        const Said purged = here_->run({"runs", "purge", "--all-deleted"});
        QCOMPARE(purged.status, 0);
        QVERIFY(!QFile::exists(folder));
        QCOMPARE(ids({"--all"}), QList<int>({2}));
    }

    void nothingIsChangedIfOneOfTheRunsIsNotThere()
    {
        QCOMPARE(here_->run({"runs", "delete", "1", "9"}).status, 2);
        QCOMPARE(here_->run({"runs", "tag", "1", "9", "--add", "x"}).status, 2);
        QCOMPARE(ids(), QList<int>({2, 1}));
        QVERIFY(list().at(1)["tags"].toArray().isEmpty());
    }

    void runsAreCompared()
    {
        const Said said = here_->run({"runs", "compare", "1", "2", "--differences-only"});
        QCOMPARE(said.status, 0);
        QVERIFY(said.out.contains("throughput"));
        QVERIFY(said.out.contains("run.strategy"));
        QVERIFY(!said.out.contains("data.batch"));
        const QJsonObject json = here_->run({"runs", "compare", "2", "1", "--json"}).object();
        QCOMPARE(json["runs"][0]["id"].toInt(), 2);
        QVERIFY(json["settings"].toArray().size() > 20);
        done({"runs", "compare", "1", "2", "--quiet", "--csv", "c.csv", "--html", "c.html"});
        QVERIFY(contents("c.csv").startsWith("kind,key,run 1,run 2\r\n"));
        QVERIFY(contents("c.html").startsWith("<!DOCTYPE html>") && contents("c.html").endsWith("</html>\n"));
    }

    void aRunIsExported()
    {
        done({"runs", "export", "2", "--csv", "s.csv", "--metrics", "m.json", "--folder", "out", "--quiet"});
        QVERIFY(contents("s.csv").startsWith("series,rank,block,step,t,value\r\n"));
        QVERIFY(contents("s.csv").count('\n') > 10);
        QCOMPARE(QJsonDocument::fromJson(contents("m.json")).object()["format"].toString(), "pipebd.metrics/1");
        QVERIFY(QFile::exists(here_->path("out/0002-Other/run.sqlite")));
        QVERIFY(QDir().mkpath(here_->path("there/runs")));
        QVERIFY(QFile::rename(here_->path("out/0002-Other"), here_->path("there/runs/0005-Other")));
        QCOMPARE(ids({"--lab", here_->path("there")}), QList<int>({5}));

        done({"runs", "list", "--csv", "runs.csv"});
        QCOMPARE(contents("runs.csv").count("\r\n"), 3);
    }

    void whatIsWrittenIsToldAsJson()
    {
        const QJsonObject said = here_->run({"runs", "export", "1", "--csv", "s.csv", "--folder", "out", "--json"}).object();
        QCOMPARE(said["csv"].toString(), "s.csv");
        QCOMPARE(said["folder"].toString(), "out/0001-digits");
        QCOMPARE(here_->run({"runs", "tag", "1", "--add", "a", "--json"}).array().at(0)["tags"].toArray(), QJsonArray({"a"}));
    }
};

QTEST_GUILESS_MAIN(TestManagingRuns)
#include "test_managing_runs.moc"
