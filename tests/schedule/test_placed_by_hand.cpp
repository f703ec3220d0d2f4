// Schedules whose stages a person has placed, and their plans.
#include <QTest>

#include "base/error.h"
#include "schedule/every_candidate.h"
#include "schedule/planning.h"
#include "schedule/random_profile.h"
#include "schedule/search.h"
#include "schedule/stages.h"

using namespace pipebd;
using namespace pipebd::schedule;
using namespace pipebd::schedule::test;

namespace {

constexpr const char* relay = "tr+dpu+ahd";

PlannedStrategy placed(const Profile& profile, int devices, const char* text, std::string_view strategy = relay, Limit limit = {})
{
    const Cluster cluster = alike(devices, limit);
    const Costs costs(profile, cluster);
    return plan_by_hand(strategy, stages_from_text(text, "test"), costs).strategies.at(0);
}

std::string refusal(const Profile& profile, const char* text, std::string_view strategy = relay)
{
    try {
        placed(profile, 3, text, strategy);
    } catch (const Error& error) {
        return error.code() == Code::BadRequest ? error.what() : "another code";
    }
    return "nothing was refused";
}

void compareAllFigures(const PlannedStrategy& a, const PlannedStrategy& b)
{
    QCOMPARE(a.schedule.stages, b.schedule.stages);
    QVERIFY(a.program == b.program);
    QVERIFY(a.simulation.step == b.simulation.step && a.simulation.fill == b.simulation.fill);
    QVERIFY(a.throughput == b.throughput && a.speedup == b.speedup && a.epoch == b.epoch);
    QVERIFY(a.stage_costs == b.stage_costs && a.simulation.utilisation == b.simulation.utilisation);
    QCOMPARE(a.memory_bytes, b.memory_bytes);
    QCOMPARE(a.stage_memory, b.stage_memory);
    QCOMPARE(a.teacher_forwards, b.teacher_forwards);
    QCOMPARE(a.dataset_reads, b.dataset_reads);
    QCOMPARE(a.relayed_bytes, b.relayed_bytes);
}

} // namespace

class TestPlacedByHand : public QObject {
    Q_OBJECT
private slots:
    void theSearchsAnswerPlacedByHandCostsExactlyTheSame()
    {
        Random random(1);
        for (int i = 0; i < 60; ++i) {
            const int devices = whole(random, 1, 4);
            Profile profile = random_profile(random, whole(random, devices, 7), devices);
            profile.samples = 1000;
            for (const char* strategy : {"tr", "tr+dpu", relay}) {
                const Plan searched = plan_on(profile, devices, {strategy});
                const std::string text = to_text(searched.strategies[0].schedule.stages);
                const PlannedStrategy byHand = placed(profile, devices, text.c_str(), strategy);
                compareAllFigures(byHand, searched.strategies[0]);
                QCOMPARE(byHand.schedule.strategy, std::string(strategy));
                QCOMPARE(byHand.schedule.decided_by, std::string("hand"));
                QCOMPARE(title_of(byHand.schedule), std::string(strategy) + " by hand");
            }
        }
    }

    void everyCandidateCostsWhatTheFormulasSayAndNoneLessThanTheSearchs()
    {
        Random random(2);
        const Profile profile = random_profile(random, 5, 3);
        const Cluster cluster = alike(3);
        const Costs costs(profile, cluster);
        const double least = best_candidate(costs)->cost;
        Shape shape;
        int seen = 0;
        every_shape(0, 5, 3, Width::Any, shape, [&](const Shape& candidate) {
            const PlannedStrategy byHand = plan_by_hand(relay, stages_of(candidate), costs).strategies.at(0);
            QVERIFY(byHand.schedule.feasible);
            double slowest = 0;
            for (std::size_t s = 0; s < byHand.stage_costs.size(); ++s) {
                const std::vector<Stage>& stages = byHand.schedule.stages;
                QCOMPARE(byHand.stage_costs[s], costs.stage(stages[s], s == 0 ? nullptr : &stages[s - 1]));
                slowest = std::max(slowest, byHand.stage_costs[s]);
            }
            QVERIFY(slowest >= least);
            seen += 1;
        });
        QCOMPARE(seen, 15);
    }

