#include "experiment/checkpoint_manifest.h"
#include "experiment/run_spec.h"
#include "experiment/stages.h"
#include "gui/kit/settings.h"
#include "gui/lab/found_devices.h"
#include "gui/lab/launcher.h"
#include "gui/main_window.h"
#include "gui/runs/run_page.h"
#include "gui/start/overrides_table.h"
#include "gui/start/start_dialog.h"
#include "gui/start/start_reading.h"
#include "gui_testing.h"

#include <QAbstractItemModelTester>
#include <QAbstractItemView>
#include <QCheckBox>
#include <QComboBox>
#include <QCompleter>
#include <QDir>
#include <QFile>
#include <QLabel>
#include <QLineEdit>
#include <QMenu>
#include <QMessageBox>
#include <QMimeData>
#include <QPushButton>
#include <QSignalSpy>
#include <QSpinBox>
#include <QStatusBar>

#include <fstream>

namespace pipebd::gui {

class StartingTest : public QObject {
    Q_OBJECT

private slots:
    void init()
    {
        failOnAnyWarning();
        qputenv("PIPEBD_PROGRAM", FAKE_PIPEBD);
        qputenv("FAKE_STEPS", "20");
        qunsetenv("FAKE_REFUSAL");
    }
    void withoutAFileNothingCanBeStarted();
    void aBadFileShowsItsErrorAndCannotBeStarted_data();
    void aBadFileShowsItsErrorAndCannotBeStarted();
    void aBadOverrideShowsItsError_data();
    void aBadOverrideShowsItsError();
    void overridesBecomeTheCommandLine();
    void enterWaitsForWhatIsBeingRead();
    void whatPipebdAnswersIsShown();
    void whatPipebdRefusesIsShownAndCannotBeStarted();
    void aStartDoesNotWaitForTheCheck();
    void devicesThatWereFoundCanBeTicked();
    void anySettingCanBeTyped();
    void aDialogCanBeClosedWhileASettingIsTyped();
    void stagesByHandAreShownAndCanBeLeftOut();
    void stagesOfAnExperimentCanBeChosen();
    void theCommandLineIsShown();
    void aPairCanBeChosenInsteadOfAFile();
    void aRunGoesOnFromACheckpointOfItsOwn();
    void aRunIsRepeatedAsItWasResolved();
    void aRelativePathIsMadeAbsolute();
    void aDroppedFileIsTaken();
    void usedFilesAreOfferedAgain();
    void aStartedRunIsSelected();
    void anOldRunWithTheSamePidIsNotTheStartedOne();
    void theOutputOfARunThatBrokeOffIsKept();
    void anErrorBeforeTheRunIsShown();
    void aProgramThatIsNotThereIsAnError();
    void aRefusedStopIsShown();
    void aLabIsLeftWithoutWaitingForAStop();
};

namespace {

const QByteArray goodExperiment = "pair = \"nas-digits\"\n[train]\nepochs = 2\n[run]\nstrategy = \"dp\"\ndevices = \"cpu,cpu\"\n";

struct Dialog {
    explicit Dialog(const QString& file = {})
        : settings(folder.filePath("settings.ini"))
        , dialog(settings, folder.path().toStdString(), devices)
    {
        if (!file.isEmpty())
            dialog.setFile(file);
        dialog.show();
    }
    template <typename Widget>
    Widget* find(const char* name)
    {
        return dialog.findChild<Widget*>(name);
    }
    /// Once what was typed has been read.
    bool canStart()
    {
        return QTest::qWaitFor([this] { return dialog.isRead(); }) && find<QPushButton>("start")->isEnabled();
    }
    QString error()
    {
        canStart();
        return dialog.error();
    }

