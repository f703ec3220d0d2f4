// What a plan looks up in a profile, and what is estimated where it was not measured: against closed forms.
#include "base/error.h"
#include "schedule/costs.h"
#include "schedule/nearly.h"
#include "schedule/plan.h"
#include "schedule/profile_sizes.h"
#include "schedule/random_profile.h"

#include <QTest>

using namespace pipebd;
using namespace pipebd::schedule;
using namespace pipebd::schedule::test;

namespace {

constexpr Link wire{0.25, 1000};
constexpr std::int64_t gradients = 8400; // of each block; a whole number of bytes for every group

/// What a device would take whose passes cost so much a sample and something for each, whose loader takes half a millisecond a
/// sample, and whose all-reduces are rings over `wire`.
double pass(double of_sample, int samples)
{
    return 1.5 + of_sample * samples;
}
double ring(int devices)
{
    const double steps = 2.0 * (devices - 1);
    return steps * 0.25 + steps / devices * (8400 / 1000.0);
}

/// Of that device, measured for `sizes` and groups of `groups` devices.
Profile measured(int batch, const std::set<int>& sizes, const std::set<int>& groups)
{
    Profile profile;
    profile.pair = "by hand";
    profile.batch = batch;
    profile.link = wire;
    for (int b = 0; b < 3; ++b) {
        BlockProfile block;
        block.name = "block" + std::to_string(b);
        for (int n : sizes) {
            profile.load[n] = 0.5 * n;
            block.teacher_forward[n] = pass(1 + b, n);
            block.student_forward[n] = pass(2 + b, n);
            block.student_backward[n] = pass(4 + b, n);
        }
        for (int g : groups)
            block.all_reduce[g] = ring(g);
        block.update = 0.5;
        block.gradient_bytes = gradients;
        profile.blocks.push_back(block);
    }
    return profile;
}

Program program_of(const Profile& profile, int devices, std::string_view strategy)
{
    const Cluster cluster = alike(devices);
    return make_program(make_schedule(strategy, Costs(profile, cluster)));
}

} // namespace

class TestProfileSizes : public QObject {
    Q_OBJECT
private slots:
    void theSizesOfStagesAreThePartsOfTheBatch()
    {
        const ProfileSizes sizes = sizes_of_stages(256, 4);
        QCOMPARE(sizes.compute, (std::set<int>{64, 86, 128, 256}));
        QCOMPARE(sizes.load, sizes.compute);
        QCOMPARE(sizes.all_reduce, (std::set<int>{2, 3, 4}));
        QVERIFY(sizes_of_stages(256, 1).all_reduce.empty());
        QCOMPARE(sizes_of_stages(3, 8).compute, (std::set<int>{1, 2, 3}));
    }

    void whatAProgramLooksUpIsAllThatItsSimulationNeeds()
    {
        const Profile everything = measured(64, {64, 32, 22, 16, 11, 8}, {2, 3, 4});
        for (const std::string_view strategy : {"single", "dp", "ls", "ir", "tr", "tr+dpu", "tr+dpu+ahd"}) {
            const int devices = strategy.starts_with("tr") && strategy != "tr+dpu+ahd" ? 3 : 4;
            const Program program = program_of(everything, devices, strategy);
            const ProfileSizes sizes = sizes_of(program, 64);
            const Profile no_more = measured(64, sizes.compute, sizes.all_reduce);
            QCOMPARE(simulate(program, no_more).step, simulate(program, everything).step); // throws if something is missing
            for (const int size : sizes.compute) { // and none can be spared
                std::set<int> fewer = sizes.compute;
                fewer.erase(size);
                QVERIFY_THROWS_EXCEPTION(Error, simulate(program, measured(64, fewer, sizes.all_reduce)));
            }
        }
        QCOMPARE(sizes_of(program_of(everything, 4, "dp"), 64), (ProfileSizes{{16}, {16}, {4}}));
        QCOMPARE(sizes_of(program_of(everything, 3, "tr"), 64), (ProfileSizes{{64}, {64}, {}}));
    }

