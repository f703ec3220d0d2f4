// S8: a million samples of one run.
#include "store_testing.h"

#include <QElapsedTimer>

using namespace pipebd;
using namespace pipebd::store;

class TestMillionSamples : public QObject {
    Q_OBJECT

private slots:
    void aMillionSamplesAreStoredAtTheRateAndSizePromised()
    {
        constexpr int batches = 10'000;
        const QTemporaryDir folder;
        const fs::path file = pathOf(folder) / "run.sqlite";
        QElapsedTimer timer;
        {
            RunStore run(file, RunStore::Mode::Writer);
            timer.start();
            std::vector<Sample> pending;
            for (int batch = 0; batch < batches; ++batch) {
                for (const Sample& sample : batch_for_test(batch))
                    pending.push_back(sample);
                if (batch % 10 == 9) {
                    run.append(pending);
                    pending.clear();
                }
            }
            const double seconds = static_cast<double>(timer.elapsed()) / 1000;
            run.save(recordIn(RunState::Finished));
            timer.start();
            run.finish();
            qInfo("%.0f samples a second, sealed in %lld ms", batches * samples_in_batch / seconds, timer.elapsed());
        }
        const double bytes = static_cast<double>(fs::file_size(file)) / (batches * samples_in_batch);

        timer.start();
        const RunStore run(file, RunStore::Mode::ReadOnly);
        const std::size_t one = run.samples(sample_for_test(0).series).size();
        const qint64 chart = timer.restart();
        QCOMPARE(run.check(), "ok");
        qInfo("%.1f bytes a sample; one series of %zu read in %lld ms, all checked in %lld ms", bytes, one, chart, timer.elapsed());
        QVERIFY(bytes <= 40);
        QCOMPARE(one, std::size_t{166'667});
    }
};

QTEST_GUILESS_MAIN(TestMillionSamples)
#include "test_million_samples.moc"
