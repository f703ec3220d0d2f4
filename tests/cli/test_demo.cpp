// The demo as a user runs it, shortened; the strategy is left to the program.

#include "real_run.h"

#include <QFile>
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

    void theFineTunedStudentIsTheSameWhicheverStrategyDistilledIt()
    {
        // A few steps of everything: a teacher, architecture steps, a derivation, fine-tuning.
        const QString experiment = lab_.filePath("life.toml");
        QFile file(experiment);
        QVERIFY(file.open(QIODevice::WriteOnly));
        file.write("pair = \"nas-digits\"\n[data]\nbatch = 8\nheld_out = 0.1\n[train]\nsteps = 8\n"
                   "[architecture]\ntrain = true\nevery = 1\nlearning_rate = 0.05\n"
                   "[derive]\nmacs = 0.6\nsamples = 16\ncalibration = 2\n[stage.teacher]\nsteps = 3\n[stage.finetune]\nsteps = 3\n");
        file.close();
        const auto life = [&](const QString& strategy) {
            const QStringList arguments{"--json", "run", experiment, "--devices", "cpu,cpu", "--strategy", strategy, "--out",
                lab_.filePath(strategy)};
            const Ended ended = run(lab_.path(), arguments + with_profile);
            if (ended.status != 0)
                qWarning("%s", qPrintable(ended.errors));
            return QJsonDocument::fromJson(ended.output.toUtf8()).object();
        };
        const QJsonObject single = life("single"), relayed = life("tr+dpu");
        const QJsonArray stages = relayed["stages"].toArray();
        QCOMPARE(stages.size(), 3);
        const QJsonObject distilled = stages.at(1)["evaluation"].toObject(), finetuned = stages.at(2)["evaluation"].toObject();
        QVERIFY(finetuned["macs"].toDouble() <= 0.6 * distilled["teacher_macs"].toDouble());
        QCOMPARE(finetuned["macs"], distilled["macs"]);
        QVERIFY(finetuned["test_accuracy_top5"].toDouble() >= finetuned["test_accuracy"].toDouble());
        QCOMPARE(single["stages"].toArray().at(2).toObject()["evaluation"].toObject(), finetuned);
        for (const char* name : {"supernet.safetensors", "student.safetensors", "architecture.json"}) {
            const auto bytes = [&](const QString& strategy) {
                QFile result(lab_.filePath(strategy) + "/" + name);
                return result.open(QIODevice::ReadOnly) ? result.readAll() : QByteArray();
            };
            QVERIFY(!bytes("single").isEmpty());
            QVERIFY2(bytes("single") == bytes("tr+dpu"), name);
        }
    }

    void aDerivedStudentIsNearlyAsGoodAsItsTeacherAndCostsLess()
    {
        const Ended ended = run(
            lab_.path(), {"--json", "run", PIPEBD_SOURCE_DIR "/experiments/digits-nas.toml", "--devices", "cpu,cpu"});
        QVERIFY2(ended.status == 0, qPrintable(ended.errors));
        const QJsonArray stages = QJsonDocument::fromJson(ended.output.toUtf8()).object()["stages"].toArray();
        QCOMPARE(stages.size(), 2);
        const QJsonObject distilled = stages.at(0)["evaluation"].toObject(), finetuned = stages.at(1)["evaluation"].toObject();
        const double teacher = distilled["teacher_accuracy"].toDouble(), student = finetuned["test_accuracy"].toDouble();
        qInfo("teacher %g, derived %g, fine-tuned %g", teacher, distilled["test_accuracy"].toDouble(), student);
        QVERIFY(teacher > 0.95);
        QVERIFY(student >= teacher - 0.02);
        QVERIFY(finetuned["macs"].toDouble() <= 0.8 * distilled["teacher_macs"].toDouble());
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
