// The demo as a user runs it, shortened; the strategy is left to the program.

#include "real_run.h"

#include <QJsonArray>
#include <QJsonDocument>
#include <QJsonObject>
#include <QTemporaryDir>
#include <QTest>

class TestDemo : public QObject {
    Q_OBJECT

    QTemporaryDir lab_; // one, so that the profile is measured once

private slots:
    void relayingBeatsDataParallelTrainingOnTheSameWork()
    {
        auto throughput = [&](const QString& strategy) {
            Ended ended = run(lab_.path(),
                {"--json", "run", experiment_file, "--devices", "cpu,cpu", "--strategy", strategy, "--set", "data.batch=32",
                    "--set", "train.steps=15"});
            return QJsonDocument::fromJson(ended.output.toUtf8()).object()["throughput"].toDouble();
        };
        double data_parallel = throughput("dp");
        double relayed = throughput("tr+dpu");
        qInfo("dp %g samples/s, tr+dpu %g samples/s", data_parallel, relayed);
        QVERIFY(data_parallel > 0);
        QVERIFY(relayed > data_parallel);
    }

    void theBestStrategyIsFoundAndTheLossFallsInEveryBlock()
    {
        Ended ended = run(lab_.path(),
            {"--json", "run", experiment_file, "--devices", "cpu,cpu", "--set", "data.batch=32", "--set", "train.steps=100"});
        QVERIFY2(ended.status == 0, qPrintable(ended.errors));
        QJsonObject record = QJsonDocument::fromJson(ended.output.toUtf8()).object();
        QCOMPARE(record["state"].toString(), QStringLiteral("finished"));
        QVERIFY(record["prediction"].toObject()["step"].toDouble() > 0);
        QVERIFY(record["results"].toObject()["step"].toDouble() > 0);
        QJsonArray first = record["results"].toObject()["first_loss"].toArray();
        QJsonArray last = record["final_loss"].toArray();
        QCOMPARE(first.size(), 6);
        QCOMPARE(last.size(), 6);
        for (qsizetype block = 0; block < first.size(); ++block) {
            qInfo("block %d: %g -> %g", static_cast<int>(block), first[block].toDouble(), last[block].toDouble());
            QVERIFY(last[block].toDouble() < first[block].toDouble());
        }
    }
};

QTEST_GUILESS_MAIN(TestDemo)
#include "test_demo.moc"
