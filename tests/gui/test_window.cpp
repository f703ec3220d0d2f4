#include "gui/charts/metric_chart.h"
#include "gui/kit/settings.h"
#include "gui/kit/theme.h"
#include "gui/log_panel.h"
#include "gui/main_window.h"
#include "gui/runs/run_list.h"
#include "gui/runs/run_page.h"
#include "gui_testing.h"

#include <QAction>
#include <QApplication>
#include <QDockWidget>
#include <QFile>
#include <QHeaderView>
#include <QLabel>
#include <QSettings>
#include <QSignalSpy>
#include <QStatusBar>
#include <QTableView>

#include <fstream>

namespace pipebd::gui {

using store::RunState;

class WindowTest : public QObject {
    Q_OBJECT

private slots:
    void init() { failOnAnyWarning(); }
    void cleanup() { applyTheme(Theme::Light); }
    void aLabWithoutRunsSaysWhatToDoNext();
    void aLabThatCannotBeReadSaysWhyAndOffersAnother();
    void theNewestRunIsShownFirst();
    void aFailedRunShowsItsErrorItsCulpritAndItsLastLines();
    void aLiveRunIsFollowedWithoutBlockingTheWindow();
    void aSupervisorThatDiesTurnsItsRunIntoLost();
    void anotherRunReplacesTheOneOnThePage();
    void aNameWithAPlaceholderIsShownAsItIs();
    void anOptimisticPredictionHasAMinus();
    void thePredictionIsDrawnFromBatchAndStep();
    void theLayoutIsSavedAndRestored();
    void theDefaultLayoutCanBeRestored();
    void damagedSettingsGiveDefaultsAndAMessage_data();
    void damagedSettingsGiveDefaultsAndAMessage();
    void aWindowSavedOffTheScreenComesBackOntoIt();
    void shortcutsFitTheCharts();
};

namespace {

class Window {
public:
    explicit Window(const std::filesystem::path& lab, QString iniFile = {})
        : m_settings(iniFile.isEmpty() ? m_folder.filePath("settings.ini") : iniFile)
        , m_window(m_settings, lab)
    {
        m_window.show();
    }
    MainWindow* operator->() { return &m_window; }
    MainWindow& operator*() { return m_window; }
    QString file() const { return m_folder.filePath("settings.ini"); }

