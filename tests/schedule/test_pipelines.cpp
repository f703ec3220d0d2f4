#include "base/error.h"
#include "base/file.h"
#include "schedule/data_flow.h"
#include "schedule/random_profile.h"
#include "schedule/simulator.h"
#include "schedule/strategies.h"

#include <QTest>

#include <cmath>
#include <map>
#include <optional>
#include <tuple>
#include <utility>
#include <vector>

using namespace pipebd;
using namespace pipebd::schedule;
using namespace pipebd::schedule::test;

namespace {

#define COMPARE_NEAR(a, b)                                                                                                         \
    QVERIFY2(std::abs((a) - (b)) <= 1e-7 * std::max(1.0, std::abs(b)),                                                             \
        qPrintable(QString("%1 is not %2").arg(a, 0, 'g', 17).arg(b, 0, 'g', 17)))

/// Times of one piece, whatever its size, the same in every block; transfers take no time.
struct Uniform {
    double teacher = 1;
    double student = 1;
    double backward = 2;
    double update = 0;
};

Profile uniform_profile(int blocks, int batch, Uniform times)
{
    Profile profile;
    profile.batch = batch;
    BlockProfile block;
    for (int n = 1; n <= batch; ++n) {
        profile.load[n] = 0;
        block.teacher_forward[n] = times.teacher;
        block.student_forward[n] = times.student;
        block.student_backward[n] = times.backward;
    }
    block.update = times.update;
    for (int b = 0; b < blocks; ++b) {
        block.name = std::to_string(b);
        profile.blocks.push_back(block);
    }
    return profile;
}

struct Planned {
    Schedule schedule;
    double period = 0;
};

Planned planned(std::string_view strategy, const Profile& profile, int devices, const PipelineOptions& options = {})
{
    const Cluster cluster = alike(devices);
    const Costs costs(profile, cluster);
    Planned result{make_schedule(strategy, costs, {.pipeline = options}), 0};
    if (result.schedule.feasible)
        result.period = simulate(make_program(result.schedule), costs, {.timeline = false}).step;
    return result;
}

std::string refusal(std::string_view strategy, const Profile& profile, int devices, const PipelineOptions& options)
{
    try {
        planned(strategy, profile, devices, options);
    } catch (const Error& error) {
        return std::string(to_string(error.code())) + ' ' + error.where();
    }
    return "accepted";
}

PipelineOptions sizes(std::optional<int> microbatches, std::optional<int> parts, std::optional<int> views)
{
    PipelineOptions options;
    options.microbatches = microbatches;
    options.backward_split = parts;
    options.views = views;
    return options;
}

} // namespace

class TestPipelines : public QObject {
    Q_OBJECT
private slots:
    void thePublishedOrdersHaveTheirPeriods_data()
    {
        QTest::addColumn<int>("views");
        QTest::addColumn<int>("devices");
        QTest::addColumn<double>("teacher");
        QTest::addColumn<double>("period");
        const auto add = [](int views, int devices, double teacher, double period) {
            QTest::addRow("%d views, %d devices, teacher %g", views, devices, teacher) << views << devices << teacher << period;
        };
        add(2, 3, 1, 16);
        add(2, 3, 0.5, 16);
        add(2, 3, 2, 20);
        add(2, 4, 1, 24);
        add(2, 4, 0.5, 24);
        add(2, 4, 2, 30);
        add(1, 3, 1, 10);
        add(1, 3, 2, 13);
        add(1, 3, 4, 19);
        add(1, 4, 1, 15);
        add(1, 4, 2, 19);
        add(1, 4, 4, 27);
    }

    void thePublishedOrdersHaveTheirPeriods()
    {
        QFETCH(int, views);
        QFETCH(int, devices);
        QFETCH(double, teacher);
        QFETCH(double, period);
        PipelineOptions options;
        options.views = views;
        const Planned made = planned("tspipe-published", uniform_profile(devices, 24, {.teacher = teacher}), devices, options);
        QCOMPARE(made.schedule.pipeline.microbatches, devices - 1);
        QCOMPARE(made.schedule.pipeline.backward_split, 2);
        QCOMPARE(made.schedule.decided_by, std::string("fixed"));
        COMPARE_NEAR(made.period, period);
    }

    void uniformStagesTakeTheClosedFormOfTheirPeriod()
    {
        // Where a whole number of teacher pieces fits between a student forward and a backward part, nothing is rounded.
        for (const auto& [student, backward] : {std::pair{1.0, 2.0}, std::pair{1.5, 6.0}})
            for (int devices : {1, 3, 6})
                for (int microbatches : {1, 3, 6})
                    for (int parts : {1, 2})
                        for (int views : {1, 2})
                            for (int share : {1, 4}) {
                                const double unit = student + backward / parts;
                                const Uniform times{unit / share, student, backward, 0.5};
                                PipelineOptions options = sizes(microbatches, parts, views);
                                options.teacher = Teacher::Frozen;
                                const Planned made = planned("tspipe", uniform_profile(devices, 24, times), devices, options);
                                const int pieces = views * microbatches;
                                COMPARE_NEAR(made.period,
                                    pieces * (student + backward) + std::max(pieces * times.teacher, (devices - 1) * unit)
                                        + times.update);
                            }
    }

