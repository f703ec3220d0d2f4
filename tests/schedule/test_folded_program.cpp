// Folded programs: what is written down once is what all devices do, in the simulation bit for bit.
#include "base/error.h"
#include "schedule/folded_program.h"
#include "schedule/plan.h"
#include "schedule/random_profile.h"
#include "schedule/simulator.h"
#include "schedule/strategies.h"

#include <QTest>

#include <algorithm>
#include <cstring>

using namespace pipebd;
using namespace pipebd::schedule;
using namespace pipebd::schedule::test;

namespace {

bool same(double a, double b)
{
    return std::memcmp(&a, &b, sizeof a) == 0;
}

bool same(const Span& a, const Span& b)
{
    return a.device == b.device && a.communication == b.communication && a.phase == b.phase && a.step == b.step
        && a.index == b.index && same(a.start, b.start) && same(a.end, b.end);
}

bool same(const MemoryPoint& a, const MemoryPoint& b)
{
    return same(a.time, b.time) && a.bytes == b.bytes;
}

bool same(const Idle& a, const Idle& b)
{
    return same(a.fill, b.fill) && same(a.imbalance, b.imbalance) && same(a.data, b.data) && same(a.communication, b.communication)
        && same(a.barrier, b.barrier);
}

template <typename Value>
bool same(const std::vector<Value>& a, const std::vector<Value>& b)
{
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const Value& x, const Value& y) { return same(x, y); });
}

/// What differs, in words; empty if nothing does.
QString difference(const Simulation& a, const Simulation& b)
{
    if (!same(a.step, b.step) || !same(a.fill, b.fill))
        return QString("step %1 or %2, fill %3 or %4").arg(a.step).arg(b.step).arg(a.fill).arg(b.fill);
    if (!same(a.utilisation, b.utilisation) || !same(a.busy, b.busy))
        return "work";
    if (!same(a.idle, b.idle))
        return "idle time";
    if (a.timeline.devices != b.timeline.devices || !same(a.timeline.spans, b.timeline.spans))
        return "timeline";
    if (!same(a.memory, b.memory) || a.peak_memory != b.peak_memory)
        return "memory";
    return {};
}

Cluster unequal(Random& random, int devices)
{
    Cluster cluster = alike(devices);
    for (ClusterDevice& device : cluster.devices)
        if (whole(random, 0, 2) == 0)
            device.speed = whole(random, 0, 1) == 0 ? 0.5 : 1.7;
    return cluster;
}

/// `program` with some devices copied by others that are added to it and to the groups of what they copy.
FoldedProgram with_copies(Program program, Random& random)
{
    const int models = program.devices();
    std::vector<std::pair<int, int>> copies; // model, share
    for (int i = whole(random, 1, 4); i > 0; --i)
        copies.emplace_back(whole(random, 0, models - 1), whole(random, 0, 4));
    for (Phase& phase : program.phases) {
        phase.devices.resize(static_cast<std::size_t>(models) + copies.size());
        for (DeviceProgram& device : phase.devices)
            for (Instruction& instruction : device.instructions)
                for (std::size_t c = 0; c < copies.size(); ++c)
                    if (std::ranges::count(instruction.group, copies[c].first) > 0 && whole(random, 0, 20) > 0)
                        instruction.group.push_back(models + static_cast<int>(c));
    }
    FoldedProgram folded(std::move(program));
    for (std::size_t c = 0; c < copies.size(); ++c)
        folded.roles[static_cast<std::size_t>(models) + c] = {copies[c].first, copies[c].second};
    return folded;
}

/// What comes of it: a simulation, or what is refused.
std::pair<Simulation, QString> outcome(auto&& simulation)
{
    try {
        return {simulation(), {}};
    } catch (const Error& error) {
        return {{}, QString::fromStdString(error.problem())};
    }
}

} // namespace

class TestFoldedProgram : public QObject {
    Q_OBJECT

private slots:
    void whatIsSimulatedOfAFoldedProgramIsWhatIsOfAllItsDevices_data()
    {
        QTest::addColumn<QString>("strategy");
        for (std::string_view strategy : strategy_names())
            QTest::newRow(std::string(strategy).c_str()) << QString::fromStdString(std::string(strategy));
    }

    void whatIsSimulatedOfAFoldedProgramIsWhatIsOfAllItsDevices()
    {
        QFETCH(QString, strategy);
        Random random(7);
        PlanningOptions one_microbatch;
        one_microbatch.pipeline.microbatches = 1;
        for (int i = 0; i < 12; ++i) {
            const int devices = whole(random, 1, 7);
            const Profile profile = random_profile(random, whole(random, devices, 8), devices);
            const Cluster cluster = i % 2 == 0 ? alike(devices) : unequal(random, devices);
            const Costs costs(profile, cluster);
            const Schedule schedule = make_schedule(strategy.toStdString(), costs, one_microbatch);
            if (!schedule.feasible)
                continue;
            const FoldedProgram folded = make_folded_program(schedule);
            QVERIFY(unfold(folded) == make_program(schedule));
            const Simulation whole_program = simulate(make_program(schedule), costs);
            QCOMPARE(difference(simulate(folded, costs), whole_program), QString());
            const Simulation peaks = simulate(folded, costs, {.timeline = false, .peaks = true});
            QVERIFY(same(peaks.step, whole_program.step) && same(peaks.idle, whole_program.idle));
            QCOMPARE(peaks.peak_memory, whole_program.peak_memory);
            QVERIFY(peaks.timeline.spans.empty() && peaks.memory.empty());
        }
    }

