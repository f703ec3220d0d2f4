#include "base/error.h"
#include "schedule/plan.h"
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

Plan plan_of(const Profile& profile, const Resources& resources, std::vector<std::string> names = {})
{
    return make_plan(profile, resources, names);
}

QJsonObject json_of(const Plan& plan)
{
    QJsonParseError error;
    const QJsonDocument document = QJsonDocument::fromJson(QByteArray::fromStdString(to_json(plan)), &error);
    if (error.error != QJsonParseError::NoError)
        qFatal("%s", qPrintable(error.errorString()));
    return document.object();
}

} // namespace

class TestPlan : public QObject {
    Q_OBJECT
private slots:
    void everyKnownStrategyIsPlannedUnlessSomeAreNamed()
    {
        Random random(1);
        const Profile profile = random_profile(random, 4, 2);
        const Plan all = plan_of(profile, {2, std::nullopt});
        QCOMPARE(all.strategies.size(), strategy_names().size());
        const Plan some = plan_of(profile, {2, std::nullopt}, {"tr+dpu", "single"});
        QCOMPARE(some.strategies.size(), std::size_t(2));
        QCOMPARE(some.strategies[0].schedule.strategy, std::string("tr+dpu"));
        QVERIFY_THROWS_EXCEPTION(Error, plan_of(profile, {2, std::nullopt}, {"zigzag"}));
    }

    void teacherForwardsAndDatasetReadsAreThoseOfTheSystemsThatItPlans()
    {
        Random random(2);
        for (int blocks = 1; blocks <= 6; ++blocks)
            for (int devices = 1; devices <= blocks; ++devices) {
                const Plan plan = plan_of(random_profile(random, blocks, devices), {devices, std::nullopt});
                QCOMPARE(planned(plan, "dp").teacher_forwards, blocks * (blocks + 1) / 2);
                QCOMPARE(planned(plan, "dp").dataset_reads, blocks);
                for (const char* relayed : {"single", "tr+dpu"}) {
                    QCOMPARE(planned(plan, relayed).teacher_forwards, blocks);
                    QCOMPARE(planned(plan, relayed).dataset_reads, 1);
                }
            }
    }

    void speedupIsOverDataParallelTrainingAskedForOrNot()
    {
        Random random(3);
        const Profile profile = random_profile(random, 5, 3);
        const Plan all = plan_of(profile, {3, std::nullopt});
        const double dp = planned(all, "dp").simulation.step;
        for (const PlannedStrategy& strategy : all.strategies) {
            QCOMPARE(strategy.speedup, dp / strategy.simulation.step);
            QCOMPARE(strategy.throughput, profile.batch * 1000 / strategy.simulation.step);
        }
        const Plan one = plan_of(profile, {3, std::nullopt}, {"tr+dpu"});
        QCOMPARE(one.strategies.size(), std::size_t(1));
        QCOMPARE(one.strategies[0].speedup, planned(all, "tr+dpu").speedup);
    }

    void aSizeThatOnlyUnaskedDataParallelTrainingNeedsMayBeMissing()
    {
        Random random(4);
        Profile profile = random_profile(random, 5, 3);
        profile.load.erase(shard_size(profile.batch, 3));
        QCOMPARE(plan_of(profile, {3, std::nullopt}, {"tr+dpu"}).strategies[0].speedup, 0.0);
        QVERIFY_THROWS_EXCEPTION(Error, plan_of(profile, {3, std::nullopt}, {"dp"}));
    }

    void memoryIsThatOfTheStageOfEachDevice()
    {
        Random random(5);
        const Profile profile = random_profile(random, 5, 3);
        const Plan plan = plan_of(profile, {3, std::nullopt});
        QCOMPARE(planned(plan, "tr+dpu").memory_bytes, planned(plan, "tr+dpu").stage_memory);
        QCOMPARE(planned(plan, "dp").memory_bytes, std::vector<std::int64_t>(3, planned(plan, "dp").stage_memory.at(0)));
        QCOMPARE(planned(plan, "single").memory_bytes.size(), std::size_t(1));
        QCOMPARE(planned(plan, "single").program.devices(), 1);
    }

    void theBestIsTheFastestThatIsFeasible()
    {
        Random random(6);
        for (int i = 0; i < 50; ++i) {
            const int devices = whole(random, 1, 4);
            const Plan plan = plan_of(random_profile(random, whole(random, 1, 6), devices), {devices, std::nullopt});
            const PlannedStrategy* fastest = best(plan);
            QVERIFY(fastest);
            for (const PlannedStrategy& strategy : plan.strategies)
                QVERIFY(!strategy.schedule.feasible || strategy.simulation.step >= fastest->simulation.step);
        }
        QVERIFY(!best(plan_of(random_profile(random, 2, 2), {2, 1})));
        const Profile one = random_profile(random, 1, 1); // all strategies are the same on it
        QCOMPARE(best(plan_of(one, {1, std::nullopt}, {"tr+dpu", "single"}))->schedule.strategy, std::string("tr+dpu"));
    }

    void theJsonIsThePlan()
    {
        Random random(7);
        const Profile profile = random_profile(random, 4, 2);
        const Plan plan = plan_of(profile, {2, std::nullopt});
        const QJsonObject json = json_of(plan);
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
            QCOMPARE(strategy["step"].toDouble(), expected.simulation.step);
            QCOMPARE(strategy["throughput"].toDouble(), expected.throughput);
            QCOMPARE(strategy["speedup"].toDouble(), expected.speedup);
            QCOMPARE(strategy["teacher_forwards"].toInt(), expected.teacher_forwards);
            QCOMPARE(strategy["dataset_reads"].toInt(), expected.dataset_reads);
            QCOMPARE(strategy["candidates"].toInt(), int(expected.schedule.candidates));
            QCOMPARE(strategy["decided_by"].toString().toStdString(), expected.schedule.decided_by);
            QCOMPARE(strategy["feasible"].toBool(), true);
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

    void whatIsNotFeasibleSaysWhy()
    {
        Random random(8);
        const QJsonObject json = json_of(plan_of(random_profile(random, 2, 3), {3, std::nullopt}, {"tr+dpu"}));
        const QJsonObject strategy = json["strategies"].toArray()[0].toObject();
        QCOMPARE(strategy["feasible"].toBool(true), false);
        QVERIFY(strategy["why"].toString().contains("2 blocks for 3 devices"));
        QVERIFY(strategy["stages"].toArray().isEmpty());
    }
};

QTEST_APPLESS_MAIN(TestPlan)
#include "test_plan.moc"
