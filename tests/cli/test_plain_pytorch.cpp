// Every strategy trains the student that an independent program in plain PyTorch trains from the same weights on the same data.

#include "python.h"
#include "real_run.h"

#include <QTemporaryDir>
#include <QTest>

using namespace pipebd::test;

class TestPlainPyTorch : public QObject {
    Q_OBJECT

    QTemporaryDir folder_;
    QStringList trained_; // dtypes that PyTorch has trained in

    QString file(const QString& name) const { return folder_.filePath(name); }

    static PythonEnded plain(const QStringList& arguments) { return pythonScript("plain_pytorch.py", arguments); }

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
        if (const QString why = whyPythonCannotImport("torch"); !why.isEmpty())
            QSKIP(qPrintable(why));
        const PythonEnded started = plain({"start", beginning()});
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
            const PythonEnded ended = plain({"train", beginning(), reference(dtype), "--dtype", dtype, "--batch", "8", "--steps",
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
        const PythonEnded compared = plain({"compare", out + "/supernet.safetensors", reference(dtype), "--tolerance", tolerance});
        qInfo("%s", qPrintable(compared.output.simplified()));
        QVERIFY2(compared.status == 0, qPrintable(compared.errors));
    }
};

QTEST_GUILESS_MAIN(TestPlainPyTorch)
#include "test_plain_pytorch.moc"
