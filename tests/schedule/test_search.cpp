#include "base/error.h"
#include "base/file.h"
#include "schedule/by_hand.h"
#include "schedule/every_candidate.h"
#include "schedule/random_profile.h"
#include "schedule/search.h"

#include <QTest>

#include <algorithm>
#include <limits>
#include <tuple>

using namespace pipebd;
using namespace pipebd::schedule;
using namespace pipebd::schedule::test;

namespace {

CostOf by_hand(const Profile& profile, std::optional<std::int64_t> memory_limit)
{
    return [&profile, memory_limit](const Shape& shape) -> std::optional<double> {
        double largest = 0;
        int first = 0;
        for (std::size_t s = 0; s < shape.counts.size(); ++s) {
            if (memory_limit && memory_by_hand(profile, first, shape.lasts[s], shape.counts[s]) > *memory_limit)
                return std::nullopt;
            largest = std::max(largest, cost_by_hand(profile, first, shape.lasts[s], shape.counts[s]));
            first = shape.lasts[s];
        }
        return largest;
    };
}

CostOf by_definition(const Costs& costs)
{
    return [&costs](const Shape& shape) -> std::optional<double> {
        double largest = 0;
        const Stage* before = nullptr;
        const std::vector<Stage> stages = stages_of(shape);
        for (const Stage& stage : stages) {
            if (static_cast<int>(stage.devices.size()) > costs.profile().batch || !costs.fits(stage))
                return std::nullopt;
            largest = std::max(largest, costs.stage(stage, before));
            before = &stage;
        }
        return largest;
    };
}

/// Small whole numbers: many ties, and sums that are exact in any order.
void make_whole(Profile& profile, Random& random)
{
    const auto round = [&](auto& times, int most) {
        for (auto& [key, time] : times)
            time = whole(random, 0, most);
    };
    round(profile.load, 2);
    for (BlockProfile& block : profile.blocks) {
        round(block.teacher_forward, 2);
        round(block.student_forward, 2);
        round(block.student_backward, 3);
        round(block.all_reduce, 1);
        block.update = whole(random, 0, 1);
        block.output_bytes = 1000 * whole(random, 0, 1);
    }
    profile.link = {double(whole(random, 0, 1)), 1000.0 * profile.batch};
    if (whole(random, 0, 1) == 0)
        profile.link.bytes_per_ms = 1e9;
}

/// Devices of a few kinds, in nodes that are together or scattered, with links of any kind between them.
Cluster random_cluster(Random& random, int devices, std::int64_t much_memory)
{
    Cluster cluster = alike(devices);
    const int kinds = whole(random, 1, 3);
    const bool together = whole(random, 0, 1) == 0;
    int node = 0;
    for (ClusterDevice& device : cluster.devices) {
        device.speed = kinds == 1 ? 1 : 0.5 * whole(random, 1, kinds);
        if (whole(random, 0, 3) == 0)
            device.memory_limit = much_memory * whole(random, 30, 120) / 100;
        node = together ? node + (whole(random, 0, 2) == 0 ? 1 : 0) : whole(random, 0, 2);
        device.node = node;
    }
    const auto link = [&] { return Link{double(whole(random, 0, 4)), whole(random, 0, 3) == 0 ? 0 : real(random, 1e5, 1e7)}; };
    if (whole(random, 0, 3) != 0)
        cluster.inside = link();
    if (whole(random, 0, 3) != 0)
        cluster.between = link();
    return cluster;
}

/// The best of all, by a plain dynamic program over blocks and devices; without memory limits.
Candidate by_plain_program(const Profile& profile, int devices)
{
    const int blocks = static_cast<int>(profile.blocks.size());
    const auto at = [&](int block, int device) { return static_cast<std::size_t>(block * (devices + 1) + device); };
    std::vector<double> stage(static_cast<std::size_t>((blocks + 1) * (blocks + 1) * (devices + 1)));
    const auto cost = [&](int first, int last, int g) -> double& {
        return stage[static_cast<std::size_t>((first * (blocks + 1) + last) * (devices + 1) + g)];
    };
    for (int first = 0; first < blocks; ++first)
        for (int last = first + 1; last <= blocks; ++last)
            for (int g = 1; g <= devices; ++g)
                cost(first, last, g) = cost_by_hand(profile, first, last, g);

    std::vector<double> least(at(blocks, devices) + 1, infinite); // of blocks first.. on that many devices
    least[at(blocks, 0)] = 0;
    for (int first = blocks - 1; first >= 0; --first)
        for (int left = 1; left <= devices; ++left)
            for (int last = first + 1; last <= blocks; ++last)
                for (int g = 1; g <= left; ++g)
                    least[at(first, left)]
                        = std::min(least[at(first, left)], std::max(cost(first, last, g), least[at(last, left - g)]));

    std::vector<std::optional<Shape>> best(least.size()); // of those that cost no more than the least of all
    best[at(blocks, 0)] = Shape{};
    for (int first = blocks - 1; first >= 0; --first)
        for (int left = 1; left <= devices; ++left)
            for (int last = first + 1; last <= blocks; ++last)
                for (int g = 1; g <= left; ++g) {
                    const std::optional<Shape>& rest = best[at(last, left - g)];
                    std::optional<Shape>& known = best[at(first, left)];
                    if (!rest || cost(first, last, g) > least[at(0, devices)]
                        || (known && rest->counts.size() + 1 > known->counts.size()))
                        continue;
                    Shape found{{g}, {last}};
                    found.counts.insert(found.counts.end(), rest->counts.begin(), rest->counts.end());
                    found.lasts.insert(found.lasts.end(), rest->lasts.begin(), rest->lasts.end());
                    if (!known || found.key() < known->key())
                        known = found;
                }
    return {stages_of(*best[at(0, devices)]), least[at(0, devices)]};
}

Profile profile_of(const char* file)
{
    const std::string path = std::string(PIPEBD_SOURCE_DIR "/tests/schedule/") + file;
    return profile_from_json(read_file(path), path);
}

std::string refused(const Costs& costs, Width width = Width::Any)
{
    try {
        best_candidate(costs, width);
    } catch (const Error& error) {
        return error.code() == Code::BadRequest ? error.what() : "another code";
    }
    return "nothing was refused";
}

} // namespace

