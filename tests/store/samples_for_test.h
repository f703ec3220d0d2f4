// Samples whose every value follows from its place, so that a reader can tell a lost, doubled or changed one.
#pragma once

#include "store/run_store.h"

#include <cstdint>
#include <vector>

namespace pipebd::store {

inline constexpr int samples_in_batch = 100;

inline Sample sample_for_test(std::int64_t index)
{
    const auto block = static_cast<int>(index % 6);
    return {{"loss", 0, block}, index, 0.001 * static_cast<double>(index), 1.0 / static_cast<double>(index + 1)};
}

inline std::vector<Sample> batch_for_test(int batch)
{
    std::vector<Sample> samples;
    for (int place = 0; place < samples_in_batch; ++place)
        samples.push_back(sample_for_test(std::int64_t{batch} * samples_in_batch + place));
    return samples;
}

inline bool same(const Sample& a, const Sample& b)
{
    return a.series == b.series && a.step == b.step && a.t == b.t && a.value == b.value;
}

} // namespace pipebd::store
