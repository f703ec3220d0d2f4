#include "launch/steady_step.h"

#include <algorithm>
#include <map>

namespace pipebd::launch {

namespace {

struct Mean {
    double sum = 0;
    int count = 0;
};

double steady_step_of(const std::vector<store::Sample>& steps_of_rank, std::int64_t steps)
{
    const std::int64_t warm = steps > 1 ? std::max<std::int64_t>(1, steps / 5) : 0;
    std::map<std::int64_t, Mean> phases;
    for (const store::Sample& sample : steps_of_rank) {
        if (sample.step % steps < warm)
            continue;
        Mean& phase = phases[sample.step / steps];
        phase.sum += sample.value;
        ++phase.count;
    }
    double result = 0;
    for (const auto& [number, phase] : phases)
        result += phase.sum / phase.count;
    return result;
}

} // namespace

double steady_step(const store::RunStore& run, std::int64_t steps)
{
    double slowest = 0;
    for (const store::Series& series : run.series())
        if (series.name == "step_ms")
            slowest = std::max(slowest, steady_step_of(run.samples(series), steps));
    return slowest;
}

} // namespace pipebd::launch
