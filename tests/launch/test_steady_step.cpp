// The step of a finished run beside means by hand.
#include "launch/steady_step.h"

#include <QTemporaryDir>
#include <QTest>

using namespace pipebd;
using namespace pipebd::launch;
using store::RunStore;
using store::Sample;

class TestSteadyStep : public QObject {
    Q_OBJECT

    std::unique_ptr<QTemporaryDir> folder_;
    std::unique_ptr<RunStore> store_;

    /// Steps as `rank` has taken them, from the first of phase `phase` of ten.
    void taken(int rank, int phase, const std::vector<double>& milliseconds)
    {
        std::vector<Sample> samples;
        for (std::size_t i = 0; i < milliseconds.size(); ++i)
            samples.push_back({{"step_ms", rank, -1}, phase * 10 + static_cast<int>(i), 0, milliseconds[i]});
        store_->append(samples);
    }

private slots:
    void init()
    {
        folder_ = std::make_unique<QTemporaryDir>();
        store_ = std::make_unique<RunStore>(
            std::filesystem::path(folder_->path().toStdString()) / "run.sqlite", RunStore::Mode::Writer);
    }

    void itIsTheMeanOfTheSlowestRankWithoutTheFirstFifth()
    {
        taken(0, 0, {90, 90, 1, 1, 1, 1, 1, 1, 1, 9});
        taken(1, 0, {0, 0, 2, 2, 2, 2, 2, 2, 2, 4});
        QCOMPARE(steady_step(*store_, 10), 18.0 / 8); // of rank 1; that of rank 0 is 16 / 8
    }

    void phasesAddUp()
    {
        taken(0, 0, {50, 50, 3, 3, 3, 3, 3, 3, 3, 3});
        taken(0, 1, {50, 50, 4, 4, 4, 4, 4, 4, 4, 4});
        taken(1, 0, {50, 50, 6, 6, 6, 6, 6, 6, 6, 6}); // has no part in the second
        QCOMPARE(steady_step(*store_, 10), 7.0);
    }

    void ofAFewStepsTheFirstDoesNotCount()
    {
        taken(0, 0, {9, 3, 5});
        QCOMPARE(steady_step(*store_, 3), 4.0);
    }

    void nothingMeasuredIsNought()
    {
        store_->append(std::vector<Sample>{{{"throughput", -1, -1}, 5, 0, 100}});
        QCOMPARE(steady_step(*store_, 10), 0.0);
    }
};

QTEST_GUILESS_MAIN(TestSteadyStep)
#include "test_steady_step.moc"