class TestSearch : public QObject {
    Q_OBJECT
private slots:
    void theBestOfLikeDevicesIsThatOfAllCandidatesByTheFormulas()
    {
        Random random(1);
        int infeasible = 0;
        int ties = 0;
        for (int i = 0; i < 3000; ++i) {
            const int blocks = whole(random, 1, 7);
            const int devices = whole(random, 1, 6);
            Profile profile = random_profile(random, blocks, devices);
            if (i % 2 == 0)
                make_whole(profile, random);
            std::optional<std::int64_t> limit;
            if (i % 3 == 0)
                limit = memory_by_hand(profile, 0, blocks, 1) * whole(random, 10, 70) / 100;
            const Width width = i % 4 == 0 ? Width::OneDevice : Width::Any;

            const Truth truth = brute_force(blocks, devices, by_hand(profile, limit), width);
            const Cluster cluster = alike(devices, limit);
            const std::optional<Candidate> best = best_candidate(Costs(profile, cluster), width);

            QCOMPARE(count_candidates(blocks, devices, width), truth.candidates);
            QCOMPARE(best.has_value(), !truth.all.empty());
            infeasible += best ? 0 : 1;
            if (!best)
                continue;
            QVERIFY(best->cost == truth.cost || (i % 2 == 1 && qFuzzyCompare(best->cost, truth.cost)));
            QCOMPARE(best->stages, stages_of(truth.best));
            ties += truth.as_good > 1 ? 1 : 0;
        }
        QVERIFY2(infeasible > 100 && infeasible < 1200, qPrintable(QString::number(infeasible)));
        QVERIFY2(ties > 250, qPrintable(QString::number(ties)));
    }

