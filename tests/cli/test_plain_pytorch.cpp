// Every strategy trains the student that an independent program in plain PyTorch trains from the same weights on the same data.

#include "real_run.h"

#include <QProcessEnvironment>
#include <QTemporaryDir>
#include <QTest>

class TestPlainPyTorch : public QObject {
    Q_OBJECT

    QTemporaryDir folder_;
    QProcessEnvironment environment_;
    QStringList trained_; // dtypes that PyTorch has trained in

    QString file(const QString& name) const { return folder_.filePath(name); }

    Ended python(const QStringList& arguments) const
    {
        QProcess process;
        process.setProcessEnvironment(environment_);
        process.start("python3", arguments);
        process.waitForFinished(300'000);
        const bool ran = process.error() == QProcess::UnknownError && process.exitStatus() == QProcess::NormalExit;
        return {ran ? process.exitCode() : -1, QString::fromUtf8(process.readAllStandardOutput()),
            QString::fromUtf8(process.readAllStandardError())};
    }

    Ended plain(const QStringList& arguments) const
    {
        return python(QStringList{PIPEBD_SOURCE_DIR "/tests/python/plain_pytorch.py"} + arguments);
    }

    QString reference(const QString& dtype) const { return file(dtype + ".safetensors"); }
    QString beginning() const { return file("beginning.safetensors"); }

    // Rounding grows with every step, through ReLU6 and batch norm, and in float32 faster than 1e-5 allows.
    static QStringList course(const QString& dtype)
    {
        return dtype == "float64" ? QStringList{"4", "0.05"} : QStringList{"2", "0.01"};
    }

private slots:
    void initTestCase()
    {
        // As python3 is; else with the LibTorch that this is built with, which is a Python package too.
        QStringList reasons;
        for (const QString& path : {QString(), QStringLiteral(PIPEBD_TORCH_PACKAGES)}) {
            environment_ = QProcessEnvironment::systemEnvironment();
            environment_.insert("OMP_NUM_THREADS", "1");
            if (!path.isEmpty())
                environment_.insert("PYTHONPATH", path);
            const Ended imported = python({"-c", "import torch"});
            if (imported.status == 0)
                break;
            reasons << imported.errors.trimmed().section('\n', -1);
        }
        if (reasons.size() == 2)
            QSKIP(qPrintable("python3 cannot import torch: " + reasons.join("; ")));
        const Ended started = plain({"start", beginning()});
        QVERIFY2(started.status == 0, qPrintable(started.errors));
    }

    void theSameWeights_data()
    {
        QTest::addColumn<QString>("dtype");
        QTest::addColumn<QString>("strategy");
        for (const char* dtype : {"float64", "float32"}) {
            for (const char* strategy : {"single", "dp", "ls", "ls-steal", "ir", "tr", "tr+dpu", "tr+dpu+ahd"})
                QTest::addRow("%s, %s", strategy, dtype) << QString(dtype) << QString(strategy);
        }
    }

    void theSameWeights()
    {
        QFETCH(QString, dtype);
        QFETCH(QString, strategy);
        const QString tolerance = dtype == "float64" ? "1e-11" : "1e-5";
        const QStringList steps = course(dtype);
        if (!trained_.contains(dtype)) {
            trained_ << dtype;
            const Ended ended = plain({"train", beginning(), reference(dtype), "--dtype", dtype, "--batch", "8", "--steps",
                steps[0], "--learning-rate", steps[1]});
            QVERIFY2(ended.status == 0, qPrintable(ended.errors));
            QCOMPARE(plain({"compare", beginning(), reference(dtype), "--tolerance", "0.01"}).status, 1); // it has learned
        }
        const QString out = file(strategy + "-" + dtype);
        const Ended ended = run(file("lab"),
            QStringList{"run", experiment_file, "--strategy", strategy, "--devices", strategy == "single" ? "cpu" : "cpu,cpu",
                "--out", out, "--quiet"}
                + with_profile
                + QStringList{"--set", "data.batch=8", "--set", "data.shuffle=false", "--set", "run.dtype=" + dtype, "--set",
                    "student.weights=" + beginning(), "--set", "train.steps=" + steps[0], "--set",
                    "train.learning_rate=" + steps[1]});
        QVERIFY2(ended.status == 0, qPrintable(ended.errors));
        const Ended compared = plain({"compare", out + "/supernet.safetensors", reference(dtype), "--tolerance", tolerance});
        qInfo("%s", qPrintable(compared.output.simplified()));
        QVERIFY2(compared.status == 0, qPrintable(compared.errors));
    }
};

QTEST_GUILESS_MAIN(TestPlainPyTorch)
#include "test_plain_pytorch.moc"
