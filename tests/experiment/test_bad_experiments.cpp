// I1: bad experiments and settings, each refused in the one line that stands in tests/golden/bad_experiments.txt.
//
// That file has a paragraph a case: "# NAME", the experiment's lines after "| ", settings after "--set ", the line expected after
// "= ". In settings and texts "\n" stands for a line break.
#include "base/file.h"
#include "experiment/experiment.h"
#include "experiment_testing.h"
#include "schedule/strategies.h"

#include <QElapsedTimer>
#include <QFile>

using namespace pipebd;
using namespace pipebd::experiment;

class TestBadExperiments : public QObject {
    Q_OBJECT

    // Refused with BadRequest, fast, in one line that is not too long to read.
    static QByteArray refusal(const QByteArray& text, const QByteArrayList& settings)
    {
        std::vector<std::string> overrides;
        for (const QByteArray& setting : settings)
            overrides.push_back(setting.toStdString());
        QElapsedTimer timer;
        timer.start();
        const auto error = errorOf([&] { parse_experiment(text.toStdString(), "a.toml", overrides); });
        if (!error)
            return "nothing was refused";
        const QByteArray line = error->what();
        if (error->code() != Code::BadRequest)
            return "the code is " + QByteArray(to_string(error->code()).data()) + " of " + line;
        if (line.contains('\n') || line.size() > 600)
            return "not one short line: " + line;
        return timer.elapsed() < 500 ? line : "slower than 0.5 s: " + line;
    }

private slots:
    void aBadExperimentIsRefusedInOneLine_data()
    {
        QTest::addColumn<QByteArray>("text");
        QTest::addColumn<QByteArrayList>("settings");
        QTest::addColumn<QByteArray>("line");
        QFile golden(PIPEBD_SOURCE_DIR "/tests/golden/bad_experiments.txt");
        QVERIFY(golden.open(QIODevice::ReadOnly));
        QByteArray name;
        QByteArray text;
        QByteArrayList settings;
        int rows = 0;
        while (!golden.atEnd()) {
            const QByteArray line = golden.readLine().chopped(1);
            if (line.startsWith("# ")) {
                name = line.mid(2);
                text.clear();
                settings.clear();
            } else if (line.startsWith("|")) {
                text += line.mid(2) + '\n';
            } else if (line.startsWith("--set ")) {
                settings += line.mid(6).replace("\\n", "\n");
            } else if (line.startsWith("= ")) {
                QTest::newRow(name) << text << settings << line.mid(2);
                ++rows;
            }
        }
        QVERIFY(rows >= 40);
    }

    void aBadExperimentIsRefusedInOneLine()
    {
        QFETCH(QByteArray, text);
        QFETCH(QByteArrayList, settings);
        QFETCH(QByteArray, line);
        QCOMPARE(refusal(text, settings), line);
    }

    void whatIsNotUtf8IsRefusedWithItsLine()
    {
        const QByteArray line = "the file is not UTF-8: a.toml:2; save it as UTF-8";
        QCOMPARE(refusal("pair = \"p\"\nname = \"gr\xf6\xdf\"\n", {}), line);
        QCOMPARE(refusal("pair = \"p\"\n# \xc0\xaf", {}), line);
        QCOMPARE(refusal("pair = \"p\"\n\xed\xa0\x80", {}), line);
        QVERIFY(refusal("pair = \"p\"", {"name=\xf6x"}).startsWith("name cannot be '?x': --set name=?x; give a string"));
    }

    void anUnknownStrategyIsRefusedWithTheKnownOnes()
    {
        const QByteArray line = refusal("pair = \"p\"\nrun.strategy = \"tr+dup\"", {});
        QVERIFY2(
            line.startsWith("run.strategy 'tr+dup' is not a possible value: a.toml:2; did you mean 'tr+dpu'? known are auto, "),
            line);
        for (std::string_view name : schedule::blockwise_strategy_names())
            QVERIFY2(line.contains(name.data()), line);
    }

    void aMegabyteIsRefusedInOneShortLine_data()
    {
        QTest::addColumn<QByteArray>("text");
        QTest::addColumn<QByteArrayList>("settings");
        QTest::addColumn<QByteArray>("says");
        const QByteArray megabyte(1 << 20, 'x');
        const QByteArray digits(1 << 20, '9');
        const QByteArray pair = "pair = \"p\"\n";
        QTest::newRow("pair") << "pair = \"" + megabyte + "\"" << QByteArrayList() << QByteArray("pair cannot be 'xxx");
        QTest::newRow("choice") << pair + "train.optimizer = \"" + megabyte + "\"" << QByteArrayList()
                                << QByteArray("a.toml:2; known are sgd, adam, adamw, rmsprop");
        QTest::newRow("devices") << pair + "run.devices = \"" + megabyte + "\"" << QByteArrayList()
                                 << QByteArray("a.toml:2; write a list");
        QTest::newRow("key") << pair + megabyte + " = 1" << QByteArrayList() << QByteArray("a.toml:2; known are name, pair, seed");
        QTest::newRow("section") << pair + "[" + megabyte + "]" << QByteArrayList() << QByteArray("unknown section 'xxx");
        QTest::newRow("number") << pair + "seed = " + digits << QByteArrayList() << QByteArray("a.toml:2");
        QTest::newRow("no TOML") << megabyte << QByteArrayList() << QByteArray("a.toml:1");
        QTest::newRow("lists in lists") << pair + "seed = " + QByteArray(1 << 20, '[') << QByteArrayList()
                                        << QByteArray("a.toml:2");
        QTest::newRow("setting") << pair << QByteArrayList{"name=" + megabyte} << QByteArray("name cannot be 'xxx");
        QTest::newRow("setting's key") << pair << QByteArrayList{megabyte + "=1"} << QByteArray("unknown key 'xxx");
        QTest::newRow("setting's number") << pair << QByteArrayList{"seed=" + digits} << QByteArray("seed: number out of range");
        QTest::newRow("setting's exponent") << pair << QByteArrayList{"train.learning_rate=1e400"}
                                            << QByteArray("train.learning_rate: number out of range");
        QTest::newRow("setting's list") << pair << QByteArrayList{"seed=" + QByteArray(1 << 20, '[')}
                                        << QByteArray("seed is a string");
    }

    void aMegabyteIsRefusedInOneShortLine()
    {
        QFETCH(QByteArray, text);
        QFETCH(QByteArrayList, settings);
        QFETCH(QByteArray, says);
        const QByteArray line = refusal(text, settings);
        QVERIFY2(line.contains(says) && !line.startsWith("not one"), line.left(2000));
    }

    void aFileThatIsTooLargeIsRefused()
    {
        QTemporaryDir folder;
        const fs::path file = fs::path(folder.path().toStdString()) / "large.toml";
        replace_file(file, "");
        fs::resize_file(file, std::uintmax_t{1} << 40);
        VERIFY_REFUSED(read_experiment(file), Code::BadRequest, "the file is larger than 16777216 bytes");
    }
};

QTEST_GUILESS_MAIN(TestBadExperiments)
#include "test_bad_experiments.moc"
