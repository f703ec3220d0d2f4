// Runs with results, settings and curves, for tests of what compares them.
#pragma once

#include "store_testing.h"

#include "experiment/experiment.h"

#include <QByteArray>

namespace pipebd::store {

struct RunForTest {
    std::string name = "digits-nas";
    std::string strategy = "tr+dpu";
    std::uint64_t seed = 0;
    RunState state = RunState::Finished;
    double throughput = 100;
    std::vector<double> final_loss = {0.5, 0.25};
    double predicted = 9; // ms
    double measured = 10;
    int steps = 0; // samples of each curve
};

inline const char* program_for_test()
{
    return "device 0: load  T0 send>1  F0 B0 U0\ndevice 1: recv<0  T1  F1 B1 U1\n";
}

/// Makes a run in `lab`; returns its id.
inline int make_run(Lab& lab, const RunForTest& given)
{
    const Lab::NewRun made = lab.new_run(given.name);
    RunStore run(made.folder / "run.sqlite", RunStore::Mode::Writer);
    experiment::Experiment experiment;
    experiment.name = given.name;
    experiment.pair = "nas-digits";
    experiment.seed = given.seed;
    experiment.run.strategy = given.strategy;
    experiment.run.devices = "cpu,cpu";
    run.save_document("spec", "{\"format\": \"pipebd.spec/1\", \"experiment\": " + experiment::to_json(experiment) + "}");
    run.save_document("program", program_for_test());
    RunRecord record = recordIn(given.state);
    record.name = given.name;
    record.strategy = given.strategy;
    record.started = "2026-01-31T23:59:50.500Z";
    record.finished = "2026-02-01T00:00:52.000Z";
    record.throughput = given.throughput;
    record.first_loss = {2, 1};
    record.final_loss = given.final_loss;
    record.predicted_step = given.predicted;
    record.measured_step = given.measured;
    std::vector<Sample> samples;
    for (int step = 0; step < given.steps; ++step) {
        samples.push_back({{"loss", -1, 0}, step, 0.5 * step, 2.0 / (step + 1)});
        samples.push_back({{"throughput", -1, -1}, step, 0.5 * step, given.throughput});
        samples.push_back({{"memory_bytes", step % 2, -1}, step, 0.5 * step, 1048576.0 * (step + 1)});
    }
    run.append(samples);
    std::vector<MeasuredSpan> spans;
    for (int rank = 0; rank < 2; ++rank)
        for (int index = 0; index < (rank == 0 ? 6 : 5); ++index)
            spans.push_back({.rank = rank, .phase = 0, .step = 0, .index = index, .start = 10.0 * index, .end = 10.0 * index + 8});
    run.append(spans);
    run.save(record);
    if (is_final(given.state))
        run.finish();
    return made.id;
}

} // namespace pipebd::store
