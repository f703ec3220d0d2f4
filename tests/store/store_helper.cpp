// The other process in tests of the store; the tests kill it, so that it says on standard output what it has done.
//
//     append FILE COUNT    stores batches of 100 samples, COUNT of them, then seals the run; prints each batch's number once stored
//     new-runs LAB COUNT   once standard input ends: makes COUNT runs and prints their ids
//     hold FOLDER          holds the run's lock until standard input ends; prints "held"
//     draft LAB            begins a pair; prints its folder, then waits until standard input ends
//     wait                 until standard input ends; prints "waiting"
//     record FILE          as a user who may write nothing: prints the run's state, its number of samples and its check
#include "base/error.h"
#include "base/file.h"
#include "samples_for_test.h"
#include "store/lab.h"
#include "store/run_store.h"

#include <unistd.h>

#include <cstdlib>
#include <iostream>
#include <string>
#include <vector>

using namespace pipebd;
using namespace pipebd::store;

namespace {

void wait_for_end_of_input()
{
    std::string line;
    while (std::getline(std::cin, line)) { }
}

void append(const std::string& file, int count)
{
    RunStore run(file, RunStore::Mode::Writer);
    RunRecord record = run.record();
    record.created = record.started = utc_text();
    record.state = RunState::Running;
    record.supervisor = this_process();
    run.save(record);
    std::int64_t after = 0;
    run.new_samples(after);
    for (int batch = static_cast<int>(after / samples_in_batch); batch < count; ++batch) {
        run.append(batch_for_test(batch));
        std::cout << batch << std::endl;
    }
    record.state = RunState::Finished;
    record.finished = utc_text();
    run.save(record);
    std::cout << "finishing" << std::endl;
    run.finish();
    std::cout << "finished" << std::endl;
}

void new_runs(const std::string& folder, int count)
{
    std::cout << "ready" << std::endl;
    wait_for_end_of_input();
    Lab lab(folder);
    for (int made = 0; made < count; ++made)
        std::cout << lab.new_run("together").id << std::endl;
}

void hold(const std::string& folder)
{
    const RunLock lock(folder);
    std::cout << "held" << std::endl;
    wait_for_end_of_input();
}

void draft(const std::string& folder)
{
    Lab lab(folder);
    const PairDraft begun = lab.draft_pair();
    replace_file(begun.folder() / "teacher.pt2", "half of it");
    std::cout << begun.folder().string() << std::endl;
    wait_for_end_of_input();
}

void show(const std::string& file)
{
    constexpr uid_t nobody = 65534;
    if (getuid() == 0 && setuid(nobody) != 0)
        throw Error(Code::System, "cannot give up the rights of root", "setuid");
    const RunStore run(file, RunStore::Mode::ReadOnly);
    std::int64_t after = 0;
    std::cout << to_string(run.record().state) << " " << run.new_samples(after).size() << " " << run.check() << std::endl;
}

} // namespace

int main(int argc, char** argv)
{
    const std::vector<std::string> arguments(argv + 1, argv + argc);
    const std::string mode = arguments.empty() ? "" : arguments[0];
    try {
        if (mode == "append" && arguments.size() == 3)
            append(arguments[1], std::stoi(arguments[2]));
        else if (mode == "new-runs" && arguments.size() == 3)
            new_runs(arguments[1], std::stoi(arguments[2]));
        else if (mode == "hold" && arguments.size() == 2)
            hold(arguments[1]);
        else if (mode == "draft" && arguments.size() == 2)
            draft(arguments[1]);
        else if (mode == "record" && arguments.size() == 2)
            show(arguments[1]);
        else if (mode == "wait") {
            std::cout << "waiting" << std::endl;
            wait_for_end_of_input();
        } else
            return 2;
    } catch (const Error& error) {
        std::cerr << error.what() << std::endl;
        return 1;
    }
    return 0;
}
