// What instructions need and make, by the words of systems.md: read off a table written by hand.
#include "schedule/value.h"

#include <QTest>

#include <algorithm>

using namespace pipebd::schedule;
using Kind = Value::Kind;

namespace {

QString text_of(const Value& value)
{
    static const char* const letters = "DLTFGgs";
    const QString view = value.view == 0 ? QString() : QStringLiteral("v%1").arg(value.view);
    return QLatin1Char(letters[static_cast<int>(value.kind)]) + QString::number(value.block) + view;
}

QString needs_of(const Instruction& instruction, const Training& training)
{
    QStringList words;
    for (const Need& need : needed_by(instruction, training))
        words << (need.held ? "(" + text_of(need.value) + ")" : text_of(need.value));
    return words.join(' ');
}

QString made_of(const Instruction& instruction, const Training& training)
{
    QStringList words;
    for (const Value& value : made_by(instruction, training))
        words << text_of(value);
    return words.join(' ');
}

} // namespace

class TestValue : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void instructionsNeedAndMakeWhatTheyAreSaidTo_data()
    {
        QTest::addColumn<QString>("program"); // the instruction asked for is the first of its last device
        QTest::addColumn<QString>("needs");
        QTest::addColumn<QString>("makes");
        const QString blockwise = "device 0: load T0 T1 F0 B0 U0 F1 B1 U1\ndevice 1: ";
        const QString labels = "device 0: load F0 F1 loss B1 U1 B0 U0\ndevice 1: ";
        const QString taught = "device 0: load T0 T1 F0 F1 loss B1 U1 B0 U0\ndevice 1: ";
        const QString views = "device 0: load T0 T0v1 F0 F0v1 loss B0 B0v1 U0\ndevice 1: ";
        QTest::newRow("load") << blockwise + "load"
                              << ""
                              << "D0 L0";
        QTest::newRow("load, two views") << views + "load"
                                         << ""
                                         << "D0 D0v1 L0";
        QTest::newRow("the teacher's first block") << blockwise + "T0"
                                                   << "D0"
                                                   << "T0";
        QTest::newRow("the teacher's second block") << blockwise + "T1"
                                                    << "T0"
                                                    << "T1";
        QTest::newRow("the teacher, second view") << views + "T0v1"
                                                  << "D0v1"
                                                  << "T0v1";
        QTest::newRow("the student's first block, blockwise") << blockwise + "F0"
                                                              << "D0 T0"
                                                              << "F0";
        QTest::newRow("the student's second block, blockwise") << blockwise + "F1"
                                                               << "T0 T1"
                                                               << "F1";
        QTest::newRow("the student's second block, end to end") << taught + "F1"
                                                                << "F0"
                                                                << "F1";
        QTest::newRow("backward, blockwise") << blockwise + "B1"
                                             << "(T0) (F1)"
                                             << "g1";
        QTest::newRow("backward, end to end") << labels + "B1"
                                              << "(F0) (F1) G1"
                                              << "g1 G0";
        QTest::newRow("backward of the first block, end to end") << labels + "B0"
                                                                 << "(D0) (F0) G0"
                                                                 << "g0";
        QTest::newRow("a loss on labels") << labels + "loss"
                                          << "F1 L0"
                                          << "G1";
        QTest::newRow("a loss on the teacher") << taught + "loss"
                                               << "F1 T1"
                                               << "G1";
        QTest::newRow("a loss of two views") << views + "loss"
                                             << "F0 F0v1 T0 T0v1"
                                             << "G0 G0v1";
        QTest::newRow("an all-reduce") << blockwise + "A1{1}"
                                       << "g1"
                                       << "s1";
        QTest::newRow("an update") << blockwise + "U1"
                                   << "s1"
                                   << "";
        QTest::newRow("the teacher's update") << taught + "M1"
                                              << ""
                                              << "";
        QTest::newRow("a Send of a gradient") << labels + "send[G1]>0"
                                              << "G1"
                                              << "";
        QTest::newRow("a Receive of a second view") << views + "recv[T0v1]<0"
                                                    << ""
                                                    << "T0v1";
        QTest::newRow("a barrier") << blockwise + "barrier"
                                   << ""
                                   << "";
    }

    void instructionsNeedAndMakeWhatTheyAreSaidTo()
    {
        QFETCH(QString, program);
        QFETCH(QString, needs);
        QFETCH(QString, makes);
        const Program read = from_text(program.toStdString());
        const Instruction& instruction = read.phases[0].devices[1].instructions.front();
        const Training training = trainings_of(read)[0];
        QCOMPARE(needs_of(instruction, training), needs);
        QCOMPARE(made_of(instruction, training), makes);
    }

    void aPhaseIsTaughtWhereATeacherRunsInIt()
    {
        const Program program = from_text("phase 0\ndevice 0: load T0 F0 loss B0 U0\nphase 1\ndevice 0: load F0 loss B0 U0");
        const std::vector<Training> trainings = trainings_of(program);
        QCOMPARE(trainings.size(), std::size_t(2));
        QVERIFY(trainings[0].taught && trainings[0].end_to_end);
        QVERIFY(!trainings[1].taught && trainings[1].end_to_end);
        QCOMPARE(trainings[0].blocks, 1);
    }
};

QTEST_GUILESS_MAIN(TestValue)
#include "test_value.moc"