    void theBestOfUnlikeDevicesIsThatOfAllCandidatesByTheirCosts()
    {
        Random random(2);
        int infeasible = 0;
        for (int i = 0; i < 3000; ++i) {
            const int blocks = whole(random, 1, 6);
            const int devices = whole(random, 1, 6);
            Profile profile = random_profile(random, blocks, devices);
            if (i % 2 == 0)
                make_whole(profile, random);
            if (i % 5 == 0)
                profile = at_batch(profile, whole(random, 1, 4)); // fewer samples than devices, perhaps
            const Cluster cluster = random_cluster(random, devices, memory_by_hand(profile, 0, blocks, 1));
            const Costs costs(profile, cluster);
            const Width width = i % 4 == 0 ? Width::OneDevice : Width::Any;

            const Truth truth = brute_force(blocks, devices, by_definition(costs), width);
            const std::optional<Candidate> best = best_candidate(costs, width);

            QCOMPARE(best.has_value(), !truth.all.empty());
            infeasible += best ? 0 : 1;
            if (!best)
                continue;
            QVERIFY(best->cost == truth.cost);
            QCOMPARE(best->stages, stages_of(truth.best));
        }
        QVERIFY2(infeasible > 100 && infeasible < 1200, qPrintable(QString::number(infeasible)));
    }

    void theBestOfAHundredDevicesIsThatOfAPlainDynamicProgram()
    {
        Random random(3);
        for (int i = 0; i < 12; ++i) {
            const int blocks = whole(random, 4, 9);
            const int devices = i == 0 ? 64 : whole(random, 60, 140);
            Profile profile = random_profile(random, blocks, devices);
            if (i % 2 == 0)
                make_whole(profile, random);
            const Candidate truth = by_plain_program(profile, devices);
            const Cluster cluster = alike(devices);
            const std::optional<Candidate> best = best_candidate(Costs(profile, cluster));
            QVERIFY(best.has_value());
            QVERIFY(qFuzzyCompare(best->cost + 1, truth.cost + 1));
            QCOMPARE(best->stages, truth.stages);
        }
    }

    void theBestOfEightyUnlikeDevicesIsTheFirstOfTheRanking()
    {
        Random random(4);
        for (int i = 0; i < 12; ++i) {
            const int devices = whole(random, 60, 80);
            Profile profile = random_profile(random, 3, devices);
            if (i % 2 == 0)
                make_whole(profile, random);
            const Cluster cluster = random_cluster(random, devices, memory_by_hand(profile, 0, 3, 1));
            const Costs costs(profile, cluster);
            const std::optional<Candidate> best = best_candidate(costs);
            const Ranking ranking = rank_candidates(costs, 1);
            QCOMPARE(ranking.candidates, count_candidates(3, devices));
            QCOMPARE(best.has_value(), ranking.feasible > 0);
            if (best) {
                QVERIFY(best->cost == ranking.best[0].cost);
                QCOMPARE(best->stages, ranking.best[0].stages);
            }
        }
    }

