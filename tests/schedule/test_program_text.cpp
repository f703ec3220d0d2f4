#include "base/error.h"
#include "base/file.h"
#include "schedule/planning.h"
#include "schedule/program.h"
#include "schedule/random_profile.h"

#include <QTest>

using namespace pipebd;
using namespace pipebd::schedule;
using namespace pipebd::schedule::test;

namespace {

/// As many of each as an end-to-end strategy may use.
const std::string rich = R"(blocks 3
phase 0
device 0 shard 0/2: load load+1  T0.1v1+1 send>1@0/1  F0.1 send[F0.1]>1  recv[G0.1(0/2)]<1  B0.1(0/2) A0{0,2} U0 M0 barrier
device 1: recv<0 recv<0  F1.1 loss B1.1(0/2) send[G0.1(0/2)]>0@1/3 U1:1/4 barrier
device 2 shard 1/2: load  T0 F0 B0 A0{0,2} U0-1
phase 1
device 0:
device 1: load  T0
device 2:
)";

Error error_of(const std::string& text)
{
    try {
        from_text(text, "p");
    } catch (const Error& error) {
        return error;
    }
    return Error(Code::Internal, "accepted", "");
}

std::string single(const std::string& line)
{
    return to_text(from_text(line).phases[0].devices[0].instructions[0]);
}

} // namespace

class TestProgramText : public QObject {
    Q_OBJECT
private slots:
    void theExampleOfTheHeaderIsWrittenAsItStandsThere()
    {
        const std::string text = "device 0: load  T0 send>1  F0 B0 U0\ndevice 1: recv<0  T1  F1 B1 U1\n";
        const Program program = from_text(text);
        QCOMPARE(program.blocks, 2);
        QCOMPARE(program.microbatches, 1);
        QCOMPARE(program.devices(), 2);
        const Instruction& send = program.phases[0].devices[0].instructions[2];
        QCOMPARE(send.op, Op::Send);
        QCOMPARE(send.payload, Payload::TeacherOutput);
        QCOMPARE(send.block, 0);
        QCOMPARE(send.peer, 1);
        const Instruction& receive = program.phases[0].devices[1].instructions[0];
        QCOMPARE(receive.op, Op::Receive);
        QCOMPARE(receive.payload, Payload::TeacherOutput);
        QCOMPARE(receive.block, 0);
        QCOMPARE(receive.peer, 0);
        QCOMPARE(to_text(program), text);
    }

    void everyWordMeansItsFields()
    {
        const Program program = from_text(rich);
        QCOMPARE(program.blocks, 3);
        QCOMPARE(program.microbatches, 2);
        const auto& first = program.phases[0].devices[0].instructions;
        QCOMPARE(first[1].ahead, 1);
        const Instruction& teacher = first[2];
        QCOMPARE(teacher.op, Op::TeacherForward);
        QCOMPARE(teacher.microbatch, 1);
        QCOMPARE(teacher.view, 1);
        QCOMPARE(teacher.ahead, 1);
        QCOMPARE(teacher.shard, (Shard{0, 2}));
        QCOMPARE(first[3].microbatch, 1);
        QCOMPARE(first[3].view, 1);
        QCOMPARE(first[3].ahead, 1);
        QCOMPARE(first[3].peer_shard, (Shard{0, 1}));
        QCOMPARE(first[5].payload, Payload::StudentOutput);
        QCOMPARE(first[6].payload, Payload::StudentGradient);
        QCOMPARE(first[6].parts, 2);
        QCOMPARE(first[7].op, Op::StudentBackward);
        QCOMPARE(first[7].part, 0);
        QCOMPARE(first[7].parts, 2);
        QCOMPARE(first[8].group, (std::vector<int>{0, 2}));
        QCOMPARE(first[10].op, Op::TeacherUpdate);
        QCOMPARE(first[11].op, Op::Barrier);
        const auto& second = program.phases[0].devices[1].instructions;
        QCOMPARE(second[0].microbatch, 1);
        QCOMPARE(second[0].ahead, 1);
        QCOMPARE(second[0].peer_shard, (Shard{0, 2}));
        QCOMPARE(second[1].payload, Payload::StudentOutput);
        QCOMPARE(second[5].peer_shard, (Shard{1, 3}));
        QCOMPARE(second[6].shard, (Shard{1, 4}));
        QCOMPARE(program.phases[0].devices[2].instructions[5].ahead, -1);
        QVERIFY(program.phases[1].devices[0].instructions.empty());
        QVERIFY(program.end_to_end());
    }

