#include "base/error.h"
#include "schedule/planning.h"
#include "schedule/random_profile.h"

#include <QJsonArray>
#include <QJsonDocument>
#include <QJsonObject>
#include <QTest>

using namespace pipebd;
using namespace pipebd::schedule;
using namespace pipebd::schedule::test;

namespace {

const PlannedStrategy& planned(const Plan& plan, std::string_view strategy)
{
    for (const PlannedStrategy& candidate : plan.strategies)
        if (candidate.schedule.strategy == strategy)
            return candidate;
    qFatal("it is not in the plan");
}

QJsonObject json_of(const Plan& plan, Programs programs = Programs::LeftOut)
{
    QJsonParseError error;
    const QJsonDocument document = QJsonDocument::fromJson(QByteArray::fromStdString(to_json(plan, programs)), &error);
    if (error.error != QJsonParseError::NoError)
        qFatal("%s", qPrintable(error.errorString()));
    return document.object();
}

} // namespace

class TestPlan : public QObject {
    Q_OBJECT
private slots:
    void whatIsTooLargeToBeSimulatedIsRefusedAtOnce()
    {
        Random random(1);
        const Profile profile = random_profile(random, 2, 1);
        try {
            simulate(
                program_on("single", profile, 1), profile, {.steps = static_cast<int>(most_simulated / 9 + 1), .timeline = false});
            QFAIL("simulated");
        } catch (const Error& error) {
            QCOMPARE(error.code(), Code::OutOfMemory);
            QCOMPARE(error.problem().find("it is too large to be simulated: 9 instructions per step"), std::size_t(0));
        }
    }

    void everyKnownStrategyIsPlannedUnlessSomeAreNamed()
    {
        Random random(1);
        const Profile profile = random_profile(random, 4, 2);
        const Plan all = plan_on(profile, 2);
        QCOMPARE(all.strategies.size(), strategy_names().size());
        const Plan some = plan_on(profile, 2, {"tr+dpu", "single"});
        QCOMPARE(some.strategies.size(), std::size_t(2));
        QCOMPARE(some.strategies[0].schedule.strategy, std::string("tr+dpu"));
        QVERIFY_THROWS_EXCEPTION(Error, plan_on(profile, 2, {"zigzag"}));
    }

    void teacherForwardsAndDatasetReadsAreThoseOfTheSystemsThatItPlans()
    {
        Random random(2);
        for (int blocks = 1; blocks <= 6; ++blocks)
            for (int devices = 1; devices <= blocks; ++devices) {
                const Plan plan = plan_on(random_profile(random, blocks, devices), devices);
                QCOMPARE(planned(plan, "dp").teacher_forwards, blocks * (blocks + 1) / 2);
                QCOMPARE(planned(plan, "dp").dataset_reads, blocks);
                for (const char* repeated : {"ls", "ls-steal"}) {
                    QCOMPARE(planned(plan, repeated).teacher_forwards, blocks * (blocks + 1) / 2);
                    QCOMPARE(planned(plan, repeated).dataset_reads, blocks);
                }
                for (const char* relayed : {"single", "ir", "tr", "tr+dpu", "tr+dpu+ahd"}) {
                    QCOMPARE(planned(plan, relayed).teacher_forwards, blocks);
                    QCOMPARE(planned(plan, relayed).dataset_reads, 1);
                }
            }
    }

    void speedupIsOverDataParallelTrainingAskedForOrNot()
    {
        Random random(3);
        const Profile profile = random_profile(random, 5, 3);
        const Plan all = plan_on(profile, 3);
        const double dp = planned(all, "dp").simulation.step;
        for (const PlannedStrategy& strategy : all.strategies) {
            if (!strategy.schedule.feasible)
                continue;
            QCOMPARE(strategy.speedup, dp / strategy.simulation.step);
            QCOMPARE(strategy.throughput, profile.batch * 1000 / strategy.simulation.step);
        }
        const Plan one = plan_on(profile, 3, {"tr+dpu"});
        QCOMPARE(one.strategies.size(), std::size_t(1));
        QVERIFY(qFuzzyCompare(one.strategies[0].speedup, planned(all, "tr+dpu").speedup));
    }

    void aSizeThatOnlyUnaskedDataParallelTrainingNeedsMayBeMissing()
    {
        Random random(4);
        Profile profile = random_profile(random, 5, 3);
        profile.load.erase(shard_size(profile.batch, 3));
        QCOMPARE(plan_on(profile, 3, {"tr+dpu"}).strategies[0].speedup, 0.0);
        QVERIFY_THROWS_EXCEPTION(Error, plan_on(profile, 3, {"dp"}));
    }

