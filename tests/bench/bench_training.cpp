// What the interpreter costs: training on one device through Executor against a bare loop of the same operations.
//
//     bench_training [BATCH [TURNS]]
//
// Turns of a few steps are taken in alternation, on the same batches and supernet paths; steps are compared in pairs.

#include "engine/executor.h"
#include "engine/loss.h"

#include <ATen/core/grad_mode.h>
#include <torch/csrc/autograd/autograd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <vector>

using namespace pipebd;
using namespace pipebd::engine;

namespace {

constexpr std::int64_t steps = 6; // a turn; the first is not counted

double milliseconds()
{
    return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

double median(std::vector<double> values)
{
    std::ranges::sort(values);
    return values[values.size() / 2];
}

Models all_blocks(const experiment::RunSpec& spec, const Pair& pair)
{
    return Models::make(spec.experiment, pair, spec.program, 0, at::kCPU);
}

std::vector<double> interpreted(const experiment::RunSpec& spec, const Pair& pair, const DataSet& data, Backend& backend,
    Transport& transport, Reporter& reporter, Models& models)
{
    std::vector<double> times;
    Executor executor({spec, pair, data, backend, transport, reporter, models}, steps);
    double last = milliseconds();
    executor.run([&](std::int64_t) {
        const double now = milliseconds();
        times.push_back(now - last);
        last = now;
    });
    return times;
}

std::vector<double> bare(const experiment::RunSpec& spec, const DataSet& data, Models& models)
{
    std::vector<double> times;
    const experiment::Experiment& experiment = spec.experiment;
    const int blocks = spec.program.blocks;
    for (std::int64_t step = 0; step < steps; ++step) {
        const double start = milliseconds();
        at::Tensor input = data.get(DataSet::Split::Train,
                                   batch_indices(experiment, data.size(DataSet::Split::Train), step, {0, experiment.data.batch}), 0)
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
        times.push_back(milliseconds() - start);
    }
    return times;
}

} // namespace

int main(int argc, char** argv)
{
    const int batch = argc > 1 ? std::atoi(argv[1]) : 64, turns = argc > 2 ? std::atoi(argv[2]) : 10;
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
    const std::unique_ptr<DataSet> data = open_data(spec.experiment, pair.input_shape(), pair.classes());
    Reporter reporter(open("/dev/null", O_WRONLY | O_CLOEXEC));
    Models for_executor = all_blocks(spec, pair), for_loop = all_blocks(spec, pair);
    const auto run = [&] { return interpreted(spec, pair, *data, *backend, *transport, reporter, for_executor); };
    const auto loop = [&] { return bare(spec, *data, for_loop); };

    run(); // warm
    loop();
    std::vector<double> ratios, run_times, loop_times;
    for (int turn = 0; turn < turns; ++turn) {
        const bool loop_first = turn % 2 == 1;
        std::vector<double> first = loop_first ? loop() : run(), second = loop_first ? run() : loop();
        if (loop_first)
            std::swap(first, second);
        for (std::size_t step = 1; step < first.size(); ++step) {
            ratios.push_back(first[step] / second[step]);
            run_times.push_back(first[step]);
            loop_times.push_back(second[step]);
        }
    }
    std::printf("nas-digits, batch %d, one thread: a step through the executor %.2f ms, in a bare loop %.2f ms (medians of %zu)\n",
        batch, median(run_times), median(loop_times), ratios.size());
    std::printf(
        "ratio of medians %.4f, median of the pairs' ratios %.4f\n", median(run_times) / median(loop_times), median(ratios));
    return 0;
}
