#include "base/error.h"
#include "schedule/partition.h"
#include "schedule/random_profile.h"
#include "schedule/simulator.h"
#include "schedule/strategies.h"

#include <QTest>

#include <functional>
#include <limits>

using namespace pipebd;
using namespace pipebd::schedule;
using namespace pipebd::schedule::test;

namespace {

/// Cost and memory of blocks first..last-1 on g devices, straight from the formulas.
double cost_by_hand(const Profile& profile, int first, int last, int g)
{
    const int n = (profile.batch + g - 1) / g;
    double cost = first == 0
        ? profile.load.at(n)
        : profile.link.latency + n * double(profile.blocks[std::size_t(first) - 1].output_bytes) / profile.link.bytes_per_ms;
    for (int b = first; b < last; ++b) {
        const BlockProfile& block = profile.blocks[std::size_t(b)];
        cost += block.teacher_forward.at(n) + block.student_forward.at(n) + block.student_backward.at(n)
            + (g > 1 ? block.all_reduce.at(g) : 0) + block.update;
    }
    return cost;
}

std::int64_t memory_by_hand(const Profile& profile, int first, int last, int g)
{
    const std::int64_t n = (profile.batch + g - 1) / g;
    std::int64_t parameters = 0;
    std::int64_t outputs = 0;
    std::int64_t most = 0;
    for (int b = std::max(0, first - 1); b < last; ++b)
        outputs += profile.blocks[std::size_t(b)].output_bytes;
    for (int b = first; b < last; ++b) {
        const BlockProfile& block = profile.blocks[std::size_t(b)];
        parameters += block.teacher_bytes + block.student_bytes + block.gradient_bytes + block.optimizer_bytes;
        most = std::max(most, block.activation_bytes);
    }
    return parameters + n * outputs + n * most;
}

/// Calls `visit` with every way to cut `blocks` into `stages`, lexicographically: the ends of the stages.
void every_partition(int blocks, int stages, std::vector<int>& cuts, const std::function<void(const std::vector<int>&)>& visit)
{
    const int first = cuts.empty() ? 0 : cuts.back();
    if (stages == 1) {
        cuts.push_back(blocks);
        visit(cuts);
        cuts.pop_back();
        return;
    }
    for (int last = first + 1; last <= blocks - (stages - 1); ++last) {
        cuts.push_back(last);
        every_partition(blocks, stages - 1, cuts, visit);
        cuts.pop_back();
    }
}

std::vector<int> cuts_of(const Schedule& schedule)
{
    std::vector<int> cuts;
    for (const Stage& stage : schedule.stages)
        cuts.push_back(stage.last);
    return cuts;
}

} // namespace

class TestStrategies : public QObject {
    Q_OBJECT
private slots:
    void costsAndMemoryFollowTheirFormulas()
    {
        Random random(1);
        for (int i = 0; i < 300; ++i) {
            const int blocks = whole(random, 1, 7);
            const int g = whole(random, 1, 5);
            const Profile profile = random_profile(random, blocks, g);
            const int first = whole(random, 0, blocks - 1);
            const int last = whole(random, first + 1, blocks);
            const Stage stage{first, last, std::vector<int>(static_cast<std::size_t>(g))};
            QVERIFY(qFuzzyCompare(stage_cost(profile, stage) + 1, cost_by_hand(profile, first, last, g) + 1));
            QCOMPARE(stage_memory(profile, stage), memory_by_hand(profile, first, last, g));
        }
    }

    void theRelayHasTheLeastLargestCostOfAllPartitionsAndTheFirstOfThose()
    {
        Random random(2);
        int infeasible = 0;
        for (int i = 0; i < 500; ++i) {
            const int blocks = whole(random, 1, 8);
            const int devices = whole(random, 1, blocks);
            Profile profile = random_profile(random, blocks, devices);
            if (i % 2 == 0)
                for (BlockProfile& block : profile.blocks) { // small whole numbers: many ties
                    block.teacher_forward[profile.batch] = whole(random, 1, 3);
                    block.student_forward[profile.batch] = block.student_backward[profile.batch] = 1;
                    block.update = 0;
                    block.output_bytes = 0;
                }
            Resources resources{devices, std::nullopt};
            if (i % 3 == 0)
                resources.memory_limit = memory_by_hand(profile, 0, blocks, 1) * whole(random, 20, 90) / 100;

            double least = std::numeric_limits<double>::infinity();
            std::vector<int> first_best;
            int candidates = 0;
            std::vector<int> cuts;
            every_partition(blocks, devices, cuts, [&](const std::vector<int>& ends) {
                ++candidates;
                double largest = 0;
                int begin = 0;
                for (int end : ends) {
                    largest = std::max(largest, stage_cost(profile, {begin, end, {0}}));
                    if (resources.memory_limit && memory_by_hand(profile, begin, end, 1) > *resources.memory_limit)
                        largest = std::numeric_limits<double>::infinity();
                    begin = end;
                }
                if (largest < least) {
                    least = largest;
                    first_best = ends;
                }
            });

            const Schedule schedule = make_schedule("tr+dpu", profile, resources);
            QCOMPARE(schedule.candidates, candidates);
            QCOMPARE(schedule.decided_by, std::string("search"));
            QCOMPARE(schedule.feasible, !first_best.empty());
            QCOMPARE(cuts_of(schedule), first_best);
            for (std::size_t s = 0; s < schedule.stages.size(); ++s)
                QCOMPARE(schedule.stages[s].devices, std::vector{static_cast<int>(s)});
            QCOMPARE(schedule.why_not.empty(), schedule.feasible);
            infeasible += schedule.feasible ? 0 : 1;
        }
        QVERIFY2(infeasible > 10 && infeasible < 160, qPrintable(QString::number(infeasible)));
    }

