// How long the search for the best candidate takes, and the walk through all candidates.

#include "schedule/random_profile.h"
#include "schedule/search.h"

#include <algorithm>
#include <chrono>
#include <cstdio>

using namespace pipebd::schedule;
using namespace pipebd::schedule::test;

namespace {

/// Times in proportion to the samples, with a part that does not shrink.
Profile smooth_profile(int blocks, int devices, int batch)
{
    Random random(1);
    Profile profile;
    profile.batch = batch;
    profile.link = {0.01, 1e7};
    for (int b = 0; b < blocks; ++b) {
        BlockProfile block;
        const double weight = real(random, 0.5, 2);
        for (int g = 1; g <= std::min(devices, batch); ++g) {
            const int n = shard_size(batch, g);
            profile.load[n] = 0.01 * n;
            block.teacher_forward[n] = weight * (0.1 + 0.02 * n);
            block.student_forward[n] = weight * (0.1 + 0.03 * n);
            block.student_backward[n] = weight * (0.2 + 0.06 * n);
            block.all_reduce[g] = weight * 0.1 * (1 - 1.0 / g);
        }
        block.update = weight * 0.2;
        block.output_bytes = whole(random, 10'000, 100'000);
        block.gradient_bytes = whole(random, 100'000, 1'000'000);
        profile.blocks.push_back(block);
    }
    return profile;
}

/// Any times whatever.
Profile wild_profile(int blocks, int devices, int batch)
{
    Random random(2);
    Profile profile = smooth_profile(blocks, devices, batch);
    for (BlockProfile& block : profile.blocks) {
        for (TimeBySamples* times : {&block.teacher_forward, &block.student_forward, &block.student_backward})
            for (auto& [samples, time] : *times)
                time = real(random, 0, 5);
        for (auto& [group, time] : block.all_reduce)
            time = real(random, 0, 5);
        block.output_bytes = whole(random, 0, 10'000'000);
    }
    return profile;
}

Profile dominated_profile(int blocks, int devices, int batch)
{
    Profile profile = smooth_profile(blocks, devices, batch);
    BlockProfile& block = profile.blocks[profile.blocks.size() / 2];
    for (TimeBySamples* times : {&block.teacher_forward, &block.student_forward, &block.student_backward})
        for (auto& [samples, time] : *times)
            time *= 1000;
    return profile;
}

/// Cheap for an odd number of devices only: many thin holes in what is feasible.
Profile odd_profile(int blocks, int devices, int batch)
{
    Profile profile = smooth_profile(blocks, devices, batch);
    for (BlockProfile& block : profile.blocks)
        for (auto& [group, time] : block.all_reduce)
            time = group % 2 == 1 ? 0 : 1000;
    return profile;
}

/// Nodes of eight devices, every other node slower and smaller, with a slow link between nodes.
Cluster nodes_of_eight(int devices)
{
    Cluster cluster = alike(devices);
    for (int d = 0; d < devices; ++d) {
        ClusterDevice& device = cluster.devices[static_cast<std::size_t>(d)];
        device.node = d / 8;
        if (device.node % 2 == 1) {
            device.speed = 0.5;
            device.memory_limit = 1'000'000'000;
        }
    }
    cluster.inside = Link{0.01, 1e7};
    cluster.between = Link{0.05, 1e6};
    return cluster;
}

Cluster all_unlike(int devices)
{
    Random random(3);
    Cluster cluster = alike(devices);
    for (ClusterDevice& device : cluster.devices)
        device.speed = real(random, 0.5, 2);
    return cluster;
}

template <typename Work>
double seconds_of(const Work& work)
{
    const auto start = std::chrono::steady_clock::now();
    work();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

void search(const char* name, const Profile& profile, const Cluster& cluster)
{
    const Costs costs(profile, cluster);
    std::optional<Candidate> best;
    const double seconds = seconds_of([&] { best = best_candidate(costs); });
    std::printf("search   %-34s %3d blocks %4d devices batch %4d: %7.3f s (%zu stages, %.3f ms)\n", name, costs.blocks(),
        costs.devices(), profile.batch, seconds, best ? best->stages.size() : 0, best ? best->cost : 0);
}

void rank(int blocks, int devices)
{
    const Profile profile = smooth_profile(blocks, devices, 256);
    const Cluster cluster = alike(devices);
    const Costs costs(profile, cluster);
    Ranking ranking;
    const double seconds = seconds_of([&] { ranking = rank_candidates(costs, 10); });
    std::printf("ranking  %-34s %3d blocks %4d devices batch %4d: %7.3f s (%lld candidates, %.1f million/s)\n", "smooth", blocks,
        devices, profile.batch, seconds, static_cast<long long>(ranking.candidates),
        static_cast<double>(ranking.candidates) / seconds / 1e6);
}

} // namespace

int main()
{
    for (int batch : {256, 1024, 4096}) {
        search("smooth", smooth_profile(128, 1024, batch), alike(1024));
        search("random", wild_profile(128, 1024, batch), alike(1024));
        search("one dominating block", dominated_profile(128, 1024, batch), alike(1024));
        search("odd widths only", odd_profile(128, 1024, batch), alike(1024));
    }
    search("smooth, memory limit", smooth_profile(128, 1024, 4096), alike(1024, 30'000'000'000));
    search("smooth, two kinds, nodes, links", smooth_profile(128, 1024, 4096), nodes_of_eight(1024));
    search("smooth, every device another speed", smooth_profile(32, 128, 4096), all_unlike(128));
    rank(13, 8);
    rank(32, 8);
    return 0;
}