    void memoryIsThatOfTheStageOfEachDevice()
    {
        Random random(5);
        const Profile profile = random_profile(random, 5, 3);
        const Plan plan = plan_on(profile, 3);
        QCOMPARE(planned(plan, "tr+dpu").memory_bytes, planned(plan, "tr+dpu").stage_memory);
        QCOMPARE(planned(plan, "dp").memory_bytes, std::vector<std::int64_t>(3, planned(plan, "dp").stage_memory.at(0)));
        QCOMPARE(planned(plan, "single").memory_bytes.size(), std::size_t(1));
        QCOMPARE(planned(plan, "single").program.devices(), 1);
    }

    void ofEqualsTheBestIsOneWithoutBarriers()
    {
        Random random(7);
        const Plan plan = plan_on(random_profile(random, 4, 2), 2, {"tr", "tr+dpu"});
        QVERIFY(to_text(planned(plan, "tr").program).find("barrier") != std::string::npos);
        const double step = planned(plan, "tr+dpu").simulation.step;
        const auto bestWithBarriersAt = [&](double share) {
            Plan changed = plan;
            changed.strategies.front().simulation.step = step * share;
            return best(changed)->schedule.strategy;
        };
        QCOMPARE(bestWithBarriersAt(1), std::string("tr+dpu"));
        QCOMPARE(bestWithBarriersAt(0.995), std::string("tr+dpu"));
        QCOMPARE(bestWithBarriersAt(0.98), std::string("tr"));
    }

    void theBestIsTheFastestThatIsFeasible()
    {
        Random random(6);
        for (int i = 0; i < 50; ++i) {
            const int devices = whole(random, 1, 4);
            const Plan plan = plan_on(random_profile(random, whole(random, 1, 6), devices), devices);
            const PlannedStrategy* fastest = best(plan);
            QVERIFY(fastest);
            for (const PlannedStrategy& strategy : plan.strategies)
                QVERIFY(is_end_to_end(strategy.schedule.strategy) || !strategy.schedule.feasible
                    || strategy.simulation.step >= fastest->simulation.step / 1.01);
        }
        QVERIFY(!best(plan_on(random_profile(random, 2, 2), 2, {}, 1)));
        const Profile one = random_profile(random, 1, 1); // all strategies are the same on it
        QCOMPARE(best(plan_on(one, 1, {"tr+dpu", "single"}))->schedule.strategy, std::string("tr+dpu"));
    }

    void theJsonIsThePlan()
    {
        Random random(7);
        Profile profile = random_profile(random, 4, 2);
        profile.samples = 5000;
        const Plan plan = plan_on(profile, 2);
        const QJsonObject json = json_of(plan, Programs::Included);
        QCOMPARE(json["format"].toString(), "pipebd.plan/1");
        QCOMPARE(json["pair"].toString(), "by chance");
        QCOMPARE(json["devices"].toInt(), 2);
        QCOMPARE(json["batch"].toInt(), profile.batch);
        const QJsonArray strategies = json["strategies"].toArray();
        QCOMPARE(strategies.size(), plan.strategies.size());
        for (std::size_t i = 0; i < plan.strategies.size(); ++i) {
            const PlannedStrategy& expected = plan.strategies[i];
            const QJsonObject strategy = strategies[static_cast<int>(i)].toObject();
            QCOMPARE(strategy["strategy"].toString().toStdString(), expected.schedule.strategy);
            QCOMPARE(strategy["feasible"].toBool(), expected.schedule.feasible);
            QCOMPARE(strategy["why"].toString().toStdString(), expected.schedule.why_not);
            if (!expected.schedule.feasible)
                continue;
            QCOMPARE(strategy["step"].toDouble(), expected.simulation.step);
            QCOMPARE(strategy["throughput"].toDouble(), expected.throughput);
            QCOMPARE(strategy["speedup"].toDouble(), expected.speedup);
            QCOMPARE(strategy["teacher_forwards"].toInt(), expected.teacher_forwards);
            QCOMPARE(strategy["dataset_reads"].toInt(), expected.dataset_reads);
            QCOMPARE(strategy["candidates"].toInt(), int(expected.schedule.candidates));
            QCOMPARE(strategy["decided_by"].toString().toStdString(), expected.schedule.decided_by);
            QCOMPARE(strategy["relayed_bytes"].toInteger(), expected.relayed_bytes);
            QCOMPARE(strategy["epoch"].toDouble(), expected.epoch);
            QCOMPARE(strategy["program"].toString().toStdString(), to_text(expected.program));
            const QJsonArray idle = strategy["idle"].toArray();
            QCOMPARE(idle.size(), expected.program.devices());
            QCOMPARE(idle[0]["imbalance"].toDouble(), expected.simulation.idle[0].imbalance);
            QCOMPARE(idle[0]["communication"].toDouble(), expected.simulation.idle[0].communication);
            QCOMPARE(strategy["utilisation"].toArray().size(), expected.program.devices());
            QCOMPARE(strategy["memory_bytes"].toArray()[0].toInteger(), expected.memory_bytes[0]);
            const QJsonArray stages = strategy["stages"].toArray();
            QCOMPARE(stages.size(), expected.schedule.stages.size());
            for (std::size_t s = 0; s < expected.schedule.stages.size(); ++s) {
                const QJsonObject stage = stages[static_cast<int>(s)].toObject();
                QCOMPARE(stage["blocks"].toArray().first().toInt(), expected.schedule.stages[s].first);
                QCOMPARE(stage["blocks"].toArray().last().toInt(), expected.schedule.stages[s].last - 1);
                QCOMPARE(stage["devices"].toArray().size(), expected.schedule.stages[s].devices.size());
                QCOMPARE(stage["cost"].toDouble(), expected.stage_costs[s]);
                QCOMPARE(stage["memory_bytes"].toInteger(), expected.stage_memory[s]);
            }
        }
        // One stage: what it costs is what a step takes.
        for (const char* one_stage : {"single", "dp"})
            QVERIFY(qFuzzyCompare(planned(plan, one_stage).stage_costs.at(0), planned(plan, one_stage).simulation.step));
    }