    void microbatchesAreComputedApartAndLoadedTogether()
    {
        Program program = from_text("device 0: load  T0 F0 B0 U0\ndevice 1: load  T0 F0 B0 U0", "here");
        program.microbatches = 3;
        for (int device = 0; device < 2; ++device)
            for (Instruction& instruction : program.phases[0].devices[static_cast<std::size_t>(device)].instructions)
                instruction.shard = {device, 2};
        QCOMPARE(sizes_of(program, 100), (ProfileSizes{{50}, {17}, {}}));
    }

    void aLinearDeviceIsCompletedToWhatItWouldTake()
    {
        const Profile profile = completed(measured(840, {840, 420, 105}, {2}), sizes_of_stages(840, 8));
        const Profile truth = measured(840, {840, 420, 280, 210, 168, 140, 120, 105}, {2, 3, 4, 5, 6, 7, 8});
        for (std::size_t b = 0; b < 3; ++b) {
            for (const auto& [n, time] : truth.blocks[b].student_backward)
                COMPARE_NEAR(profile.blocks[b].student_backward.at(n), time);
            for (const auto& [n, time] : truth.blocks[b].teacher_forward)
                COMPARE_NEAR(profile.blocks[b].teacher_forward.at(n), time);
            for (const auto& [g, time] : truth.blocks[b].all_reduce)
                COMPARE_NEAR(profile.blocks[b].all_reduce.at(g), time);
        }
        for (const auto& [n, time] : truth.load)
            COMPARE_NEAR(profile.load.at(n), time);
        const Cluster eight = alike(8);
        const Stage whole{0, 3, {0, 1, 2, 3, 4, 5, 6, 7}};
        COMPARE_NEAR(Costs(profile, eight).stage(whole), Costs(truth, eight).stage(whole));
    }

    void anAllReduceIsARingWhateverWasMeasured()
    {
        for (const std::set<int>& groups : {std::set<int>{}, {2}, {3}, {2, 3}, {2, 8}, {4, 7}}) {
            const BlockProfile block = measured(8, {8}, groups).blocks.front();
            for (int g = 2; g <= 16; ++g)
                COMPARE_NEAR(estimated_all_reduce(block, g, wire), ring(g));
        }
        BlockProfile block;
        QCOMPARE(estimated_all_reduce(block, 4, {}), 0.0); // nothing is known
        block.all_reduce = {{2, 0.1}, {4, 2.7}}; // the latency can be no more than 0.05 a step: moving takes 0, then 2.4 / 6 * 4
        COMPARE_NEAR(estimated_all_reduce(block, 2, wire), 0.1);
        COMPARE_NEAR(estimated_all_reduce(block, 4, wire), 2.7);
        COMPARE_NEAR(estimated_all_reduce(block, 3, wire), 4 * 0.05 + 4 / 3.0 * 0.8); // half way
        COMPARE_NEAR(estimated_all_reduce(block, 8, wire), 14 * 0.05 + 14 / 8.0 * 1.6); // as of the nearest
    }

    void whatWasFilledInIsNotedAndWhatWasMeasuredStays()
    {
        const Profile half = measured(64, {64, 32}, {2});
        const Profile profile = completed(half, sizes_of_stages(64, 4));
        QCOMPARE(not_measured(half, sizes_of_stages(64, 4)), (ProfileSizes{{22, 16}, {22, 16}, {3, 4}}));
        QCOMPARE(not_measured(profile, sizes_of_stages(64, 4)), (ProfileSizes{{22, 16}, {22, 16}, {3, 4}}));
        QVERIFY(not_measured(profile, sizes_of_stages(64, 2)).empty());
        QCOMPARE(profile.interpolated_loads, (std::set<int>{16, 22}));
        for (const char* name : {"teacher_forward", "student_forward", "student_backward"})
            QCOMPARE(profile.blocks[1].interpolated.at(name), (std::set<int>{16, 22}));
        QCOMPARE(profile.blocks[1].interpolated.at("all_reduce"), (std::set<int>{3, 4}));
        QCOMPARE(profile.blocks[1].teacher_forward.at(32), half.blocks[1].teacher_forward.at(32));
        QCOMPARE(to_json(measured_part(profile)), to_json(half));
        QCOMPARE(to_json(completed(half, sizes_of_stages(64, 2))), to_json(half));
    }

