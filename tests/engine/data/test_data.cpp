// Data: the digits are those of the source, and the stream of batches is what data.h promises.
#include "engine/data/data_set.h"
#include "engine/data/sample_stream.h"
#include "engine_testing.h"

#include <ATen/ops/sum.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>
#include <map>
#include <numeric>
#include <set>

using namespace pipebd;
using namespace pipebd::engine;
using experiment::Experiment;

namespace {

constexpr auto train = DataSet::Split::Train;
constexpr auto test = DataSet::Split::Test;
const Input grey_32x32{.shape = {1, 32, 32}};

Experiment with_source(const std::string& source)
{
    Experiment experiment;
    experiment.data.source = source;
    return experiment;
}

std::unique_ptr<DataSet> digits()
{
    return open_data(with_source("digits"), grey_32x32, 10);
}

std::vector<Sample> samples(const std::vector<std::int64_t>& indices, std::int64_t epoch = 0)
{
    std::vector<Sample> samples;
    for (std::int64_t index : indices)
        samples.push_back({index, epoch});
    return samples;
}

std::vector<Sample> all_of(const DataSet& data, DataSet::Split split)
{
    std::vector<std::int64_t> indices(static_cast<std::size_t>(data.size(split)));
    std::iota(indices.begin(), indices.end(), std::int64_t{0});
    return samples(indices);
}

std::vector<std::int64_t> batch_indices(const Experiment& experiment, std::int64_t size, std::int64_t step, schedule::Rows rows)
{
    std::vector<std::int64_t> indices;
    for (Sample sample : batch_samples(experiment, size, step, rows))
        indices.push_back(sample.index);
    return indices;
}

std::vector<std::int64_t> labels_of(const Batch& batch)
{
    const std::int64_t* labels = batch.labels.const_data_ptr<std::int64_t>();
    return {labels, labels + batch.labels.numel()};
}

std::array<int, 10> count_labels(const DataSet& data, DataSet::Split split)
{
    std::array<int, 10> counts{};
    for (std::int64_t label : labels_of(data.get(split, all_of(data, split))))
        ++counts.at(static_cast<std::size_t>(label));
    return counts;
}

/// Bilinear interpolation from 8x8 to 32x32: a pixel's centre lies at (i + 1/2) / 4 - 1/2 of the small image, held at its edges.
double enlarged(const std::array<int, 64>& small, int row, int column)
{
    const auto at = [&](double y, double x) {
        const auto held = [](double place) { return static_cast<std::size_t>(std::clamp(place, 0.0, 7.0)); };
        return small[held(y) * 8 + held(x)];
    };
    const double y = std::max(0.0, (row + 0.5) / 4 - 0.5), x = std::max(0.0, (column + 0.5) / 4 - 0.5);
    const double top = std::floor(y), left = std::floor(x), down = y - top, right = x - left;
    return (1 - down) * ((1 - right) * at(top, left) + right * at(top, left + 1))
        + down * ((1 - right) * at(top + 1, left) + right * at(top + 1, left + 1));
}

Experiment stream(int batch, bool shuffle, std::uint64_t seed = 0)
{
    Experiment experiment;
    experiment.seed = seed;
    experiment.data.batch = batch;
    experiment.data.shuffle = shuffle;
    return experiment;
}

std::vector<std::int64_t> first_samples(const Experiment& experiment, std::int64_t size, std::int64_t count)
{
    std::vector<std::int64_t> samples;
    for (std::int64_t step = 0; static_cast<std::int64_t>(samples.size()) < count; ++step) {
        const std::vector<std::int64_t> batch = batch_indices(experiment, size, step, {0, experiment.data.batch});
        samples.insert(samples.end(), batch.begin(), batch.end());
    }
    samples.resize(static_cast<std::size_t>(count));
    return samples;
}

} // namespace