    bool allTextsContain(const QString& text)
    {
        for (const QLabel* label : m_window.centralWidget()->findChildren<QLabel*>())
            if (label->isVisible() && label->text().contains(text))
                return true;
        return false;
    }
    MetricChart* chart(const char* name) { return m_window.findChild<MetricChart*>(name); }

private:
    QTemporaryDir m_folder;
    Settings m_settings;
    MainWindow m_window;
};

int pointsOf(const MetricChart& chart, const store::Series& series)
{
    const auto curve = chart.curves().find(series);
    return curve == chart.curves().end() ? 0 : static_cast<int>(curve->second->points().size());
}

} // namespace

void WindowTest::aLabWithoutRunsSaysWhatToDoNext()
{
    TestLab lab;
    Window window(lab.path());
    QTRY_VERIFY(window.allTextsContain("Choose an experiment file"));
    QVERIFY(window.allTextsContain(QString::fromStdString(lab.path())));
}

void WindowTest::aLabThatCannotBeReadSaysWhyAndOffersAnother() // S5
{
    const QTemporaryDir folder;
    std::ofstream((folder.path() + "/library.sqlite").toStdString()) << "this is not the library of a lab, whatever its name says";
    Window window(folder.path().toStdString());
    QTRY_VERIFY(window.allTextsContain("cannot be read"));
    QVERIFY(window.allTextsContain("library.sqlite"));

    TestLab other;
    other.addFinishedRun("fine", 10);
    window->openLab(other.path());
    QTRY_VERIFY(window->isSettled());
    QCOMPARE(window->runPage()->record().name, std::string("fine"));
}

void WindowTest::theNewestRunIsShownFirst()
{
    TestLab lab;
    lab.addFinishedRun("older", 10);
    const int newer = lab.addFinishedRun("newer", 30);
    Window window(lab.path());
    QTRY_VERIFY(window->isSettled());
    QCOMPARE(window->runPage()->runId(), std::optional(newer));
    QCOMPARE(pointsOf(*window.chart("lossChart"), {"loss", -1, 5}), 30);
    QCOMPARE(pointsOf(*window.chart("memoryChart"), {"memory_bytes", 1, -1}), 30);
    QVERIFY(window->windowTitle().startsWith("newer"));
    QVERIFY(window->log()->toPlainText().contains("owns blocks 0 to 2"));
    QVERIFY(window.allTextsContain("97.33"));
}

void WindowTest::aFailedRunShowsItsErrorItsCulpritAndItsLastLines()
{
    TestLab lab;
    lab.addFailedRun("broken");
    Window window(lab.path());
    QTRY_VERIFY(window->isSettled());
    QVERIFY(window.allTextsContain("Rank 1 failed first"));
    QVERIFY(window.allTextsContain("signal 9"));
    const auto* lastLines = window->runPage()->findChild<QPlainTextEdit*>();
    QVERIFY(lastLines->isVisible());
    QVERIFY(lastLines->toPlainText().contains("step 59"));
}

void WindowTest::aLiveRunIsFollowedWithoutBlockingTheWindow() // U1
{
    constexpr int ranks = 4;
    constexpr int blocks = 8;
    constexpr int parts = 60;
    TestLab lab;
    WrittenRun run(lab.lab(), "live");
    run.appendSteps(0, 2000, ranks, blocks);
    Window window(lab.path());
    QTRY_VERIFY(window->isSettled());
    const MetricChart& loss = *window.chart("lossChart");
    QSignalSpy replots(window.chart("lossChart"), &QCustomPlot::afterReplot);

    std::atomic<int> appended = 2000;
    std::thread writer([&] {
        for (int part = 0; part < parts; ++part) {
            run.appendSteps(appended, 4, ranks, blocks);
            run.save();
            appended += 4;
            std::this_thread::sleep_for(std::chrono::milliseconds(20)); // the pace of a run, not a wait for anything
        }
    });
    const Watchdog watchdog;
    QTRY_COMPARE_WITH_TIMEOUT(pointsOf(loss, {"loss", -1, blocks - 1}), 2000 + 4 * parts, 20000);
    writer.join();

    QVERIFY2(watchdog.longestBlock() <= 100, qPrintable(QString::number(watchdog.longestBlock())));
    QVERIFY2(replots.size() <= parts, "a replot for each update, not for each sample");
    QTRY_VERIFY(window.allTextsContain("Running") || window->runPage()->record().state == RunState::Running);
}

void WindowTest::aSupervisorThatDiesTurnsItsRunIntoLost()
{
    TestLab lab;
    {
        WrittenRun run(lab.lab(), "left alone");
        run.record().supervisor.start_time += 1; // nobody who is alive
        run.appendSteps(0, 10, 2, 6);
        run.save();
    }
    Window window(lab.path());
    QTRY_VERIFY(window->isSettled());
    QTRY_COMPARE(window->runPage()->record().state, RunState::Lost);
    QTRY_VERIFY(window.allTextsContain("disappeared before"));
}

void WindowTest::anotherRunReplacesTheOneOnThePage()
{
    TestLab lab;
    const int first = lab.addFinishedRun("first", 20);
    lab.addFailedRun("second");
    Window window(lab.path());
    QTRY_VERIFY(window->isSettled());
    window->selectRun(first);
    QTRY_VERIFY(window->isSettled());
    QCOMPARE(window->runPage()->record().name, std::string("first"));
    QCOMPARE(pointsOf(*window.chart("lossChart"), {"loss", -1, 0}), 20);
    QVERIFY(!window->log()->toPlainText().contains("killed"));
    QVERIFY(!window.allTextsContain("failed first"));
}

void WindowTest::aNameWithAPlaceholderIsShownAsItIs()
{
    TestLab lab;
    lab.addFinishedRun("50%2 of it", 5);
    Window window(lab.path());
    QTRY_VERIFY(window->isSettled());
    QVERIFY2(window->windowTitle().startsWith("50%2 of it (run 1)"), qPrintable(window->windowTitle()));
}

void WindowTest::anOptimisticPredictionHasAMinus() // the sign of pipebd runs show
{
    TestLab lab;
    WrittenRun run(lab.lab(), "slow");
    run.record().measured_step = 400;
    run.record().predicted_step = 300;
    run.end(RunState::Finished);
    Window window(lab.path());
    QTRY_VERIFY(window->isSettled());
    QVERIFY(window.allTextsContain("(−25.0 %)"));
}

void WindowTest::thePredictionIsDrawnFromBatchAndStep()
{
    TestLab lab;
    lab.addFinishedRun("predicted", 20);
    Window window(lab.path());
    QTRY_VERIFY(window->isSettled());
    const MetricChart& chart = *window.chart("throughputChart");
    QCOMPARE(chart.legend->itemCount(), 2);
    auto* entry = qobject_cast<QCPPlottableLegendItem*>(chart.legend->item(1));
    QVERIFY2(entry->plottable()->name().contains("213"), qPrintable(entry->plottable()->name())); // 64 samples / 300 ms
}

void WindowTest::theLayoutIsSavedAndRestored()
{
    TestLab lab;
    lab.addFinishedRun("run", 10);
    const QTemporaryDir folder;
    const QString ini = folder.filePath("settings.ini");
    {
        Window window(lab.path(), ini);
        window->findChild<QDockWidget*>("logDock")->hide();
        window->addDockWidget(Qt::RightDockWidgetArea, window->findChild<QDockWidget*>("runsDock"));
        QHeaderView* header = window->runList()->view()->horizontalHeader();
        header->resizeSection(int(RunColumn::Name), 222);
        header->moveSection(header->visualIndex(int(RunColumn::Started)), 0);
        window->runPage()->setXAxis(XAxis::Time);
        window->close();
    }
    Window window(lab.path(), ini);
    QVERIFY(!window->findChild<QDockWidget*>("logDock")->isVisible());
    QCOMPARE(window->dockWidgetArea(window->findChild<QDockWidget*>("runsDock")), Qt::RightDockWidgetArea);
    const QHeaderView* header = window->runList()->view()->horizontalHeader();
    QCOMPARE(header->sectionSize(int(RunColumn::Name)), 222);
    QCOMPARE(header->visualIndex(int(RunColumn::Started)), 0);
    QVERIFY(window.chart("lossChart")->xAxis->label().contains("time"));
    QVERIFY(window->statusBar()->currentMessage().isEmpty());
}

void WindowTest::theDefaultLayoutCanBeRestored()
{
    TestLab lab;
    Window window(lab.path());
    auto* runs = window->findChild<QDockWidget*>("runsDock");
    auto* log = window->findChild<QDockWidget*>("logDock");
    window->tabifyDockWidget(log, runs);
    log->hide();
    runs->setFloating(true);

    window->restoreDefaultLayout();

    QVERIFY(log->isVisible() && runs->isVisible() && !runs->isFloating());
    QCOMPARE(window->dockWidgetArea(runs), Qt::LeftDockWidgetArea);
    QCOMPARE(window->dockWidgetArea(log), Qt::BottomDockWidgetArea);
}

void WindowTest::damagedSettingsGiveDefaultsAndAMessage_data() // U5
{
    QTest::addColumn<QByteArray>("contents");
    QTest::newRow("no settings file") << QByteArray("\x01\x02 nothing like settings\n\xff\xfe[[[\n");
    QTest::newRow("layout") << QByteArray("[state]\nlayout=@ByteArray(rubbish)\n");
    QTest::newRow("geometry") << QByteArray("[state]\nwindow=@ByteArray(rubbish)\n");
    QTest::newRow("columns of the table") << QByteArray("[state]\nrunsHeader=@ByteArray(rubbish)\n");
    QTest::newRow("splitter") << QByteArray("[state]\ncolumns=@ByteArray(rubbish)\n");
    QTest::newRow("theme") << QByteArray("[General]\ntheme=purple\n");
    QTest::newRow("smoothing") << QByteArray("[charts]\nsmoothing=much\n");
    QTest::newRow("smoothing too large") << QByteArray("[charts]\nsmoothing=7\n");
    QTest::newRow("axis") << QByteArray("[charts]\nx=diagonal\n");
}

void WindowTest::damagedSettingsGiveDefaultsAndAMessage()
{
    QFETCH(QByteArray, contents);
    const QTemporaryDir folder;
    QFile ini(folder.filePath("settings.ini"));
    QVERIFY(ini.open(QIODevice::WriteOnly));
    ini.write(contents);
    ini.close();
    TestLab lab;

    Window window(lab.path(), ini.fileName());

    QVERIFY(window->statusBar()->currentMessage().contains("defaults"));
    QVERIFY(window->findChild<QDockWidget*>("runsDock")->isVisible());
    QVERIFY(window->findChild<QDockWidget*>("logDock")->isVisible());
    QVERIFY(!window->runList()->view()->isColumnHidden(int(RunColumn::Name)));
}

void WindowTest::aWindowSavedOffTheScreenComesBackOntoIt() // U5
{
    TestLab lab;
    const QTemporaryDir folder;
    const QString ini = folder.filePath("settings.ini");
    {
        Window window(lab.path(), ini);
        window->move(20000, 20000);
        window->close();
    }
    Window window(lab.path(), ini);
    QVERIFY(QGuiApplication::primaryScreen()->geometry().intersects(window->geometry()));
}

void WindowTest::shortcutsFitTheCharts()
{
    TestLab lab;
    lab.addFinishedRun("run", 100);
    Window window(lab.path());
    QTRY_VERIFY(window->isSettled());
    QVERIFY(QTest::qWaitForWindowActive(&*window));
    MetricChart* chart = window.chart("lossChart");
    for (const Qt::Key key : {Qt::Key_F, Qt::Key_Escape}) {
        chart->showKeys({10, 20});
        QVERIFY(!chart->followsData());
        QTest::keyClick(&*window, key);
        QVERIFY(chart->followsData());
    }
}

} // namespace pipebd::gui

QTEST_MAIN(pipebd::gui::WindowTest)
#include "test_window.moc"
