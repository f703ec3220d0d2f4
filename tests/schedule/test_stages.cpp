// Stages as text, their faults, and their edits.
#include <QTest>

#include "base/error.h"
#include "schedule/every_candidate.h"
#include "schedule/random_profile.h"
#include "schedule/stage_edits.h"
#include "schedule/stages.h"

#include <functional>
#include <numeric>
#include <set>

using namespace pipebd;
using namespace pipebd::schedule;
using namespace pipebd::schedule::test;

namespace {

using Stages = std::vector<Stage>;

Stages stages(const char* text)
{
    return stages_from_text(text, "test");
}

std::string refusal(const std::function<void()>& what)
{
    try {
        what();
    } catch (const Error& error) {
        return error.code() == Code::BadRequest ? error.what() : "another code";
    }
    return "nothing was refused";
}

/// In words of their own: every block in one stage, in order; every device at most once.
bool isPartition(const Stages& stages, int blocks, int devices)
{
    std::vector<int> covered;
    std::set<int> used;
    std::size_t named = 0;
    for (const Stage& stage : stages) {
        if (stage.first >= stage.last || stage.devices.empty())
            return false;
        for (int block = stage.first; block < stage.last; ++block)
            covered.push_back(block);
        named += stage.devices.size();
        used.insert(stage.devices.begin(), stage.devices.end());
    }
    std::vector<int> all(static_cast<std::size_t>(blocks));
    std::iota(all.begin(), all.end(), 0);
    return covered == all && used.size() == named && *used.begin() >= 0 && *used.rbegin() < devices;
}

std::vector<int> devicesOf(const Stages& stages)
{
    std::vector<int> devices;
    for (const Stage& stage : stages)
        devices.insert(devices.end(), stage.devices.begin(), stage.devices.end());
    return devices;
}

/// Every edit there is, with any argument that could mean something, and a few that cannot.
std::vector<Edited> everyEdit(const Stages& stages, int blocks, int devices)
{
    const int count = static_cast<int>(stages.size());
    std::vector<Edited> edits;
    for (int a = -1; a <= count; ++a) {
        for (int block = -1; block <= blocks; ++block) {
            edits.push_back(move_block(stages, block, a));
            for (int g = 0; g <= devices; ++g)
                edits.push_back(split_stage(stages, a, block, g));
        }
        for (int b = -1; b <= count; ++b) {
            edits.push_back(give_block(stages, a, b));
            edits.push_back(give_device(stages, a, b));
        }
        edits.push_back(add_device(stages, a, devices));
        edits.push_back(drop_device(stages, a));
        edits.push_back(join_stages(stages, a));
    }
    return edits;
}

} // namespace

class TestStages : public QObject {
    Q_OBJECT
private slots:
    void theTextSaysWhichBlocksAreOnWhichDevices()
    {
        const Stages three = {{0, 3, {0, 1}}, {3, 4, {2}}, {4, 6, {3, 4, 5, 7}}};
        QCOMPARE(to_text(three), std::string("0-2 on 0,1 | 3 on 2 | 4-5 on 3-5,7"));
        QCOMPARE(to_text(three[1]), std::string("block 3 on 2"));
        QCOMPARE(stages("0-2 on 0,1 | 3 on 2 | 4-5 on 3-5,7"), three);
        QCOMPARE(stages(" 0 - 2on 0 ,1|3 on\t2 |\n4-5 on 3-4,5,7 "), three);
        QCOMPARE(to_text(Stages{}), std::string());
    }