    void partitionsAreCounted()
    {
        QCOMPARE(count_partitions(6, 4), 10);
        QCOMPARE(count_partitions(6, 1), 1);
        QCOMPARE(count_partitions(6, 6), 1);
        QCOMPARE(count_partitions(6, 7), 0);
        QCOMPARE(count_partitions(128, 64), std::numeric_limits<std::int64_t>::max());
    }

    void whatCannotRunIsAnAnswerInWords()
    {
        Random random(3);
        const Profile profile = random_profile(random, 2, 3);
        const Schedule too_few_blocks = make_schedule("tr+dpu", profile, {3, std::nullopt});
        QVERIFY(!too_few_blocks.feasible);
        QVERIFY(too_few_blocks.stages.empty());
        QVERIFY2(too_few_blocks.why_not.find("2 blocks for 3 devices") != std::string::npos, too_few_blocks.why_not.c_str());
        for (const char* strategy : {"single", "dp", "tr+dpu"}) {
            const Schedule too_large = make_schedule(strategy, profile, {2, 10});
            QVERIFY(!too_large.feasible);
            QVERIFY2(too_large.why_not.find("10 B") != std::string::npos, too_large.why_not.c_str());
        }
        Profile few_samples = profile;
        few_samples.batch = 2;
        const Schedule schedule = make_schedule("dp", few_samples, {3, std::nullopt});
        QVERIFY(!schedule.feasible);
        QVERIFY2(schedule.why_not.find("batch of 2") != std::string::npos, schedule.why_not.c_str());
        QVERIFY_THROWS_EXCEPTION(Error, make_program(schedule, 2, 3));
    }

    void anUnknownStrategyIsRefusedAndTheKnownOnesListed()
    {
        Random random(4);
        const Profile profile = random_profile(random, 2, 2);
        try {
            make_schedule("zigzag", profile, {2, std::nullopt});
            QFAIL("there is no such strategy");
        } catch (const Error& error) {
            QCOMPARE(error.code(), Code::BadRequest);
            const std::string line = error.what();
            QVERIFY(line.find("zigzag") != std::string::npos);
            for (std::string_view name : strategy_names())
                QVERIFY2(line.find(name) != std::string::npos, line.c_str());
        }
        QVERIFY_THROWS_EXCEPTION(Error, make_schedule("dp", profile, {0, std::nullopt}));
        QVERIFY_THROWS_EXCEPTION(Error, make_schedule("dp", Profile{}, {1, std::nullopt}));
    }

    void aScheduleThatDoesNotFitItsBlocksAndDevicesIsRefused()
    {
        const auto relay = [](std::vector<Stage> stages) { return Schedule{"tr+dpu", std::move(stages), "fixed", 1, true, {}}; };
        QCOMPARE(make_program(relay({{0, 1, {0}}, {1, 3, {1}}}), 3, 2).devices(), 2);
        QVERIFY_THROWS_EXCEPTION(Error, make_program(relay({{0, 1, {0}}, {1, 3, {1}}}), 4, 2));
        QVERIFY_THROWS_EXCEPTION(Error, make_program(relay({{0, 1, {0}}, {1, 3, {2}}}), 3, 2));
        QVERIFY_THROWS_EXCEPTION(Error, make_program(relay({{0, 1, {0}}, {2, 3, {1}}}), 3, 2));
        QVERIFY_THROWS_EXCEPTION(Error, make_program(relay({{0, 0, {0}}, {0, 3, {1}}}), 3, 2));
        QVERIFY_THROWS_EXCEPTION(Error, make_program(relay({{0, 3, {}}}), 3, 2));
        QVERIFY_THROWS_EXCEPTION(Error, make_program(relay({}), 3, 2));
    }

    void singleUsesTheFirstDeviceAndLeavesTheOthersIdle()
    {
        Random random(5);
        const Schedule schedule = make_schedule("single", random_profile(random, 3, 1), {1, std::nullopt});
        QCOMPARE(make_program(schedule, 3, 1).devices(), 1);
        const Program wide = make_program(schedule, 3, 4);
        QCOMPARE(wide.devices(), 4);
        QCOMPARE(wide.phases[0].devices[0].instructions.size(), std::size_t(13));
        for (std::size_t device = 1; device < 4; ++device)
            QVERIFY(wide.phases[0].devices[device].instructions.empty());
    }

    void everyProgramForUpToEightBlocksAndDevicesCanRun()
    {
        Random random(6);
        for (int blocks = 1; blocks <= 8; ++blocks)
            for (int devices = 1; devices <= 8; ++devices) {
                const Profile profile = random_profile(random, blocks, devices);
                for (std::string_view strategy : strategy_names()) {
                    const Schedule schedule = make_schedule(strategy, profile, {devices, std::nullopt});
                    if (!schedule.feasible)
                        continue;
                    const Program program = make_program(schedule, blocks, devices);
                    QCOMPARE(program.blocks, blocks);
                    QCOMPARE(program.devices(), devices);
                    QVERIFY(simulate(program, profile).step > 0);
                    QCOMPARE(from_text(to_text(program)), program);
                    std::vector<int> trained(static_cast<std::size_t>(blocks)); // samples that each block learns from
                    for (const Phase& phase : program.phases)
                        for (const DeviceProgram& device : phase.devices)
                            for (const Instruction& instruction : device.instructions)
                                if (instruction.op == Op::StudentBackward)
                                    trained[static_cast<std::size_t>(instruction.block)]
                                        += rows_of(instruction, profile.batch, program.microbatches).size();
                    QCOMPARE(trained, std::vector<int>(static_cast<std::size_t>(blocks), profile.batch));
                }
            }
    }
};

QTEST_APPLESS_MAIN(TestStrategies)
#include "test_strategies.moc"
