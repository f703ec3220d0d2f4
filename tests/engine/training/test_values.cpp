// Values: what a device holds between instructions.

#include "base/error.h"
#include "engine/training/values.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/equal.h>

#include <QTest>

using namespace pipebd;
using namespace pipebd::engine;
using schedule::Rows;
using schedule::Value;
using Kind = Value::Kind;

namespace {

const Value data{Kind::Data, 0, 0};

at::Tensor rows_as_numbers(int begin, int end)
{
    return at::arange(begin, end, at::kFloat).reshape({end - begin, 1});
}

struct Flag final : Pending {
    explicit Flag(bool& flag)
        : waited(flag)
    {
    }
    void wait() override { waited = true; }
    bool& waited;
};

} // namespace

class TestValues : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void aValueInPiecesIsGatheredInTheOrderOfItsRows()
    {
        Values values;
        values.put(data, 7, Rows{4, 8}, rows_as_numbers(4, 8));
        values.put(data, 7, Rows{0, 4}, rows_as_numbers(0, 4));

        QVERIFY(at::equal(values.get(data, 7, Rows{0, 8}), rows_as_numbers(0, 8)));
        QVERIFY(at::equal(values.get(data, 7, Rows{2, 6}), rows_as_numbers(2, 6)));
        QVERIFY(at::equal(values.get(data, 7, Rows{5, 6}), rows_as_numbers(5, 6)));
    }

    void aWholePieceIsNotCopied()
    {
        Values values;
        at::Tensor tensor = rows_as_numbers(0, 4);
        values.put(data, 0, Rows{0, 4}, tensor);
        QCOMPARE(values.get(data, 0, Rows{0, 4}).const_data_ptr(), tensor.const_data_ptr());
    }

    void rowsThatAreNotThereAreAnErrorNotATensorThatIsTooShort()
    {
        Values values;
        values.put(data, 0, Rows{0, 4}, rows_as_numbers(0, 4));
        QVERIFY_THROWS_EXCEPTION(Error, values.get(data, 0, Rows{2, 6}));
        QVERIFY_THROWS_EXCEPTION(Error, values.get(data, 1, Rows{0, 4}));
    }

    void whatIsReceivedIsWaitedForBeforeItIsUsed()
    {
        Values values;
        bool waited = false;
        values.put(data, 0, Rows{0, 4}, rows_as_numbers(0, 4), std::make_unique<Flag>(waited));
        QVERIFY(!waited);
        values.get(data, 0, Rows{0, 4});
        QVERIFY(waited);
    }

    void eachValueIsDroppedAfterTheLastInstructionThatNeedsIt()
    {
        schedule::Program program = schedule::from_text("device 0: load  T0 T1  F0 B0 U0 F1 B1 U1");
        auto uses = last_uses(program.phases[0].devices[0].instructions, schedule::trainings_of(program)[0]);
        auto has = [&](std::size_t index, Value name) {
            return std::find(uses[index].begin(), uses[index].end(), name) != uses[index].end();
        };
        QVERIFY(has(3, {Kind::Data, 0, 0})); // F0 is the last to need the data
        QVERIFY(has(0, {Kind::Labels, 0, 0})); // nobody needs labels
        QVERIFY(has(6, {Kind::TeacherOutput, 0, 0})); // F1's input
        QVERIFY(has(6, {Kind::TeacherOutput, 1, 0})); // F1's target
    }

    void aValueMadeAheadIsKeptUntilItsOwnStep()
    {
        schedule::Program program = schedule::from_text("device 0: load+1 T0+1 F0 B0 U0");
        auto uses = last_uses(program.phases[0].devices[0].instructions, schedule::trainings_of(program)[0]);
        QVERIFY(uses[1].empty());
        QVERIFY(std::find(uses[2].begin(), uses[2].end(), Value{Kind::TeacherOutput, 0, 0}) != uses[2].end());
    }
};

QTEST_GUILESS_MAIN(TestValues)
#include "test_values.moc"
