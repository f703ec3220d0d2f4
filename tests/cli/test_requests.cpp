// What is wrong with a request is said in one line, with exit status 2, at once (I1). The table is golden.
#include "command.h"

class TestRequests : public QObject {
    Q_OBJECT

    Workplace here_;

private slots:
    void initTestCase()
    {
        here_.write("good.toml", "pair = \"nas-digits\"\n[train]\nsteps = 5\n");
        QVERIFY(QDir(here_.path("")).mkdir("used"));
        here_.write("used/spec.json", "{}");
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
        row("nothing", {},
            "no command: pipebd; name one of doctor, pairs, profile, profiles, plan, run, launch, verify, bench, runs; see pipebd --help");
        row("command", {"rnu"}, "unknown command 'rnu': pipebd; did you mean run?");
        row("no such command", {"frobnicate"},
            "unknown command 'frobnicate': pipebd; known are doctor, pairs, profile, profiles, plan, run, launch, verify, bench, runs");
        row("subcommand", {"runs", "lsit"}, "unknown command 'lsit': pipebd runs; did you mean list?");
        row("option", {"run", "good.toml", "--devcies", "cpu"}, "unknown option '--devcies': pipebd run; did you mean --devices?");
        row("no value", {"run", "good.toml", "--devices"}, "--devices has no value: pipebd run; give --devices LIST");
        row("twice", {"run", "good.toml", "--strategy", "dp", "--strategy", "dp"},
            "--strategy is given more than once: pipebd run; give it once");
        row("no number", {"bench", "good.toml", "--rounds", "many"},
            "'many' is not a number that is allowed here: --rounds; give N as a number, such as 4");
        row("a number too large", {"bench", "good.toml", "--rounds", "99999999999999999999"},
            "'99999999999999999999' is not a number that is allowed here: --rounds; give N as a number, such as 4");
        row("two that exclude each other", {"run", "good.toml", "--profile-again", "--profile", "profile.json"},
            "--profile cannot be combined with --profile-again: pipebd run; leave one of them out");
        row("a value for a flag", {"run", "good.toml", "--check=maybe"}, "--check takes no value: pipebd run; leave the value out");
        row("one too many", {"run", "good.toml", "other.toml"}, "unexpected argument 'other.toml': pipebd run; leave it out");
        row("no experiment", {"run"}, "no experiment given: pipebd run EXPERIMENT; give an experiment file");
        row("machines without a launcher", {"run", "good.toml", "--machines", "2"},
            "pipebd run starts ranks only on this machine: --machines 2; add --prepare DIR, then run pipebd launch on each "
            "machine");
        row("no machine", {"run", "good.toml", "--machines", "0"},
            "this number of machines is not possible: --machines 0; give a number from 1 to 1024");
        row("out of a prepared run", {"run", "good.toml", "--prepare", "there", "--out", "here"},
            "a prepared run writes its results to the folder of --prepare: --out here; leave it out");
        row("prepared twice", {"run", "good.toml", "--prepare", "used"},
            "this folder already holds a prepared run: --prepare used; name a new folder");
        row("a dtype that is none", {"verify", "good.toml", "--dtype", "int8"},
            "unknown dtype 'int8': --dtype; give float64, float32 or bfloat16");
        row("a tolerance without bounds", {"verify", "good.toml", "--tolerance", "inf"},
            "the tolerance is not a number >= 0: --tolerance; give one such as 1e-6");
        row("strategies of the teacher's training", {"verify", "teacher.toml"},
            "this experiment trains on labels, on one device and without a strategy: teacher.toml; give an experiment that distils "
            "a student");
        row("nothing to import", {"runs", "import"}, "no folder given: pipebd runs import DIR; name the one that holds spec.json");
        row("import without a spec", {"runs", "import", "/nowhere"},
            "the spec of the run is missing: /nowhere/spec.json; put the spec.json that the ranks were started with next to their "
            "metrics");
        row("experiment missing", {"run", "missing.toml"},
            "cannot open the file (No such file or directory): missing.toml; check the path");
        row("experiment a folder", {"run", "."}, "this is a folder, not a file: .; name a regular file");
        row("not toml", {"run", "no.toml"},
            "this is not TOML (Error while parsing key-value pair: expected '=', saw 'i'): no.toml:1; write keys like batch = 64 "
            "or name = \"text\", each once, under [sections]");
        row("unknown key", {"run", "key.toml"},
            "unknown key 'train.epoch': key.toml:3; did you mean 'train.epochs'? known in [train] are network, epochs, steps, "
            "optimizer, learning_rate, momentum, nesterov, weight_decay, schedule");
        row("batch 0", {"run", "batch.toml"}, "data.batch cannot be 0: batch.toml:3; give an integer from 1 to 1048576");
        row("rate nan", {"run", "rate.toml"}, "train.learning_rate cannot be nan: rate.toml:3; give a finite number above 0");
        row("setting", {"run", "good.toml", "--set", "train.stesp=3"},
            "unknown key 'train.stesp': --set train.stesp=3; did you mean 'train.steps'? known in [train] are network, epochs, "
            "steps, optimizer, learning_rate, momentum, nesterov, weight_decay, schedule");
        row("setting without value", {"run", "good.toml", "--set", "train.steps"},
            "the setting has no value: --set train.steps; write train.steps=VALUE");
        row("steps -1", {"run", "good.toml", "--set", "train.steps=-1"},
            "train.steps cannot be -1: --set train.steps=-1; give an integer from 1 to 1099511627776");
        row("devices -1", {"run", "good.toml", "--devices", "-1"},
            "'-1' is not a device: --devices; write a list such as cpu,cpu or cpu@4 (threads, 1 to 1024) or cuda:0,cuda:1");
        row("devices", {"run", "good.toml", "--devices", "cpu,gpu"},
            "'gpu' is not a device: --devices; write a list such as cpu,cpu or cpu@4 (threads, 1 to 1024) or cuda:0,cuda:1");
        row("no devices", {"run", "good.toml", "--devices", ""}, "--devices is empty: pipebd run; give LIST, or leave it out");
        row("unlike devices", {"run", "good.toml", "--devices", "cpu,cpu@2"},
            "devices of different kinds cannot be profiled together: cpu and cpu@2; name devices of one kind");
        row("cluster", {"run", "good.toml", "--devices", "cluster.toml"},
            "a cluster file describes devices that may not be here: --devices 'cluster.toml'; name the devices of this computer, "
            "such as cpu,cpu or cuda:0,cuda:1; pipebd plan plans for a cluster");
        row("no such cluster", {"plan", "good.toml", "--devices", "cluster.toml"},
            "cannot open the file (No such file or directory): cluster.toml; check the path");
        row("strategy", {"run", "good.toml", "--strategy", "tr+dp"},
            "unknown strategy 'tr+dp': --strategy; known are auto, single, dp, ls, ls-steal, ir, tr, tr+dpu, tr+dpu+ahd, pipe-bd");
        row("run with what is no profile", {"run", "good.toml", "--devices", "cpu", "--profile", "profile.json"},
            "\"pair\" is missing: profile.json; add it as docs/formats/profile.md describes");
        row("no such pair", {"run", "pair.toml", "--devices", "cpu"},
            "there is no such pair: 'nothing'; built in: nas-digits; imported: none");
        row("teacher on two", {"run", "teacher.toml", "--devices", "cpu,cpu"},
            "training on labels uses a single device: --devices cpu,cpu; name one");
        row("results in a file", {"run", "good.toml", "--devices", "cpu", "--out", "file"},
            "cannot write the results there: --out file; name a folder that can be written to");
        row("nothing to plan", {"plan"},
            "neither an experiment nor a profile was given: pipebd plan; give an experiment file or --profile FILE");
        row("plan both", {"plan", "good.toml", "--profile", "profile.json"},
            "an experiment and a profile exclude each other: pipebd plan; give an experiment file or --profile FILE");
        row("plan without devices", {"plan", "--profile", "profile.json"},
            "the number of devices to plan for is missing: --devices; give a number, a list such as cpu,cpu, or a cluster file");
        row("plan for 0", {"plan", "--profile", "profile.json", "--devices", "0"},
            "'0' is not a possible number of devices: --devices; give a number from 1 to 1024, or a list such as cpu,cpu");
        row("plan for -4", {"plan", "--profile", "profile.json", "--devices", "-4"},
            "'-4' is not a possible number of devices: --devices; give a number from 1 to 1024, or a list such as cpu,cpu");
        row("plan for many", {"plan", "--profile", "profile.json", "--devices", "99999999999"},
            "'99999999999' is not a possible number of devices: --devices; give a number from 1 to 1024, or a list such as "
            "cpu,cpu");
        row("profile", {"plan", "--profile", "profile.json", "--devices", "2"},
            "\"pair\" is missing: profile.json; add it as docs/formats/profile.md describes");
        row("profile of later", {"plan", "--profile", "later.json", "--devices", "2"},
            "the format is \"pipebd.profile/9\": later.json: format; a profile has the format \"pipebd.profile/1\"");
        row("strategies", {"plan", "good.toml", "--strategies", "dp,,ls"},
            "unknown strategy '': --strategies; known are single, dp, ls, ls-steal, ir, tr, tr+dpu, tr+dpu+ahd, ddp, mp, gpipe, "
            "1f1b, "
            "tspipe-published, tspipe, and blockwise, end-to-end, all");
        row("memory", {"plan", "good.toml", "--memory-limit", "11XB"},
            "'11XB' has an unknown unit: --memory-limit; write a whole number of bytes or a number with one of B, kB, MB, GB, TB, "
            "KiB, MiB, GiB, TiB, such as 11GiB");
        row("bench of nothing", {"bench"}, "no experiment given: pipebd bench EXPERIMENT; give an experiment file");
        row("bench of the teacher", {"bench", "teacher.toml"},
            "this experiment trains on labels, on one device and without a strategy: teacher.toml; give an experiment that distils "
            "a student");
        row("bench end to end", {"bench", "good.toml", "--strategies", "dp,gpipe"},
            "'gpipe' trains end to end: it can be planned, but not run: --strategies; known are auto, single, dp, ls, ls-steal, "
            "ir, "
            "tr, "
            "tr+dpu, tr+dpu+ahd, pipe-bd");
        row("bench auto", {"bench", "good.toml", "--strategies", "auto"},
            "unknown strategy 'auto': --strategies; known are single, dp, ls, ls-steal, ir, tr, tr+dpu, tr+dpu+ahd, ddp, mp, "
            "gpipe, "
            "1f1b, tspipe-published, tspipe, and blockwise, end-to-end, all");
        row("no rounds", {"bench", "good.toml", "--rounds", "0"},
            "0 rounds are not possible: --rounds; give a number from 1 to 1000");
        row("one step", {"bench", "good.toml", "--steps", "1"},
            "turns of 1 steps are not possible: --steps; give a number from 2 to 1000000");
        row("bench on unlike devices", {"bench", "good.toml", "--devices", "cpu,cpu@2"},
            "devices of different kinds cannot be profiled together: cpu and cpu@2; name devices of one kind");
        row("no run", {"runs", "show"}, "no run given: pipebd runs show ID; give its number; pipebd runs list shows them");
        row("run 0", {"runs", "show", "0"},
            "'0' is not a run number: pipebd runs show ID; give its number; pipebd runs list shows them");
        row("run x", {"runs", "stop", "x"},
            "'x' is not a run number: pipebd runs stop ID; give its number; pipebd runs list shows them");
        row("run 999", {"runs", "show", "999"}, "there is no run 999: HERE/lab/runs; there are no runs yet");
        row("no run to tag", {"runs", "tag", "--add", "a"},
            "no run given: pipebd runs tag ID --add good,paper; give its number; pipebd runs list shows them");
        row("no tag", {"runs", "tag", "1"}, "no tag given: pipebd runs tag ID --add good,paper; give --add TAGS or --remove TAGS");
        row("no note", {"runs", "note", "1"},
            "no note given: pipebd runs note ID TEXT; give the text, or --clear to remove the note");
        row("no state", {"runs", "list", "--state", "asleep"},
            "'asleep' is not a state of a run: --state; known are queued, running, finished, failed, cancelled, lost");
        row("purge nothing", {"runs", "purge"}, "no run given: pipebd runs purge ID; give its number; pipebd runs list shows them");
        row("compare nothing", {"runs", "compare"},
            "no run given: pipebd runs compare ID ID; give its number; pipebd runs list shows them");
        row("delete one that is not there", {"runs", "delete", "9"}, "there is no run 9: HERE/lab/runs; there are no runs yet");
        row("lab", {"runs", "list", "--lab", "file"}, "this is not a folder: HERE/file; name a folder for the lab");
        row("control characters", {"run", "a\nb\x1b[31m"},
            "cannot open the file (No such file or directory): a b?[31m; check the path");
    }

