// Quantiles beside values by hand (the definition of numpy.quantile: linear between the two nearest).
#include "base/statistics.h"

#include <QTest>

using namespace pipebd;

class TestStatistics : public QObject {
    Q_OBJECT

private slots:
    void aQuantileLiesBetweenTheTwoNearestValues()
    {
        const std::vector<double> values{50, 10, 40, 20, 30};
        QCOMPARE(quantile(values, 0), 10.0);
        QCOMPARE(quantile(values, 0.1), 14.0);
        QCOMPARE(quantile(values, 0.9), 46.0);
        QCOMPARE(quantile(values, 1), 50.0);
        QCOMPARE(median({4, 1, 3, 2}), 2.5);
        QCOMPARE(median({7}), 7.0);
    }

    void theSpreadIsAShareOfTheMedian()
    {
        QCOMPARE(spread({50, 10, 40, 20, 30}), 32.0 / 30);
        QCOMPARE(spread({7}), 0.0);
        QCOMPARE(spread({0, 0}), 0.0);
    }
};

QTEST_GUILESS_MAIN(TestStatistics)
#include "test_statistics.moc"
