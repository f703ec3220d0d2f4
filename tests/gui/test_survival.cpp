// P5: a run does not care what becomes of the window that started it.
#include "gui/charts/metric_chart.h"
#include "gui/kit/settings.h"
#include "gui/lab/launcher.h"
#include "gui/main_window.h"
#include "gui/runs/run_page.h"
#include "gui_testing.h"

#include <QApplication>
#include <QElapsedTimer>
#include <QProcess>

#include <csignal>

namespace pipebd::gui {

constexpr int steps = 220;

class SurvivalTest : public QObject {
    Q_OBJECT

private slots:
    void init() { failOnAnyWarning(); }
    void aRunOutlivesItsWindow_data();
    void aRunOutlivesItsWindow();
};

namespace {

store::RunRecord onlyRun(const TestLab& lab)
{
    const std::vector<store::RunRecord> runs = store::Lab(lab.path()).runs();
    return runs.empty() ? store::RunRecord() : runs.front();
}

int storedSteps(const store::RunRecord& run)
{
    const store::RunStore store(run.folder / "run.sqlite", store::RunStore::Mode::ReadOnly);
    return static_cast<int>(store.samples({"loss", -1, 9}).size());
}

} // namespace

void SurvivalTest::aRunOutlivesItsWindow_data()
{
    QTest::addColumn<int>("signal");
    QTest::newRow("killed") << SIGKILL;
    QTest::newRow("closed") << SIGUSR1; // see beAWindow
}

void SurvivalTest::aRunOutlivesItsWindow()
{
    QFETCH(int, signal);
    TestLab lab;
    const QString experiment = lab.writeExperiment("survivor.toml", "pair = \"nas-digits\"\n");
    QProcess window;
    window.setProcessChannelMode(QProcess::ForwardedChannels);
    window.start(QCoreApplication::applicationFilePath(), {"--be-a-window", QString::fromStdString(lab.path()), experiment});
    QTRY_COMPARE_WITH_TIMEOUT(onlyRun(lab).state, store::RunState::Running, 20000);
    QTRY_VERIFY_WITH_TIMEOUT(storedSteps(onlyRun(lab)) > 5, 20000);

    ::kill(static_cast<pid_t>(window.processId()), signal);
    QVERIFY(window.waitForFinished());
    const int atTheEndOfTheWindow = storedSteps(onlyRun(lab));
    QVERIFY2(atTheEndOfTheWindow < steps, "the run was over before the window");

    // A window that is opened again is live within two seconds.
    const QTemporaryDir folder;
    Settings settings(folder.filePath("settings.ini"));
    QElapsedTimer sinceOpened;
    sinceOpened.start();
    MainWindow reopened(settings, lab.path());
    reopened.show();
    const auto* loss = reopened.findChild<MetricChart*>("lossChart");
    const store::Series series{"loss", -1, 9};
    const auto shown = [&] {
        const auto curve = loss->curves().find(series);
        return curve == loss->curves().end() ? 0 : static_cast<int>(curve->second->points().size());
    };
    QTRY_VERIFY(shown() > atTheEndOfTheWindow);
    QVERIFY2(sinceOpened.elapsed() <= 2000, qPrintable(QString::number(sinceOpened.elapsed())));
    QCOMPARE(reopened.runPage()->record().state, store::RunState::Running);

    QTRY_COMPARE_WITH_TIMEOUT(reopened.runPage()->record().state, store::RunState::Finished, 20000);
    QTRY_COMPARE(shown(), steps);
    const auto& points = loss->curves().at(series)->points();
    for (int step = 0; step < steps; ++step)
        QCOMPARE(points[static_cast<std::size_t>(step)].step, step);
    QCOMPARE(storedSteps(onlyRun(lab)), steps);
}

namespace {

volatile std::sig_atomic_t closeAsked = 0;

// The window of this test: starts the experiment and stays until it is killed or asked to close.
int beAWindow(QApplication& application, const QString& lab, const QString& experiment)
{
    std::signal(SIGUSR1, [](int) { closeAsked = 1; });
    const QTemporaryDir folder;
    Settings settings(folder.filePath("settings.ini"));
    MainWindow window(settings, lab.toStdString());
    window.show();
    window.launch({experiment, {}, {}, {}});
    QTimer timer;
    QObject::connect(&timer, &QTimer::timeout, &window, [&] {
        if (closeAsked)
            window.close();
    });
    timer.start(20);
    return application.exec();
}

} // namespace

} // namespace pipebd::gui

int main(int argc, char** argv)
{
    qputenv("PIPEBD_PROGRAM", FAKE_PIPEBD);
    qputenv("FAKE_STEPS", QByteArray::number(pipebd::gui::steps));
    QApplication application(argc, argv);
    const QStringList arguments = application.arguments();
    if (arguments.size() == 4 && arguments[1] == QLatin1String("--be-a-window"))
        return pipebd::gui::beAWindow(application, arguments[2], arguments[3]);
    pipebd::gui::SurvivalTest test;
    return QTest::qExec(&test, argc, argv);
}

#include "test_survival.moc"
