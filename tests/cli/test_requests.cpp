// What is wrong with a request is said in one line, with exit status 2, at once (I1). The table is golden.
#include "command.h"

class TestRequests : public QObject {
    Q_OBJECT

    Workplace here_;

private slots:
    void initTestCase()
    {
        here_.write("good.toml", "pair = \"nas-digits\"\n[train]\nsteps = 5\n");
        here_.write("teacher.toml", "pair = \"nas-digits\"\n[train]\nnetwork = \"teacher\"\nsteps = 5\n");
        here_.write("pair.toml", "pair = \"nothing\"\n");
        here_.write("batch.toml", "pair = \"nas-digits\"\n[data]\nbatch = 0\n");
        here_.write("rate.toml", "pair = \"nas-digits\"\n[train]\nlearning_rate = nan\n");
        here_.write("key.toml", "pair = \"nas-digits\"\n[train]\nepoch = 3\n");
        here_.write("no.toml", "this is = = no toml");
        here_.write("profile.json", "{\"format\": \"pipebd.profile/1\"}");
        here_.write("later.json", "{\"format\": \"pipebd.profile/9\"}");
        here_.write("file", "not a folder");
    }

    void aWrongRequestIsOneLineThatSaysWhatWhereAndHowToPutItRight_data()
    {
        QTest::addColumn<QStringList>("arguments");
        QTest::addColumn<QByteArray>("line");
        const auto row = [](const char* name, const QStringList& arguments, const char* line) {
            QTest::newRow(name) << arguments << QByteArray(line);
        };
        row("nothing", {}, "no command: pipebd; name one of doctor, pairs, profile, plan, run, runs; see pipebd --help");
        row("command", {"rnu"}, "unknown command 'rnu': pipebd; did you mean run?");
        row("no such command", {"frobnicate"},
            "unknown command 'frobnicate': pipebd; known are doctor, pairs, profile, plan, run, runs");
        row("subcommand", {"runs", "lsit"}, "unknown command 'lsit': pipebd runs; did you mean list?");
        row("option", {"run", "good.toml", "--devcies", "cpu"}, "unknown option '--devcies': pipebd run; did you mean --devices?");
        row("no value", {"run", "good.toml", "--devices"},
            "--devices: 1 required LIST missing: pipebd run; see pipebd run --help");
        row("twice", {"run", "good.toml", "--strategy", "dp", "--strategy", "dp"},
            "--strategy: 1 required NAME missing: pipebd run; see pipebd run --help");
        row("one too many", {"run", "good.toml", "other.toml"}, "unexpected argument 'other.toml': pipebd run; leave it out");
        row("no experiment", {"run"}, "no experiment is named: pipebd run EXPERIMENT; give an experiment file");
        row("experiment missing", {"run", "missing.toml"}, "cannot open the file (No such file or directory): missing.toml; check the path");
        row("experiment a folder", {"run", "."}, "?");
        row("not toml", {"run", "no.toml"}, "?");
        row("unknown key", {"run", "key.toml"}, "?");
        row("batch 0", {"run", "batch.toml"}, "?");
        row("rate nan", {"run", "rate.toml"}, "?");
        row("setting", {"run", "good.toml", "--set", "train.stesp=3"}, "?");
        row("setting without value", {"run", "good.toml", "--set", "train.steps"}, "?");
        row("steps -1", {"run", "good.toml", "--set", "train.steps=-1"}, "?");
        row("devices -1", {"run", "good.toml", "--devices", "-1"}, "?");
        row("devices", {"run", "good.toml", "--devices", "cpu,gpu"}, "?");
        row("no devices", {"run", "good.toml", "--devices", ""}, "?");
        row("unlike devices", {"run", "good.toml", "--devices", "cpu,cpu@2"}, "?");
        row("cluster", {"plan", "good.toml", "--devices", "cluster.toml"}, "?");
        row("strategy", {"run", "good.toml", "--strategy", "tr+dp"}, "?");
        row("no such pair", {"run", "pair.toml", "--devices", "cpu"}, "?");
        row("teacher on two", {"run", "teacher.toml", "--devices", "cpu,cpu"}, "?");
        row("results in a file", {"run", "good.toml", "--devices", "cpu", "--out", "file"}, "?");
        row("nothing to plan", {"plan"}, "?");
        row("plan both", {"plan", "good.toml", "--profile", "profile.json"}, "?");
        row("plan without devices", {"plan", "--profile", "profile.json"}, "?");
        row("plan for 0", {"plan", "--profile", "profile.json", "--devices", "0"}, "?");
        row("plan for -4", {"plan", "--profile", "profile.json", "--devices", "-4"}, "?");
        row("plan for many", {"plan", "--profile", "profile.json", "--devices", "99999999999"}, "?");
        row("profile", {"plan", "--profile", "profile.json", "--devices", "2"}, "?");
        row("profile of later", {"plan", "--profile", "later.json", "--devices", "2"}, "?");
        row("strategies", {"plan", "good.toml", "--strategies", "dp,,ls"}, "?");
        row("memory", {"plan", "good.toml", "--memory-limit", "11XB"}, "?");
        row("no run", {"runs", "show"}, "?");
        row("run 0", {"runs", "show", "0"}, "?");
        row("run x", {"runs", "stop", "x"}, "?");
        row("run 999", {"runs", "show", "999"}, "?");
        row("lab", {"runs", "list", "--lab", "file"}, "?");
        row("control characters", {"run", "a\nb\x1b[31m"}, "?");
    }

    void aWrongRequestIsOneLineThatSaysWhatWhereAndHowToPutItRight()
    {
        QFETCH(QStringList, arguments);
        QFETCH(QByteArray, line);

        Said said = here_.run(arguments);
        said.err.replace(here_.path("").toUtf8(), "HERE/");

        QCOMPARE(said.err, "pipebd: error: " + line + "\n");
        QCOMPARE(said.status, 2);
        QCOMPARE(said.out, QByteArray());
        QVERIFY(said.milliseconds < 500);
    }

    void bytesThatAreNotTextAreShownAsQuestionMarks()
    {
        QProcess shell;
        shell.start("/bin/sh", {"-c", "exec " PIPEBD_BIN_DIR "/pipebd run \"$(printf 'a\\377b')\""});
        QVERIFY(shell.waitForFinished());
        QCOMPARE(shell.exitCode(), 2);
        QCOMPARE(shell.readAllStandardError(),
            QByteArray("pipebd: error: cannot open the file (No such file or directory): a?b; check the path\n"));
    }

    void aHugeArgumentIsCutInTheMessage()
    {
        const Said said = here_.run({"run", QString(100'000, 'x')});
        QCOMPARE(said.status, 2);
        QVERIFY(said.err.size() < 2100);
        QCOMPARE(said.err.count('\n'), 1);
    }

    void helpAndVersionAreNoErrors()
    {
        QCOMPARE(here_.run({"--version"}).out, QByteArray("pipebd 0.1.0\n"));
        for (const QStringList& arguments : {QStringList{"--help"}, QStringList{"run", "--help"}, QStringList{"runs", "stop", "--help"}}) {
            const Said said = here_.run(arguments);
            QCOMPARE(said.status, 0);
            QVERIFY(said.out.contains("Usage: pipebd"));
        }
    }
};

QTEST_GUILESS_MAIN(TestRequests)
#include "test_requests.moc"