    void oneInstructionIsCompleteByItself()
    {
        QCOMPARE(single("device 0: T0"), std::string("T0"));
        QCOMPARE(single("device 0 shard 1/4: B2.1(0/2)+1"), std::string("B2.1(0/2)+1:1/4"));
        QCOMPARE(single("device 0: A3{0,1}\ndevice 1:"), std::string("A3{0,1}"));
        QCOMPARE(single("device 0: recv<1\ndevice 1 shard 0/2: T4 send>0"), std::string("recv[T4]<1@0/2"));
    }

    void spacesAndCommentsDoNotMatter()
    {
        const std::string text = "device 0: load  T0 send>1  F0 B0 U0\ndevice 1: recv<0  T1  F1 B1 U1\n";
        QCOMPARE(
            from_text("# two\n\n  device 0 :load T0\tsend>1 F0 B0 U0# relays\r\n\ndevice 1: recv<0 T1 F1 B1 U1"), from_text(text));
        QCOMPARE(from_text(" # nothing\n"), Program{});
        QCOMPARE(to_text(Program{}), std::string());
    }

    void everyProgramReadsBackAsItWasWritten()
    {
        Random random(7);
        for (int i = 0; i < 3000; ++i) {
            const Program program = random_program(random);
            const std::string text = to_text(program);
            if (from_text(text) != program)
                QFAIL(text.c_str());
        }
    }

    void everyInstructionReadsBackAsItWasWritten()
    {
        Random random(11);
        for (int i = 0; i < 3000; ++i) {
            const Instruction made = random_instruction(random, 0, 4);
            const std::string text = to_text(made);
            const Program program = from_text("device 0: " + text + "\ndevice 1:\ndevice 2:\ndevice 3:");
            if (program.phases[0].devices[0].instructions != std::vector{made})
                QFAIL(text.c_str());
        }
    }

    void theGoldenProgramsOfEveryStrategyAreMadeAsTheyStandInTheirFiles_data()
    {
        QTest::addColumn<QString>("file");
        QTest::addColumn<QString>("strategy");
        QTest::addColumn<int>("blocks");
        QTest::addColumn<int>("devices");
        QTest::newRow("single") << "single-3x1"
                                << "single" << 3 << 1;
        QTest::newRow("dp") << "dp-3x2"
                            << "dp" << 3 << 2;
        QTest::newRow("dp alone") << "dp-2x1"
                                  << "dp" << 2 << 1;
        QTest::newRow("ls") << "ls-4x2"
                            << "ls" << 4 << 2;
        QTest::newRow("ls-steal") << "ls-steal-4x2"
                                  << "ls-steal" << 4 << 2;
        QTest::newRow("ir") << "ir-3x2"
                            << "ir" << 3 << 2;
        QTest::newRow("tr") << "tr-6x3"
                            << "tr" << 6 << 3;
        QTest::newRow("tr+dpu") << "tr+dpu-2x2"
                                << "tr+dpu" << 2 << 2;
        QTest::newRow("tr+dpu, three") << "tr+dpu-6x3"
                                       << "tr+dpu" << 6 << 3;
    }