    void textAndStagesAreInverse()
    {
        Random random(1);
        for (int i = 0; i < 500; ++i) {
            Stages made;
            for (int s = whole(random, 1, 5); s > 0; --s) {
                Stage& stage = made.emplace_back();
                stage.first = whole(random, 0, 999'998);
                stage.last = stage.first + whole(random, 1, std::min(1000, 999'999 - stage.first));
                for (int d = whole(random, 1, 6); d > 0; --d)
                    stage.devices.push_back(whole(random, 0, i % 2 == 0 ? 8 : 999'999));
            }
            QCOMPARE(stages(to_text(made).c_str()), made);
        }
    }

    void whatIsNoTextOfStagesIsRefusedWithItsColumn_data()
    {
        QTest::addColumn<QByteArray>("text");
        QTest::addColumn<QByteArray>("what");
        QTest::addColumn<int>("column");
        const auto row = [](const char* text, const char* what, int column) {
            QTest::newRow(text) << QByteArray(text) << QByteArray(what) << column;
        };
        row("", "a block such as 0 or 0-2 is missing", 1);
        row("0-2", "'on' is missing between blocks and devices", 4);
        row("0-2 on", "a device such as 0 or 0-2 is missing", 7);
        row("0-2 on 0 |", "a block such as 0 or 0-2 is missing", 11);
        row("0-2 on 0,", "a device such as 0 or 0-2 is missing", 10);
        row("2-0 on 0", "2-0 runs backwards", 5);
        row("0 on 0 1", "unexpected '1'", 8);
        row("0 at 0", "'on' is missing between blocks and devices", 3);
        row("-1 on 0", "a block such as 0 or 0-2 is missing", 1);
        row("0 on 1000000", "a number is too large", 12);
        row("0 on 99999999999999999999", "a number is too large", 12);
        row("0 on 0-999999,0-999999", "too many devices", 23);
        row("0- on 0", "the last number is missing", 4);
        row("0 on 0;1 on 1", "unexpected ';1 on 1'", 7);
    }

    void whatIsNoTextOfStagesIsRefusedWithItsColumn()
    {
        QFETCH(QByteArray, text);
        QFETCH(QByteArray, what);
        QFETCH(int, column);
        QCOMPARE(refusal([&] { stages_from_text(text.constData(), "there"); }),
            "invalid stages: " + what.toStdString() + ": there, column " + std::to_string(column)
                + "; write blocks on devices, such as \"0-2 on 0,1 | 3-5 on 2\"");
    }

    void cutTextNeverDoesHarm()
    {
        Random random(2);
        const std::string good = "0-2 on 0,1 | 3 on 2 | 4-5 on 3-5,7";
        for (int i = 0; i < 3000; ++i) {
            const std::string bad = damaged(good, random);
            try {
                const Stages read = stages_from_text(bad, "test");
                QCOMPARE(stages_from_text(to_text(read), "test"), read);
            } catch (const Error& error) {
                QCOMPARE(error.code(), Code::BadRequest);
            }
        }
    }

    void aFaultIsNamed_data()
    {
        QTest::addColumn<QByteArray>("text");
        QTest::addColumn<QByteArray>("fault");
        const auto row = [](const char* text, const char* fault) { QTest::newRow(text) << QByteArray(text) << QByteArray(fault); };
        row("0-2 on 0,1 | 3-5 on 2", "");
        row("0-2 on 2 | 3-5 on 0", ""); // one is left over
        row("0-2 on 0 | 4-5 on 1", "block 3 has no stage; the next stage starts at block 4");
        row("1-5 on 0", "block 0 has no stage; the next stage starts at block 1");
        row("0-4 on 0", "block 5 has no stage");
        row("0-3 on 0 | 3-5 on 1", "block 3 follows block 3");
        row("0-6 on 0", "there is no block 6, there are 6 blocks");
        row("0-5 on 3", "there is no device 3, there are 3 devices");
        row("0-2 on 0,1 | 3-5 on 1", "device 1 is named twice");
        row("0-5 on 1,1", "device 1 is named twice");
    }

    void aFaultIsNamed()
    {
        QFETCH(QByteArray, text);
        QFETCH(QByteArray, fault);
        const Stages read = stages(text.constData());
        QCOMPARE(fault_of(read, 6, 3), fault.toStdString());
        QCOMPARE(fault.isEmpty(), isPartition(read, 6, 3));
        if (fault.isEmpty())
            return check_stages(read, 6, 3, "there");
        QCOMPARE(refusal([&] { check_stages(read, 6, 3, "there"); }),
            fault.toStdString() + ": there '" + to_text(read)
                + "'; give every block to exactly one stage, in order, and every device to at most one");
    }

    void everyEditOfEveryCandidateGivesAPartitionOrSaysWhyNot()
    {
        int possible = 0;
        for (int blocks = 1; blocks <= 5; ++blocks)
            for (int used = 1; used <= 4; ++used) {
                Shape shape;
                every_shape(0, blocks, used, Width::Any, shape, [&](const Shape& candidate) {
                    const Stages before = stages_of(candidate);
                    for (const Edited& edited : everyEdit(before, blocks, used + 1)) {
                        QCOMPARE(edited.stages.empty(), !edited.possible());
                        if (!edited.possible())
                            continue;
                        ++possible;
                        QVERIFY2(isPartition(edited.stages, blocks, used + 1), to_text(edited.stages).c_str());
                        QCOMPARE(fault_of(edited.stages, blocks, used + 1), std::string());
                        const std::vector<int> devices = devicesOf(edited.stages);
                        QVERIFY(std::is_sorted(devices.begin(), devices.end()));
                    }
                });
            }
        QVERIFY(possible > 1000);
    }

    void everyCandidateIsReachedByEditsFromEveryOther()
    {
        const int blocks = 5;
        const int devices = 4;
        const auto reached = [&](const Stages& from) {
            std::set<std::string> known = {to_text(from)};
            std::vector<Stages> open = {from};
            while (!open.empty()) {
                const Stages next = open.back();
                open.pop_back();
                for (const Edited& edited : everyEdit(next, blocks, devices))
                    if (edited.possible() && devicesOf(edited.stages).size() == devices
                        && known.insert(to_text(edited.stages)).second)
                        open.push_back(edited.stages);
            }
            return known;
        };
        std::set<std::string> all;
        Shape shape;
        every_shape(0, blocks, devices, Width::Any, shape, [&](const Shape& one) { all.insert(to_text(stages_of(one))); });
        QCOMPARE(static_cast<std::int64_t>(all.size()), count_candidates(blocks, devices));
        QCOMPARE(reached(stages("0-4 on 0-3")), all);
        QCOMPARE(reached(stages("0 on 0 | 1 on 1 | 2 on 2 | 3-4 on 3")), all);
    }

    void anEditDoesWhatItSays_data()
    {
        QTest::addColumn<Edited>("edited");
        QTest::addColumn<QByteArray>("expected"); // the stages, or why not
        const auto row = [](const char* name, const Edited& edited, const char* expected) {
            QTest::newRow(name) << edited << QByteArray(expected);
        };
        const Stages three = stages("0-2 on 0,1 | 3 on 2 | 4-5 on 3");
        row("a block to the next stage", move_block(three, 2, 1), "0-1 on 0,1 | 2-3 on 2 | 4-5 on 3");
        row("the blocks between go along", move_block(three, 1, 1), "0 on 0,1 | 1-3 on 2 | 4-5 on 3");
        row("a stage on the way keeps one", move_block(three, 2, 2), "0 on 0,1 | 1 on 2 | 2-5 on 3");
        row("back", move_block(stages("0 on 0 | 1 on 1 | 2-5 on 2"), 3, 0), "0-3 on 0 | 4 on 1 | 5 on 2");
        row("back by one", move_block(three, 4, 1), "0-2 on 0,1 | 3-4 on 2 | 5 on 3");
        row("to where it is", move_block(three, 1, 0), "0-2 on 0,1 | 3 on 2 | 4-5 on 3");
        row("the only block", move_block(three, 3, 0), "stage 1 would be left without a block; join it with a neighbour instead");
        row("no such block", move_block(three, 6, 0), "there is no block 6");
        row("no such stage", move_block(three, 0, 3), "there is no stage 3");
        row("the last block", give_block(three, 0, 1), "0-1 on 0,1 | 2-3 on 2 | 4-5 on 3");
        row("the first block", give_block(three, 2, 1), "0-2 on 0,1 | 3-4 on 2 | 5 on 3");
        row("to one that is none's neighbour", give_block(three, 0, 2), "there are no neighbours stage 0 and stage 2");
        row("a device", give_device(three, 0, 2), "0-2 on 0 | 3 on 1 | 4-5 on 2,3");
        row("the only device", give_device(three, 1, 2), "stage 1 has one device only; join it with a neighbour instead");
        row("a left-over device", add_device(three, 1, 5), "0-2 on 0,1 | 3 on 2,3 | 4-5 on 4");
        row("none is left over", add_device(three, 1, 4), "no device is free; take one from another stage");
        row("one device less", drop_device(three, 0), "0-2 on 0 | 3 on 1 | 4-5 on 2");
        row("in two", split_stage(three, 0, 1, 1), "0 on 0 | 1-2 on 1 | 3 on 2 | 4-5 on 3");
        row("one device in two", split_stage(three, 2, 5, 1), "stage 2 has one device only; give it another first");
        row("one block in two", split_stage(stages("0 on 0,1"), 0, 0, 1), "stage 0 has one block only");
        row("no cut", split_stage(three, 0, 3, 1), "stage 0 cannot be cut before block 3");
        row("no device for a part", split_stage(three, 0, 1, 2), "each part of stage 0 needs a device");
        row("one of two", join_stages(three, 1), "0-2 on 0,1 | 3-5 on 2,3");
        row("the last one", join_stages(three, 2), "no stage follows stage 2");
        row("devices in any order", give_device(stages("0-2 on 3,0 | 3-5 on 1"), 0, 1), "0-2 on 0 | 3-5 on 1,3");
    }

    void anEditDoesWhatItSays()
    {
        QFETCH(Edited, edited);
        QFETCH(QByteArray, expected);
        QCOMPARE(edited.possible() ? to_text(edited.stages) : edited.why_not, expected.toStdString());
    }
};

QTEST_APPLESS_MAIN(TestStages)
#include "test_stages.moc"
