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
    void aDroppedFileIsTaken();
    void usedFilesAreOfferedAgain();
    void aStartedRunIsSelected();
    void anErrorBeforeTheRunIsShown();
    void aProgramThatIsNotThereIsAnError();
    void aRefusedStopIsShown();
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
    QCOMPARE(QDir(lab.file("logs")).entryList({"start-*.txt"}).size(), 1);
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

} // namespace pipebd::gui

QTEST_MAIN(pipebd::gui::StartingTest)
#include "test_starting.moc"