    void theGoldenProgramsOfEveryStrategyAreMadeAsTheyStandInTheirFiles()
    {
        QFETCH(QString, file);
        QFETCH(QString, strategy);
        QFETCH(int, blocks);
        QFETCH(int, devices);
        Random random(5);
        Profile profile = random_profile(random, blocks, devices);
        for (BlockProfile& block : profile.blocks) { // all alike, so that the stages are
            block = profile.blocks[0];
            block.output_bytes = 0;
        }
        for (auto& [samples, time] : profile.load)
            time = 0;
        profile.link = {};
        const Program made = program_on(strategy.toStdString(), profile, devices);
        const std::string golden = read_file(std::string(PIPEBD_SOURCE_DIR "/tests/golden/") + file.toStdString() + ".txt");
        QCOMPARE(QString::fromStdString(to_text(made)), QString::fromStdString(golden));
        QCOMPARE(from_text(golden), made);
    }

    void theGoldenHybridProgramSplitsABatchOfSevenAnewBetweenTwoThreeAndOneDevices()
    {
        Schedule schedule;
        schedule.strategy = "tr+dpu+ahd";
        schedule.blocks = 4;
        schedule.devices = 6;
        schedule.batch = 7;
        schedule.stages = {{0, 1, {0, 1}}, {1, 3, {2, 3, 4}}, {3, 4, {5}}};
        const std::string golden = read_file(PIPEBD_SOURCE_DIR "/tests/golden/tr+dpu+ahd-4x6.txt");
        QCOMPARE(QString::fromStdString(to_text(make_program(schedule))), QString::fromStdString(golden));
        QCOMPARE(from_text(golden), make_program(schedule));
    }

    void aMistakeIsNamedWithLineAndColumn_data()
    {
        QTest::addColumn<QString>("text");
        QTest::addColumn<QString>("place");
        QTest::newRow("no device line") << "load T0"
                                        << "p:1:1";
        QTest::newRow("unknown word") << "device 0: load X0"
                                      << "p:1:16";
        QTest::newRow("no block") << "device 0: T"
                                  << "p:1:12";
        QTest::newRow("glued together") << "device 0: T0F0"
                                        << "p:1:13";
        QTest::newRow("device out of order") << "device 1: load"
                                             << "p:1:8";
        QTest::newRow("device twice") << "device 0: load\ndevice 0: load"
                                      << "p:2:8";
        QTest::newRow("no colon") << "device 0 load"
                                  << "p:1:10";
        QTest::newRow("no such shard") << "device 0 shard 2/2: load"
                                       << "p:1:16";
        QTest::newRow("no shards at all") << "device 0: load:0/0"
                                          << "p:1:16";
        QTest::newRow("huge number") << "device 0: T99999999999999999999"
                                     << "p:1:12";
        QTest::newRow("what is sent") << "device 0: load send>1\ndevice 1:"
                                      << "p:1:20";
        QTest::newRow("to nobody") << "device 0: T0 send>1"
                                   << "p:1:14";
        QTest::newRow("to itself") << "device 0: T0 send>0"
                                   << "p:1:14";
        QTest::newRow("nothing is sent") << "device 0:\ndevice 1: recv<0"
                                         << "p:2:11";
        QTest::newRow("bad payload") << "device 0: send[X0]>1\ndevice 1:"
                                     << "p:1:16";
        QTest::newRow("group without itself") << "device 0: A0{1}\ndevice 1:"
                                              << "p:1:14";
        QTest::newRow("group out of order") << "device 0: A0{1,0}\ndevice 1:"
                                            << "p:1:14";
        QTest::newRow("group of strangers") << "device 0: A0{0,7}"
                                            << "p:1:11";
        QTest::newRow("no group") << "device 0: A0"
                                  << "p:1:13";
        QTest::newRow("parts of a teacher") << "device 0: T0(0/2)"
                                            << "p:1:13";
        QTest::newRow("phase out of order") << "phase 1\ndevice 0:"
                                            << "p:1:7";
        QTest::newRow("empty phase") << "phase 0\nphase 1\ndevice 0:"
                                     << "p:2:1";
        QTest::newRow("phases of unequal width") << "phase 0\ndevice 0:\ndevice 1:\nphase 1\ndevice 0:\n"
                                                 << "p:5:1";
        QTest::newRow("too few blocks") << "blocks 1\ndevice 0: T1"
                                        << "p:2:13";
        QTest::newRow("too few microbatches") << "microbatches 1\ndevice 0: T0.1"
                                              << "p:2:15";
        QTest::newRow("words after a head") << "blocks 1 2\ndevice 0: T0"
                                            << "p:1:10";
    }

