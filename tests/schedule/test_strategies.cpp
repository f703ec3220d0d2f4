#include "base/error.h"
#include "schedule/by_hand.h"
#include "schedule/planning.h"
#include "schedule/random_profile.h"

#include <QTest>

#include <functional>
#include <limits>

using namespace pipebd;
using namespace pipebd::schedule;
using namespace pipebd::schedule::test;

namespace {

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
            Limit limit;
            if (i % 3 == 0)
                limit = memory_by_hand(profile, 0, blocks, 1) * whole(random, 20, 90) / 100;

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
                    if (limit && memory_by_hand(profile, begin, end, 1) > *limit)
                        largest = std::numeric_limits<double>::infinity();
                    begin = end;
                }
                if (largest < least) {
                    least = largest;
                    first_best = ends;
                }
            });

            const Schedule schedule = schedule_on("tr+dpu", profile, devices, limit);
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

    void whatCannotRunIsAnAnswerInWords()
    {
        Random random(3);
        const Profile profile = random_profile(random, 2, 3);
        const Schedule too_few_blocks = schedule_on("tr+dpu", profile, 3);
        QVERIFY(!too_few_blocks.feasible);
        QVERIFY(too_few_blocks.stages.empty());
        QVERIFY2(too_few_blocks.why_not.find("2 blocks for 3 devices") != std::string::npos, too_few_blocks.why_not.c_str());
        for (std::string_view strategy : strategy_names()) {
            const Plan plan = plan_on(profile, 2, {std::string(strategy)}, 10);
            const Schedule& too_large = plan.strategies[0].schedule;
            QVERIFY2(!too_large.feasible, too_large.strategy.c_str());
            const bool names_it
                = too_large.why_not.find("memory") != std::string::npos || too_large.why_not.find("10 B") != std::string::npos;
            QVERIFY2(names_it, too_large.why_not.c_str());
            QVERIFY(too_large.stages.empty());
        }
        Profile few_samples = profile;
        few_samples.batch = 2;
        const Schedule schedule = schedule_on("dp", few_samples, 3);
        QVERIFY(!schedule.feasible);
        QVERIFY2(schedule.why_not.find("batch of 2") != std::string::npos, schedule.why_not.c_str());
        QVERIFY_THROWS_EXCEPTION(Error, make_program(schedule));
    }

    void anUnknownStrategyIsRefusedAndTheKnownOnesListed()
    {
        Random random(4);
        const Profile profile = random_profile(random, 2, 2);
        try {
            schedule_on("zigzag", profile, 2);
            QFAIL("there is no such strategy");
        } catch (const Error& error) {
            QCOMPARE(error.code(), Code::BadRequest);
            const std::string line = error.what();
            QVERIFY(line.find("zigzag") != std::string::npos);
            for (std::string_view name : strategy_names())
                QVERIFY2(line.find(name) != std::string::npos, line.c_str());
        }
        QVERIFY_THROWS_EXCEPTION(Error, schedule_on("dp", profile, 0));
        QVERIFY_THROWS_EXCEPTION(Error, schedule_on("dp", Profile{}, 1));
    }

    void aScheduleThatDoesNotFitItsBlocksAndDevicesIsRefused()
    {
        const auto relay = [](std::vector<Stage> stages, int blocks, int devices) {
            Schedule schedule;
            schedule.strategy = "tr+dpu";
            schedule.blocks = blocks;
            schedule.devices = devices;
            schedule.batch = 16;
            schedule.stages = std::move(stages);
            return schedule;
        };
        QCOMPARE(make_program(relay({{0, 1, {0}}, {1, 3, {1}}}, 3, 2)).devices(), 2);
        QVERIFY_THROWS_EXCEPTION(Error, make_program(relay({{0, 1, {0}}, {1, 3, {1}}}, 4, 2)));
        QVERIFY_THROWS_EXCEPTION(Error, make_program(relay({{0, 1, {0}}, {1, 3, {2}}}, 3, 2)));
        QVERIFY_THROWS_EXCEPTION(Error, make_program(relay({{0, 1, {0}}, {2, 3, {1}}}, 3, 2)));
        QVERIFY_THROWS_EXCEPTION(Error, make_program(relay({{0, 0, {0}}, {0, 3, {1}}}, 3, 2)));
        QVERIFY_THROWS_EXCEPTION(Error, make_program(relay({{0, 3, {}}}, 3, 2)));
        QVERIFY_THROWS_EXCEPTION(Error, make_program(relay({}, 3, 2)));
    }

    void singleUsesTheFastestDeviceThatItFits()
    {
        Random random(5);
        const Profile profile = random_profile(random, 3, 1);
        QCOMPARE(schedule_on("single", profile, 4).devices, 1);
        Cluster cluster = alike(4);
        cluster.devices[1].speed = 2;
        cluster.devices[2] = {"", 3, 1, 0}; // the fastest, with a byte
        const Schedule schedule = make_schedule("single", Costs(profile, cluster));
        QCOMPARE(schedule.stages, (std::vector<Stage>{{0, 3, {1}}}));
        QVERIFY(make_program(schedule).phases[0].devices[0].instructions.empty());
        QCOMPARE(make_program(schedule).phases[0].devices[1].instructions.size(), std::size_t(13));
    }

    void pipeBdIsAnotherNameOfItsStrategy()
    {
        Random random(6);
        const Profile profile = random_profile(random, 4, 3);
        const Schedule schedule = schedule_on("pipe-bd", profile, 3);
        QCOMPARE(schedule.strategy, std::string("tr+dpu+ahd"));
        QCOMPARE(schedule.stages, schedule_on("tr+dpu+ahd", profile, 3).stages);
    }

    void tasksArePackedTheLongestFirstAndStolenInTheOrderOfCompletion()
    {
        Profile profile; // tasks of 9, 3, 5 and 8 ms
        profile.batch = 8;
        profile.load = {{8, 1.0}};
        for (double student : {8.0, 2.0, 4.0, 7.0}) {
            BlockProfile block;
            block.name = "block" + std::to_string(profile.blocks.size());
            block.teacher_forward = block.student_backward = {{8, 0.0}};
            block.student_forward = {{8, student}};
            profile.blocks.push_back(block);
        }
        const auto devices_of = [&](const char* strategy) {
            std::vector<int> devices;
            for (const Stage& stage : schedule_on(strategy, profile, 2).stages)
                devices.push_back(stage.devices.at(0));
            return devices;
        };
        QCOMPARE(devices_of("ls"), (std::vector<int>{0, 0, 1, 1})); // 9 | 8, then 5 after the 8, then 3 after the 9
        QCOMPARE(schedule_on("ls", profile, 2).task_order, (std::vector<int>{0, 3, 2, 1}));
        QCOMPARE(devices_of("ls-steal"), (std::vector<int>{0, 1, 1, 1})); // 9 | 3, then 5 at 3, then 8 at 8
    }

    void everyBlockwiseProgramForUpToEightBlocksAndDevicesTrainsEveryBlockOnTheWholeBatch()
    {
        Random random(7);
        for (int blocks = 1; blocks <= 8; ++blocks)
            for (int devices = 1; devices <= 8; ++devices) {
                const Profile profile = random_profile(random, blocks, devices);
                for (std::string_view strategy : blockwise_strategy_names()) {
                    const Schedule schedule = schedule_on(strategy, profile, devices);
                    const bool needs_a_block_a_device = strategy == "tr" || strategy == "tr+dpu";
                    QCOMPARE(schedule.feasible, !needs_a_block_a_device || blocks >= devices);
                    if (!schedule.feasible)
                        continue;
                    const Program program = make_program(schedule);
                    QCOMPARE(program.blocks, blocks);
                    QCOMPARE(program.devices(), strategy == "single" ? 1 : devices);
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

    void thePackingLimitIsEveryDeviceTrainingAllBlocksAlone()
    {
        const std::string one = "load T0 F0 B0 U0 T1 F1 B1 U1\n";
        QCOMPARE(to_text(make_packing_limit_program(2, 3)),
            to_text(from_text("device 0: " + one + "device 1: " + one + "device 2: " + one)));
    }
};

QTEST_APPLESS_MAIN(TestStrategies)
#include "test_strategies.moc"
