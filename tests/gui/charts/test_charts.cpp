#include "gui/charts/chart_export.h"
#include "gui/charts/metric_chart.h"
#include "gui/charts/smoothing.h"
#include "gui/kit/theme.h"
#include "gui_testing.h"

#include <QSignalSpy>
#include <QSvgRenderer>

#include <cmath>

namespace pipebd::gui {

using Quantity = MetricChart::Quantity;

class ChartsTest : public QObject {
    Q_OBJECT

private slots:
    void init() { failOnAnyWarning(); }
    void cleanup() { applyTheme(Theme::Light); }
    void smoothingIsTheWeightedMeanOfAllValuesSoFar();
    void theRawCurveStaysBehindTheSmoothedOne();
    void newSamplesAreInViewUntilTheUserZooms();
    void escapingFromAZoomShowsEverythingAgain();
    void chartsShareOneHorizontalRange();
    void aLogarithmicAxisShowsAllPositiveValues();
    void valuesThatAreNotFiniteLeaveAGapAndNoFlaw();
    void stepsThatStartAgainInANewPhaseGoOn();
    void thePredictionIsInViewAndInTheLegend();
    void peaksShareTheColourOfTheirRankAndHaveNoLegendEntry();
    void aClickOnTheLegendHidesACurve();
    void aChangeOfThemeRecoloursThePlot();
    void theFirstColoursDifferForEveryBlock();
    void exportsAreWhatTheirSuffixSays_data();
    void exportsAreWhatTheirSuffixSays();
    void theTableHoldsEverySample();
    void refusedExportsSayWhy();
};

namespace {

std::vector<SeriesPoint> falling(int count, int first = 0)
{
    std::vector<SeriesPoint> points;
    for (int i = first; i < first + count; ++i)
        points.push_back({static_cast<double>(i), 0.5 * i, std::exp(-0.01 * i)});
    return points;
}

store::Series lossOf(int block)
{
    return {"loss", -1, block};
}

// A shown chart of `quantity`.
std::unique_ptr<MetricChart> shown(Quantity quantity)
{
    auto chart = std::make_unique<MetricChart>(quantity);
    chart->resize(500, 300);
    chart->show();
    return chart;
}

QColor backgroundOf(MetricChart& chart)
{
    chart.replotNow();
    return chart.grab().toImage().pixelColor(2, chart.height() - 2);
}

QByteArray contentsOf(const QString& name)
{
    QFile file(name);
    return file.open(QIODevice::ReadOnly) ? file.readAll() : QByteArray();
}

} // namespace

void ChartsTest::smoothingIsTheWeightedMeanOfAllValuesSoFar()
{
    constexpr double weight = 0.9;
    const std::vector<double> values{4, 1, 3, 3, 8, -2, 5};
    DebiasedMean mean(weight);
    for (std::size_t n = 0; n < values.size(); ++n) {
        double sum = 0;
        double weights = 0;
        for (std::size_t i = 0; i <= n; ++i) {
            const double share = std::pow(weight, static_cast<double>(n - i));
            sum += share * values[i];
            weights += share;
        }
        QVERIFY(std::abs(mean.next(values[n]) - sum / weights) < 1e-12);
    }
}

void ChartsTest::theRawCurveStaysBehindTheSmoothedOne()
{
    const auto chart = shown(Quantity::Loss);
    chart->setSmoothing(0.8);
    chart->append(lossOf(0), falling(100));
    const Curve& curve = *chart->curves().at(lossOf(0));
    QVERIFY(curve.raw()->visible() && curve.smooth()->visible());
    QCOMPARE(curve.raw()->dataCount(), 100);
    QCOMPARE(curve.smooth()->dataCount(), 100);
    QVERIFY(curve.raw()->pen().color().alpha() < curve.smooth()->pen().color().alpha());

    chart->setSmoothing(0);
    QVERIFY(!curve.smooth()->visible());
    QCOMPARE(curve.raw()->pen().color().alpha(), 255);
}

void ChartsTest::newSamplesAreInViewUntilTheUserZooms()
{
    const auto chart = shown(Quantity::Loss);
    chart->append(lossOf(0), falling(100));
    chart->replotIfNew();
    QVERIFY(chart->xAxis->range().contains(99));
    chart->append(lossOf(0), falling(100, 100));
    chart->replotIfNew();
    QVERIFY(chart->xAxis->range().contains(199));

    chart->showKeys({10, 20});
    chart->append(lossOf(0), falling(100, 200));
    chart->replotIfNew();
    QCOMPARE(chart->xAxis->range(), QCPRange(10, 20));
    QVERIFY(chart->yAxis->range().contains(std::exp(-0.1)) && !chart->yAxis->range().contains(1)); // fits what is in view
}

void ChartsTest::escapingFromAZoomShowsEverythingAgain()
{
    const auto chart = shown(Quantity::Loss);
    chart->append(lossOf(0), falling(100));
    chart->replotNow();
    const QPointF middle = chart->axisRect()->center();
    QWheelEvent wheel(middle, chart->mapToGlobal(middle), {}, {0, 240}, Qt::NoButton, Qt::NoModifier, Qt::NoScrollPhase, false);
    QApplication::sendEvent(chart.get(), &wheel);
    QVERIFY(!chart->followsData());
    QVERIFY(chart->xAxis->range().size() < 95);

    chart->fitAll();
    chart->replotIfNew();
    QVERIFY(chart->followsData());
    QVERIFY(chart->xAxis->range().contains(0) && chart->xAxis->range().contains(99));
}

void ChartsTest::chartsShareOneHorizontalRange()
{
    const auto chart = shown(Quantity::Loss);
    chart->append(lossOf(0), falling(100));
    chart->replotNow();
    QSignalSpy keysShown(chart.get(), &MetricChart::keysShown);
    const QPoint from = chart->axisRect()->center();
    QTest::mousePress(chart.get(), Qt::LeftButton, {}, from);
    QTest::mouseMove(chart.get(), from + QPoint(60, 0));
    QTest::mouseRelease(chart.get(), Qt::LeftButton, {}, from + QPoint(60, 0));
    QVERIFY(!keysShown.isEmpty());
    QVERIFY(keysShown.last()[0].value<QCPRange>() == chart->xAxis->range());
}

void ChartsTest::aLogarithmicAxisShowsAllPositiveValues()
{
    const auto chart = shown(Quantity::Loss);
    chart->append(lossOf(0), {{0, 0, 100}, {1, 1, 0}, {2, 2, 0.001}, {3, 3, 10}});
    chart->setLogScale(true);
    chart->replotNow();
    QVERIFY(chart->yAxis->range().lower > 0);
    QVERIFY(chart->yAxis->range().contains(0.001) && chart->yAxis->range().contains(100));
}

void ChartsTest::valuesThatAreNotFiniteLeaveAGapAndNoFlaw()
{
    const auto chart = shown(Quantity::Loss);
    chart->setSmoothing(0.5);
    chart->append(lossOf(0), {{0, 0, 1}, {1, 1, INFINITY}, {2, 2, NAN}, {3, 3, 2}});
    chart->replotNow();
    QVERIFY(chart->yAxis->range().upper < 3);
    const Curve& curve = *chart->curves().at(lossOf(0));
    QVERIFY(std::isnan(curve.raw()->data()->at(1)->value));
    QVERIFY(std::isfinite(curve.smooth()->data()->at(3)->value));
}

void ChartsTest::stepsThatStartAgainInANewPhaseGoOn()
{
    const auto chart = shown(Quantity::Throughput);
    const store::Series series{"throughput", -1, -1};
    chart->append(series, falling(50));
    chart->append(series, falling(50));
    QCPRange keys;
    QVERIFY(chart->curves().at(series)->keyRange(keys));
    QCOMPARE(keys, QCPRange(0, 99));
}

void ChartsTest::thePredictionIsInViewAndInTheLegend()
{
    const auto chart = shown(Quantity::Throughput);
    chart->append({"throughput", -1, -1}, falling(50));
    chart->setReference(210, "predicted 210 samples/s");
    chart->replotNow();
    QVERIFY(chart->yAxis->range().contains(210));
    QCOMPARE(chart->legend->itemCount(), 2);
    chart->setReference(0, {});
    QCOMPARE(chart->legend->itemCount(), 1);
}

void ChartsTest::peaksShareTheColourOfTheirRankAndHaveNoLegendEntry()
{
    const auto chart = shown(Quantity::Memory);
    for (int rank = 0; rank < 2; ++rank) {
        chart->append({"memory_bytes", rank, -1}, falling(5));
        chart->append({"peak_memory_bytes", rank, -1}, falling(5));
    }
    QCOMPARE(chart->legend->itemCount(), 2);
    const QPen inUse = chart->curves().at(store::Series{"memory_bytes", 1, -1})->raw()->pen();
    const QPen peak = chart->curves().at(store::Series{"peak_memory_bytes", 1, -1})->raw()->pen();
    QCOMPARE(peak.color(), inUse.color());
    QVERIFY(peak.style() != inUse.style());
}

void ChartsTest::aClickOnTheLegendHidesACurve()
{
    const auto chart = shown(Quantity::Loss);
    chart->append(lossOf(0), falling(5));
    chart->append(lossOf(1), falling(5));
    chart->replotNow();
    const QPoint entry = chart->legend->item(1)->outerRect().center();
    QTest::mouseClick(chart.get(), Qt::LeftButton, {}, entry);
    QVERIFY(!chart->curves().at(lossOf(1))->raw()->visible());
    QVERIFY(chart->curves().at(lossOf(0))->raw()->visible());
    QTest::mouseClick(chart.get(), Qt::LeftButton, {}, entry);
    QVERIFY(chart->curves().at(lossOf(1))->raw()->visible());
}

void ChartsTest::aChangeOfThemeRecoloursThePlot()
{
    applyTheme(Theme::Light);
    const auto chart = shown(Quantity::Loss);
    chart->append(lossOf(0), falling(5));
    QTRY_VERIFY(backgroundOf(*chart).lightness() > 200);
    const QColor labels = chart->xAxis->tickLabelColor();

    applyTheme(Theme::Dark);

    QTRY_VERIFY(backgroundOf(*chart).lightness() < 60); // a change of palette is an event
    QVERIFY(chart->xAxis->tickLabelColor().lightness() > labels.lightness() + 100);
}

void ChartsTest::theFirstColoursDifferForEveryBlock()
{
    for (const Theme theme : {Theme::Light, Theme::Dark}) {
        applyTheme(theme);
        QSet<QString> looks;
        for (int block = 0; block < 32; ++block) {
            const QColor colour = curveColor(block, QApplication::palette());
            looks << colour.name() + QString::number(curvePenStyle(block));
            const QColor paper = QApplication::palette().color(QPalette::Base);
            const int distance = std::abs(colour.red() - paper.red()) + std::abs(colour.green() - paper.green())
                + std::abs(colour.blue() - paper.blue());
            QVERIFY2(distance > 150, qPrintable(colour.name()));
        }
        QCOMPARE(looks.size(), 32);
    }
}

void ChartsTest::exportsAreWhatTheirSuffixSays_data()
{
    QTest::addColumn<QByteArray>("start");
    QTest::newRow("png") << QByteArray("\x89PNG");
    QTest::newRow("pdf") << QByteArray("%PDF-");
    QTest::newRow("svg") << QByteArray("<?xml");
    QTest::newRow("csv") << QByteArray("series,rank,block,step,seconds,value\r\n");
}

void ChartsTest::exportsAreWhatTheirSuffixSays()
{
    QFETCH(QByteArray, start);
    const QTemporaryDir folder;
    const QString file = folder.filePath(QStringLiteral("loss.") + QTest::currentDataTag());
    const auto chart = shown(Quantity::Loss);
    chart->append(lossOf(0), falling(50));

    exportChart(*chart, file);

    const QByteArray contents = contentsOf(file);
    QVERIFY(contents.startsWith(start));
    if (file.endsWith("png"))
        QCOMPARE(QImage(file).size(), chart->size() * 2);
    if (file.endsWith("svg"))
        QVERIFY(QSvgRenderer(contents).isValid() && contents.contains("block 0"));
}

void ChartsTest::theTableHoldsEverySample()
{
    const QTemporaryDir folder;
    const QString file = folder.filePath("loss.csv");
    const auto chart = shown(Quantity::Loss);
    const std::vector<SeriesPoint> points{{3, 0.25, 0.1}, {4, 0.5, 1.0 / 3}};
    chart->append(lossOf(2), points);
    exportChart(*chart, file);
    const QList<QByteArray> lines = contentsOf(file).split('\n');
    QCOMPARE(lines[1].trimmed(), QByteArray("loss,-1,2,3,0.25,0.10000000000000001"));
    QCOMPARE(lines[2].trimmed().split(',').last().toDouble(), 1.0 / 3);
}

void ChartsTest::refusedExportsSayWhy()
{
    const auto chart = shown(Quantity::Loss);
    QVERIFY(errorOf([&] { exportChart(*chart, "loss.gif"); }).contains(".svg"));
    for (const char* suffix : {"png", "pdf", "svg", "csv"})
        QVERIFY2(errorOf([&] { exportChart(*chart, QStringLiteral("/proc/none/loss.") + suffix); }).contains("/proc/none"), suffix);
}

} // namespace pipebd::gui

QTEST_MAIN(pipebd::gui::ChartsTest)
#include "test_charts.moc"
