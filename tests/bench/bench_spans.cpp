// What it costs to measure instructions one by one.
//
//     bench_spans [run folder]
//
// Prints what a measured instruction costs its rank and, when it is stored, the supervisor; for a run of its folder, too, the step
// times of measured and of other steps, and what measuring has added to the whole run by these figures.
#include "base/temporary_folder.h"
#include "engine/device/backend.h"
#include "engine/report/measured_steps.h"
#include "engine/report/reporter.h"
#include "schedule/program.h"
#include "store/run_store.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fcntl.h>
#include <filesystem>
#include <string>
#include <vector>

using namespace pipebd;
using experiment::Metric;

namespace {

double microseconds_since(std::chrono::steady_clock::time_point start)
{
    return std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - start).count();
}

double median(std::vector<double> values)
{
    std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2), values.end());
    return values[values.size() / 2];
}

/// Microseconds that an instruction costs the rank: two marks, a line of metrics, its share of writing the lines.
double rank_cost(engine::Backend& backend)
{
    constexpr int count = 50'000;
    engine::Reporter reporter(::open("/dev/null", O_WRONLY | O_CLOEXEC));
    const auto start = std::chrono::steady_clock::now();
    for (int i = 0; i < count; ++i) {
        const engine::Mark begin = backend.mark();
        const engine::Mark end = backend.mark();
        Metric metric;
        metric.type = Metric::Type::Span;
        metric.step = i;
        metric.index = i % 30;
        metric.start = backend.time(begin);
        metric.end = backend.time(end);
        reporter.report(std::move(metric));
    }
    reporter.flush();
    return microseconds_since(start) / count;
}

/// Microseconds that it costs the supervisor: reading the line, and its share of storing a second's worth.
double supervisor_cost()
{
    constexpr int transactions = 50;
    constexpr int spans = 1000;
    Metric metric;
    metric.type = Metric::Type::Span;
    metric.t = 12.345678;
    metric.start = 12345.678901;
    metric.end = 12346.789012;
    const std::string line = to_line(metric);
    const TemporaryFolder folder;
    store::RunStore store(folder.path() / "run.sqlite", store::RunStore::Mode::Writer);
    const auto start = std::chrono::steady_clock::now();
    for (int i = 0; i < transactions; ++i) {
        std::vector<store::MeasuredSpan> all;
        for (int k = 0; k < spans; ++k) {
            const Metric read = experiment::metric_from_line(line);
            all.push_back({read.rank, read.phase, read.step, read.index, read.start, read.end});
        }
        store.append(all);
    }
    return microseconds_since(start) / (transactions * spans);
}

/// Of a run whose program has one phase.
void print_run(const std::filesystem::path& folder, double cost)
{
    const store::RunStore store(folder / "run.sqlite", store::RunStore::Mode::ReadOnly);
    const schedule::Program program = schedule::from_text(store.document("program"), "program");
    for (int rank = 0; rank < program.devices(); ++rank) {
        std::vector<double> measured;
        std::vector<double> others;
        double sum = 0;
        for (const store::Sample& sample : store.samples({"step_ms", rank, -1})) {
            sum += sample.value;
            if (sample.step > 1)
                (engine::is_measured(sample.step) ? measured : others).push_back(sample.value);
        }
        if (measured.empty() || others.empty())
            continue;
        std::int64_t spans = 0;
        for (const store::MeasuredSpan& span : store.spans())
            spans += span.rank == rank ? 1 : 0;
        std::printf(
            "rank %d: %zu measured steps, median %.2f ms; %zu others, median %.2f ms; %lld instructions measured, %.4f %% of "
            "the run\n",
            rank, measured.size(), median(measured), others.size(), median(others), static_cast<long long>(spans),
            static_cast<double>(spans) * cost * 1e-3 / sum * 100);
    }
}

} // namespace

int main(int argc, char** argv)
{
    const std::unique_ptr<engine::Backend> backend = engine::make_backend(experiment::Device{});
    const double rank = rank_cost(*backend);
    const double supervisor = supervisor_cost();
    std::printf("a measured instruction: %.2f us on its rank, %.2f us in the supervisor\n", rank, supervisor);
    int measured = 0;
    constexpr int steps = 2000;
    for (int step = 0; step < steps; ++step)
        measured += engine::is_measured(step) ? 1 : 0;
    constexpr int instructions = 30;
    for (const double step : {1.0, 10.0, 100.0})
        std::printf("%d instructions in a step of %g ms, %d of %d steps measured: %.4f %%\n", instructions, step, measured, steps,
            instructions * (rank + supervisor) * 1e-3 / step * measured / steps * 100);
    if (argc > 1)
        print_run(argv[1], rank + supervisor);
    return 0;
}
