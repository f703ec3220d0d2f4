// How long the window makes people wait.
//
//     QT_QPA_PLATFORM=offscreen bench_window [runs]
//
// Prints milliseconds until the program's window has been drawn, from the start of its process; until a lab of so many runs (1,000)
// is listed; until a run with a million samples is on the page; and how many times a second its charts are drawn while they are
// panned.
#include "gui/charts/metric_chart.h"
#include "gui/gui_testing.h"
#include "gui/kit/settings.h"
#include "gui/kit/theme.h"
#include "gui/main_window.h"
#include "gui/runs/run_list.h"
#include "gui/runs/run_page.h"

#include <QApplication>
#include <QElapsedTimer>
#include <QEventLoop>
#include <QProcess>
#include <QTableView>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <ctime>

using namespace pipebd;
using namespace pipebd::gui;

namespace {

template <typename Ready>
double millisecondsUntil(const QElapsedTimer& timer, Ready isReady)
{
    while (!isReady())
        QCoreApplication::processEvents(QEventLoop::AllEvents | QEventLoop::WaitForMoreEvents, 5);
    return static_cast<double>(timer.nsecsElapsed()) / 1e6;
}

void addRuns(TestLab& lab, int count)
{
    for (int i = 0; i < count; ++i) {
        WrittenRun run(lab.lab(), "run " + std::to_string(i));
        run.record().throughput = 100 + i;
        run.record().final_loss = {0.1, 0.2, 0.3};
        run.appendSteps(0, 5, 2, 6);
        run.end(store::RunState::Finished);
    }
}

int addLongRun(TestLab& lab)
{
    constexpr int series = 10; // throughput, six losses, three memories
    constexpr int steps = 1'000'000 / series;
    WrittenRun run(lab.lab(), "long");
    std::vector<store::Sample> samples;
    for (int step = 0; step < steps; ++step) {
        const double noise = std::sin(step * 12.9898) * 0.5;
        samples.push_back({{"throughput", -1, -1}, step, 0.1 * step, 200 + noise});
        for (int block = 0; block < 6; ++block)
            samples.push_back({{"loss", -1, block}, step, 0.1 * step, (block + 1) / (1.0 + 0.001 * step) + 0.1 * noise});
        for (int rank = 0; rank < 3; ++rank)
            samples.push_back({{"memory_bytes", rank, -1}, step, 0.1 * step, 1e9 + 1e7 * (rank + noise)});
    }
    run.store().append(samples);
    run.end(store::RunState::Finished);
    return run.id();
}

void printStart(TestLab& lab)
{
    const QString picture = lab.file("window.png");
    for (int i = 0; i < 3; ++i) {
        QElapsedTimer timer;
        timer.start();
        QProcess process;
        process.start(WORKBENCH, {"--lab", QString::fromStdString(lab.path()), "--grab", picture, "--page", "runs"});
        process.waitForFinished();
        std::printf("process start to a picture of the window with a run in it, PNG written, process ended: %.0f ms\n",
            static_cast<double>(timer.nsecsElapsed()) / 1e6);
    }
}

void printListing(TestLab& empty, TestLab& lab, int count)
{
    for (int i = 0; i < 3; ++i) {
        Settings settings(lab.file("settings.ini"));
        MainWindow window(settings, empty.path());
        window.resize(1280, 800);
        window.show();
        QElapsedTimer timer;
        timer.start();
        millisecondsUntil(timer, [&] { return window.isSettled(); });
        timer.start();
        window.openLab(lab.path());
        const double listed = millisecondsUntil(timer, [&] { return window.runList()->view()->model()->rowCount() == count; });
        window.runList()->repaint();
        std::printf("%d runs listed in a shown window: %.0f ms, drawn: %.0f ms\n", count, listed,
            static_cast<double>(timer.nsecsElapsed()) / 1e6);
    }
}

void printLongRun(TestLab& lab, int id)
{
    Settings settings(lab.file("settings.ini"));
    MainWindow window(settings, lab.path());
    window.resize(1280, 800);
    window.show();
    QElapsedTimer timer;
    timer.start();
    millisecondsUntil(timer, [&] { return window.isSettled(); });
    MetricChart* chart = window.findChild<MetricChart*>("lossChart");
    for (int i = 0; i < 3; ++i) {
        window.selectRun(id - 1);
        millisecondsUntil(timer, [&] { return window.isSettled(); });
        bool drawn = false;
        const auto connection
            = QObject::connect(chart, &QCustomPlot::afterReplot, [&] { drawn = drawn || !chart->curves().empty(); });
        timer.start();
        window.selectRun(id);
        const double first = millisecondsUntil(timer, [&] { return drawn; });
        const double all = millisecondsUntil(timer, [&] { return window.isSettled(); });
        QObject::disconnect(connection);
        std::printf("a run of a million samples: first curves drawn %.0f ms, all of it there %.0f ms\n", first, all);
    }

    window.runPage()->drawNow();
    const QPoint middle = chart->axisRect()->center();
    for (const bool zoomed : {false, true}) {
        if (zoomed)
            chart->showKeys(QCPRange(40'000, 60'000));
        int replots = 0;
        const auto connection = QObject::connect(chart, &QCustomPlot::afterReplot, [&] { ++replots; });
        QTest::mousePress(chart, Qt::LeftButton, {}, middle);
        const std::clock_t cpu = std::clock();
        timer.start();
        for (int i = 0; i < 100; ++i) {
            QTest::mouseMove(chart, middle + QPoint(i % 2 == 0 ? i / 2 : -i / 2, 0));
            QCoreApplication::processEvents(); // draws this chart, and now and then the two others
        }
        const double took = static_cast<double>(timer.nsecsElapsed()) / 1e9;
        const double used = static_cast<double>(std::clock() - cpu) / CLOCKS_PER_SEC;
        QTest::mouseRelease(chart, Qt::LeftButton, {}, middle);
        QObject::disconnect(connection);
        std::printf("panning %s: drawn %.0f times a second; %.1f ms of processor a time\n", zoomed ? "a fifth of it" : "all of it",
            replots / took, used / replots * 1000);
    }
}

} // namespace

int main(int argc, char** argv)
{
    qputenv("QT_QPA_PLATFORM", "offscreen");
    qInstallMessageHandler([](QtMsgType, const QMessageLogContext&, const QString&) {});
    QApplication application(argc, argv);
    applyTheme(Theme::Light);
    const int count = argc > 1 ? std::atoi(argv[1]) : 1000;
    {
        TestLab lab;
        lab.addFinishedRun("first");
        printStart(lab);
        printLongRun(lab, addLongRun(lab));
    }
    TestLab empty;
    TestLab lab;
    addRuns(lab, count);
    printListing(empty, lab, count);
    return 0;
}
