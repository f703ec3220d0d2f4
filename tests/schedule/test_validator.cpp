#include "base/error.h"
#include "schedule/breakages.h"
#include "schedule/faulty_programs.h"
#include "schedule/random_profile.h"
#include "schedule/strategies.h"
#include "schedule/validator.h"

#include <QTest>

#include <climits>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

using namespace pipebd;
using namespace pipebd::schedule;
using namespace pipebd::schedule::test;

namespace {

/// The error line, or "valid".
std::string verdict(const Program& program, int batch)
{
    try {
        validate(program, batch);
    } catch (const Error& error) {
        return (error.code() == Code::BadRequest ? "" : "not a BadRequest: ") + std::string(error.what());
    }
    return "valid";
}

/// Whether `where` is "device D: INSTRUCTION", with the phase before it if there are several, of an instruction of `program`.
bool is_place(const std::string& where, const Program& program)
{
    for (std::size_t p = 0; p < program.phases.size(); ++p)
        for (std::size_t d = 0; d < program.phases[p].devices.size(); ++d) {
            const std::string before = (program.phases.size() > 1 ? "phase " + std::to_string(p) + ", " : std::string()) + "device "
                + std::to_string(d) + ": ";
            if (where.starts_with(before))
                for (const Instruction& instruction : program.phases[p].devices[d].instructions)
                    if (where == before + to_text(instruction))
                        return true;
        }
    return false;
}

Profile any_profile(Random& random, int blocks, int devices, int batch)
{
    Profile profile = random_profile(random, blocks, devices);
    profile.batch = batch;
    profile.interpolates = true;
    return profile;
}

struct Example {
    const char* name;
    int batch;
    const char* text;
};

constexpr Example examples[]{
    {"one device, from labels", 4, "device 0: load F0 F1 loss B1 U1 B0 U0"},
    {"one device, a frozen teacher, end to end", 4, "device 0: load T0 T1 F0 F1 loss B1 B0 U0 U1"},
    {"the next batch is loaded ahead", 4, "device 0: load+1 T0 F0 B0 U0"},
    {"a frozen teacher runs far ahead", 4, "device 0: load+5 T0+5 F0 loss B0 U0"},
    {"a relay", 4, "device 0: load  T0 send>1  F0 B0 U0\ndevice 1: recv<0  T1  F1 B1 U1"},
    {"a relay in microbatches", 4,
        "microbatches 2\ndevice 0: load  T0.0 send>1 T0.1 send>1  F0.0 B0.0 F0.1 B0.1 U0\n"
        "device 1: recv<0 recv<0  T1.0  F1.0 B1.0 T1.1 F1.1 B1.1 U1"},
    {"a device with nothing to do", 4, "device 0: load T0 F0 B0 barrier U0\ndevice 1:"},
    {"phases of their own", 4,
        "phase 0\ndevice 0: load T0 F0 B0 U0\ndevice 1: load T0 T1 F1 B1 U1\n"
        "phase 1\ndevice 0: load T0 T1 T2 F2 B2 U2\ndevice 1:"},
    {"an output that is relayed on", 4,
        "device 0: load T0 send>1 F0 B0 U0\ndevice 1: recv<0 send[T0]>2 T1 F1 B1 U1\n"
        "device 2: recv<1 recv[T1]<3 T2 F2 B2 U2\ndevice 3: load T0 T1 send>2"},
    {"2 devices into 3", 7,
        "device 0 shard 0/2: load T0 send>2 send>3 F0 B0 A0{0,1} U0\n"
        "device 1 shard 1/2: load T0 send>3 send>4 F0 B0 A0{0,1} U0\n"
        "device 2 shard 0/3: recv<0 T1 F1 B1 A1{2,3,4} U1\n"
        "device 3 shard 1/3: recv<0 recv<1 T1 F1 B1 A1{2,3,4} U1\n"
        "device 4 shard 2/3: recv<1 T1 F1 B1 A1{2,3,4} U1"},
    {"3 devices into 2", 7,
        "device 0 shard 0/3: load T0 send>3 F0 B0 A0{0,1,2} U0\n"
        "device 1 shard 1/3: load T0 send>3 send>4 F0 B0 A0{0,1,2} U0\n"
        "device 2 shard 2/3: load T0 send>4 F0 B0 A0{0,1,2} U0\n"
        "device 3 shard 0/2: recv<0 recv<1 T1 F1 B1 A1{3,4} U1\n"
        "device 4 shard 1/2: recv<1 recv<2 T1 F1 B1 A1{3,4} U1"},
    {"both networks on both devices", 7,
        "device 0 shard 0/2: load T0 T1 F0 F1 loss B1 A1{0,1} B0 A0{0,1} U1 U0\n"
        "device 1 shard 1/2: load T0 T1 F0 F1 loss B1 A1{0,1} B0 A0{0,1} U1 U0"},
    {"a loss of each microbatch", 5,
        "microbatches 2\n"
        "device 0: load T0.0 send>1 F0.0 send[F0.0]>1 T0.1 send>1 F0.1 send[F0.1]>1"
        " recv[G0.0]<1 B0.0 recv[G0.1]<1 B0.1 U0\n"
        "device 1: recv<0 recv<0 T1.0 F1.0 loss(0/2) B1.0 send[G0.0]>0 recv<0 recv<0 T1.1 F1.1 loss(1/2) B1.1 send[G0.1]>0 U1"},
    {"backward passes in parts", 5,
        "device 0: load T0.0 send>1 T0.1 send>1 F0.0 send[F0.0]>1 F0.1 send[F0.1]>1"
        " recv<1 B0.1(0/2) recv<1 B0.1(1/2) recv<1 B0.0(0/2) recv<1 B0.0(1/2) U0\n"
        "device 1: recv<0 T1.0 recv<0 T1.1 recv<0 F1.0 recv<0 F1.1 loss"
        " B1.1(0/2) send[G0.1(0/2)]>0 B1.1(1/2) send[G0.1(1/2)]>0"
        " B1.0(0/2) send[G0.0(0/2)]>0 B1.0(1/2) send[G0.0(1/2)]>0 U1"},
    {"two views and a momentum teacher", 4,
        "device 0: load T0 send>1 T0v1 send>1 F0 send[F0]>1 F0v1 send[F0v1]>1 recv<1 B0v1 recv<1 B0 U0 M0\n"
        "device 1: recv<0 T1 recv<0 T1v1 recv<0 F1 recv<0 F1v1 loss B1v1 send[G0v1]>0 B1 send[G0]>0 U1 M1"},
    {"a momentum teacher one batch ahead", 4, "device 0: load+1 F0 T0+1 loss B0 U0 M0"},
};

} // namespace

