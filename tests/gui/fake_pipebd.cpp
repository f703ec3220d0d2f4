// Stands in for pipebd where a test needs a run that is led by another process and does no training.
//
//     run FILE --lab LAB ...   reads FILE as pipebd does; then makes a run and stores FAKE_STEPS steps of ten samples, one every
//                              FAKE_MILLISECONDS, and finishes
//     runs stop ID ...         refuses
//
// What else it knows, and how it misbehaves: fake_answers.h.
#include "fake_answers.h"

#include "base/error.h"
#include "experiment/experiment.h"
#include "store/lab.h"
#include "store/run_store.h"

#include <chrono>
#include <cstdlib>
#include <iostream>
#include <string>
#include <thread>
#include <vector>

using namespace pipebd;

namespace {

long number(const char* variable, long otherwise)
{
    const char* text = std::getenv(variable);
    return text ? std::strtol(text, nullptr, 10) : otherwise;
}

void run(const std::vector<std::string>& arguments)
{
    const experiment::Experiment experiment = experiment::read_experiment(arguments.at(1));
    store::Lab lab(arguments.at(3));
    const store::Lab::NewRun made = lab.new_run(experiment.name);
    const store::RunLock lock(made.folder);
    store::RunStore database(made.folder / "run.sqlite", store::RunStore::Mode::Writer);
    const long steps = number("FAKE_STEPS", 100);
    store::RunRecord record;
    record.name = experiment.name;
    record.state = store::RunState::Running;
    record.created = record.started = "2026-03-01T10:00:00Z";
    record.steps = steps;
    record.supervisor = store::this_process();
    database.save(record);
    for (long step = 0; step < steps; ++step) {
        std::vector<store::Sample> samples;
        for (int block = 0; block < 10; ++block)
            samples.push_back({{"loss", -1, block}, step, 0.01 * static_cast<double>(step), 1.0 / static_cast<double>(step + 1)});
        database.append(std::span<const store::Sample>(samples));
        std::this_thread::sleep_for(std::chrono::milliseconds(number("FAKE_MILLISECONDS", 5)));
    }
    record.steps_done = steps;
    record.state = store::RunState::Finished;
    record.finished = "2026-03-01T10:01:00Z";
    database.save(record);
    database.finish();
}

} // namespace

int main(int argc, char** argv)
{
    const std::vector<std::string> arguments(argv + 1, argv + argc);
    try {
        misbehave(arguments);
        if (const int status = answer(arguments); status >= 0)
            return status;
        if (arguments.size() >= 4 && arguments[0] == "run" && arguments[2] == "--lab") {
            run(arguments);
            return 0;
        }
        throw Error(Code::BadRequest, "this program cannot stop runs", "runs stop");
    } catch (const std::exception& error) {
        std::cerr << "pipebd: error: " << error.what() << std::endl;
        return 2;
    }
}
