// What running an exported program costs: forward and backward in training mode, one thread, milliseconds of CPU time.
//
//     bench_exported MODEL.pt2 [BATCH [STEPS]]
//
// tests/python/bench_exported.py does the same in eager PyTorch.

#include "base/statistics.h"
#include "engine/graph/cut_program.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>

#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <malloc.h>

using namespace pipebd::engine;

namespace {

double cpu_milliseconds()
{
    timespec time{};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) * 1e3 + static_cast<double>(time.tv_nsec) * 1e-6;
}

} // namespace

int main(int count, char** arguments)
{
    if (count < 2)
        return 2;
    const std::int64_t batch = count > 2 ? std::atoll(arguments[2]) : 8;
    const int steps = count > 3 ? std::atoi(arguments[3]) : 20;
    mallopt(M_MMAP_MAX, 0); // as ranks do
    mallopt(M_TRIM_THRESHOLD, 1 << 30);
    at::set_num_threads(1);
    const CutProgram program(arguments[1], ".", "blocks");
    const std::unique_ptr<Block> block = program.make(0);
    std::vector<std::int64_t> shape = program.program().input().shape;
    shape.insert(shape.begin(), batch);
    const at::Tensor input = at::empty(shape, at::kFloat).normal_(0, 1, at::detail::createCPUGenerator(1));
    std::vector<double> times;
    for (int step = 0; step < steps; ++step) {
        const double start = cpu_milliseconds();
        block->forward(input, {.training = true, .step = step}).sum().backward();
        for (pipebd::engine::NamedTensor parameter : block->parameters())
            parameter.tensor.mutable_grad().reset();
        times.push_back(cpu_milliseconds() - start);
    }
    times.erase(times.begin(), times.begin() + steps / 4);
    std::printf(
        "%zu nodes, median of %zu steps: %.2f ms\n", program.program().graph().nodes.size(), times.size(), pipebd::median(times));
    return 0;
}