class TestData : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void theDigitsAreThoseOfScikitLearn()
    {
        const std::unique_ptr<DataSet> data = digits();
        QCOMPARE(data->size(train), 1438);
        QCOMPARE(data->size(test), 359);
        QCOMPARE(data->classes(), 10);
        // The first samples of the source are 0123456789012345...; every fifth is a test sample.
        QCOMPARE(labels_of(data->get(train, samples({0, 1, 2, 3, 4, 5, 6, 7, 8}))),
            (std::vector<std::int64_t>{0, 1, 2, 3, 5, 6, 7, 8, 0}));
        QCOMPARE(labels_of(data->get(test, samples({0, 1, 2}))), (std::vector<std::int64_t>{4, 9, 4}));
        QCOMPARE(count_labels(*data, test), (std::array<int, 10>{27, 21, 34, 52, 34, 28, 31, 43, 47, 42}));
        QCOMPARE(count_labels(*data, train), (std::array<int, 10>{151, 161, 143, 131, 147, 154, 150, 136, 127, 138}));
    }

    void aDigitIsEnlargedAndNormalised()
    {
        const std::array<int, 64> zero{0, 0, 5, 13, 9, 1, 0, 0, 0, 0, 13, 15, 10, 15, 5, 0, 0, 3, 15, 2, 0, 11, 8, 0, 0, 4, 12, 0,
            0, 8, 8, 0, 0, 5, 8, 0, 0, 9, 8, 0, 0, 4, 11, 0, 1, 12, 7, 0, 0, 2, 14, 5, 10, 12, 0, 0, 0, 0, 6, 13, 10, 0, 0, 0};
        const at::Tensor image = digits()->get(train, samples({0})).input;
        QCOMPARE(image.sizes().vec(), (std::vector<std::int64_t>{1, 1, 32, 32}));
        const float* pixels = image.const_data_ptr<float>();
        for (int row = 0; row < 32; ++row) {
            for (int column = 0; column < 32; ++column) {
                const double expected = (enlarged(zero, row, column) / 16 - 0.3058) / 0.3764;
                QVERIFY2(std::abs(pixels[row * 32 + column] - expected) < 1e-5, qPrintable(QString("%1, %2").arg(row).arg(column)));
            }
        }
    }

    void trainingImagesHaveMeanZero()
    {
        const std::unique_ptr<DataSet> data = digits();
        const Batch all = data->get(train, all_of(*data, train));
        QVERIFY(std::abs(all.input.mean().item<double>()) < 0.01);
    }

    void batchesAreChannelsLast()
    {
        Experiment experiment = with_source("synthetic");
        const Batch batch = open_data(experiment, Input{.shape = {3, 4, 5}}, 7)->get(train, samples({0, 1}));
        QCOMPARE(batch.input.sizes().vec(), (std::vector<std::int64_t>{2, 3, 4, 5}));
        QCOMPARE(batch.input.strides().vec(), (std::vector<std::int64_t>{60, 1, 15, 3}));
        QCOMPARE(digits()->get(train, samples({0, 1})).input.strides().vec(), (std::vector<std::int64_t>{1024, 1, 32, 1}));
        QVERIFY(batch.labels.scalar_type() == at::kLong);
    }

    void aSampleIsTheSameInEveryBatch_data()
    {
        QTest::addColumn<QString>("source");
        QTest::newRow("digits") << "digits";
        QTest::newRow("synthetic") << "synthetic";
    }

    void aSampleIsTheSameInEveryBatch()
    {
        QFETCH(QString, source);
        const std::unique_ptr<DataSet> data = open_data(with_source(source.toStdString()), grey_32x32, 10);
        const Batch one = data->get(train, samples({17, 5, 40})), other = data->get(train, samples({40, 17}));
        QVERIFY(same_bits(one.input[2], other.input[0]));
        QVERIFY(same_bits(one.input[0], other.input[1]));
        QVERIFY(!same_bits(one.input[0], one.input[1]));
        QCOMPARE(labels_of(other), (std::vector<std::int64_t>{labels_of(one)[2], labels_of(one)[0]}));
        QVERIFY(!same_bits(data->get(test, samples({17})).input[0], one.input[0]));
    }

    void syntheticDataIsNoiseOfMeanZeroAndDeviationOne()
    {
        const std::unique_ptr<DataSet> data = open_data(with_source("synthetic"), grey_32x32, 10);
        QCOMPARE(data->size(train), 4096);
        QCOMPARE(data->size(test), 512);
        const Batch batch = data->get(train, samples(first_samples(stream(64, false), 4096, 64)));
        QVERIFY(std::abs(batch.input.mean().item<double>()) < 0.02);
        QVERIFY(std::abs(batch.input.std().item<double>() - 1) < 0.02);
        for (int count : count_labels(*data, train)) // 410 each, deviation 19
            QVERIFY(std::abs(count - 410) < 100);
    }

    void anEpochHasEverySampleOnce_data()
    {
        QTest::addColumn<bool>("shuffle");
        QTest::newRow("shuffled") << true;
        QTest::newRow("in order") << false;
    }

    void anEpochHasEverySampleOnce()
    {
        QFETCH(bool, shuffle);
        constexpr std::int64_t size = 103;
        const std::vector<std::int64_t> samples = first_samples(stream(64, shuffle), size, 3 * size);
        std::set<std::vector<std::int64_t>> orders;
        for (int epoch = 0; epoch < 3; ++epoch) {
            const std::vector<std::int64_t> order(samples.begin() + epoch * size, samples.begin() + (epoch + 1) * size);
            orders.insert(order);
            const std::set<std::int64_t> distinct(order.begin(), order.end());
            QCOMPARE(static_cast<std::int64_t>(distinct.size()), size);
            QCOMPARE(*distinct.begin(), 0);
            QCOMPARE(*distinct.rbegin(), size - 1);
            QCOMPARE(std::is_sorted(order.begin(), order.end()), !shuffle);
        }
        const std::vector<Sample> over_the_border = batch_samples(stream(64, shuffle), size, 1, {0, 64}); // 64 to 127
        for (std::size_t row = 0; row < over_the_border.size(); ++row)
            QCOMPARE(over_the_border[row].epoch, 64 + static_cast<std::int64_t>(row) < size ? 0 : 1);
        QCOMPARE(orders.size(), shuffle ? std::size_t{3} : std::size_t{1});
    }

    void everyBatchIsFullEvenOneLargerThanTheData()
    {
        for (std::int64_t step = 0; step < 5; ++step)
            QCOMPARE(batch_indices(stream(64, true), 10, step, {0, 64}).size(), std::size_t{64});
    }

    void shardsAreThePartsOfTheBatch()
    {
        const Experiment experiment = stream(64, true, 3);
        for (std::int64_t step = 0; step < 6; ++step) {
            const std::vector<std::int64_t> whole = batch_indices(experiment, 100, step, {0, 64});
            std::vector<std::int64_t> joined;
            for (schedule::Rows rows : {schedule::Rows{0, 22}, schedule::Rows{22, 43}, schedule::Rows{43, 64}}) {
                const std::vector<std::int64_t> part = batch_indices(experiment, 100, step, rows);
                joined.insert(joined.end(), part.begin(), part.end());
            }
            QCOMPARE(joined, whole);
        }
        QVERIFY(batch_indices(experiment, 100, 0, {7, 7}).empty());
    }

    void theOrderIsAFunctionOfTheSeed()
    {
        QCOMPARE(first_samples(stream(64, true, 5), 100, 300), first_samples(stream(64, true, 5), 100, 300));
        QCOMPARE(first_samples(stream(64, true, 5), 100, 300), first_samples(stream(32, true, 5), 100, 300));
        QVERIFY(first_samples(stream(64, true, 5), 100, 300) != first_samples(stream(64, true, 6), 100, 300));
    }

    void everyOrderIsAsLikely()
    {
        std::map<std::vector<std::int64_t>, int> counts;
        for (std::uint64_t seed = 0; seed < 6000; ++seed)
            ++counts[batch_indices(stream(3, true, seed), 3, 0, {0, 3})];
        QCOMPARE(counts.size(), std::size_t{6});
        for (const auto& [order, count] : counts) // 1000 each, deviation 29
            QVERIFY(std::abs(count - 1000) < 150);
    }

    void stepsAreThoseAskedForOrEnoughForTheEpochs()
    {
        Experiment experiment = stream(64, true);
        experiment.train.epochs = 4;
        QCOMPARE(steps_of(experiment, 1438), 90); // 89.9
        experiment.train.epochs = 0.5;
        QCOMPARE(steps_of(experiment, 128), 1);
        experiment.train.steps = 200;
        QCOMPARE(steps_of(experiment, 1438), 200);
    }

    void aTextsTokensAreOfItsVocabulary()
    {
        const Input text{.shape = {16}, .vocabulary = 30};
        const Batch batch = open_data(with_source("synthetic"), text, 4)->get(train, samples({0, 1, 2, 3, 4, 5, 6, 7}));
        QVERIFY(batch.input.scalar_type() == at::kLong);
        QCOMPARE(batch.input.sizes().vec(), (std::vector<std::int64_t>{8, 16}));
        const std::int64_t* tokens = batch.input.const_data_ptr<std::int64_t>();
        const std::set<std::int64_t> distinct(tokens, tokens + batch.input.numel());
        QVERIFY(*distinct.begin() >= 0 && *distinct.rbegin() < 30);
        QVERIFY(distinct.size() > 20); // 128 draws of 30
    }

    void someSamplesAreHeldOut()
    {
        Experiment experiment = with_source("digits");
        QCOMPARE(open_data(experiment, grey_32x32, 10)->size(DataSet::Split::HeldOut), 0);
        experiment.data.held_out = 0.25;
        const std::unique_ptr<DataSet> data = open_data(experiment, grey_32x32, 10), whole = digits();
        const std::int64_t aside = data->size(DataSet::Split::HeldOut);
        QCOMPARE(aside, 360); // of 1438: 359.5
        QCOMPARE(data->size(train), 1438 - aside);
        QCOMPARE(data->size(test), 359);

        // Each training sample is in one of the two, and nothing else is: by the sum of a sample's pixels, which tells them apart.
        const auto sums = [](const DataSet& set, DataSet::Split split) {
            const at::Tensor sum = set.get(split, all_of(set, split)).input.to(at::kDouble).sum(at::IntArrayRef{1, 2, 3});
            return std::vector<double>(sum.const_data_ptr<double>(), sum.const_data_ptr<double>() + sum.numel());
        };
        std::vector<double> parts = sums(*data, train);
        std::ranges::copy(sums(*data, DataSet::Split::HeldOut), std::back_inserter(parts));
        std::vector<double> all = sums(*whole, train);
        std::ranges::sort(parts);
        std::ranges::sort(all);
        QVERIFY(parts == all);

        experiment.seed = 1;
        QVERIFY(!same_bits(open_data(experiment, grey_32x32, 10)->get(DataSet::Split::HeldOut, samples({0, 1, 2})).input,
            data->get(DataSet::Split::HeldOut, samples({0, 1, 2})).input));
        experiment.data.held_out = 1e-6;
        VERIFY_SAYS(error_of([&] { open_data(experiment, grey_32x32, 10); }), "data.held_out; choose a share");
    }

    void whatCannotBeOpenedIsRefused()
    {
        VERIFY_SAYS(error_of([] { open_data(with_source("cats"), grey_32x32, 10); }), "data.source = \"cats\"; choose one of");
        VERIFY_SAYS(error_of([] {
            open_data(with_source("digits"), Input{.shape = {3, 32, 32}}, 10);
        }),
            "grey images of 10 classes");
        VERIFY_SAYS(error_of([] { open_data(with_source("digits"), grey_32x32, 100); }), "grey images of 10 classes");
    }
};

QTEST_GUILESS_MAIN(TestData)
#include "test_data.moc"
