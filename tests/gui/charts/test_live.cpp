// U2: what following a live run costs that has run for long: 4 ranks x 8 metrics, 50 times a second, after a million samples.
#include "gui_testing.h"

#include "gui/charts/metric_chart.h"
#include "gui/kit/settings.h"
#include "gui/runs/run_page.h"

#include <QEventLoop>
#include <QTimer>

#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <fstream>

namespace pipebd::gui {

class LiveTest : public QObject {
    Q_OBJECT

private slots:
    void init() { failOnAnyWarning(); }
    void aLongLiveRunIsFollowedAtLittleCost();
};

namespace {

constexpr int ranks = 4;
constexpr int samplesBefore = 1'000'000;
constexpr int samplesAStep = ranks * 8;
constexpr double seconds = 8;
constexpr double hertz = 50;

double cpuSeconds(clockid_t clock)
{
    timespec time{};
    clock_gettime(clock, &time);
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

double residentMiB()
{
    std::ifstream file("/proc/self/statm");
    long total = 0;
    long resident = 0;
    file >> total >> resident;
    return static_cast<double>(resident) * static_cast<double>(sysconf(_SC_PAGESIZE)) / (1024 * 1024);
}

void append(WrittenRun& run, int first, int count)
{
    std::vector<store::Sample> samples;
    for (int step = first; step < first + count; ++step)
        for (int rank = 0; rank < ranks; ++rank) {
            const double t = step / hertz;
            const double wave = std::sin(step * 0.01 + rank);
            for (int block = 0; block < 2; ++block)
                samples.push_back({{"loss", -1, 2 * rank + block}, step, t, 1 / (1 + 0.001 * step) + 0.01 * wave});
            for (const char* name :
                {"memory_bytes", "peak_memory_bytes", "device_memory_bytes", "utilisation", "power_watts", "step_ms"})
                samples.push_back({{name, rank, -1}, step, t, 1e8 * (2 + wave)}); // the peak, too: as bad as can be
        }
    run.store().append(std::span<const store::Sample>(samples));
}

} // namespace

void LiveTest::aLongLiveRunIsFollowedAtLittleCost()
{
    TestLab lab;
    WrittenRun run(lab.lab(), "live");
    constexpr int stepsBefore = samplesBefore / samplesAStep;
    for (int step = 0; step < stepsBefore; step += 1000)
        append(run, step, std::min(1000, stepsBefore - step));
    run.save();
    Settings settings(lab.file("settings.ini"));
    RunPage page(settings);
    page.resize(1100, 720);
    page.show();
    page.follow(run.record());
    MetricChart* chart = page.charts().front();
    const auto read = [&] { // an overview comes first
        const auto curve = chart->curves().find(CurveId{{"loss", -1, 0}, 0});
        return curve == chart->curves().end() ? 0 : static_cast<int>(curve->second->points().size());
    };
    QTRY_VERIFY_WITH_TIMEOUT(page.isLoaded() && read() >= stepsBefore, 60000);
    QTest::qWait(500);
    int replots = 0;
    double longest = 0;
    connect(chart, &QCustomPlot::afterReplot, this, [&] {
        ++replots;
        longest = std::max(longest, chart->replotTime());
    });

    double writing = 0;
    std::atomic<bool> stop = false;
    std::thread writer([&] {
        for (int step = stepsBefore; !stop; ++step) {
            append(run, step, 1);
            std::this_thread::sleep_for(std::chrono::duration<double>(1 / hertz)); // the pace of a run, not a wait for anything
        }
        writing = cpuSeconds(CLOCK_THREAD_CPUTIME_ID);
    });
    const double memory = residentMiB();
    const double cpu = cpuSeconds(CLOCK_PROCESS_CPUTIME_ID);
    const Watchdog watchdog;
    QEventLoop loop;
    QTimer::singleShot(static_cast<int>(seconds * 1000), &loop, &QEventLoop::quit);
    loop.exec();
    stop = true;
    writer.join();
    const double share = (cpuSeconds(CLOCK_PROCESS_CPUTIME_ID) - cpu - writing) / seconds;
    const double grown = residentMiB() - memory;
    qInfo(
        "%.0f replots a second, the longest %.1f ms, %+.0f MiB, %.0f %% of a core", replots / seconds, longest, grown, share * 100);

    QVERIFY2(watchdog.longestBlock() <= 100, qPrintable(QString::number(watchdog.longestBlock()))); // U1
    QVERIFY2(grown <= 50, qPrintable(QString::number(grown)));
    QVERIFY2(share <= 0.2, qPrintable(QString::number(share)));
}

} // namespace pipebd::gui

QTEST_MAIN(pipebd::gui::LiveTest)
#include "test_live.moc"
