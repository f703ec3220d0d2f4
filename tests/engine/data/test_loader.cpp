// Loader: the shards come in the program's order and as they would without the thread, a few ahead; failures and ends are clean.
#include "engine/data/loader.h"
#include "engine_testing.h"

#include <ATen/Parallel.h>

#include <atomic>
#include <condition_variable>
#include <set>

using namespace pipebd;
using namespace pipebd::engine;
using experiment::Experiment;
using schedule::Rows;

namespace {

constexpr int batch_size = 8;

constexpr std::int64_t held_out_mark = 1000;

/// A sample's value is its index, its label the epoch, of held-out ones with a mark added; remembers how it was asked.
class Watched : public DataSet {
public:
    std::int64_t size(Split) const override { return 40; }
    int classes() const override { return 10; }
    Batch get(Split split, std::span<const Sample> samples) const override
    {
        std::lock_guard lock(mutex_);
        if (made_++ == failing)
            throw Error(Code::Damaged, "the sample is damaged", "shard " + std::to_string(failing), "");
        threads_.insert(at::get_num_threads());
        const auto rows = static_cast<std::int64_t>(samples.size());
        Batch batch{at::empty({rows, 1}, at::kFloat), at::empty({rows}, at::kLong)};
        for (std::int64_t row = 0; row < rows; ++row) {
            const Sample sample = samples[static_cast<std::size_t>(row)];
            batch.input.mutable_data_ptr<float>()[row] = static_cast<float>(sample.index);
            batch.labels.mutable_data_ptr<std::int64_t>()[row] = sample.epoch + (split == Split::HeldOut ? held_out_mark : 0);
        }
        changed_.notify_all();
        return batch;
    }

    int failing = -1;

    int made() const
    {
        std::lock_guard lock(mutex_);
        return made_;
    }
    void wait_for(int shards) const
    {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return made_ >= shards; });
    }
    std::set<int> threads() const
    {
        std::lock_guard lock(mutex_);
        return threads_;
    }

private:
    mutable std::mutex mutex_;
    mutable std::condition_variable changed_;
    mutable int made_ = 0;
    mutable std::set<int> threads_;
};

Experiment small(const std::string& dtype = "float32")
{
    Experiment experiment;
    experiment.seed = 3;
    experiment.data.batch = batch_size;
    experiment.run.dtype = dtype;
    return experiment;
}

class Loading {
public:
    explicit Loading(const std::string& program, std::int64_t first = 0, std::int64_t end = 10, const Watched& data = {},
        const Experiment& experiment = small())
        : experiment_(experiment)
        , program_(schedule::from_text(program))
        , loader_(experiment_, data, program_, program_.phases[0].devices[0].instructions, first, end, at::kCPU,
              ArchitectureSteps(experiment_.architecture, end))
    {
    }

    Batch next(std::int64_t batch, Rows rows) { return loader_.next(batch, rows); }

    /// Whether what comes next is what the data holds for it.
    bool brings(std::int64_t batch, Rows rows)
    {
        const std::vector<Sample> samples = batch_samples(experiment_, 40, batch, rows);
        const Batch expected = Watched().get(DataSet::Split::Train, samples), found = next(batch, rows);
        return same_bits(found.input, expected.input) && same_bits(found.labels, expected.labels);
    }

private:
    Experiment experiment_;
    schedule::Program program_;
    Loader loader_;
};

const Rows whole{0, batch_size};

} // namespace

