// How long a lab of so many finished runs takes to list, in a program that has just opened it, and again; and how long the seals
// take to check, of all of them and of a run of a million samples.
//
//     bench_lab [RUNS = 1000]
#include "base/temporary_folder.h"
#include "store/lab.h"
#include "store/run_damage.h"
#include "store/run_store.h"
#include "store/samples_for_test.h"

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <thread>

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

/// A finished run of a million samples.
store::RunRecord large_run(store::Lab& lab)
{
    const store::Lab::NewRun made = lab.new_run("large");
    store::RunStore run(made.folder / "run.sqlite", store::RunStore::Mode::Writer);
    for (int batch = 0; batch < 1'000'000 / store::samples_in_batch; ++batch)
        run.append(store::batch_for_test(batch));
    store::RunRecord record;
    record.name = "large";
    record.state = store::RunState::Finished;
    run.save(record);
    run.finish();
    return lab.run(made.id);
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
    store::Lab lab(folder.path());
    const std::vector<store::RunRecord> all = lab.runs();
    const double seals = milliseconds([&] {
        for (const store::RunRecord& run : all)
            store::damage_of(run);
    });
    const store::RunRecord large = large_run(lab);
    std::this_thread::sleep_for(std::chrono::seconds(3)); // what has only just been written is not taken for settled
    const double first = milliseconds([&] { store::damage_of(large); });
    const double again = milliseconds([&] { store::damage_of(large); });
    std::printf(
        "their seals checked in %.0f ms; that of a run of a million samples in %.0f ms, in %.3f ms again\n", seals, first, again);
}