class TestValidator : public QObject {
    Q_OBJECT
private slots:
    void everyProgramOfEveryStrategyIsValid()
    {
        Random random(1);
        std::map<std::string_view, int> programs;
        for (int blocks = 1; blocks <= 8; ++blocks)
            for (int devices = 1; devices <= 8; ++devices)
                for (int batch : {devices * 4, 37}) {
                    const Profile profile = any_profile(random, blocks, devices, batch);
                    const Cluster cluster = alike(devices);
                    const Costs costs(profile, cluster);
                    for (std::string_view strategy : strategy_names()) {
                        const Schedule schedule = make_schedule(strategy, costs);
                        if (!schedule.feasible)
                            continue;
                        ++programs[strategy];
                        const Program program = make_program(schedule);
                        const std::string line = verdict(program, batch);
                        QVERIFY2(line == "valid", (std::string(strategy) + ": " + line + '\n' + to_text(program)).c_str());
                    }
                }
        for (std::string_view strategy : strategy_names())
            QVERIFY2(programs[strategy] >= 2 * 8, std::string(strategy).c_str());
        for (int blocks = 1; blocks <= 8; ++blocks)
            QCOMPARE(verdict(make_supervised_program(blocks), 3), std::string("valid"));
    }

    void aGoodProgramIsValid_data()
    {
        QTest::addColumn<int>("batch");
        QTest::addColumn<QString>("text");
        for (const Example& example : examples)
            QTest::newRow(example.name) << example.batch << example.text;
    }

    void aGoodProgramIsValid()
    {
        QFETCH(int, batch);
        QFETCH(QString, text);
        QCOMPARE(verdict(from_text(text.toStdString()), batch), std::string("valid"));
    }

    void aFaultIsNamed_data()
    {
        QTest::addColumn<int>("batch");
        QTest::addColumn<QString>("text");
        QTest::addColumn<QString>("line");
        for (const FaultyProgram& faulty : faulty_programs)
            QTest::newRow(faulty.name) << faulty.batch << faulty.text << faulty.line;
    }

    void aFaultIsNamed()
    {
        QFETCH(int, batch);
        QFETCH(QString, text);
        QFETCH(QString, line);
        QCOMPARE(QString::fromStdString(verdict(from_text(text.toStdString()), batch)), line);
    }

