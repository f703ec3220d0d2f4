#include "gui_testing.h"

#include "gui/compare/compare_page.h"
#include "gui/compare/compared_runs_model.h"
#include "gui/compare/comparison_chart.h"
#include "gui/compare/comparison_charts.h"
#include "gui/compare/comparison_models.h"
#include "gui/kit/settings.h"
#include "gui/kit/theme.h"
#include "gui/main_window.h"
#include "gui/runs/run_list.h"
#include "gui/runs/run_list_actions.h"
#include "gui/runs/run_look.h"

#include <QAbstractItemModelTester>
#include <QAction>
#include <QApplication>
#include <QCheckBox>
#include <QClipboard>
#include <QComboBox>
#include <QFileDialog>
#include <QJsonDocument>
#include <QJsonObject>
#include <QLabel>
#include <QLineEdit>
#include <QListView>
#include <QPushButton>
#include <QSignalSpy>
#include <QSlider>
#include <QTabWidget>
#include <QTableView>

#include <cmath>
#include <fstream>

namespace pipebd::gui {

using store::RunState;

class ComparePageTest : public QObject {
    Q_OBJECT

private slots:
    void init() { failOnAnyWarning(); }
    void cleanup() { applyTheme(Theme::Light); }
    void theModelsAreConsistent();
    void aPageWithoutRunsSaysWhatToDo();
    void runsSelectedInTheListAreDrawnOverEachOther();
    void runsAreAddedFromTheLabAndTakenOut();
    void aBoxHidesTheCurvesOfItsRun();
    void curvesAreByStepByTimeAndByTheClock();
    void lossesAreMeantOverBlocksOrOfOne();
    void logarithmicAxesShowWhatIsPositive();
    void outliersDoNotSquashTheCurves();
    void theSliderSmoothsWithTheRawCurveBehind();
    void theMouseZoomsAllChartsAndFShowsAllAgain();
    void repeatedSeedsAreAMeanAndABand();
    void theBestIsBoldAndHasASign();
    void onlyTheSettingsThatDifferAreShown();
    void tablesAreCopied();
    void aLiveRunIsFollowedWithoutBlocking();
    void aDamagedRunIsToldAndHidesNoOther();
    void aRunThatIsNotThereIsTold();
    void tablesReportAndChartsAreWritten_data();
    void tablesReportAndChartsAreWritten();
    void theCommandSaysTheSame();
    void howItIsDrawnIsRemembered();
    void looksAreTheSameForARunAndDifferForNeighbours();
    void aLongRunStaysFluid();
};

namespace {

constexpr int steps = 120;

class Labs : public TestLab {
public:
    int add(const std::string& name, int seed, double throughput = 200, double scale = 1, const std::string& strategy = "tr+dpu")
    {
        WrittenRun run(lab(), name);
        run.record().strategy = strategy;
        run.record().throughput = throughput;
        run.record().measured_step = 64000 / throughput;
        run.record().final_loss = {0.2 * scale, 0.1 * scale};
        run.record().steps = run.record().steps_done = steps;
        experiment::Experiment experiment;
        experiment.name = name;
        experiment.pair = "nas-digits";
        experiment.seed = static_cast<std::uint64_t>(seed);
        experiment.run.strategy = strategy;
        run.store().save_document("spec", "{\"experiment\": " + experiment::to_json(experiment) + "}");
        run.store().append(samples(0, steps, scale));
        run.end(RunState::Finished);
        return run.id();
    }