class TestLoader : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void architectureStepsBringHeldOutSamplesAndLeaveTheStreamAsItIs()
    {
        Experiment experiment = small();
        experiment.architecture.train = true;
        experiment.architecture.every = 2;
        experiment.architecture.after = 0;
        const Watched data;
        Loading loading("device 0: load T0 F0 B0 U0", 0, 9, data, experiment);
        std::vector<float> held_out;
        std::int64_t batch = 0;
        for (std::int64_t step = 0; step < 9; ++step) {
            const Batch loaded = loading.next(step, whole);
            const bool searches = step % 3 == 2;
            QCOMPARE(loaded.labels.ge(held_out_mark).all().item<bool>(), searches);
            const float* const values = loaded.input.const_data_ptr<float>();
            if (searches)
                held_out.insert(held_out.end(), values, values + batch_size);
            else
                QVERIFY(same_bits(
                    loaded.input, Watched().get(DataSet::Split::Train, batch_samples(experiment, 40, batch++, whole)).input));
        }
        QCOMPARE(std::set<float>(held_out.begin(), held_out.end()).size(), held_out.size()); // no sample twice in an epoch
    }

    void batchesComeInOrderAndAreThoseOfTheStream()
    {
        const Watched data;
        Loading loading("device 0: load T0 F0 B0 U0", 0, 10, data);
        for (std::int64_t batch = 0; batch < 10; ++batch)
            QVERIFY(loading.brings(batch, whole));
    }

    void aPhaseMayBeginLater()
    {
        const Watched data;
        Loading loading("device 0: load+1 T0+1 F0 B0 U0", 6, 8, data);
        QVERIFY(loading.brings(6, whole));
        QVERIFY(loading.brings(7, whole));
        VERIFY_SAYS(error_of([&] { loading.next(8, whole); }), "out of order");
        QCOMPARE(data.made(), 2);
    }

    void severalLoadsOfAStepTakeTurns()
    {
        // The second works farther ahead: alone in the step before the first, and there is none of it in the last.
        const Watched data;
        Loading loading("device 0: load:0/2 load+1:1/2 T0 F0 B0 U0", 4, 6, data);
        QVERIFY(loading.brings(4, {4, 8}));
        QVERIFY(loading.brings(4, {0, 4}));
        QVERIFY(loading.brings(5, {4, 8}));
        QVERIFY(loading.brings(5, {0, 4}));
        VERIFY_SAYS(error_of([&] { loading.next(6, {0, 4}); }), "out of order");
    }

    void noMoreThanTwoShardsAreAhead()
    {
        const Watched data;
        Loading loading("device 0: load T0 F0 B0 U0", 0, 10, data);
        data.wait_for(2);
        loading.next(0, whole);
        data.wait_for(3); // made while nobody waits
        for (int turn = 0; turn < 10'000; ++turn)
            std::this_thread::yield(); // time for more
        QCOMPARE(data.made(), 3);
        loading.next(1, whole);
        data.wait_for(4);
        QVERIFY(data.made() <= 4);
    }

    void whatIsNotTheNextShardIsRefused()
    {
        const Watched data;
        Loading loading("device 0: load T0 F0 B0 U0", 0, 10, data);
        VERIFY_SAYS(error_of([&] { loading.next(0, {0, 4}); }), "out of order");
        VERIFY_SAYS(error_of([&] { loading.next(1, whole); }), "out of order");
        QVERIFY(loading.brings(0, whole));
    }

    void aFailureComesWhereItsShardWouldHave()
    {
        Watched data;
        data.failing = 2;
        Loading loading("device 0: load T0 F0 B0 U0", 0, 10, data);
        QVERIFY(loading.brings(0, whole));
        QVERIFY(loading.brings(1, whole));
        const std::optional<Error> error = error_of([&] { loading.next(2, whole); });
        VERIFY_SAYS(error, "the sample is damaged: shard 2");
        QVERIFY(error->code() == Code::Damaged);
        QVERIFY(error_of([&] { loading.next(2, whole); }).has_value()); // and again
    }

    void itEndsWhereverItIs()
    {
        const Watched data;
        for (int taken = 0; taken < 3; ++taken) {
            Loading loading("device 0: load T0 F0 B0 U0", 0, 1'000'000, data);
            for (std::int64_t batch = 0; batch < taken; ++batch)
                loading.next(batch, whole);
        }
        QVERIFY(data.made() <= 0 + 1 + 2 + 3 * 3);
    }

    void theThreadUsesNoOtherThreadsAndTheCallerKeepsItsOwn()
    {
        const int before = at::get_num_threads();
        at::set_num_threads(2);
        const Watched data;
        {
            Loading loading("device 0: load T0 F0 B0 U0", 0, 3, data);
            for (std::int64_t batch = 0; batch < 3; ++batch)
                loading.next(batch, whole);
        }
        const int after = at::get_num_threads();
        at::set_num_threads(before);
        QCOMPARE(data.threads(), std::set<int>{1});
        QCOMPARE(after, 2);
    }

    void inputsAreInTheRunsDtype()
    {
        const Watched data;
        Loading loading("device 0: load T0 F0 B0 U0", 0, 3, data, small("float64"));
        QVERIFY(loading.next(0, whole).input.scalar_type() == at::kDouble);
    }
};

QTEST_GUILESS_MAIN(TestLoader)
#include "test_loader.moc"