    void anEpochIsOneFillAndItsSteps()
    {
        Random random(9);
        Profile profile = random_profile(random, 5, 3);
        QCOMPARE(planned(plan_on(profile, 3), "tr+dpu").epoch, 0.0);
        profile.samples = 10 * profile.batch;
        const PlannedStrategy relay = planned(plan_on(profile, 3), "tr+dpu");
        QVERIFY(relay.simulation.fill > 0);
        QCOMPARE(relay.epoch, relay.simulation.fill + 10 * relay.simulation.step);
    }

    void whatIsRelayedIsTheTeachersOutputBetweenStages()
    {
        Random random(10);
        const Profile profile = random_profile(random, 5, 3);
        const Plan plan = plan_on(profile, 3);
        for (const char* relayed : {"tr+dpu", "tr", "tr+dpu+ahd"}) {
            std::int64_t bytes = 0;
            for (const Stage& stage : planned(plan, relayed).schedule.stages)
                if (stage.first > 0)
                    bytes += profile.batch * profile.blocks[std::size_t(stage.first) - 1].output_bytes;
            QCOMPARE(planned(plan, relayed).relayed_bytes, bytes);
        }
        for (const char* alone : {"single", "dp", "ls", "ir"})
            QCOMPARE(planned(plan, alone).relayed_bytes, 0);
    }

    void anEndToEndStrategyWithoutItsSizesIsNotPossibleUnlessItWasNamed()
    {
        Random random(11);
        Profile profile = random_profile(random, 4, 3);
        profile.batch = 300;
        for (BlockProfile* block = profile.blocks.data(); block != profile.blocks.data() + 4; ++block)
            block->teacher_forward = block->student_forward = block->student_backward = {{300, 1.0}, {150, 0.6}, {100, 0.5}};
        profile.load = {{300, 1.0}, {150, 0.6}, {100, 0.5}};
        const Cluster cluster = alike(3);
        PlanningOptions options;
        options.pipeline.microbatches = 7;
        const Plan plan = make_plan(Costs(profile, cluster), {}, options);
        QVERIFY(!planned(plan, "gpipe").schedule.feasible);
        QVERIFY2(planned(plan, "gpipe").schedule.why_not.find("43 samples") != std::string::npos,
            planned(plan, "gpipe").schedule.why_not.c_str());
        const std::vector<std::string> named = {"gpipe"};
        QVERIFY_THROWS_EXCEPTION(Error, make_plan(Costs(profile, cluster), named, options));
    }

    void whatIsNotFeasibleSaysWhy()
    {
        Random random(8);
        const QJsonObject json = json_of(plan_on(random_profile(random, 2, 3), 3, {"tr+dpu"}));
        const QJsonObject strategy = json["strategies"].toArray()[0].toObject();
        QCOMPARE(strategy["feasible"].toBool(true), false);
        QVERIFY(strategy["why"].toString().contains("2 blocks for 3 devices"));
        QVERIFY(strategy["stages"].toArray().isEmpty());
    }
};

QTEST_APPLESS_MAIN(TestPlan)
#include "test_plan.moc"