    void oneSizeOfOneBlockAloneIsNotedForThatBlockAlone()
    {
        Profile profile = measured(64, {64, 32}, {2});
        profile.blocks[1].student_forward.erase(32);
        const Profile whole = completed(profile, sizes_of_stages(64, 2));
        QVERIFY(whole.blocks[0].interpolated.empty());
        QCOMPARE(whole.blocks[1].interpolated, (std::map<std::string, std::set<int>>{{"student_forward", {32}}}));
        COMPARE_NEAR(whole.blocks[1].student_forward.at(32), whole.blocks[1].student_forward.at(64) / 2);
        QCOMPARE(not_measured(profile, sizes_of_stages(64, 2)), (ProfileSizes{{}, {32}, {}}));
    }

    void estimatesAreMadeOfMeasurementsOnly()
    {
        const Profile half = measured(64, {64, 32}, {2});
        const Profile in_two = completed(completed(half, sizes_of_stages(64, 3)), sizes_of_stages(64, 7));
        const Profile at_once = completed(half, sizes_of_stages(64, 7));
        QCOMPARE(to_json(in_two), to_json(at_once));
        Profile wrong = completed(half, sizes_of_stages(64, 3));
        wrong.blocks[0].teacher_forward[22] = 1e6; // an estimate that is off must not spoil others
        QCOMPARE(
            completed(wrong, sizes_of_stages(64, 4)).blocks[0].teacher_forward.at(16), at_once.blocks[0].teacher_forward.at(16));
    }

    void theNotesAreKeptInTheFile()
    {
        Random random(5);
        for (int i = 0; i < 20; ++i) {
            const Profile half = random_profile(random, whole(random, 1, 4), 2);
            const std::string written = to_json(completed(half, sizes_of_stages(half.batch, 5)));
            const Profile read = profile_from_json(written, "p.json");
            QCOMPARE(to_json(read), written);
            QCOMPARE(to_json(measured_part(read)), to_json(half));
        }
        const std::string one = to_json(completed(measured(64, {64}, {}), sizes_of_stages(64, 2)));
        for (const auto& [what, by] : {std::pair<std::string, std::string>{"\"load\": [", "\"load\": [0, "},
                 {"\"load\": [", "\"load\": [\"x\", "}, {"\"load\": [", "\"load\": [2.5, "}}) {
            std::string bad = one;
            bad.replace(bad.find(what), what.size(), by);
            QVERIFY_THROWS_EXCEPTION(Error, profile_from_json(bad, "p.json"));
        }
    }

    void aPlanMarksTheStrategiesThatItConcernsAndNoOthers()
    {
        Profile profile = measured(64, {64, 32}, {2});
        profile.interpolates = true;
        const Cluster four = alike(4);
        const Plan plan = make_plan(Costs(profile, four), std::vector<std::string>{"single", "dp", "ls"});
        QVERIFY(plan.strategies[0].interpolated.empty());
        QCOMPARE(plan.strategies[1].interpolated, (ProfileSizes{{16}, {16}, {4}}));
        QVERIFY(plan.strategies[2].interpolated.empty());
        const std::string json = to_json(plan);
        QCOMPARE(json.find("\"interpolated\"") != std::string::npos, true);
        QCOMPARE(interpolation_note(plan),
            std::string("~ uses times that are interpolated, not measured: parts of 16 samples, all-reduces over 4 devices"));
        const Cluster two = alike(2);
        const Plan exact = make_plan(Costs(profile, two), std::vector<std::string>{"single", "dp", "ir"});
        QVERIFY(interpolation_note(exact).empty());
        QVERIFY(to_json(exact).find("interpolated") == std::string::npos);
    }

    void whatACompletedProfileSaysIsWhatThePlanWasMadeWith()
    {
        Profile half = measured(64, {64, 32}, {2});
        half.interpolates = true;
        const Cluster four = alike(4);
        for (const std::string& strategy : {"dp", "ir", "tr+dpu+ahd"}) {
            const Plan plan = make_plan(Costs(half, four), std::vector<std::string>{strategy});
            const Program& program = plan.strategies.front().program;
            const Profile read = profile_from_json(to_json(completed(half, sizes_of(program, 64))), "p.json");
            QCOMPARE(simulate(program, read).step, plan.strategies.front().simulation.step);
        }
    }
};

QTEST_APPLESS_MAIN(TestProfileSizes)
#include "test_profile_sizes.moc"