    void whatBreaksAProgramIsFoundAndNamed()
    {
        Random random(2);
        std::vector<std::pair<Program, int>> programs; // and batch
        for (const Example& example : examples)
            programs.emplace_back(from_text(example.text), example.batch);
        for (std::string_view strategy : strategy_names())
            for (int i = 0; i < 40; ++i) {
                const int blocks = whole(random, 1, 5);
                const int devices = whole(random, 1, 4);
                const int batch = whole(random, 16, 32);
                const Profile profile = any_profile(random, blocks, devices, batch);
                const Cluster cluster = alike(devices);
                PlanningOptions options;
                if (i % 2 == 0)
                    options.pipeline.microbatches = options.pipeline.backward_split = 2;
                if (i % 3 == 0)
                    options.pipeline.views = 2;
                const Schedule schedule = make_schedule(strategy, Costs(profile, cluster), options);
                if (schedule.feasible)
                    programs.emplace_back(make_program(schedule), batch);
            }
        std::map<std::pair<std::string, Op>, int> broken; // by kind and instruction
        for (const auto& [program, batch] : programs)
            for (const Breakage& breakage : breakages)
                for (int i = 0; i < 4; ++i) {
                    Program damaged = program;
                    const std::optional<Op> op = breakage.apply(damaged, random);
                    if (!op)
                        continue;
                    ++broken[{breakage.name, *op}];
                    const std::string context
                        = std::string(breakage.name) + '\n' + to_text(program) + "became\n" + to_text(damaged);
                    try {
                        validate(damaged, batch);
                        QVERIFY2(false, ("found valid: " + context).c_str());
                    } catch (const Error& error) {
                        QCOMPARE(error.code(), Code::BadRequest);
                        QVERIFY2(is_place(error.where(), damaged), (std::string(error.what()) + '\n' + context).c_str());
                    }
                }
        std::set<std::string> kinds;
        for (const auto& [kind, count] : broken)
            kinds.insert(kind.first);
        QCOMPARE(kinds.size(), std::size(breakages));
        QVERIFY2(broken.size() > 60, qPrintable(QString::number(broken.size())));
    }

    void anyProgramIsAnsweredWhateverItsFields()
    {
        Random random(3);
        for (int i = 0; i < 2000; ++i) {
            Program program = random_program(random);
            if (i % 2 == 0) { // fields that no text can give
                auto& instructions = program.phases.front().devices.front().instructions;
                const auto wild = [&] { return whole(random, 0, 1) == 0 ? whole(random, -2, 2) : whole(random, INT_MIN, INT_MAX); };
                for (Instruction& instruction : instructions) {
                    int* const fields[]{&instruction.block, &instruction.peer, &instruction.shard.index, &instruction.shard.count,
                        &instruction.peer_shard.index, &instruction.peer_shard.count, &instruction.microbatch, &instruction.view,
                        &instruction.part, &instruction.parts, &instruction.ahead};
                    *fields[whole(random, 0, static_cast<int>(std::size(fields)) - 1)] = wild();
                    instruction.group.push_back(wild());
                }
                program.blocks = whole(random, 0, 3) == 0 ? wild() : program.blocks;
                program.microbatches = whole(random, 0, 3) == 0 ? wild() : program.microbatches;
            }
            QVERIFY(!verdict(program, i % 3 == 0 ? whole(random, INT_MIN, INT_MAX) : whole(random, 1, 40))
                         .starts_with("not a BadRequest"));
        }
    }

    void hugeNumbersAreRefusedBeforeTheyCostAnything()
    {
        for (const char* text : {"blocks 999999\ndevice 0: load T0 F0 B0 U0", "microbatches 999999\ndevice 0: load T0 F0 B0 U0",
                 "device 0: load+999999 T0 F0 B0 U0", "device 0: load F0 loss B0(0/999999) U0", "device 0: load T0 F0-999999 B0 U0",
                 "device 0: load T0.999999 F0 B0 U0", "device 0: load T999999 F0 B0 U0",
                 "device 0 shard 0/999999: load T0 F0 B0 U0"})
            for (int batch : {8, 100'000'000})
                QVERIFY2(verdict(from_text(text), batch) != "valid", text);
        Program wide = from_text("device 0: load T0 F0 B0 U0");
        wide.phases.front().devices.resize(100'000);
        QVERIFY(verdict(wide, 8) != "valid");
        std::string from = "device 0: load+1000"; // to one that holds each of 100 pieces for 1000 batches
        std::string to = "device 1:";
        for (int m = 0; m < 100; ++m) {
            const std::string piece = "." + std::to_string(m);
            from += " T0" + piece + "+1000 send>1 F0" + piece + " B0" + piece;
            to += " recv<0 T1" + piece + " F1" + piece + " B1" + piece;
        }
        const std::string line = verdict(from_text(from + " U0\n" + to + " U1"), 100);
        QVERIFY2(line.starts_with("it is too large to be checked"), line.c_str());
    }
};

QTEST_APPLESS_MAIN(TestValidator)
#include "test_validator.moc"
