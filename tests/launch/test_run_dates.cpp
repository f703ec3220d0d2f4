#include "launch/run_dates.h"

#include <QDateTime>
#include <QTest>

using namespace pipebd::launch;
using namespace std::chrono_literals;

class TestRunDates : public QObject {
    Q_OBJECT

private slots:
    void datesPassAsTimeDoesWhateverIsDoneToTheClockOfTheComputer()
    {
        std::chrono::nanoseconds passed = 500s;
        const RunDates dates([&] { return passed; }, std::chrono::sys_days{std::chrono::year{2024} / 2 / 28} + 23h + 59min);
        QCOMPARE(dates.now(), std::string("2024-02-28T23:59:00.000Z"));
        passed += 61'250ms;
        QCOMPARE(dates.now(), std::string("2024-02-29T00:00:01.250Z"));
    }

    void theyBeginNow()
    {
        const qint64 before = QDateTime::currentMSecsSinceEpoch();
        const RunDates dates;
        const qint64 said = QDateTime::fromString(QString::fromStdString(dates.now()), Qt::ISODateWithMs).toMSecsSinceEpoch();
        QVERIFY(said >= before && said <= QDateTime::currentMSecsSinceEpoch() + 1);
    }
};

QTEST_APPLESS_MAIN(TestRunDates)
#include "test_run_dates.moc"
