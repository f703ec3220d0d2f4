// The time of day jumps while a run goes on: row T10 of the fault table.
#include "command.h"

#include "store/run_comparison.h"
#include "store/run_store.h"

#include <filesystem>

class TestClocks : public QObject {
    Q_OBJECT

private slots:
    void aRunLastsAsLongAsItLastedHoweverTheTimeOfDayJumps_data() // T10
    {
        QTest::addColumn<int>("jump");
        QTest::newRow("an hour back") << -3600;
        QTest::newRow("an hour on") << 3600;
    }

    void aRunLastsAsLongAsItLastedHoweverTheTimeOfDayJumps()
    {
        QFETCH(int, jump);
        const Workplace here;
        const QString experiment = here.write("digits.toml", "pair = \"nas-digits\"\n[train]\nsteps = 200\n");
        qputenv("LD_PRELOAD", JUMPING_CLOCK);
        qputenv("CLOCK_JUMP", QByteArray::number(jump));
        const Said said = here.run({"run", experiment, "--devices", "cpu,cpu", "--strategy", "tr+dpu"}, "pace=10");
        qunsetenv("LD_PRELOAD");
        qunsetenv("CLOCK_JUMP");

        QCOMPARE(said.status, 0); // no limit has taken it for a silence
        const QString folder = here.run({"runs", "show", "1", "--json"}).object()["folder"].toString();
        const pipebd::store::RunRecord run
            = pipebd::store::RunStore(
                std::filesystem::path(folder.toStdString()) / "run.sqlite", pipebd::store::RunStore::Mode::ReadOnly)
                  .record();
        QVERIFY2(run.finished >= run.started, (run.started + " to " + run.finished).c_str());
        const std::optional<double> seconds = pipebd::store::wall_seconds(run);
        QVERIFY(seconds.has_value());
        QVERIFY2(*seconds >= 2 && *seconds < 60, QByteArray::number(*seconds)); // 200 steps of 10 ms
    }
};

QTEST_GUILESS_MAIN(TestClocks)
#include "test_clocks.moc"
