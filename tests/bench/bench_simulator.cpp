// How many instructions a second the simulator simulates, with and without the timeline.

#include "schedule/simulator.h"
#include "schedule/strategies.h"

#include <chrono>
#include <cstdio>

using namespace pipebd::schedule;

namespace {

Profile uniform_profile(int blocks, int devices)
{
    Profile profile;
    profile.batch = 256;
    profile.link = {0.01, 1e7};
    BlockProfile block;
    for (int g = 1; g <= devices; ++g) {
        const int n = shard_size(profile.batch, g);
        profile.load[n] = 0.01 * n;
        block.teacher_forward[n] = 0.02 * n;
        block.student_forward[n] = 0.03 * n;
        block.student_backward[n] = 0.06 * n;
        block.all_reduce[g] = 0.1;
    }
    block.update = 0.2;
    block.output_bytes = 100'000;
    profile.blocks.assign(static_cast<std::size_t>(blocks), block);
    return profile;
}

void measure(const char* strategy, int blocks, int devices, int steps, bool timeline)
{
    const Profile profile = uniform_profile(blocks, devices);
    const Cluster cluster = alike(devices);
    const Program program = make_program(make_schedule(strategy, Costs(profile, cluster)));
    double instructions = 0;
    for (const Phase& phase : program.phases)
        for (const DeviceProgram& device : phase.devices)
            instructions += static_cast<double>(device.instructions.size()) * steps;

    const auto start = std::chrono::steady_clock::now();
    const Simulation simulation = simulate(program, profile, {steps, 2, timeline});
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    std::printf("%-8s %3d blocks %3d devices%s: %6.1f million instructions/s (%.0f in %.3f s, step %.2f ms)\n", strategy, blocks,
        devices, timeline ? ", timeline" : "          ", instructions / seconds.count() / 1e6, instructions, seconds.count(),
        simulation.step);
}

} // namespace

int main()
{
    for (bool timeline : {false, true}) {
        measure("single", 16, 1, 10'000, timeline);
        measure("dp", 16, 8, 1'000, timeline);
        measure("tr+dpu", 6, 4, 30'000, timeline);
        measure("tr+dpu", 128, 64, 1'000, timeline);
    }
    return 0;
}