    void ourTspipeIsNeverLongerThanWhatItIsComparedWith()
    {
        Random random(6);
        int shorter = 0;
        for (int i = 0; i < 200; ++i) {
            const int devices = std::min(whole(random, 1, 6), whole(random, 2, 6));
            const Profile profile = random_profile(random, whole(random, devices, 8), devices);
            PipelineOptions options;
            options.views = 1 + i % 2;
            options.teacher = i / 2 % 2 == 0 ? Teacher::Frozen : Teacher::Momentum;
            if (i % 5 == 0)
                options.microbatches = whole(random, 1, devices);
            const double ours = planned("tspipe", profile, devices, options).period;
            QVERIFY(ours > 0);
            for (const char* other : {"tspipe-published", "gpipe", "1f1b"}) {
                const Planned theirs = planned(other, profile, devices, options);
                if (!theirs.schedule.feasible)
                    continue;
                QVERIFY2(ours <= theirs.period * (1 + 1e-8), other);
                shorter += ours < theirs.period * 0.99 ? 1 : 0;
            }
        }
        QVERIFY2(shorter > 100, qPrintable(QString::number(shorter)));
    }

    void everyProgramDoesAllWorkOfABatchOnce()
    {
        Random random(7);
        for (int i = 0; i < 16; ++i) {
            const int devices = 1 + i % 8;
            const Profile profile = random_profile(random, whole(random, devices, 8), devices);
            PipelineOptions options;
            options.views = 1 + (i + i / 8) % 2;
            options.teacher = i < 8 ? Teacher::Frozen : Teacher::Momentum;
            const Cluster cluster = alike(devices);
            const Costs costs(profile, cluster);
            for (std::string_view strategy : end_to_end_strategy_names()) {
                const Planned made = planned(strategy, profile, devices, options);
                QVERIFY2(made.schedule.feasible, made.schedule.why_not.c_str());
                const Program program = make_program(made.schedule);
                QCOMPARE(from_text(to_text(program)), program);
                verifyWork(program, made.schedule);
                QVERIFY2(runsWithSendsThatWait(program), to_text(program).c_str());
                const std::vector<double> stages = stage_costs(made.schedule, costs);
                QCOMPARE(stages.size(), made.schedule.stages.size());
                double compute = 0;
                const Simulation simulation = simulate(program, costs, {.timeline = false});
                for (double busy : simulation.busy)
                    compute = std::max(compute, busy);
                double slowest = *std::max_element(stages.begin(), stages.end());
                if (strategy == "ddp" && devices > 1)
                    for (const BlockProfile& block : profile.blocks)
                        slowest -= block.all_reduce.at(devices);
                COMPARE_NEAR(compute, slowest);
            }
        }
    }

    void ddpTakesTheSumOfItsPartsAndHidesAllReducesBehindBackwardPasses()
    {
        Random random(8);
        for (int i = 0; i < 50; ++i) {
            const int devices = whole(random, 2, 6);
            Profile profile = random_profile(random, whole(random, 2, 7), devices);
            const int n = shard_size(profile.batch, devices);
            double expected = profile.load.at(n);
            for (BlockProfile& block : profile.blocks) {
                expected += block.teacher_forward.at(n) + block.student_forward.at(n) + block.student_backward.at(n) + block.update;
                block.all_reduce[devices] = 0;
            }
            COMPARE_NEAR(planned("ddp", profile, devices).period, expected);
            for (std::size_t b = 1; b < profile.blocks.size(); ++b) // as long as the backward pass of the block before takes
                profile.blocks[b].all_reduce[devices] = profile.blocks[b - 1].student_backward.at(n);
            COMPARE_NEAR(planned("ddp", profile, devices).period, expected);
        }
    }

    void mpTakesTheSumOfAllBlocks()
    {
        for (int devices = 1; devices <= 5; ++devices) {
            const Uniform times{1.5, 2, 3, 0.25};
            const Planned made = planned("mp", uniform_profile(devices, 8, times), devices);
            QCOMPARE(made.schedule.pipeline.microbatches, 1);
            COMPARE_NEAR(made.period, times.teacher + devices * (times.student + times.backward) + times.update);
        }
    }