    QTemporaryDir folder;
    Settings settings;
    FoundDevices devices;
    StartDialog dialog;
};

QStringList startLogs(const TestLab& lab)
{
    return QDir(lab.file("logs")).entryList({"start-*.txt"});
}

RunRecords recordsOf(std::vector<store::RunRecord> runs)
{
    return std::make_shared<const std::vector<store::RunRecord>>(std::move(runs));
}

} // namespace

void StartingTest::withoutAFileNothingCanBeStarted()
{
    Dialog dialog;
    QVERIFY(!dialog.canStart());
    QCOMPARE(dialog.error(), QString());
}

void StartingTest::aBadFileShowsItsErrorAndCannotBeStarted_data()
{
    QTest::addColumn<QByteArray>("toml");
    QTest::addColumn<QString>("says");
    QTest::newRow("no TOML") << QByteArray("pair = = \n") << "1";
    QTest::newRow("unknown key") << QByteArray("pair = \"nas-digits\"\n[train]\nepoch = 3\n") << "epoch";
    QTest::newRow("impossible value") << QByteArray("pair = \"nas-digits\"\n[data]\nbatch = 0\n") << "batch";
    QTest::newRow("no pair") << QByteArray("name = \"x\"\n") << "pair";
}

void StartingTest::aBadFileShowsItsErrorAndCannotBeStarted()
{
    QFETCH(QByteArray, toml);
    QFETCH(QString, says);
    TestLab lab;
    Dialog dialog(lab.writeExperiment("bad.toml", toml));
    QVERIFY(!dialog.canStart());
    QVERIFY2(dialog.error().contains(says) && dialog.error().contains("bad.toml"), qPrintable(dialog.error()));

    dialog.dialog.setFile(lab.writeExperiment("good.toml", goodExperiment));
    QVERIFY2(dialog.canStart(), qPrintable(dialog.error()));
    QCOMPARE(dialog.error(), QString());

    dialog.dialog.setFile(lab.file("missing.toml"));
    QVERIFY(!dialog.canStart());
    QVERIFY(dialog.error().contains("missing.toml"));
}

void StartingTest::aBadOverrideShowsItsError_data()
{
    QTest::addColumn<QByteArray>("field");
    QTest::addColumn<QString>("value");
    QTest::newRow("length") << QByteArray("length") << "-3";
    QTest::newRow("no number") << QByteArray("length") << "many";
    QTest::newRow("device") << QByteArray("devices") << "cpu,gpu7";
    QTest::newRow("no device") << QByteArray("devices") << ",";
}

void StartingTest::aBadOverrideShowsItsError()
{
    QFETCH(QByteArray, field);
    QFETCH(QString, value);
    TestLab lab;
    Dialog dialog(lab.writeExperiment("good.toml", goodExperiment));
    dialog.find<QLineEdit>(field.constData())->setText(value);
    QVERIFY(!dialog.canStart());
    QVERIFY(!dialog.error().isEmpty());
    dialog.find<QLineEdit>(field.constData())->clear();
    QVERIFY(dialog.canStart());
}

void StartingTest::overridesBecomeTheCommandLine()
{
    TestLab lab;
    const QString file = lab.writeExperiment("good.toml", goodExperiment);
    Dialog dialog(file);
    QCOMPARE(runArguments(dialog.dialog.request(), "/lab"), QStringList({"run", file, "--lab", "/lab"}));

    dialog.find<QLineEdit>("name")->setText("my run");
    dialog.find<QLineEdit>("devices")->setText("cpu,cpu@2");
    dialog.find<QLineEdit>("length")->setText("5");
    auto* strategy = dialog.find<QComboBox>("strategy");
    strategy->setCurrentIndex(strategy->findData("tr+dpu"));
    QVERIFY2(dialog.canStart(), qPrintable(dialog.error()));
    QCOMPARE(runArguments(dialog.dialog.request(), "/lab"),
        QStringList({"run", file, "--lab", "/lab", "--strategy", "tr+dpu", "--devices", "cpu,cpu@2", "--set", "name=my run",
            "--set", "train.epochs=5"}));
}

void StartingTest::enterWaitsForWhatIsBeingRead()
{
    TestLab lab;
    Dialog dialog(lab.writeExperiment("good.toml", goodExperiment));
    QVERIFY(dialog.canStart());
    QSignalSpy accepted(&dialog.dialog, &QDialog::accepted);

    auto* length = dialog.find<QLineEdit>("length");
    length->setFocus();
    QTest::keyClicks(length, "7");
    QTest::keyClick(length, Qt::Key_Return);
    QCOMPARE(accepted.size(), 0); // what was typed has not been looked at yet
    QTRY_COMPARE(accepted.size(), 1);
    QCOMPARE(dialog.dialog.request().settings, QStringList("train.epochs=7"));

    Dialog bad(lab.writeExperiment("good.toml", goodExperiment));
    QVERIFY(bad.canStart());
    QSignalSpy badAccepted(&bad.dialog, &QDialog::accepted);
    QTest::keyClicks(bad.find<QLineEdit>("length"), "-7");
    QTest::keyClick(bad.find<QLineEdit>("length"), Qt::Key_Return);
    QVERIFY(!bad.canStart());
    QCOMPARE(badAccepted.size(), 0);
}

void StartingTest::whatPipebdAnswersIsShown()
{
    TestLab lab;
    const Watchdog watchdog;
    Dialog dialog(lab.writeExperiment("good.toml", goodExperiment));
    QTRY_VERIFY_WITH_TIMEOUT(dialog.find<QLabel>("checked")->text().contains("1,234 steps on 2 devices"), 10000);
    QVERIFY(dialog.find<QLabel>("checked")->text().contains("1,000 training and 100 test samples"));
    QVERIFY(dialog.dialog.isChecked());
    dialog.find<QLineEdit>("length")->setText("3");
    QCOMPARE(dialog.find<QLabel>("checked")->text(), QString()); // it was another request
    QVERIFY2(watchdog.longestBlock() <= 100, qPrintable(QString::number(watchdog.longestBlock())));
}

void StartingTest::whatPipebdRefusesIsShownAndCannotBeStarted()
{
    TestLab lab;
    qputenv("FAKE_REFUSAL", "there is no device cuda:7");
    Dialog dialog(lab.writeExperiment("good.toml", goodExperiment));
    QVERIFY(dialog.canStart());
    QTRY_VERIFY_WITH_TIMEOUT(dialog.dialog.error().contains("there is no device cuda:7"), 10000);
    QVERIFY(!dialog.canStart());
    qunsetenv("FAKE_REFUSAL");
    dialog.find<QLineEdit>("devices")->setText("cpu");
    QVERIFY2(dialog.canStart(), qPrintable(dialog.error()));
    QTRY_VERIFY_WITH_TIMEOUT(!dialog.find<QLabel>("checked")->text().isEmpty() && dialog.dialog.isChecked(), 10000);
    QVERIFY(dialog.canStart());
}

void StartingTest::aStartDoesNotWaitForTheCheck()
{
    TestLab lab;
    Dialog dialog(lab.writeExperiment("good.toml", goodExperiment));
    QVERIFY(dialog.canStart());
    QVERIFY(!dialog.dialog.isChecked());
    QSignalSpy accepted(&dialog.dialog, &QDialog::accepted);
    QTest::mouseClick(dialog.find<QPushButton>("start"), Qt::LeftButton);
    QCOMPARE(accepted.size(), 1);
}

void StartingTest::devicesThatWereFoundCanBeTicked()
{
    TestLab lab;
    Dialog dialog(lab.writeExperiment("good.toml", goodExperiment));
    QTRY_VERIFY_WITH_TIMEOUT(dialog.devices.isKnown(), 10000);
    QCOMPARE(dialog.devices.shortText(), QString("2 GPUs, 8 cores"));
    QVERIFY(dialog.canStart());
    auto* devices = dialog.find<QLineEdit>("devices");
    for (const char* name : {"cuda:0", "cuda:1"}) {
        dialog.find<QCheckBox>(name)->setFocus();
        QTest::keyClick(dialog.find<QCheckBox>(name), Qt::Key_Space);
    }
    QCOMPARE(devices->text(), QString("cuda:0,cuda:1"));
    QTest::keyClick(dialog.find<QCheckBox>("cuda:0"), Qt::Key_Space);
    dialog.find<QSpinBox>("cpuThreads")->setValue(4);
    dialog.find<QSpinBox>("cpuRanks")->setValue(2);
    QCOMPARE(devices->text(), QString("cuda:1,cpu@4,cpu@4"));

    devices->setText("cuda:0,cpu");
    QVERIFY(dialog.find<QCheckBox>("cuda:0")->isChecked() && !dialog.find<QCheckBox>("cuda:1")->isChecked());
    QCOMPARE(dialog.find<QSpinBox>("cpuRanks")->value(), 1);
    QCOMPARE(devices->text(), QString("cuda:0,cpu")); // typing is not overruled
    devices->setText("cuda:0,c");
    QCOMPARE(devices->text(), QString("cuda:0,c"));
}

void StartingTest::anySettingCanBeTyped()
{
    TestLab lab;
    Dialog dialog(lab.writeExperiment("good.toml", goodExperiment));
    QVERIFY(dialog.canStart());
    auto* table = dialog.find<OverridesTable>("overrides");
    const QAbstractItemModelTester tester(table->model(), QAbstractItemModelTester::FailureReportingMode::Fatal);
    QCOMPARE(table->rowCount(), 1);
    const auto type = [&](int row, int column, const char* text) {
        table->setFocus();
        table->setCurrentCell(row, column);
        QTest::keyClick(table, Qt::Key_F2);
        QLineEdit* editor = nullptr;
        for (QLineEdit* open : table->findChildren<QLineEdit*>())
            if (open->isVisible())
                editor = open;
        QVERIFY(editor);
        if (column == 0) {
            QVERIFY(editor->completer());
            editor->completer()->setCompletionPrefix("momentum");
            QCOMPARE(editor->completer()->currentCompletion(), QString("stage.finetune.momentum"));
        }
        QTest::keyClicks(editor, text);
        if (editor->completer())
            editor->completer()->popup()->hide(); // it takes the first Return
        QTest::keyClick(editor, Qt::Key_Return);
        QTRY_VERIFY(table->item(row, column) && table->item(row, column)->text() == text);
    };
    type(0, 0, "data.batch");
    type(0, 1, "32");
    QCOMPARE(table->settings(), QStringList("data.batch=32"));
    QVERIFY2(dialog.canStart(), qPrintable(dialog.error()));
    QTRY_COMPARE(table->rowCount(), 2);
    QVERIFY(table->item(0, 0)->toolTip().contains("64"));
    QVERIFY(dialog.find<QLabel>("summary")->text().contains("batches of 32"));

    type(1, 0, "data.bacth");
    type(1, 1, "32");
    QVERIFY(!dialog.canStart());
    QVERIFY2(dialog.error().contains("data.batch"), qPrintable(dialog.error()));
    table->setCurrentCell(1, 0);
    QTest::keyClick(table, Qt::Key_Delete);
    QVERIFY2(dialog.canStart(), qPrintable(dialog.error()));
    QCOMPARE(dialog.dialog.request().settings, QStringList("data.batch=32"));
}

void StartingTest::aDialogCanBeClosedWhileASettingIsTyped()
{
    TestLab lab;
    auto dialog = std::make_unique<Dialog>(lab.writeExperiment("good.toml", goodExperiment));
    QVERIFY(dialog->canStart());
    auto* table = dialog->find<OverridesTable>("overrides");
    table->setFocus();
    table->setSettings({"seed=3"});
    table->setCurrentCell(0, 1);
    QTest::keyClick(table, Qt::Key_F2);
    QTest::keyClicks(table->findChild<QLineEdit*>(), "4");
    dialog.reset(); // the table stores what is typed while it goes
}

void StartingTest::stagesByHandAreShownAndCanBeLeftOut()
{
    TestLab lab;
    Dialog dialog;
    StartRequest request{lab.writeExperiment("good.toml", goodExperiment), {}, {}, {"run.stages=0-2 on 0 | 3-5 on 1", "seed=4"}};
    request.strategy = "tr+dpu+ahd";
    dialog.dialog.setRequest(request);
    QVERIFY2(dialog.canStart(), qPrintable(dialog.error()));
    QCOMPARE(dialog.find<QLabel>("stagesByHand")->text(), QString("0-2 on 0 | 3-5 on 1"));
    QVERIFY(dialog.find<QLabel>("stagesByHand")->isVisible());
    QCOMPARE(dialog.find<OverridesTable>("overrides")->settings(), QStringList("seed=4"));
    QCOMPARE(dialog.dialog.request().settings, QStringList({"seed=4", "run.stages=0-2 on 0 | 3-5 on 1"}));
    QTest::mouseClick(dialog.find<QPushButton>("withoutStages"), Qt::LeftButton);
    QVERIFY(dialog.canStart());
    QCOMPARE(dialog.dialog.request().settings, QStringList("seed=4"));
    QVERIFY(!dialog.find<QLabel>("stagesByHand")->isVisible());
}

void StartingTest::stagesOfAnExperimentCanBeChosen()
{
    TestLab lab;
    Dialog dialog(lab.writeExperiment("good.toml", goodExperiment));
    QVERIFY(dialog.canStart());
    auto* stage = dialog.find<QComboBox>("stage");
    QVERIFY(!stage->isVisible());
    dialog.dialog.setFile(lab.writeExperiment("stages.toml", goodExperiment + "[stage.finetune]\nepochs = 1\n"));
    QVERIFY2(dialog.canStart(), qPrintable(dialog.error()));
    QVERIFY(stage->isVisible() && dialog.find<QLineEdit>("from")->isVisible());
    QCOMPARE(stage->itemText(0), QString("all: distil, finetune"));
    stage->setCurrentIndex(stage->findData("finetune"));
    dialog.find<QLineEdit>("from")->setText("3");
    QVERIFY(dialog.canStart());
    QCOMPARE(runArguments(dialog.dialog.request(), "/lab").mid(4), QStringList({"--stage", "finetune", "--from", "3"}));
}

void StartingTest::theCommandLineIsShown()
{
    TestLab lab;
    Dialog dialog(lab.writeExperiment("good.toml", goodExperiment));
    dialog.find<QLineEdit>("name")->setText("my run");
    QVERIFY(dialog.canStart());
    const QString shown = dialog.find<QLineEdit>("commandLine")->text();
    QVERIFY2(shown.startsWith("pipebd run /") && shown.endsWith("--set 'name=my run'"), qPrintable(shown));
}

void StartingTest::aPairCanBeChosenInsteadOfAFile()
{
    Dialog dialog;
    QMenu* menu = dialog.find<QPushButton>("ofAPair")->menu();
    menu->popup(dialog.dialog.mapToGlobal(QPoint(10, 10)));
    QTRY_COMPARE_WITH_TIMEOUT(menu->actions().size(), 3, 10000);
    QTest::keyClick(menu, Qt::Key_Down);
    QTest::keyClick(menu, Qt::Key_Return);
    QTRY_VERIFY(dialog.dialog.request().file.endsWith("nas-digits.toml"));
    QVERIFY2(dialog.canStart(), qPrintable(dialog.error()));
    QVERIFY(dialog.find<QLabel>("summary")->text().contains("nas-digits"));
}

void StartingTest::aRunGoesOnFromACheckpointOfItsOwn()
{
    TestLab lab;
    const int run = lab.addFailedRun("broken");
    for (const int round : {40, 60}) {
        experiment::CheckpointManifest manifest;
        manifest.round = round;
        manifest.experiment = experiment::parse_experiment("name = \"broken\"\npair = \"nas-digits\"\n", "test");
        manifest.blocks = {{"block0.safetensors", round, 0, std::string(64, '0'), 0.5}};
        const std::filesystem::path folder = lab.lab().run(run).folder / "checkpoints" / experiment::checkpoint_name(round);
        std::filesystem::create_directories(folder);
        std::ofstream(folder / "manifest.json") << experiment::to_json(manifest);
    }
    const QTemporaryDir folder;
    Settings settings(folder.filePath("settings.ini"));
    FoundDevices devices;
    StartDialog dialog(settings, lab.path(), devices);
    StartRequest request;
    request.resume = run;
    dialog.setRequest(request);
    dialog.show();
    QTRY_VERIFY(dialog.isRead());
    QCOMPARE(dialog.error(), QString());
    auto* checkpoint = dialog.findChild<QComboBox*>("checkpoint");
    QVERIFY(checkpoint->isVisible() && !dialog.findChild<QComboBox*>("file")->isVisible());
    QCOMPARE(checkpoint->count(), 4); // the newest, the best, and both
    QCOMPARE(checkpoint->itemText(2), QString("round-000000060 (step 60)"));
    checkpoint->setCurrentIndex(3);
    dialog.findChild<QLineEdit*>("devices")->setText("cpu,cpu,cpu");
    auto* strategy = dialog.findChild<QComboBox*>("strategy");
    strategy->setCurrentIndex(strategy->findData("tr+dpu"));
    QTRY_VERIFY(dialog.isRead());
    QCOMPARE(runArguments(dialog.request(), "/lab"),
        QStringList({"run", "--lab", "/lab", "--strategy", "tr+dpu", "--devices", "cpu,cpu,cpu", "--resume", QString::number(run),
            "--checkpoint", "round-000000040"}));
    QTRY_VERIFY_WITH_TIMEOUT(dialog.findChild<QLabel*>("checked")->text().contains("resumes from step 12, 3 repeated"), 10000);

    request.resume = 99;
    dialog.setRequest(request);
    QTRY_VERIFY(dialog.isRead());
    QVERIFY2(dialog.error().contains("no run 99"), qPrintable(dialog.error()));
}

void StartingTest::aRunIsRepeatedAsItWasResolved()
{
    TestLab lab;
    WrittenRun run(lab.lab(), "first");
    const std::string toml = "pair = \"nas-digits\"\n[train]\nepochs = 2\n[stage.finetune]\nepochs = 1\n";
    run.store().save_document("experiment", toml);
    std::ofstream(run.record().folder / "experiment.toml") << toml;
    experiment::RunSpec spec;
    const std::vector<std::string> settings{"name=first", "data.batch=32", "run.strategy=tr+dpu", "run.devices=cpu,cpu"};
    spec.experiment
        = experiment::of_stage(experiment::parse_experiment(toml, "experiment.toml", settings), experiment::StageKind::Distil);
    spec.program = schedule::from_text("device 0: load  T0  F0 B0 U0\n", "test");
    spec.devices = experiment::parse_devices("cpu", "test");
    run.store().save_document("spec", experiment::to_json(spec));
    run.record().stage = "distil";
    run.end(store::RunState::Finished);

    const StartRequest request = requestToRepeat(lab.lab().run(run.id()));
    QCOMPARE(request.file, QString::fromStdString((run.record().folder / "experiment.toml").string()));
    QCOMPARE(request.strategy, QString("tr+dpu"));
    QCOMPARE(request.devices, QString("cpu,cpu"));
    QCOMPARE(request.stage, QString("distil"));
    QCOMPARE(request.settings, QStringList({"name=first", "data.batch=32"}));
    QCOMPARE(request.resume, 0);
}

void StartingTest::aRelativePathIsMadeAbsolute()
{
    TestLab lab;
    const QString file = lab.writeExperiment("good.toml", goodExperiment);
    const QString relative = QDir::current().relativeFilePath(file);
    Dialog dialog;
    dialog.find<QComboBox>("file")->setCurrentText(relative);
    QVERIFY2(dialog.canStart(), qPrintable(dialog.error()));
    QCOMPARE(QDir::cleanPath(dialog.dialog.request().file), file);
    QVERIFY(QDir::isAbsolutePath(dialog.dialog.request().file));

    dialog.settings.addRecentExperiment(relative);
    QVERIFY(QDir::isAbsolutePath(dialog.settings.recentExperiments().first()));
}

void StartingTest::aDroppedFileIsTaken()
{
    TestLab lab;
    const QString file = lab.writeExperiment("good.toml", goodExperiment);
    Dialog dialog;
    QMimeData data;
    data.setUrls({QUrl::fromLocalFile(file)});
    QDragEnterEvent enter({10, 10}, Qt::CopyAction, &data, Qt::LeftButton, Qt::NoModifier);
    QApplication::sendEvent(&dialog.dialog, &enter);
    QVERIFY(enter.isAccepted());
    QDropEvent drop(QPointF(10, 10), Qt::CopyAction, &data, Qt::LeftButton, Qt::NoModifier);
    QApplication::sendEvent(&dialog.dialog, &drop);
    QCOMPARE(dialog.dialog.request().file, file);
    QVERIFY(dialog.canStart());
}

void StartingTest::usedFilesAreOfferedAgain()
{
    TestLab lab;
    const QTemporaryDir folder;
    Settings settings(folder.filePath("settings.ini"));
    for (int i = 0; i < 12; ++i)
        settings.addRecentExperiment(lab.writeExperiment(QStringLiteral("%1.toml").arg(i), goodExperiment));
    settings.addRecentExperiment(lab.file("5.toml"));
    QFile::remove(lab.file("11.toml"));
    const QStringList recent = settings.recentExperiments();
    QCOMPARE(recent.first(), lab.file("5.toml"));
    QCOMPARE(recent.size(), 9); // ten are kept, one is gone
}

void StartingTest::aStartedRunIsSelected()
{
    TestLab lab;
    lab.addFinishedRun("before", 5);
    const QTemporaryDir folder;
    Settings settings(folder.filePath("settings.ini"));
    MainWindow window(settings, lab.path());
    window.show();
    QTRY_VERIFY(window.isSettled());

    window.launch({lab.writeExperiment("started.toml", goodExperiment), {}, {}, {}});

    QTRY_COMPARE_WITH_TIMEOUT(window.runPage()->record().name, std::string("started"), 10000);
    QTRY_COMPARE_WITH_TIMEOUT(window.runPage()->record().state, store::RunState::Finished, 10000);
    QCOMPARE(settings.recentExperiments().size(), 1);
    QTRY_COMPARE(startLogs(lab), QStringList()); // it served only to tell why a run did not start
}

void StartingTest::anOldRunWithTheSamePidIsNotTheStartedOne()
{
    TestLab lab;
    const int before = lab.addFinishedRun("before", 5);
    Launcher launcher(QString::fromStdString(lab.path()));
    QSignalSpy started(&launcher, &Launcher::started);
    launcher.start({lab.writeExperiment("started.toml", goodExperiment), {}, {}, {}});
    QTRY_COMPARE_WITH_TIMEOUT(lab.lab().runs().size(), std::size_t{2}, 10000);
    QTRY_VERIFY_WITH_TIMEOUT(lab.lab().runs().front().supervisor.pid != 0, 10000);
    const store::RunRecord run = lab.lab().runs().front();

    store::RunRecord old = run;
    old.id = before;
    old.state = store::RunState::Finished;
    store::RunRecord elsewhere = run;
    elsewhere.id = run.id + 1;
    elsewhere.supervisor.host += "-2";
    launcher.lookAt(recordsOf({elsewhere, old}));
    QCOMPARE(started.size(), 0);
    QVERIFY(launcher.isStarting());

    launcher.lookAt(recordsOf({elsewhere, old, run}));
    QCOMPARE(started.size(), 1);
    QCOMPARE(started[0][0].toInt(), run.id);
}

void StartingTest::theOutputOfARunThatBrokeOffIsKept()
{
    TestLab lab;
    Launcher launcher(QString::fromStdString(lab.path()));
    QSignalSpy started(&launcher, &Launcher::started);
    launcher.start({lab.writeExperiment("started.toml", goodExperiment), {}, {}, {}});
    QTRY_VERIFY_WITH_TIMEOUT(!lab.lab().runs().empty() && lab.lab().runs().front().supervisor.pid != 0, 10000);
    store::RunRecord run = lab.lab().runs().front();

    run.state = store::RunState::Queued;
    for (int scan = 0; scan < 3; ++scan)
        launcher.lookAt(recordsOf({run}));
    QCOMPARE(startLogs(lab).size(), 1);
    run.state = store::RunState::Lost;
    launcher.lookAt(recordsOf({run}));
    QCOMPARE(startLogs(lab).size(), 1);
    QCOMPARE(started.size(), 1);
    QVERIFY(!launcher.isStarting());
}

void StartingTest::anErrorBeforeTheRunIsShown()
{
    TestLab lab;
    const QTemporaryDir folder;
    Settings settings(folder.filePath("settings.ini"));
    MainWindow window(settings, lab.path());
    window.show();

    window.launch({lab.writeExperiment("bad.toml", "pair = \"nas-digits\"\nspeed = 3\n"), {}, {}, {}});

    QMessageBox* box = nullptr;
    QTRY_VERIFY_WITH_TIMEOUT(box = window.findChild<QMessageBox*>("startFailed"), 10000);
    QVERIFY2(box->text().contains("speed") && box->text().contains("bad.toml"), qPrintable(box->text()));
    QVERIFY(!box->text().contains("pipebd: error:"));
    QTRY_COMPARE(startLogs(lab), QStringList());
    box->close();
}

void StartingTest::aProgramThatIsNotThereIsAnError()
{
    TestLab lab;
    qputenv("PIPEBD_PROGRAM", "/nowhere/pipebd");
    Launcher launcher(QString::fromStdString(lab.path()));
    QSignalSpy failed(&launcher, &Launcher::startFailed);
    launcher.start({"some.toml", {}, {}, {}});
    QCOMPARE(failed.size(), 1);
    QVERIFY(failed[0][0].toString().contains("/nowhere/pipebd"));
}

void StartingTest::aRefusedStopIsShown()
{
    TestLab lab;
    Launcher launcher(QString::fromStdString(lab.path()));
    QSignalSpy failed(&launcher, &Launcher::stopFailed);
    launcher.stop(3);
    QTRY_COMPARE_WITH_TIMEOUT(failed.size(), 1, 10000);
    QCOMPARE(failed[0][0].toString(), QStringLiteral("this program cannot stop runs: runs stop"));
}

void StartingTest::aLabIsLeftWithoutWaitingForAStop()
{
    TestLab lab;
    QFile slow(lab.file("slow"));
    QVERIFY(slow.open(QIODevice::WriteOnly));
    slow.write("#!/bin/sh\nsleep 0.3\ntouch \"$0.done\"\n");
    slow.setPermissions(QFile::ReadOwner | QFile::WriteOwner | QFile::ExeOwner);
    slow.close();
    qputenv("PIPEBD_PROGRAM", slow.fileName().toUtf8());
    {
        Launcher launcher(QString::fromStdString(lab.path()));
        launcher.stop(3);
    }
    QVERIFY(!QFile::exists(lab.file("slow.done")));
    QTRY_VERIFY_WITH_TIMEOUT(QFile::exists(lab.file("slow.done")), 10000);
}

} // namespace pipebd::gui

QTEST_MAIN(pipebd::gui::StartingTest)
#include "test_starting.moc"