    // Losses of two blocks, 1 and 3 times `scale` / (1 + step).
    static std::vector<store::Sample> samples(int first, int count, double scale)
    {
        std::vector<store::Sample> all;
        for (int step = first; step < first + count; ++step) {
            const double t = 0.25 * step;
            all.push_back({{"throughput", -1, -1}, step, t, 200 * scale});
            for (int block = 0; block < 2; ++block)
                all.push_back({{"loss", -1, block}, step, t, (1 + 2 * block) * scale / (1 + step)});
            for (int rank = 0; rank < 2; ++rank)
                all.push_back({{"memory_bytes", rank, -1}, step, t, (100.0 + 50 * rank) * 1024 * 1024});
        }
        return all;
    }
};

class Window {
public:
    explicit Window(const std::filesystem::path& lab, const QString& iniFile = {})
        : m_settings(iniFile.isEmpty() ? m_folder.filePath("settings.ini") : iniFile)
        , m_window(m_settings, lab)
    {
        m_settings.setFolder("export", m_folder.path());
        m_window.show();
    }
    MainWindow* operator->() { return &m_window; }
    MainWindow& operator*() { return m_window; }
    QString file(const QString& name) const { return m_folder.filePath(name); }
    ComparePage& page() { return *static_cast<ComparePage*>(m_window.page("compare")); }
    template <typename Widget>
    Widget* find(const char* name)
    {
        auto* found = page().findChild<Widget*>(name);
        if (!found)
            qFatal("there is no %s", name);
        return found;
    }
    ComparisonChart& chart(const char* name) { return *find<ComparisonChart>(name); }
    ComparisonChart& loss() { return chart("compareLossChart"); }
    const Curve* curve(ComparisonChart& chart, int run)
    {
        for (const auto& [id, curve] : chart.curves())
            if (id.run == run)
                return curve.get();
        return nullptr;
    }
    bool compare(const std::vector<int>& ids)
    {
        if (!QTest::qWaitFor([&] { return m_window.isSettled(); }))
            return false;
        m_window.compareRuns(ids);
        return QTest::qWaitFor([&] { return m_window.isSettled(); });
    }
    void click(QWidget* widget) { QTest::mouseClick(widget, Qt::LeftButton); }
    template <typename Dialog>
    Dialog* dialog(const char* name)
    {
        Dialog* found = nullptr;
        if (!QTest::qWaitFor([&] { return (found = m_window.findChild<Dialog*>(name)) && found->isVisible(); }))
            qFatal("the dialog %s does not come", name);
        return found;
    }

private:
    QTemporaryDir m_folder;
    Settings m_settings;
    MainWindow m_window;
};

QString textAt(const QTableView* view, const QString& row, int column)
{
    for (int i = 0; i < view->model()->rowCount(); ++i)
        if (view->model()->index(i, 0).data().toString() == row)
            return view->model()->index(i, column).data().toString();
    return "no row " + row;
}

QByteArray contentsOf(const QString& name)
{
    QFile file(name);
    return file.open(QIODevice::ReadOnly) ? file.readAll() : QByteArray();
}

} // namespace

void ComparePageTest::theModelsAreConsistent() // U4
{
    Labs lab;
    const std::vector<int> ids{lab.add("a", 1), lab.add("b", 2, 300), lab.add("c", 3, 100, 1, "dp")};
    ResultsModel results;
    SettingsModel settings;
    ComparedRunsModel runs;
    const QAbstractItemModelTester first(&results, QAbstractItemModelTester::FailureReportingMode::Fatal);
    const QAbstractItemModelTester second(&settings, QAbstractItemModelTester::FailureReportingMode::Fatal);
    const QAbstractItemModelTester third(&runs, QAbstractItemModelTester::FailureReportingMode::Fatal);
    for (const std::size_t count : {0U, 1U, 3U, 2U, 0U}) {
        const Comparison comparison
            = std::make_shared<const store::RunComparison>(store::compare_runs(lab.lab(), std::span(ids).subspan(0, count)));
        results.setComparison(comparison);
        settings.setComparison(comparison);
        settings.setDifferencesOnly(count % 2 == 1);
        QCOMPARE(results.columnCount(), 1 + static_cast<int>(count + (count > 1 ? 1 : 0)));
    }
    for (const int id : {4, 7, 4, 1})
        runs.add(id);
    QCOMPARE(runs.rowCount(), 3);
    runs.setProblem(7, "<b>broken</b>");
    runs.remove(4);
    QCOMPARE(runs.problems(), QStringList{"Run 7: <b>broken</b>"});
    runs.clear();
}

void ComparePageTest::aPageWithoutRunsSaysWhatToDo()
{
    Labs lab;
    Window window(lab.path());
    window->showPage("compare");
    QTRY_VERIFY(window->isSettled());
    bool says = false;
    for (const QLabel* label : window.page().findChildren<QLabel*>())
        says |= label->isVisible() && label->text().contains("press Compare");
    QVERIFY(says);
    QVERIFY(window.page().command().isEmpty());
}

void ComparePageTest::runsSelectedInTheListAreDrawnOverEachOther()
{
    Labs lab;
    const int first = lab.add("first", 1);
    const int second = lab.add("second", 2, 300, 2);
    lab.add("third", 3);
    Window window(lab.path());
    QTRY_VERIFY(window->isSettled());
    QVERIFY(QTest::qWaitForWindowActive(&*window));
    window->selectRun(second);
    window->runList()->view()->setFocus();
    QTest::keyClick(window->runList()->view(), Qt::Key_Down, Qt::ShiftModifier);
    QTest::keyClick(window->runList()->view(), Qt::Key_D, Qt::ControlModifier);

    QCOMPARE(window->currentPage(), &window.page());
    QCOMPARE(window.page().runs(), std::vector<int>({first, second}));
    QTRY_VERIFY(window->isSettled());
    QCOMPARE(window.curve(window.loss(), first)->points().size(), std::size_t{steps});
    QCOMPARE(window.curve(window.loss(), second)->points().size(), std::size_t{steps});
    QCOMPARE(window.curve(window.loss(), second)->label(), QString("2 second"));
    QCOMPARE(window.loss().legend->itemCount(), 3); // the mean of the two, too: they differ in their seeds and names only
    QVERIFY(window.curve(window.chart("compareThroughputChart"), first));
    QCOMPARE(window.curve(window.chart("compareMemoryChart"), first)->points().front().value, 150.0 * 1024 * 1024);
}

void ComparePageTest::runsAreAddedFromTheLabAndTakenOut()
{
    Labs lab;
    for (const char* name : {"first", "second", "third"})
        lab.add(name, 1);
    Window window(lab.path());
    QVERIFY(window.compare({1}));
    window.page().findChild<QAction*>("addRuns")->trigger();
    auto* chooser = window.dialog<QDialog>("runChooser");
    auto* view = chooser->findChild<QTableView*>("choosableRuns");
    QTRY_COMPARE(view->model()->rowCount(), 2); // the first is there already
    view->setFocus();
    QTest::keySequence(view, QKeySequence::SelectAll);
    window.click(chooser->findChild<QPushButton*>("add"));
    QCOMPARE(window.page().runs(), std::vector<int>({1, 2, 3}));
    QTRY_VERIFY(window->isSettled());
    QVERIFY(window.curve(window.loss(), 3));

    auto* list = window.find<QListView>("comparedRuns");
    window->activateWindow();
    QVERIFY(QTest::qWaitForWindowActive(&*window));
    list->setFocus();
    list->setCurrentIndex(list->model()->index(1, 0));
    QTest::keyClick(list, Qt::Key_Delete);
    QCOMPARE(window.page().runs(), std::vector<int>({1, 3}));
    QVERIFY(!window.curve(window.loss(), 2));
    window.page().findChild<QAction*>("removeAllRuns")->trigger();
    QVERIFY(window.page().runs().empty());
    QVERIFY(window.loss().curves().empty());
    QCOMPARE(window.find<QTableView>("results")->model()->rowCount(), 0);
    QTRY_VERIFY(window->isSettled());
}

void ComparePageTest::aBoxHidesTheCurvesOfItsRun()
{
    Labs lab;
    lab.add("first", 1);
    lab.add("second", 1, 100, 1, "dp");
    Window window(lab.path());
    QVERIFY(window.compare({1, 2}));
    auto* list = window.find<QListView>("comparedRuns");
    QVERIFY(QTest::qWaitForWindowActive(&*window));
    list->setFocus();
    list->setCurrentIndex(list->model()->index(0, 0));
    QTest::keyClick(list, Qt::Key_Space);
    QVERIFY(!window.curve(window.loss(), 1)->isShown());
    QVERIFY(window.curve(window.loss(), 2)->isShown());
    QVERIFY(!window.curve(window.chart("compareThroughputChart"), 1)->isShown());
    QTest::keyClick(list, Qt::Key_Space);
    QVERIFY(window.curve(window.loss(), 1)->isShown());
}

void ComparePageTest::curvesAreByStepByTimeAndByTheClock()
{
    Labs lab;
    lab.add("first", 1);
    Window window(lab.path());
    QVERIFY(window.compare({1}));
    auto* axis = window.find<QComboBox>("xAxis");
    const auto keys = [&] {
        QCPRange range;
        window.curve(window.loss(), 1)->keyRange(range);
        return range;
    };
    QCOMPARE(keys(), QCPRange(0, steps - 1));
    QTest::keyClick(axis, Qt::Key_Down);
    QCOMPARE(keys(), QCPRange(0, 0.25 * (steps - 1)));
    QTest::keyClick(axis, Qt::Key_Down);
    const double began = QDateTime::fromString("2026-03-01T10:00:02Z", Qt::ISODate).toSecsSinceEpoch();
    QCOMPARE(keys().lower, began);
    window.loss().replotNow();
    QVERIFY(window.loss().xAxis->range().contains(began + 20));
    QVERIFY(!window.find<QCheckBox>("logKeys")->isEnabled());
}

void ComparePageTest::lossesAreMeantOverBlocksOrOfOne()
{
    Labs lab;
    lab.add("first", 1);
    Window window(lab.path());
    QVERIFY(window.compare({1}));
    QCOMPARE(window.curve(window.loss(), 1)->points()[0].value, 2.0); // (1 + 3) / 2
    QCOMPARE(window.curve(window.loss(), 1)->points()[9].value, 0.2);
    auto* block = window.find<QComboBox>("block");
    QCOMPARE(block->count(), 3);
    block->setFocus();
    QTest::keyClick(block, Qt::Key_End);
    QCOMPARE(window.curve(window.loss(), 1)->points()[0].value, 3.0);
    QCOMPARE(window.curve(window.loss(), 1)->points().size(), std::size_t{steps});
}

void ComparePageTest::logarithmicAxesShowWhatIsPositive()
{
    Labs lab;
    lab.add("first", 1);
    Window window(lab.path());
    QVERIFY(window.compare({1}));
    window.click(window.find<QCheckBox>("logLoss"));
    window.click(window.find<QCheckBox>("logKeys"));
    window.loss().replotNow();
    QCOMPARE(window.loss().yAxis->scaleType(), QCPAxis::stLogarithmic);
    QCOMPARE(window.loss().xAxis->scaleType(), QCPAxis::stLogarithmic);
    QVERIFY(window.loss().xAxis->range().lower > 0.5 && window.loss().xAxis->range().contains(steps - 1));
    QCOMPARE(window.chart("compareThroughputChart").yAxis->scaleType(), QCPAxis::stLinear);
}

void ComparePageTest::outliersDoNotSquashTheCurves()
{
    Labs lab;
    {
        WrittenRun run(lab.lab(), "spiky");
        std::vector<store::Sample> samples = Labs::samples(0, steps, 1);
        samples.push_back({{"throughput", -1, -1}, steps, 40, 1e6});
        run.store().append(samples);
        run.end(RunState::Finished);
    }
    Window window(lab.path());
    QVERIFY(window.compare({1}));
    ComparisonChart& chart = window.chart("compareThroughputChart");
    chart.replotNow();
    QVERIFY(chart.yAxis->range().upper > 1e6);
    window.click(window.find<QCheckBox>("ignoreOutliers"));
    chart.replotNow();
    QVERIFY(chart.yAxis->range().upper < 300);
    QVERIFY(chart.yAxis->range().contains(200));
}

void ComparePageTest::theSliderSmoothsWithTheRawCurveBehind()
{
    Labs lab;
    lab.add("first", 1);
    Window window(lab.path());
    QVERIFY(window.compare({1}));
    auto* slider = window.page().findChild<QSlider*>();
    QTest::keyClick(slider, Qt::Key_Home);
    const Curve* curve = window.curve(window.loss(), 1);
    QVERIFY(!curve->smooth()->visible());
    QTest::keyClick(slider, Qt::Key_End);
    QVERIFY(curve->smooth()->visible() && curve->raw()->visible());
    QVERIFY(curve->raw()->pen().color().alpha() < curve->smooth()->pen().color().alpha());
}

void ComparePageTest::theMouseZoomsAllChartsAndFShowsAllAgain()
{
    Labs lab;
    lab.add("first", 1);
    Window window(lab.path());
    QVERIFY(window.compare({1}));
    QVERIFY(QTest::qWaitForWindowActive(&*window));
    window.page().drawNow();
    const QPointF middle = window.loss().axisRect()->center();
    QWheelEvent wheel(
        middle, window.loss().mapToGlobal(middle), {}, {0, 240}, Qt::NoButton, Qt::NoModifier, Qt::NoScrollPhase, false);
    QApplication::sendEvent(&window.loss(), &wheel);
    QVERIFY(window.loss().xAxis->range().size() < steps - 10);
    QCOMPARE(window.chart("compareThroughputChart").xAxis->range(), window.loss().xAxis->range());

    QTest::keyClick(&*window, Qt::Key_F);
    window.page().drawNow();
    QVERIFY(window.loss().xAxis->range().contains(0) && window.loss().xAxis->range().contains(steps - 1));
}

void ComparePageTest::repeatedSeedsAreAMeanAndABand()
{
    Labs lab;
    lab.add("a", 1, 200, 1);
    lab.add("b", 2, 240, 3);
    lab.add("other", 3, 200, 1, "dp");
    Window window(lab.path());
    QVERIFY(window.compare({1, 2, 3}));
    QTest::keyClick(window.page().findChild<QSlider*>(), Qt::Key_Home);
    const Curve* mean = window.curve(window.loss(), -1);
    QVERIFY(mean);
    QCOMPARE(mean->label(), QString("mean of 1, 2"));
    QCOMPARE(mean->points()[0].value, 4.0); // of 2 and 6
    QVERIFY(!window.curve(window.loss(), 1)->isShown() && window.curve(window.loss(), 3)->isShown());
    const QCPGraph* band = window.loss().bandOf(1);
    QVERIFY(band);
    QVERIFY(std::abs(band->data()->at(0)->value - (4 + std::sqrt(8.0))) < 1e-12); // the deviation of 2 and 6
    QCOMPARE(textAt(window.find<QTableView>("results"), "Throughput", 4), QString("220 samples/s ± 28.3 samples/s"));

    window.click(window.find<QCheckBox>("bands"));
    QVERIFY(!window.loss().bandOf(1) && !window.curve(window.loss(), -1));
    QVERIFY(window.curve(window.loss(), 1)->isShown());
}

void ComparePageTest::theBestIsBoldAndHasASign()
{
    Labs lab;
    lab.add("slow", 1, 100, 1, "dp");
    lab.add("fast", 1, 400);
    Window window(lab.path());
    QVERIFY(window.compare({1, 2}));
    auto* results = window.find<QTableView>("results");
    QCOMPARE(textAt(results, "Throughput", 1), QString("100 samples/s"));
    QCOMPARE(textAt(results, "Throughput", 2), QString("400 samples/s ★"));
    QCOMPARE(textAt(results, "Step, measured", 2), QString("160.0 ms ★"));
    QCOMPARE(textAt(results, "Step, predicted", 2), QString("300.0 ms"));
    QCOMPARE(textAt(results, "Prediction error", 2), QString("+87.5 %"));
    QCOMPARE(textAt(results, "Prediction error", 1), QString("−53.1 % ★"));
    for (int row = 0; row < results->model()->rowCount(); ++row) {
        const QModelIndex cell = results->model()->index(row, 2);
        QCOMPARE(cell.data(Qt::FontRole).value<QFont>().bold(), cell.data().toString().contains("★"));
    }
}

void ComparePageTest::onlyTheSettingsThatDifferAreShown()
{
    Labs lab;
    lab.add("one", 1, 100, 1, "dp");
    lab.add("two", 1);
    Window window(lab.path());
    QVERIFY(window.compare({1, 2}));
    auto* settings = window.find<QTableView>("settings");
    const int differing = settings->model()->rowCount();
    QCOMPARE(textAt(settings, "run.strategy", 2), QString("tr+dpu"));
    QVERIFY(textAt(settings, "pair", 1).startsWith("no row"));
    auto* tabs = qobject_cast<QTabWidget*>(settings->parentWidget()->parentWidget());
    tabs->setCurrentIndex(1);
    window.click(window.find<QCheckBox>("differencesOnly"));
    QVERIFY(settings->model()->rowCount() > differing + 10);
    QCOMPARE(textAt(settings, "pair", 1), QString("nas-digits"));
}

void ComparePageTest::tablesAreCopied()
{
    Labs lab;
    lab.add("one", 1);
    lab.add("two", 1, 100, 1, "dp");
    Window window(lab.path());
    QVERIFY(window.compare({1, 2}));
    auto* results = window.find<QTableView>("results");
    QVERIFY(QTest::qWaitForWindowActive(&*window));
    results->setFocus();
    QTest::keySequence(results, QKeySequence::Copy);
    QVERIFY(QApplication::clipboard()->text().startsWith("Result\t1 one\t2 two\n"));
}

void ComparePageTest::aLiveRunIsFollowedWithoutBlocking() // U1
{
    constexpr int parts = 40;
    Labs lab;
    lab.add("ended", 1);
    WrittenRun live(lab.lab(), "live");
    live.store().append(Labs::samples(0, 1000, 2));
    live.save();
    Window window(lab.path());
    QVERIFY(window.compare({1, 2}));
    std::thread writer([&] {
        for (int part = 0; part < parts; ++part) {
            live.store().append(Labs::samples(1000 + 5 * part, 5, 2));
            live.record().throughput = 300 + part;
            live.record().steps_done = 1005 + 5 * part;
            live.save();
            std::this_thread::sleep_for(std::chrono::milliseconds(20)); // the pace of a run
        }
        live.end(RunState::Finished);
    });
    const Watchdog watchdog;
    QTRY_COMPARE_WITH_TIMEOUT(window.curve(window.loss(), 2)->points().size(), std::size_t{1000 + 5 * parts}, 20000);
    writer.join();
    QTRY_COMPARE_WITH_TIMEOUT(
        textAt(window.find<QTableView>("results"), "Throughput", 2), QString("%1 samples/s ★").arg(299 + parts), 10000);
    QVERIFY2(watchdog.longestBlock() <= 100, qPrintable(QString::number(watchdog.longestBlock())));
}

void ComparePageTest::aDamagedRunIsToldAndHidesNoOther()
{
    Labs lab;
    const int bad = lab.add("bad", 2);
    const int good = lab.add("good", 1);
    std::ofstream(lab.lab().run(bad).folder / "run.sqlite") << "this is no database, whatever its name says";
    Window window(lab.path());
    QVERIFY(window.compare({good, bad}));
    QVERIFY(window.curve(window.loss(), good));
    QCOMPARE(textAt(window.find<QTableView>("results"), "Throughput", 1).left(3), QString("200"));
    const auto* problems = window.find<QLabel>("problems");
    QVERIFY(problems->isVisible());
    QVERIFY2(problems->text().startsWith("Run 1: ") && problems->text().contains("run.sqlite"), qPrintable(problems->text()));
    window.page().setRuns({good});
    QVERIFY(!problems->isVisible());
}

void ComparePageTest::aRunThatIsNotThereIsTold()
{
    Labs lab;
    lab.add("good", 1);
    Window window(lab.path());
    QVERIFY(window.compare({1, 9}));
    QVERIFY(window.find<QLabel>("problems")->text().contains("Run 9"));
    QVERIFY(window.curve(window.loss(), 1));
}

void ComparePageTest::tablesReportAndChartsAreWritten_data()
{
    QTest::addColumn<QString>("action");
    QTest::addColumn<QString>("name");
    QTest::addColumn<QByteArray>("holds");
    QTest::newRow("csv") << "exportTables"
                         << "t.csv" << QByteArray("throughput");
    QTest::newRow("json") << "exportTables"
                          << "t.json" << QByteArray("pipebd.comparison/1");
    QTest::newRow("html") << "exportReport"
                          << "r.html" << QByteArray("&lt;b&gt;two");
    QTest::newRow("png") << "exportChart"
                         << "c.png" << QByteArray("\x89PNG");
    QTest::newRow("svg") << "exportChart"
                         << "c.svg" << QByteArray("<svg");
    QTest::newRow("samples") << "exportChart"
                             << "c.csv" << QByteArray("run,series,rank,block,step,seconds,value");
}

void ComparePageTest::tablesReportAndChartsAreWritten()
{
    QFETCH(QString, action);
    QFETCH(QString, name);
    QFETCH(QByteArray, holds);
    Labs lab;
    lab.add("one", 1);
    lab.add("<b>two</b>", 1, 100, 1, "dp");
    Window window(lab.path());
    QVERIFY(window.compare({1, 2}));
    window.page().findChild<QAction*>(action)->trigger();
    auto* dialog = window.dialog<QFileDialog>("fileDialog");
    auto* field = dialog->findChild<QLineEdit*>();
    QVERIFY(field->text().startsWith("runs-1-2"));
    field->setText(window.file(name));
    QTest::keyClick(field, Qt::Key_Return);
    QTRY_VERIFY2(contentsOf(window.file(name)).contains(holds), contentsOf(window.file(name)).left(300).constData());
}

void ComparePageTest::theCommandSaysTheSame()
{
    Labs lab;
    lab.add("one", 1);
    lab.add("two", 1);
    Window window(lab.path());
    QVERIFY(window.compare({2, 1}));
    QCOMPARE(window.page().command(), QStringList({"pipebd", "runs", "compare", "2", "1", "--differences-only"}));
    window.find<QCheckBox>("differencesOnly")->setChecked(false);
    QCOMPARE(window.page().command(), QStringList({"pipebd", "runs", "compare", "2", "1"}));
}

void ComparePageTest::howItIsDrawnIsRemembered()
{
    Labs lab;
    const QTemporaryDir folder;
    const QString ini = folder.filePath("settings.ini");
    {
        Window window(lab.path(), ini);
        window.find<QCheckBox>("logLoss")->setChecked(true);
        window.find<QComboBox>("xAxis")->setCurrentIndex(1);
        window.find<QCheckBox>("showMemory")->setChecked(true);
        window->close();
    }
    Window window(lab.path(), ini);
    QVERIFY(window.find<QCheckBox>("logLoss")->isChecked());
    QCOMPARE(window.find<QComboBox>("xAxis")->currentIndex(), 1);
    QVERIFY(window.find<QCheckBox>("showMemory")->isChecked());
    window->restoreDefaultLayout();
    QVERIFY(!window.find<QCheckBox>("logLoss")->isChecked());
    QVERIFY(!window.find<QCheckBox>("showMemory")->isChecked());
}

void ComparePageTest::looksAreTheSameForARunAndDifferForNeighbours()
{
    QSet<QString> looks;
    for (int run = 1; run <= 64; ++run) {
        const CurveLook look = lookOf(run, "name");
        looks << QStringLiteral("%1 %2").arg(look.colour).arg(look.marker);
        QVERIFY(look.colour != lookOf(run + 1, {}).colour);
        QVERIFY(look.marker != lookOf(run + 1, {}).marker || run % 8 == 0);
        QCOMPARE(lookOf(run, {}).marker, look.marker);
    }
    QCOMPARE(looks.size(), 64);
}

void ComparePageTest::aLongRunStaysFluid() // U1
{
    Labs lab;
    {
        WrittenRun run(lab.lab(), "long");
        std::vector<store::Sample> samples;
        for (int step = 0; step < 100'000; ++step)
            for (int block = 0; block < 2; ++block)
                samples.push_back({{"loss", -1, block}, step, 0.01 * step, 1.0 / (1 + step) + 0.01 * std::sin(step * 12.9898)});
        run.store().append(samples);
        run.end(RunState::Finished);
    }
    Window window(lab.path());
    QTRY_VERIFY_WITH_TIMEOUT(window->isSettled(), 20000);
    const Watchdog watchdog;
    window->compareRuns({1});
    QTRY_VERIFY_WITH_TIMEOUT(window->isSettled(), 20000);
    QCOMPARE(window.curve(window.loss(), 1)->points().size(), std::size_t{100'000});
    const QPoint from = window.loss().axisRect()->center();
    QTest::mousePress(&window.loss(), Qt::LeftButton, {}, from);
    for (int x = 0; x < 60; ++x) {
        QTest::mouseMove(&window.loss(), from + QPoint(x, 0));
        QCoreApplication::processEvents();
    }
    QTest::mouseRelease(&window.loss(), Qt::LeftButton, {}, from + QPoint(60, 0));
    QVERIFY2(watchdog.longestBlock() <= 100, qPrintable(QString::number(watchdog.longestBlock())));
}

} // namespace pipebd::gui

QTEST_MAIN(pipebd::gui::ComparePageTest)
#include "test_compare_page.moc"