    void aMomentumTeacherIsNeverMoreThanOneBatchAhead()
    {
        for (int devices = 2; devices <= 5; ++devices) {
            PipelineOptions options = sizes(devices, 2, 2);
            const Planned made = planned("tspipe", uniform_profile(devices, 24, {.teacher = 2}), devices, options);
            QVERIFY(made.schedule.pipeline.teacher == Teacher::Momentum);
            QVERIFY(made.schedule.pipeline.order == PipelineOrder::TeacherAhead);
            for (int ahead : made.schedule.pipeline.ahead)
                QCOMPARE(ahead, 1);
        }
    }

    void fewerMicrobatchesAndPartsAreTakenAmongEquals()
    {
        Profile profile = uniform_profile(2, 16, {});
        for (BlockProfile& block : profile.blocks)
            for (int n = 1; n <= 16; ++n) { // twice the samples, twice the time
                block.teacher_forward[n] = 4 * n;
                block.student_forward[n] = n;
                block.student_backward[n] = 2 * n;
            }
        const Planned made = planned("tspipe", profile, 2);
        COMPARE_NEAR(made.period, 16 * 7.0); // the teacher alone fills what there is to wait for
        QCOMPARE(made.schedule.pipeline.microbatches, 1);
        QCOMPARE(made.schedule.pipeline.backward_split, 1);
        QVERIFY(!made.schedule.note.empty());
    }

    void whatCannotRunIsSaidInWords()
    {
        const Profile two = uniform_profile(2, 2, {});
        for (const char* strategy : {"mp", "gpipe", "1f1b", "tspipe-published", "tspipe"})
            QCOMPARE(planned(strategy, two, 3).schedule.why_not,
                std::string("it needs a block for every device, but there are 2 blocks for 3 devices"));
        QCOMPARE(planned("ddp", two, 3).schedule.why_not, std::string("a batch of 2 cannot be split over 3 devices"));
        const Profile five = uniform_profile(5, 2, {});
        QCOMPARE(
            planned("tspipe-published", five, 5).schedule.why_not, std::string("a batch of 2 cannot be cut into 4 microbatches"));
        Profile whole = uniform_profile(4, 8, {});
        for (BlockProfile& block : whole.blocks)
            block.student_forward = {{8, 1.0}};
        QVERIFY(planned("tspipe-published", whole, 4).schedule.why_not.starts_with("the profile has no times for one of 3 micro"));
        QCOMPARE(planned("gpipe", whole, 4).schedule.pipeline.microbatches, 1);
        for (BlockProfile& block : whole.blocks)
            block.student_forward = {{7, 1.0}};
        for (const char* strategy : {"gpipe", "1f1b", "tspipe"})
            QVERIFY(!planned(strategy, whole, 4).schedule.feasible);
    }

    void anOptionOutOfRangeIsRefusedByItsName()
    {
        Profile profile = uniform_profile(3, 12, {});
        for (BlockProfile& block : profile.blocks)
            block.all_reduce[3] = 0;
        for (std::string_view strategy : end_to_end_strategy_names()) {
            const auto refused = [&](const PipelineOptions& options) { return refusal(strategy, profile, 3, options); };
            QCOMPARE(refused(sizes(0, {}, {})), std::string("BadRequest --microbatches"));
            QCOMPARE(refused(sizes(13, {}, {})), std::string("BadRequest --microbatches"));
            QCOMPARE(refused(sizes({}, 0, {})), std::string("BadRequest --backward-split"));
            QCOMPARE(refused(sizes({}, 65, {})), std::string("BadRequest --backward-split"));
            QCOMPARE(refused(sizes(5, 3, {})), std::string("BadRequest --backward-split"));
            QCOMPARE(refused(sizes({}, {}, 3)), std::string("BadRequest --views"));
            QCOMPARE(refused(sizes(4, 3, 2)), std::string("accepted"));
        }
        Profile lacking = profile;
        lacking.blocks[1].teacher_forward.erase(4);
        QCOMPARE(refusal("gpipe", lacking, 3, sizes(3, {}, {})), std::string("BadRequest blocks[1].teacher_forward"));
    }

