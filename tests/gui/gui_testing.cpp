#include "gui_testing.h"

#include <QFile>
#include <QRegularExpression>

#include <unistd.h>

#include <chrono>
#include <cmath>
#include <condition_variable>
#include <fstream>
#include <mutex>

namespace pipebd::gui {

using namespace std::chrono;

void failOnAnyWarning()
{
    // The offscreen platform itself tells what it cannot do with windows that nobody sees.
    QTest::failOnWarning(QRegularExpression(QStringLiteral("^(?!This plugin does not support )")));
}

WrittenRun::WrittenRun(store::Lab& lab, const std::string& name, store::RunState state)
{
    const store::Lab::NewRun made = lab.new_run(name);
    m_lock = std::make_unique<store::RunLock>(made.folder);
    m_store = std::make_unique<store::RunStore>(made.folder / "run.sqlite", store::RunStore::Mode::Writer);
    m_record.id = made.id;
    m_record.folder = made.folder;
    m_record.name = name;
    m_record.pair = "nas-digits";
    m_record.strategy = "tr+dpu";
    m_record.devices = {"cpu", "cpu"};
    m_record.state = state;
    m_record.created = "2026-03-01T10:00:00Z";
    m_record.started = "2026-03-01T10:00:02Z";
    m_record.steps = 400;
    m_record.predicted_step = 300;
    m_record.supervisor = store::this_process();
    m_store->save_document("experiment", "name = \"" + name + "\"\npair = \"nas-digits\"\n[data]\nbatch = 64\n");
    save();
}

void WrittenRun::end(store::RunState state)
{
    m_record.state = state;
    m_record.finished = "2026-03-01T10:02:10Z";
    save();
    m_store->finish();
}

void WrittenRun::appendSteps(int first, int count, int ranks, int blocks)
{
    std::vector<store::Sample> samples;
    const auto noise
        = [](int step, int which) { return std::sin(step * 12.9898 + which * 78.233) * 0.5 + std::sin(step * 3.7 + which) * 0.5; };
    for (int step = first; step < first + count; ++step) {
        const double t = 0.32 * step + 0.4;
        samples.push_back({{"throughput", -1, -1}, step, t, 205 * (1 - std::exp(-0.3 * (step + 1))) + 9 * noise(step, 7)});
        for (int block = 0; block < blocks; ++block) {
            const double scale = 0.9 * std::pow(0.62, block) + 0.05;
            samples.push_back({{"loss", -1, block}, step, t,
                scale * (0.08 + std::exp(-step / (40.0 + 12 * block))) * (1 + 0.12 * noise(step, block))});
        }
        for (int rank = 0; rank < ranks; ++rank) {
            const double inUse = (180 + 45 * rank + 6 * noise(step, rank + 20)) * 1024 * 1024;
            samples.push_back({{"memory_bytes", rank, -1}, step, t, inUse});
            samples.push_back({{"peak_memory_bytes", rank, -1}, step, t, (210 + 45 * rank) * 1024.0 * 1024});
        }
    }
    m_store->append(std::span<const store::Sample>(samples));
    m_record.steps_done = first + count;
}

TestLab::TestLab()
    : m_lab(std::make_unique<store::Lab>(path()))
{
}

int TestLab::addFinishedRun(const std::string& name, int steps)
{
    WrittenRun run(*m_lab, name);
    run.record().steps = steps;
    run.record().throughput = 204.6;
    run.record().measured_step = 312.8;
    run.record().accuracy = 0.9733;
    run.record().first_loss = {0.95, 0.61, 0.39, 0.26, 0.18, 0.13};
    run.record().final_loss = {0.083, 0.052, 0.034, 0.023, 0.015, 0.011};
    run.appendSteps(0, steps, 2, 6);
    const std::vector<store::LogLine> lines{{0.01, -1, "2 ranks started on cpu, cpu"}, {0.38, 0, "owns blocks 0 to 2"},
        {0.39, 1, "owns blocks 3 to 5"}, {128.2, -1, "test accuracy of the student 97.33 %"}, {128.3, -1, "finished"}};
    run.store().append(std::span<const store::LogLine>(lines));
    run.end(store::RunState::Finished);
    return run.id();
}

int TestLab::addFailedRun(const std::string& name)
{
    WrittenRun run(*m_lab, name);
    run.appendSteps(0, 60, 2, 6);
    run.record().throughput = 201.2;
    run.record().error = "rank 1 was ended by signal 9 (Killed): step 60; see its last lines of output";
    run.record().culprit = 1;
    run.record().last_lines = {"step 58 of block 3 done", "step 59 of block 3 done"};
    run.end(store::RunState::Failed);
    return run.id();
}

QString TestLab::writeExperiment(const QString& name, const QByteArray& toml)
{
    QFile out(file(name));
    if (!out.open(QIODevice::WriteOnly) || out.write(toml) != toml.size())
        qFatal("cannot write %s", qPrintable(out.fileName()));
    return out.fileName();
}

namespace {

// Milliseconds for which a thread has been ready to run and had no processor.
double waitedForProcessor(long thread)
{
    std::ifstream file("/proc/self/task/" + std::to_string(thread) + "/schedstat");
    double running = 0;
    double waiting = 0;
    file >> running >> waiting;
    return waiting / 1e6;
}

} // namespace

Watchdog::Watchdog()
    : m_watchedThread(gettid())
    , m_thread([this] { watch(); })
{
}

Watchdog::~Watchdog()
{
    m_stop = true;
    m_thread.join();
}

void Watchdog::watch()
{
    struct Ping {
        std::mutex mutex;
        std::condition_variable answered;
        bool done = false;
        double took = 0;
    };
    while (!m_stop) {
        auto ping = std::make_shared<Ping>();
        const double waited = waitedForProcessor(m_watchedThread);
        const auto sent = steady_clock::now();
        QMetaObject::invokeMethod(
            this,
            [this, ping, waited, sent] {
                const double took = duration<double, std::milli>(steady_clock::now() - sent).count()
                    - (waitedForProcessor(m_watchedThread) - waited);
                const std::lock_guard lock(ping->mutex);
                ping->took = took;
                ping->done = true;
                ping->answered.notify_one();
            },
            Qt::QueuedConnection);
        std::unique_lock lock(ping->mutex);
        while (!ping->done && !m_stop)
            ping->answered.wait_for(lock, milliseconds(20));
        m_longest = std::max(m_longest.load(), ping->took);
        lock.unlock();
        std::this_thread::sleep_for(milliseconds(2));
    }
}

} // namespace pipebd::gui
