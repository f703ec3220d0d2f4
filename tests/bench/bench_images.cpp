// Images per second that one thread, or more, makes ready: read, decoded, cut, resized, normalised.
//
//     bench_images FOLDER [THREADS [SIZE]]    a folder as data.source = "imagefolder" reads it; SIZE x SIZE pixels come out (224)
#include "engine/data/data_set.h"
#include "engine/data/image_list.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>

using namespace pipebd::engine;

int main(int argc, char** argv)
{
    if (argc < 2)
        return std::fprintf(stderr, "use: bench_images FOLDER [THREADS [SIZE]]\n"), 2;
    const int threads = argc > 2 ? std::atoi(argv[2]) : 1;
    const std::int64_t size = argc > 3 ? std::atoi(argv[3]) : 224;
    pipebd::experiment::Experiment experiment;
    experiment.data.source = "imagefolder";
    experiment.data.path = argv[1];
    const int classes = static_cast<int>(find_images(argv[1]).classes.size());
    for (const char* augment : {"none", "imagenet"}) {
        experiment.data.augment = augment;
        const auto data = open_data(experiment, Input{.shape = {3, size, size}}, classes, {.threads = threads - 1});
        const std::int64_t count = std::min<std::int64_t>(64, data->size(DataSet::Split::Train));
        double best = 0;
        for (std::int64_t epoch = 0; epoch < 6; ++epoch) { // the first warms the page cache
            std::vector<Sample> samples;
            for (std::int64_t index = 0; index < count; ++index)
                samples.push_back({index, epoch});
            const auto start = std::chrono::steady_clock::now();
            data->get(DataSet::Split::Train, samples);
            const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
            best = std::max(best, static_cast<double>(count) / taken.count());
        }
        std::printf("augment %-8s  %d threads  %.0f images/s\n", augment, threads, best);
    }
}
