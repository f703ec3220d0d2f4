// What the interpreter costs: training on one device through Executor against a bare loop of the same operations.
//
//     bench_training [BATCH [TURNS]]
//
// Turns of a few steps are taken in alternation, on the same batches and supernet paths; steps are compared in pairs.

#include "base/statistics.h"
#include "engine/data/sample_stream.h"
#include "engine/pairs.h"
#include "engine/training/executor.h"
#include "engine/training/loss.h"

#include <ATen/core/grad_mode.h>
#include <torch/csrc/autograd/autograd.h>

#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fcntl.h>
#include <malloc.h>
#include <vector>

using namespace pipebd;
using namespace pipebd::engine;

namespace {

constexpr std::int64_t steps = 12; // a turn; the first is not counted

struct Time {
    double wall = 0; // ms
    double cpu = 0; // of all threads, which other work on the machine disturbs less

    static Time now()
    {
        const auto read = [](clockid_t clock) {
            timespec time{};
            clock_gettime(clock, &time);
            return static_cast<double>(time.tv_sec) * 1e3 + static_cast<double>(time.tv_nsec) * 1e-6;
        };
        return {read(CLOCK_MONOTONIC), read(CLOCK_PROCESS_CPUTIME_ID)};
    }
    Time operator-(const Time& other) const { return {wall - other.wall, cpu - other.cpu}; }
};

void compare(const char* name, const std::vector<Time>& run, const std::vector<Time>& loop, double Time::*time)
{
    std::vector<double> run_times, loop_times, ratios;
    for (std::size_t step = 0; step < run.size(); ++step) {
        run_times.push_back(run[step].*time);
        loop_times.push_back(loop[step].*time);
        ratios.push_back(run_times.back() / loop_times.back());
    }
    std::printf("%-9s executor %9.2f ms, bare loop %9.2f ms: ratio %.4f, of pairs %.4f\n", name, median(run_times),
        median(loop_times), median(run_times) / median(loop_times), median(ratios));
}

Models all_blocks(const experiment::RunSpec& spec, const Pair& pair)
{
    return Models::make(spec.experiment, pair, spec.program, 0, at::kCPU);
}

std::vector<Time> interpreted(const experiment::RunSpec& spec, const Pair& pair, const DataSet& data, Backend& backend,
    Transport& transport, Reporter& reporter, Models& models)
{
    std::vector<Time> times;
    Executor executor({spec, pair, data, backend, transport, reporter, models}, steps);
    Time last = Time::now();
    executor.run([&](std::int64_t) {
        const Time now = Time::now();
        times.push_back(now - last);
        last = now;
    });
    return times;
}

std::vector<Time> bare(const experiment::RunSpec& spec, const DataSet& data, Models& models)
{
    std::vector<Time> times;
    const experiment::Experiment& experiment = spec.experiment;
    const int blocks = spec.program.blocks;
    for (std::int64_t step = 0; step < steps; ++step) {
        const Time start = Time::now();
        at::Tensor input = data.get(DataSet::Split::Train,
                                   batch_samples(experiment, data.size(DataSet::Split::Train), step, {0, experiment.data.batch}))
                               .input;
        Context context;
        context.training = true;
        context.seed = experiment.seed;
        context.step = step;
        for (int block = 0; block < blocks; ++block) {
            const at::Tensor target = teach(*models.teacher.at(block), input, experiment.run.dtype);
            Block& student = *models.student.at(block);
            const at::Tensor loss
                = distillation_loss(loss_of(experiment.distill, block, blocks), student.forward(input, context), target);
            torch::autograd::backward({loss}, {});
            at::NoGradGuard no_grad;
            models.optimizer.at(block)->update(student.active_parameters(context), learning_rate(experiment.train, step, steps));
            input = target;
        }
        times.push_back(Time::now() - start);
    }
    return times;
}

} // namespace

int main(int argc, char** argv)
{
    mallopt(M_MMAP_MAX, 0); // as pipebd-engine does: large activations are not mapped anew at every use
    mallopt(M_TRIM_THRESHOLD, 1 << 30);
    mallopt(M_TOP_PAD, 64 << 20);
    const int batch = argc > 1 ? std::atoi(argv[1]) : 64, turns = argc > 2 ? std::atoi(argv[2]) : 5;
    experiment::RunSpec spec;
    spec.experiment.pair = "nas-digits";
    spec.experiment.data.batch = batch;
    spec.experiment.train.learning_rate = 0.01;
    spec.devices = {experiment::Device{}};
    std::string text = "device 0: load";
    const Pair& pair = find_pair(spec.experiment.pair);
    for (std::size_t block = 0; block < pair.block_names().size(); ++block) {
        for (const char* op : {" T", " F", " B", " U"})
            text += op + std::to_string(block);
    }
    spec.program = schedule::from_text(text);

    const std::unique_ptr<Backend> backend = make_backend(experiment::Device{});
    const std::unique_ptr<Transport> transport = no_transport();
    const std::unique_ptr<DataSet> data = open_data(spec.experiment, pair.input(), pair.classes());
    Reporter reporter(open("/dev/null", O_WRONLY | O_CLOEXEC));
    Models for_executor = all_blocks(spec, pair), for_loop = all_blocks(spec, pair);
    const auto run = [&] { return interpreted(spec, pair, *data, *backend, *transport, reporter, for_executor); };
    const auto loop = [&] { return bare(spec, *data, for_loop); };

    run(); // warm
    loop();
    std::vector<Time> run_times, loop_times;
    for (int turn = 0; turn < turns; ++turn) {
        const bool loop_first = turn % 2 == 1;
        std::vector<Time> first = loop_first ? loop() : run(), second = loop_first ? run() : loop();
        if (loop_first)
            std::swap(first, second);
        run_times.insert(run_times.end(), first.begin() + 1, first.end());
        loop_times.insert(loop_times.end(), second.begin() + 1, second.end());
    }
    std::printf("nas-digits, batch %d, one thread, %zu steps each, medians\n", batch, run_times.size());
    compare("step", run_times, loop_times, &Time::wall);
    compare("CPU time", run_times, loop_times, &Time::cpu);
    return 0;
}