    void theRankingHasTheBestOfAllCandidatesInTheOrderOfTheSearch()
    {
        Random random(5);
        for (int i = 0; i < 300; ++i) {
            const int blocks = whole(random, 1, 6);
            const int devices = whole(random, 1, 6);
            Profile profile = random_profile(random, blocks, devices);
            if (i % 2 == 0)
                make_whole(profile, random);
            const Cluster cluster = random_cluster(random, devices, memory_by_hand(profile, 0, blocks, 1));
            const Costs costs(profile, cluster);
            const Width width = i % 4 == 0 ? Width::OneDevice : Width::Any;
            const CostOf cost_of = by_definition(costs);
            const Truth truth = brute_force(blocks, devices, cost_of, width);
            const auto keep = static_cast<std::size_t>(whole(random, 0, 20));

            const Ranking ranking = rank_candidates(costs, keep, width);

            QCOMPARE(ranking.candidates, truth.candidates);
            QCOMPARE(ranking.feasible, static_cast<std::int64_t>(truth.all.size()));
            QCOMPARE(ranking.best.size(), std::min(keep, truth.all.size()));
            for (std::size_t r = 0; r < ranking.best.size(); ++r) {
                const Candidate& candidate = ranking.best[r];
                QVERIFY(candidate.cost == truth.all[r]);
                const Shape shape = shape_of(candidate);
                QCOMPARE(candidate.stages, stages_of(shape));
                QVERIFY(cost_of(shape) == candidate.cost);
                if (r > 0) {
                    const Candidate& better = ranking.best[r - 1];
                    QVERIFY(std::tuple(better.cost, shape_of(better).key()) < std::tuple(candidate.cost, shape.key()));
                }
            }
            if (!ranking.best.empty())
                QVERIFY(best_candidate(costs, width)->stages == ranking.best[0].stages);
        }
    }