    // Links, uneven shares, groups that lack a copy, devices that never come: what cannot be folded is not, what is refused is.
    void foldingChangesNothingOfProgramsByChance()
    {
        Random random(11);
        int ran = 0;
        for (int i = 0; i < 3000; ++i) {
            Program program;
            program.blocks = 2;
            const int devices = whole(random, 1, 3);
            program.phases.resize(static_cast<std::size_t>(whole(random, 1, 2)));
            for (Phase& phase : program.phases) {
                phase.devices.resize(static_cast<std::size_t>(devices));
                const bool reduces = whole(random, 0, 1) == 0;
                for (int device = 0; device < devices; ++device)
                    phase.devices[static_cast<std::size_t>(device)] = list_by_chance(random, device, devices, reduces);
            }
            const FoldedProgram folded = with_copies(program, random);
            Profile profile = random_profile(random, 2, 12);
            for (BlockProfile& block : profile.blocks)
                block.all_reduce[1] = 0;
            const Cluster cluster = whole(random, 0, 1) == 0 ? alike(folded.devices()) : unequal(random, folded.devices());
            const Costs costs(profile, cluster);
            const auto [expected, expected_fault] = outcome([&] { return simulate(unfold(folded), costs); });
            const auto [seen, fault] = outcome([&] { return simulate(folded, costs); });
            QCOMPARE(fault, expected_fault);
            QCOMPARE(difference(seen, expected), QString());
            ran += fault.isEmpty() ? 1 : 0;
        }
        QVERIFY2(ran > 300, qPrintable(QString::number(ran)));
    }

    void copiesOfOtherSpeedOrShareAreSimulatedByThemselves()
    {
        Random random(3);
        Profile profile = random_profile(random, 3, 4);
        profile.batch = 10; // shares of 3, 3, 2, 2
        for (TimeBySamples* times : {&profile.load, &profile.blocks[0].teacher_forward})
            (*times)[3] = 1;
        profile.interpolates = true;
        Cluster cluster = alike(4);
        cluster.devices[3].speed = 0.5;
        const FoldedProgram folded = make_folded_program(make_schedule("dp", Costs(profile, alike(4))));
        QCOMPARE(std::ranges::count_if(folded.roles, [&](const Role& role) { return role.model == 0; }), std::ptrdiff_t(4));
        const std::optional<FoldedProgram> finer = refined(folded, Costs(profile, cluster));
        QVERIFY(finer.has_value());
        QVERIFY(!finer->is_copy(0) && finer->is_copy(1) && !finer->is_copy(2) && !finer->is_copy(3));
        QVERIFY(unfold(*finer) == unfold(folded));
    }

    void aThousandDevicesThatTrainDataParallelAreWrittenDownOnce()
    {
        Random random(5);
        Profile profile = random_profile(random, 16, 1);
        profile.batch = 4096;
        for (TimeBySamples* times : {&profile.load, &profile.blocks[0].teacher_forward})
            *times = {{4, 1.0}};
        for (BlockProfile& block : profile.blocks) {
            block.teacher_forward = block.student_forward = block.student_backward = {{4, 1.0}};
            block.all_reduce = {{1024, 0.5}};
        }
        const Cluster cluster = alike(1024);
        const Costs costs(profile, cluster);
        const FoldedProgram folded = make_folded_program(make_schedule("dp", costs));
        QVERIFY(!refined(folded, costs));
        std::size_t written = 0;
        for (const Phase& phase : folded.program.phases)
            for (const DeviceProgram& device : phase.devices)
                written += device.instructions.size();
        QCOMPARE(written, std::size_t(16 * 17 / 2 + 5 * 16)); // teacher passes; load, forward, backward, all-reduce, update
        const Simulation simulation = simulate(folded, costs, {.timeline = false, .peaks = true});
        QVERIFY(std::abs(simulation.step - (16 * 17 / 2 + 16 * (1 + 1 + 1 + 0.5) + updates(profile))) < 1e-6);
        QCOMPARE(simulation.peak_memory.size(), std::size_t(1024));
    }

private:
    static double updates(const Profile& profile)
    {
        double sum = 0;
        for (const BlockProfile& block : profile.blocks)
            sum += block.update;
        return sum;
    }

    static DeviceProgram list_by_chance(Random& random, int self, int devices, bool reduces)
    {
        std::vector<int> group;
        for (int device = 0; device < devices; ++device)
            group.push_back(device);
        DeviceProgram list;
        const Shard shard{whole(random, 0, 1), whole(random, 2, 9)};
        const auto add = [&](Op op, int block) {
            Instruction made = of_block(op, block, shard);
            if (op == Op::AllReduce)
                made.group = group;
            list.instructions.push_back(made);
        };
        add(Op::Load, 0);
        for (int block = 0; block < 2; ++block) {
            add(Op::TeacherForward, block);
            add(Op::StudentForward, block);
            add(Op::StudentBackward, block);
            if (reduces && (block == 0 || whole(random, 0, 9) > 0))
                add(Op::AllReduce, block);
            if (whole(random, 0, 5) == 0 && devices > 1) {
                Instruction sent = of_block(Op::Send, block, shard);
                sent.peer = (self + 1) % devices;
                sent.peer_shard = shard;
                list.instructions.push_back(sent);
            }
            if (whole(random, 0, 9) == 0)
                add(Op::Barrier, 0);
            add(Op::Update, block);
        }
        return list;
    }
};

QTEST_APPLESS_MAIN(TestFoldedProgram)
#include "test_folded_program.moc"
