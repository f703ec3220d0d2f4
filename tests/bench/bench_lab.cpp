// How long a lab of so many finished runs takes to list: in a program that has just opened it, and again.
//
//     bench_lab [RUNS = 1000]
#include "base/temporary_folder.h"
#include "store/lab.h"
#include "store/run_store.h"
#include "store/samples_for_test.h"

#include <chrono>
#include <cstdio>
#include <cstdlib>

using namespace pipebd;
namespace fs = std::filesystem;

namespace {

void fill(store::Lab& lab, int runs)
{
    const fs::path first = lab.new_run("digits-nas").folder;
    {
        store::RunStore run(first / "run.sqlite", store::RunStore::Mode::Writer);
        store::RunRecord record;
        record.name = "digits-nas";
        record.devices = {"cpu", "cpu"};
        record.first_loss = record.final_loss = {0.5, 0.4, 0.3, 0.2, 0.1, 0.05};
        record.state = store::RunState::Finished;
        run.append(store::batch_for_test(0));
        run.save(record);
        run.finish();
    }
    for (int run = 1; run < runs; ++run)
        fs::copy(first / "run.sqlite", lab.new_run("digits-nas").folder / "run.sqlite");
}

template <typename Body>
double milliseconds(Body body)
{
    const auto start = std::chrono::steady_clock::now();
    body();
    return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
}

} // namespace

int main(int argc, char** argv)
{
    const int runs = argc > 1 ? std::atoi(argv[1]) : 1000;
    const TemporaryFolder folder;
    {
        store::Lab lab(folder.path());
        fill(lab, runs);
    }
    for (int round = 0; round < 3; ++round) {
        const store::Lab lab(folder.path());
        const double first = milliseconds([&] { lab.runs(); });
        const double again = milliseconds([&] { lab.runs(); });
        std::printf("%d runs listed in %.0f ms by who has just opened the lab, in %.1f ms again\n", runs, first, again);
    }
}