    void aWrongRequestIsOneLineThatSaysWhatWhereAndHowToPutItRight()
    {
        QFETCH(QStringList, arguments);
        QFETCH(QByteArray, line);

        Said said = here_.run(arguments);
        said.err.replace(here_.path("").toUtf8(), "HERE");

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
        for (const QStringList& arguments :
            {QStringList{"--help"}, QStringList{"run", "--help"}, QStringList{"runs", "stop", "--help"}}) {
            const Said said = here_.run(arguments);
            QCOMPARE(said.status, 0);
            QVERIFY(said.out.contains("Usage: pipebd"));
        }
    }

    void onlyWhatMayBeLeftOutStandsInBrackets_data()
    {
        QTest::addColumn<QStringList>("command");
        QTest::addColumn<QByteArray>("usage");
        const auto row = [](const char* command, const char* usage) {
            QTest::newRow(command) << QString(command).split(' ', Qt::SkipEmptyParts) << QByteArray(usage);
        };
        row("", "pipebd [OPTIONS] COMMAND");
        row("run", "pipebd run [OPTIONS] [EXPERIMENT]"); // --resume
        row("plan", "pipebd plan [OPTIONS] [EXPERIMENT]"); // --profile
        row("verify", "pipebd verify [OPTIONS] EXPERIMENT");
        row("profiles export", "pipebd profiles export [OPTIONS] ID FILE");
        row("pairs import", "pipebd pairs import --teacher T.pt2 --student S.pt2 --name NAME [OPTIONS]");
        row("runs", "pipebd runs [OPTIONS] [COMMAND]");
        row("runs show", "pipebd runs show [OPTIONS] ID");
        row("runs compare", "pipebd runs compare [OPTIONS] ID...");
        row("runs list", "pipebd runs list [OPTIONS] [WORD...]");
        row("runs purge", "pipebd runs purge [OPTIONS] [ID...]"); // --all-deleted
    }

    void onlyWhatMayBeLeftOutStandsInBrackets()
    {
        QFETCH(QStringList, command);
        QFETCH(QByteArray, usage);
        const QByteArray help = here_.run(command + QStringList{"--help"}).out;
        QVERIFY2(help.contains("Usage: " + usage + "\n"), help.constData());
    }
};

QTEST_GUILESS_MAIN(TestRequests)
#include "test_requests.moc"
