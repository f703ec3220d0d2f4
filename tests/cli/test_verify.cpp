// pipebd verify with the real engine: every strategy trains the weights of one device, and what does not is told.

#include "real_run.h"

#include <QFile>
#include <QJsonArray>
#include <QJsonDocument>
#include <QJsonObject>
#include <QTemporaryDir>
#include <QTest>

class TestVerify : public QObject {
    Q_OBJECT

    QTemporaryDir lab_;

    Ended verify(const QStringList& arguments) const
    {
        return run(lab_.path(),
            QStringList{"--json", "verify", experiment_file, "--devices", "cpu,cpu", "--steps", "2", "--set", "data.batch=8"}
                + with_profile + arguments);
    }

    QString profile_with_heavy_blocks(int first) const
    {
        QFile measured(with_profile.last());
        if (!measured.open(QIODevice::ReadOnly))
            qFatal("there is no profile");
        QJsonObject profile = QJsonDocument::fromJson(measured.readAll()).object();
        const auto times = [](double of_whole) {
            return QJsonObject{{"7", of_whole}, {"4", of_whole * 4 / 7}, {"3", of_whole * 3 / 7}};
        };
        QJsonArray blocks = profile["blocks"].toArray();
        for (int b = 0; b < blocks.size(); ++b) {
            QJsonObject block = blocks[b].toObject();
            for (const char* name : {"teacher_forward", "student_forward", "student_backward"})
                block[name] = times(b == first || b == first + 1 ? 10 : 1);
            block["all_reduce"] = QJsonObject{{"2", 0.1}, {"3", 0.1}};
            blocks[b] = block;
        }
        profile["blocks"] = blocks;
        profile["batch"] = 7;
        profile["load"] = times(0.1);
        QFile file(lab_.filePath(QString("heavy%1.json").arg(first)));
        if (!file.open(QIODevice::WriteOnly))
            qFatal("the profile cannot be written");
        file.write(QJsonDocument(profile).toJson());
        return file.fileName();
    }

private slots:
    void everyStrategyTrainsTheWeightsOfOneDevice()
    {
        const Ended ended = verify({});
        QVERIFY2(ended.status == 0, qPrintable(ended.errors + ended.output));
        const QJsonObject json = QJsonDocument::fromJson(ended.output.toUtf8()).object();
        QCOMPARE(json["format"].toString(), QStringLiteral("pipebd.verify/1"));
        const QJsonArray strategies = json["strategies"].toArray();
        QCOMPARE(strategies.size(), 8);
        for (const QJsonValue& strategy : strategies) {
            const QString name = strategy["strategy"].toString();
            QVERIFY2(strategy["holds"].toBool() && strategy["within_tolerance"].toBool(), qPrintable(name));
            QCOMPARE(strategy["blocks"].toArray().size(), 6);
            QVERIFY2(strategy["bit_identical"].toBool() || strategy["splits_batch"].toBool(), qPrintable(name));
        }
        QVERIFY(strategies[1]["splits_batch"].toBool() && !strategies[1]["bit_identical"].toBool()); // dp
    }

    void aBatchOfSevenThatIsSplitAnewBetweenStagesTrainsTheSameToo_data()
    {
        QTest::addColumn<int>("heavy"); // this block and the next; the search then cuts there
        QTest::addColumn<QStringList>("stages");
        QTest::newRow("from one device to two") << 0 << QStringList{"0", "1 2"};
        QTest::newRow("from two devices to one") << 4 << QStringList{"0 1", "2"};
    }

    void aBatchOfSevenThatIsSplitAnewBetweenStagesTrainsTheSameToo()
    {
        QFETCH(int, heavy);
        QFETCH(QStringList, stages);
        const QString profile = profile_with_heavy_blocks(heavy);
        const QStringList common{"--profile", profile, "--strategies", "pipe-bd", "--devices", "cpu,cpu,cpu", "--json"};
        const Ended planned
            = run(lab_.path(), {"plan", "--profile", profile, "--strategies", "pipe-bd", "--devices", "3", "--json"});
        QStringList found;
        for (const QJsonValue& stage : QJsonDocument::fromJson(planned.output.toUtf8())["strategies"][0]["stages"].toArray()) {
            QStringList devices;
            for (const QJsonValue& device : stage["devices"].toArray())
                devices << QString::number(device.toInt());
            found << devices.join(' ');
        }
        QCOMPARE(found, stages);

        const Ended ended
            = run(lab_.path(), QStringList{"verify", experiment_file, "--steps", "2", "--set", "data.batch=7"} + common);
        QVERIFY2(ended.status == 0, qPrintable(ended.errors + ended.output));
        const QJsonObject hybrid = QJsonDocument::fromJson(ended.output.toUtf8())["strategies"][0].toObject();
        QVERIFY(hybrid["within_tolerance"].toBool() && hybrid["splits_batch"].toBool() && !hybrid["bit_identical"].toBool());
    }

    void batchNormOfEachDeviceAloneIsAnotherComputation()
    {
        const Ended ended = verify({"--strategies", "ir", "--set", "run.batch_norm=local"});
        QCOMPARE(ended.status, 1);
        const QJsonObject ir = QJsonDocument::fromJson(ended.output.toUtf8())["strategies"][0].toObject();
        QVERIFY(!ir["within_tolerance"].toBool() && !ir["holds"].toBool());
        QVERIFY(ir["largest_difference"].toDouble() > 1e-3);
    }
};

QTEST_GUILESS_MAIN(TestVerify)
#include "test_verify.moc"