    void candidatesAreCounted()
    {
        QCOMPARE(count_candidates(6, 4), 56);
        QCOMPARE(count_candidates(13, 8), 50'388);
        QCOMPARE(count_candidates(32, 8), 12'620'256);
        QCOMPARE(count_candidates(1, 9), 1);
        QCOMPARE(count_candidates(9, 1), 1);
        QCOMPARE(count_candidates(0, 4), 0);
        QCOMPARE(count_candidates(4, 0), 0);
        QCOMPARE(count_candidates(34, 34), 7'219'428'434'016'265'740); // C(66, 33)
        QCOMPARE(count_candidates(35, 35), std::numeric_limits<std::int64_t>::max()); // C(68, 34) is more
        QCOMPARE(count_candidates(128, 1024), std::numeric_limits<std::int64_t>::max());
        QCOMPARE(count_candidates(6, 4, Width::OneDevice), 10);
        QCOMPARE(count_candidates(6, 6, Width::OneDevice), 1);
        QCOMPARE(count_candidates(6, 7, Width::OneDevice), 0);
        QCOMPARE(count_candidates(128, 64, Width::OneDevice), std::numeric_limits<std::int64_t>::max());
    }

    void devicesGoToABlockThatDominatesAsFarAsTheyHelp()
    {
        // 0.01 ms a sample for each pass of each block, but 10 ms for the backward pass of block 3 whatever the samples.
        Profile profile;
        profile.batch = 400;
        profile.interpolates = true;
        BlockProfile block;
        block.teacher_forward = block.student_forward = block.student_backward = {{1, 0.01}};
        profile.blocks.assign(7, block);
        profile.blocks[3].student_backward = {{1, 10.0}, {400, 10.0}};
        const Cluster cluster = alike(40);
        const std::optional<Candidate> best = best_candidate(Costs(profile, cluster));
        QVERIFY(best.has_value());
        // Three blocks on 4 devices take 9 ms, on 3 devices 12.06; so no more than 32 are left for block 3, and 13 samples each for
        // 31 to 33.
        QCOMPARE(best->stages, stages_of({{4, 31, 5}, {3, 4, 7}}));
        QVERIFY(qFuzzyCompare(best->cost, 10 + 13 * 0.02));
    }

    void aStageHasNoMoreDevicesThanTheBatchHasSamples()
    {
        Random random(7);
        Profile profile = at_batch(random_profile(random, 2, 4), 2);
        const Cluster four = alike(4);
        const std::optional<Candidate> best = best_candidate(Costs(profile, four));
        QVERIFY(best.has_value());
        QCOMPARE(shape_of(*best).counts, (std::vector{2, 2}));
        QCOMPARE(rank_candidates(Costs(profile, four), 10).feasible, 1);

        const Cluster five = alike(5);
        QVERIFY(!best_candidate(Costs(profile, five)).has_value());
        QCOMPARE(rank_candidates(Costs(profile, five), 10).feasible, 0);
    }

    void whereNothingCanBeFoundNothingIs()
    {
        Random random(8);
        const Profile profile = random_profile(random, 2, 3);
        const Cluster small = alike(2, 10);
        QVERIFY(!best_candidate(Costs(profile, small)).has_value());
        const Cluster three = alike(3);
        QVERIFY(!best_candidate(Costs(profile, three), Width::OneDevice).has_value());
        QCOMPARE(rank_candidates(Costs(profile, three), 5, Width::OneDevice).candidates, 0);
        const Cluster none = alike(0);
        QVERIFY(!best_candidate(Costs(profile, none)).has_value());
        QVERIFY(!best_candidate(Costs(Profile{}, three)).has_value());
    }

    void whatTheProfileLacksForAWidthThatIsAllowedIsNamed()
    {
        Random random(9);
        Profile profile = random_profile(random, 3, 4);
        profile.batch = 100;
        for (TimeBySamples* times : {&profile.load, &profile.blocks[0].teacher_forward, &profile.blocks[0].student_forward,
                 &profile.blocks[0].student_backward})
            *times = {{100, 1.0}, {50, 0.5}, {34, 0.4}, {25, 0.3}};
        profile.blocks[0].all_reduce = {{2, 0.0}, {3, 0.0}, {4, 0.0}};
        profile.blocks[1] = profile.blocks[2] = profile.blocks[0];
        profile.blocks[1].student_forward.erase(34);
        const Cluster four = alike(4);
        const Cluster two = alike(2);
        const std::string what = refused(Costs(profile, four));
        QVERIFY2(what.find("34 samples") != std::string::npos && what.find("blocks[1].student_forward") != std::string::npos,
            what.c_str());
        QVERIFY(best_candidate(Costs(profile, two)).has_value());
        profile.blocks[2].all_reduce.clear();
        QVERIFY2(refused(Costs(profile, two)).find("all_reduce") != std::string::npos, refused(Costs(profile, two)).c_str());
        QVERIFY(best_candidate(Costs(profile, two), Width::OneDevice).has_value());
    }

    // Pipe-BD (DATE 2023) gives the schedules that its search found for NAS on ImageNet, 6 blocks, 4 devices, batch 256, not the
    // measurements. The two profiles are fitted to that: plausible times and sizes (MobileNetV2 teacher; block 0 the heaviest as it
    // has the highest resolution, the later blocks small and with most of the parameters) for which these are the best.
    void thePublishedSchedulesAreFound_data()
    {
        QTest::addColumn<QList<int>>("counts");
        QTest::addColumn<QList<int>>("lasts");
        QTest::newRow("rtx2080ti.json") << QList<int>{2, 1, 1} << QList<int>{1, 3, 6};
        QTest::newRow("rtx-a6000.json") << QList<int>{3, 1} << QList<int>{3, 6};
    }

    void thePublishedSchedulesAreFound()
    {
        QFETCH(QList<int>, counts);
        QFETCH(QList<int>, lasts);
        const Profile profile = profile_of(QTest::currentDataTag());
        const Cluster cluster = alike(4, std::int64_t{11} << 30);
        const Costs costs(profile, cluster);
        const std::optional<Candidate> best = best_candidate(costs);
        QVERIFY(best.has_value());
        const Shape published{{counts.begin(), counts.end()}, {lasts.begin(), lasts.end()}};
        QCOMPARE(best->stages, stages_of(published));
        const Ranking ranking = rank_candidates(costs, 2);
        QCOMPARE(ranking.candidates, 56);
        QCOMPARE(ranking.best[0].stages, best->stages);
        QVERIFY(ranking.best[1].cost > 1.03 * best->cost); // by a margin that is more than chance
    }
};

QTEST_APPLESS_MAIN(TestSearch)
#include "test_search.moc"
