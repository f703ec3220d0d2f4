// Sampled paths: their weighted mean is the mean over every path that can be drawn.
#include "engine/models/sampled_paths.h"
#include "engine_testing.h"

#include <cmath>
#include <map>
#include <set>

using namespace pipebd;
using namespace pipebd::engine;

namespace {

std::vector<Block::Cell> cells_of(const std::vector<int>& counts)
{
    std::vector<Block::Cell> cells;
    for (int count : counts)
        cells.push_back({"cell", std::vector<std::string>(static_cast<std::size_t>(count), "candidate")});
    return cells;
}

/// A time for each candidate of a cell, whatever else is chosen.
double time_of(std::size_t cell, int candidate)
{
    return 1 + std::fmod(static_cast<double>(cell + 1) * 7.3 + candidate * candidate * 1.7, 5.0);
}

double time_of(const std::vector<int>& candidates)
{
    double sum = 0;
    for (std::size_t cell = 0; cell < candidates.size(); ++cell)
        sum += time_of(cell, candidates[cell]);
    return sum;
}

} // namespace

class TestSampledPaths : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void theirMeanIsTheMeanOverAllPaths_data()
    {
        QTest::addColumn<QList<int>>("counts");
        QTest::addColumn<int>("paths");
        QTest::newRow("one cell") << QList<int>{7} << 7;
        QTest::newRow("alike") << QList<int>{7, 7, 7} << 7;
        QTest::newRow("six and seven") << QList<int>{6, 7, 7} << 12; // 6 + 7 - 1
        QTest::newRow("twice as many") << QList<int>{3, 6} << 6;
        QTest::newRow("one candidate") << QList<int>{1, 4} << 4;
        QTest::newRow("no cells") << QList<int>{} << 1;
    }

    void theirMeanIsTheMeanOverAllPaths()
    {
        QFETCH(QList<int>, counts);
        QFETCH(int, paths);
        const std::vector<int> sizes(counts.begin(), counts.end());
        const std::vector<SampledPath> sampled = sample_paths(cells_of(sizes), 5);
        QCOMPARE(static_cast<int>(sampled.size()), paths);
        double expected = 0, found = 0, weight = 0;
        for (std::size_t cell = 0; cell < sizes.size(); ++cell) {
            for (int candidate = 0; candidate < sizes[cell]; ++candidate)
                expected += time_of(cell, candidate) / sizes[cell];
        }
        for (const SampledPath& path : sampled) {
            QCOMPARE(path.candidates.size(), sizes.size());
            found += path.weight * time_of(path.candidates);
            weight += path.weight;
        }
        QVERIFY(std::abs(found - expected) < 1e-12 * std::max(1.0, expected));
        QVERIFY(std::abs(weight - 1) < 1e-12);
    }

    void cellsAreMixedAsTheSeedSays()
    {
        const std::vector<Block::Cell> cells = cells_of({7, 7, 7});
        const auto paths = [&](std::uint64_t seed) {
            std::vector<std::vector<int>> candidates;
            for (const SampledPath& path : sample_paths(cells, seed))
                candidates.push_back(path.candidates);
            return candidates;
        };
        QCOMPARE(paths(1), paths(1));
        QVERIFY(paths(1) != paths(2));
        int mixed = 0;
        for (const std::vector<int>& path : paths(1))
            mixed += std::set<int>(path.begin(), path.end()).size() > 1 ? 1 : 0;
        QVERIFY(mixed >= 4);
    }

    void uniformPathsHaveEveryCandidateAndTheLargest()
    {
        const std::vector<SampledPath> paths = uniform_paths(cells_of({6, 7}));
        QCOMPARE(paths.size(), std::size_t{7});
        for (int p = 0; p < 7; ++p)
            QCOMPARE(paths[static_cast<std::size_t>(p)].candidates, (std::vector<int>{std::min(p, 5), p}));
        QCOMPARE(uniform_paths({}).size(), std::size_t{1});
        QVERIFY(uniform_paths({}).front().candidates.empty());
    }
};

QTEST_GUILESS_MAIN(TestSampledPaths)
#include "test_sampled_paths.moc"