    void aMistakeIsNamedWithLineAndColumn()
    {
        QFETCH(QString, text);
        QFETCH(QString, place);
        const Error error = error_of(text.toStdString());
        QCOMPARE(error.code(), Code::BadRequest);
        QCOMPARE(QString::fromStdString(error.where()), place);
    }

    void I5_aProgramCutAnywhereIsReadOrRefused()
    {
        const std::string text = to_text(from_text(rich));
        for (std::size_t length = 0; length < text.size(); ++length)
            readsOrRefuses(text.substr(0, length));
    }

    void I5_aDamagedProgramIsReadOrRefusedButNeverCrashes()
    {
        Random random(2026);
        int read = 0;
        for (int i = 0; i < 2000; ++i)
            read += readsOrRefuses(damaged(rich, random)) ? 1 : 0;
        QVERIFY2(read > 0 && read < 1000, qPrintable(QString::number(read)));
        readsOrRefuses(std::string(100'000, '\0'));
    }

    void rowsOfTheShardsCoverTheBatchInOrderAndDifferByOneAtMost()
    {
        for (int batch = 0; batch <= 40; ++batch)
            for (int count = 1; count <= 9; ++count) {
                int next = 0;
                for (int index = 0; index < count; ++index) {
                    const Rows rows = rows_of(Shard{index, count}, batch);
                    QCOMPARE(rows.begin, next);
                    QCOMPARE(rows.size(), batch / count + (index < batch % count ? 1 : 0));
                    next = rows.end;
                }
                QCOMPARE(next, batch);
            }
        QCOMPARE(rows_of(Shard{0, 1}, 256), (Rows{0, 256}));
    }

    void whatMovesIsWhatBothEndsWorkOn()
    {
        QCOMPARE(intersection({0, 5}, {3, 9}), (Rows{3, 5}));
        QCOMPARE(intersection({3, 9}, {0, 5}), (Rows{3, 5}));
        QCOMPARE(intersection({0, 3}, {5, 9}).size(), 0);
        const auto moved = [](const char* text) { return rows_of(from_text(text).phases[0].devices[0].instructions[0], 10, 1); };
        QCOMPARE(moved("device 0 shard 1/2: send[T0]>1\ndevice 1: recv<0"), (Rows{5, 10}));
        QCOMPARE(moved("device 0 shard 0/2: send[T0]>1\ndevice 1 shard 1/3: recv<0"), (Rows{4, 5}));
        const Instruction backward = from_text("device 0 shard 1/2: B0.1(1/2)").phases[0].devices[0].instructions[0];
        QCOMPARE(rows_of(backward, 16, 2), (Rows{14, 16}));
        const auto loss = [](const char* text) { return from_text(text).phases[0].devices[0].instructions[0]; };
        QCOMPARE(rows_of(loss("device 0 shard 1/2: loss"), 16, 2), (Rows{8, 16}));
        QCOMPARE(rows_of(loss("device 0 shard 1/2: loss(1/2)"), 16, 2), (Rows{12, 16}));
    }

private:
    /// What is read must also be what is written again. Anything but a program or an Error{BadRequest} fails the test.
    static bool readsOrRefuses(const std::string& text)
    {
        try {
            const Program program = from_text(text, "p");
            if (from_text(to_text(program)) != program)
                QTest::qFail(text.c_str(), __FILE__, __LINE__);
            return true;
        } catch (const Error& error) {
            if (error.code() != Code::BadRequest || !error.where().starts_with("p:"))
                QTest::qFail(error.what(), __FILE__, __LINE__);
            return false;
        }
    }
};

QTEST_APPLESS_MAIN(TestProgramText)
#include "test_program_text.moc"
