// pipebd bench with the real engine: figures that agree with each other, whatever they are on this machine.
#include "real_run.h"

#include <QJsonArray>
#include <QJsonDocument>
#include <QJsonObject>
#include <QTemporaryDir>
#include <QTest>

class TestRealBench : public QObject {
    Q_OBJECT

    QTemporaryDir lab_;

private slots:
    void everyStrategyIsMeasuredBesideTheLimit()
    {
        const Ended ended = run(lab_.path(),
            QStringList{"bench", experiment_file, "--devices", "cpu,cpu", "--set", "data.batch=8", "--steps", "4", "--rounds", "2",
                "--json"}
                + with_profile);

        QVERIFY2(ended.status == 0, qPrintable(ended.errors));
        const QJsonObject json = QJsonDocument::fromJson(ended.output.toUtf8()).object();
        const double limit = json["limit_step"].toDouble();
        QVERIFY(limit > 0);
        const QJsonArray strategies = json["strategies"].toArray();
        QCOMPARE(strategies.size(), 8);
        const double dp = strategies[1]["step"].toDouble();
        const double ls = strategies[2]["step"].toDouble();
        QCOMPARE(strategies[1]["strategy"].toString(), QString("dp"));
        QCOMPARE(strategies[2]["strategy"].toString(), QString("ls"));
        for (const QJsonValue& strategy : strategies) {
            const double step = strategy["step"].toDouble();
            QVERIFY(step > 0);
            QCOMPARE(strategy["throughput"].toDouble(), 8000 / step);
            QCOMPARE(strategy["share_of_limit"].toDouble(), limit / step);
            QCOMPARE(strategy["over_dp"].toDouble(), dp / step);
            QCOMPARE(strategy["over_ls"].toDouble(), ls / step);
            QVERIFY(strategy["predicted_step"].toDouble() > 0);
        }
    }
};

QTEST_GUILESS_MAIN(TestRealBench)
#include "test_real_bench.moc"