    void devicesMayBeLeftOver()
    {
        Random random(3);
        const Profile profile = random_profile(random, 4, 3);
        const PlannedStrategy first = placed(profile, 3, "0-1 on 0 | 2-3 on 1");
        QCOMPARE(first.program.devices(), 2);
        QVERIFY(first.simulation.step == placed(profile, 2, "0-1 on 0 | 2-3 on 1").simulation.step);
        const PlannedStrategy between = placed(profile, 3, "0-1 on 2 | 2-3 on 0"); // device 1 has nothing to do
        QCOMPARE(between.program.devices(), 3);
        QVERIFY(between.program.phases.at(0).devices.at(1).instructions.empty());
        QVERIFY(between.simulation.step == first.simulation.step);
        QCOMPARE(between.memory_bytes.at(1), std::int64_t(0));
    }

    void whatCannotBeSaysWhyAndNamesTheStage()
    {
        Random random(4);
        Profile profile = random_profile(random, 4, 3);
        const PlannedStrategy wide = placed(profile, 3, "0-1 on 0 | 2-3 on 1,2", "tr+dpu");
        QVERIFY(!wide.schedule.feasible);
        QCOMPARE(wide.schedule.why_not, std::string("stage 1 (blocks 2-3 on 1,2) has 2 devices, but tr+dpu gives one to each"));
        QVERIFY(wide.schedule.stages.empty());

        const std::int64_t needed = stage_memory(profile, {2, 4, {0}});
        const Limit justEnough = std::max(needed, stage_memory(profile, {0, 2, {0}}));
        QVERIFY(placed(profile, 3, "0-1 on 0 | 2-3 on 1", relay, justEnough).schedule.feasible);
        const std::string why = placed(profile, 3, "0-1 on 0,1 | 2-3 on 2", relay, needed - 1).schedule.why_not;
        QVERIFY2(why.starts_with("stage 0 (blocks 0-1 on 0,1) needs ") || why.starts_with("stage 1 (blocks 2-3 on 2) needs "),
            why.c_str());
        QVERIFY2(why.find(", the limit of device ") != std::string::npos, why.c_str());

        profile = at_batch(profile, 1);
        QCOMPARE(placed(profile, 3, "0-3 on 0-2").schedule.why_not,
            std::string("stage 0 (blocks 0-3 on 0-2) has 3 devices for a batch of 1"));
    }

    void stagesThatAreNoneAndStrategiesWithoutStagesAreRefused()
    {
        Random random(5);
        const Profile profile = random_profile(random, 4, 3);
        QCOMPARE(refusal(profile, "0-1 on 0 | 3 on 1"),
            std::string("block 2 has no stage; the next stage starts at block 3: stages '0-1 on 0 | 3 on 1'; give every block to "
                        "exactly one stage, in order, and every device to at most one"));
        for (const char* strategy : {"single", "dp", "ls", "ls-steal", "ir", "gpipe", "tspipe"})
            QCOMPARE(refusal(profile, "0-3 on 0", strategy),
                "the stages of " + std::string(strategy)
                    + " cannot be placed by hand: stages; choose one of tr, tr+dpu, tr+dpu+ahd");
        QVERIFY(refusal(profile, "0-3 on 0", "zigzag").starts_with("unknown strategy 'zigzag'"));
        QVERIFY(may_be_placed("pipe-bd") && !may_be_placed("dp"));
    }

    void aPlanOfDpGivesTheSpeedup()
    {
        Random random(6);
        const Profile profile = random_profile(random, 4, 2);
        const Plan searched = plan_on(profile, 2, {"dp"});
        const PlannedStrategy byHand = placed(profile, 2, "0-2 on 0 | 3 on 1");
        QVERIFY(qFuzzyCompare(byHand.speedup, searched.strategies[0].simulation.step / byHand.simulation.step));
    }
};

QTEST_APPLESS_MAIN(TestPlacedByHand)
#include "test_placed_by_hand.moc"
