// Stands in for pipebd where a test needs a run that is led by another process and does no training.
//
//     run FILE --lab LAB ...   reads FILE as pipebd does; then makes a run and stores FAKE_STEPS steps of ten samples, one every
//                              FAKE_MILLISECONDS, and finishes
//     run [FILE] ... --check   answers as pipebd does, or refuses with FAKE_REFUSAL
//     runs export ID --trace FILE ...   writes FILE
//     runs stop ID ...         refuses
//
// What is asked stands in FAKE_ASKED.COMMAND, a line a word. What else it knows, and how it misbehaves: fake_answers.h.
#include "fake_answers.h"

#include "base/error.h"
#include "experiment/experiment.h"
#include "store/lab.h"
#include "store/run_store.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <fstream>
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

bool has(const std::vector<std::string>& arguments, const std::string& wanted)
{
    return std::find(arguments.begin(), arguments.end(), wanted) != arguments.end();
}

void check(const std::vector<std::string>& arguments)
{
    if (const char* refusal = std::getenv("FAKE_REFUSAL"))
        throw Error(Code::BadRequest, refusal, "fake");
    if (!has(arguments, "--resume"))
        experiment::read_experiment(arguments.at(1));
    std::cout << R"({"steps": 1234, "devices": ["cpu", "cpu"], "train_samples": 1000, "test_samples": 100, "steps_done": )"
              << (has(arguments, "--resume") ? R"(12, "steps_repeated": 3, "resumed_from": 1)" : R"(0, "resumed_from": null)")
              << "}" << std::endl;
}

void remember(const std::vector<std::string>& arguments)
{
    if (const char* file = std::getenv("FAKE_ASKED")) {
        std::ofstream out(file + std::string(".") + arguments.at(0));
        for (const std::string& argument : arguments)
            out << argument << "\n";
    }
}

} // namespace

int main(int argc, char** argv)
{
    const std::vector<std::string> arguments(argv + 1, argv + argc);
    try {
        remember(arguments);
        misbehave(arguments);
        if (const int status = answer(arguments); status >= 0)
            return status;
        if (has(arguments, "--check")) {
            check(arguments);
            return 0;
        }
        if (arguments.size() >= 5 && arguments[1] == "export") {
            std::ofstream(arguments[4]) << "{}";
            return 0;
        }
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
