#include "gui/launcher.h"
#include "gui/main_window.h"
#include "gui/run_page.h"
#include "gui/settings.h"
#include "gui/start_dialog.h"
#include "gui_testing.h"

#include <QComboBox>
#include <QDir>
#include <QFile>
#include <QLineEdit>
#include <QMessageBox>
#include <QMimeData>
#include <QPushButton>
#include <QSignalSpy>
#include <QStatusBar>

namespace pipebd::gui {

class StartingTest : public QObject {
    Q_OBJECT

private slots:
    void init()
    {
        failOnAnyWarning();
        qputenv("PIPEBD_PROGRAM", FAKE_PIPEBD);
        qputenv("FAKE_STEPS", "20");
    }
    void withoutAFileNothingCanBeStarted();
    void aBadFileShowsItsErrorAndCannotBeStarted_data();
    void aBadFileShowsItsErrorAndCannotBeStarted();
    void aBadOverrideShowsItsError_data();
    void aBadOverrideShowsItsError();
    void overridesBecomeTheCommandLine();
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
        , dialog(settings)
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
    bool canStart() { return find<QPushButton>("start")->isEnabled(); }

    QTemporaryDir folder;
    Settings settings;
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
    QCOMPARE(dialog.dialog.error(), QString());
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
    QVERIFY2(dialog.dialog.error().contains(says) && dialog.dialog.error().contains("bad.toml"), qPrintable(dialog.dialog.error()));

    dialog.dialog.setFile(lab.writeExperiment("good.toml", goodExperiment));
    QVERIFY2(dialog.canStart(), qPrintable(dialog.dialog.error()));
    QCOMPARE(dialog.dialog.error(), QString());

    dialog.dialog.setFile(lab.file("missing.toml"));
    QVERIFY(!dialog.canStart());
    QVERIFY(dialog.dialog.error().contains("missing.toml"));
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
    QVERIFY(!dialog.dialog.error().isEmpty());
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
    QVERIFY2(dialog.canStart(), qPrintable(dialog.dialog.error()));
    QCOMPARE(runArguments(dialog.dialog.request(), "/lab"),
        QStringList({"run", file, "--lab", "/lab", "--strategy", "tr+dpu", "--devices", "cpu,cpu@2", "--set", "name=my run",
            "--set", "train.epochs=5"}));
}

void StartingTest::aRelativePathIsMadeAbsolute()
{
    TestLab lab;
    const QString file = lab.writeExperiment("good.toml", goodExperiment);
    const QString relative = QDir::current().relativeFilePath(file);
    Dialog dialog;
    dialog.find<QComboBox>("file")->setCurrentText(relative);
    QVERIFY2(dialog.canStart(), qPrintable(dialog.dialog.error()));
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