    void theGoldenProgramsOfEveryStrategyAreMadeAsTheyStandInTheirFiles()
    {
        for (std::string_view strategy : end_to_end_strategy_names()) {
            PipelineOptions options;
            int devices = 3;
            if (strategy == "ddp")
                devices = 2;
            else if (strategy != "mp")
                options = sizes(strategy == "1f1b" ? 3 : 2, strategy.starts_with("tspipe") ? 2 : 1, 1);
            Profile profile = uniform_profile(3, 12, {.teacher = strategy == "tspipe" ? 2.0 : 1.0});
            for (BlockProfile& block : profile.blocks)
                block.all_reduce[2] = 0;
            const std::string name = std::string(strategy) + "-3x" + std::to_string(devices);
            const std::string golden = read_file(PIPEBD_SOURCE_DIR "/tests/golden/" + name + ".txt");
            const Program program = make_program(planned(strategy, profile, devices, options).schedule);
            QCOMPARE(QString::fromStdString(to_text(program)), QString::fromStdString(golden));
            QCOMPARE(from_text(golden), program);
        }
    }

private:
    /// Whether four steps end if a Send waits until its peer has come to the Receive.
    static bool runsWithSendsThatWait(const Program& program)
    {
        const Phase& phase = program.phases[0];
        const std::size_t devices = phase.devices.size();
        constexpr int steps = 4;
        constexpr int margin = 8; // more than any device is ahead
        std::vector<DataFlow> flows;
        for (std::size_t d = 0; d < devices; ++d)
            flows.emplace_back(program, 0, d, trainings_of(program)[0]);
        std::map<std::pair<int, int>, int> sent; // by link
        std::map<std::pair<int, int>, int> posted;
        std::map<std::tuple<std::size_t, std::size_t, int>, int> number; // of a Receive's transfer: by device, index, batch
        std::vector<std::size_t> next(devices);
        bool moves = true;
        while (std::exchange(moves, false))
            for (std::size_t d = 0; d < devices; ++d) {
                const std::vector<Instruction>& list = phase.devices[d].instructions;
                for (; next[d] < list.size() * (steps + margin); ++next[d], moves = true) {
                    const std::size_t index = next[d] % list.size();
                    const Instruction& made = list[index];
                    const int batch = static_cast<int>(next[d] / list.size()) - margin + made.ahead;
                    if (batch < 0 || batch >= steps)
                        continue;
                    const int self = static_cast<int>(d);
                    bool waits = made.op == Op::Send && posted[{self, made.peer}] <= sent[{self, made.peer}];
                    for (std::size_t source : flows[d].sources(index))
                        waits = waits
                            || (list[source].op == Op::Receive && number.at({d, source, batch}) >= sent[{list[source].peer, self}]);
                    if (waits)
                        break;
                    if (made.op == Op::Send)
                        ++sent[{self, made.peer}];
                    if (made.op == Op::Receive)
                        number[{d, index, batch}] = posted[{made.peer, self}]++;
                }
            }
        for (std::size_t d = 0; d < devices; ++d)
            if (next[d] < phase.devices[d].instructions.size() * (steps + margin))
                return false;
        return true;
    }

    /// Every forward and backward pass of every piece, every loss and update of a step is there once, on a device of its block.
    static void verifyWork(const Program& program, const Schedule& schedule)
    {
        const bool replicated = schedule.strategy == "ddp";
        for (const Stage& stage : schedule.stages)
            for (int device : stage.devices) {
                std::map<std::tuple<Op, int, int, int, int>, int> times; // block, microbatch, view, part
                for (const Instruction& made : program.phases[0].devices[static_cast<std::size_t>(device)].instructions)
                    ++times[{made.op, made.block, made.microbatch, made.view, made.part}];
                std::size_t expected = 0;
                const auto once = [&](Op op, int block, int microbatch = 0, int view = 0, int part = 0) {
                    QVERIFY2((times[{op, block, microbatch, view, part}] == 1), to_text(program).c_str());
                    ++expected;
                };
                for (int block = stage.first; block < stage.last; ++block) {
                    for (int microbatch = 0; microbatch < schedule.pipeline.microbatches; ++microbatch)
                        for (int view = 0; view < schedule.pipeline.views; ++view) {
                            once(Op::TeacherForward, block, microbatch, view);
                            once(Op::StudentForward, block, microbatch, view);
                            for (int part = 0; part < schedule.pipeline.backward_split; ++part)
                                once(Op::StudentBackward, block, microbatch, view, part);
                        }
                    once(Op::Update, block);
                    if (schedule.pipeline.teacher == Teacher::Momentum)
                        once(Op::TeacherUpdate, block);
                    if (replicated && stage.devices.size() > 1)
                        once(Op::AllReduce, block);
                }
                if (stage.first == 0)
                    once(Op::Load, 0);
                const bool by_microbatch = schedule.pipeline.order == PipelineOrder::OneForwardOneBackward;
                if (stage.last == schedule.blocks)
                    for (int part = 0; part < (by_microbatch ? schedule.pipeline.microbatches : 1); ++part)
                        once(Op::Loss, 0, 0, 0, part);
                std::size_t computing = 0;
                for (const auto& [what, count] : times)
                    computing += std::get<0>(what) != Op::Send && std::get<0>(what) != Op::Receive ? 1 : 0;
                QCOMPARE(computing, expected);
            }
    }
};

QTEST_APPLESS_MAIN(TestPipelines)
#include "test_pipelines.moc"
