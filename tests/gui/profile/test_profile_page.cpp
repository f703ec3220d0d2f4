#include "gui/kit/picture_export.h"
#include "gui/kit/rows_model.h"
#include "gui/kit/settings.h"
#include "gui/kit/table_export.h"
#include "gui/kit/theme.h"
#include "gui/profile/batch_times_chart.h"
#include "gui/profile/block_memory_chart.h"
#include "gui/profile/block_times_chart.h"
#include "gui/profile/measure_dialog.h"
#include "gui/profile/profile_page.h"
#include "gui/profile/profile_view.h"
#include "gui_testing.h"

#include <QAbstractItemModelTester>
#include <QAction>
#include <QApplication>
#include <QCheckBox>
#include <QClipboard>
#include <QComboBox>
#include <QFile>
#include <QLabel>
#include <QLineEdit>
#include <QListWidget>
#include <QMessageBox>
#include <QProgressBar>
#include <QPushButton>
#include <QRadioButton>
#include <QSignalSpy>
#include <QSpinBox>
#include <QTableView>

namespace pipebd::gui {

class ProfilePageTest : public QObject {
    Q_OBJECT

private slots:
    void initTestCase() { qputenv("PIPEBD_PROGRAM", FAKE_PIPEBD); }
    void init()
    {
        failOnAnyWarning();
        for (const char* variable : {"FAKE_MODE", "FAKE_COMMAND", "FAKE_MILLISECONDS"})
            qunsetenv(variable);
    }
    void cleanup() { applyTheme(Theme::Light); }
    void aLabWithoutProfilesSaysWhatToDo();
    void aLabThatCannotBeReadSaysWhy();
    void barsErrorBarsAndStacksAreTheFigures();
    void theBatchSizeSwitchesBarsAndMemory();
    void linesGoOverBatchSizesOfTheChosenBlock();
    void tickedProfilesAreLaidBeside();
    void theTableIsTheChartsTwinAndIsWrittenAsCsv();
    void aProfileIsImportedExportedAndDeleted();
    void whatIsNoProfileIsRefusedInOneLine();
    void aDamagedProfileDoesNotHideTheOthers();
    void chartsFollowThePalette();
    void whatIsMeasuredIsStoredAndSelected();
    void aMeasurementCanBeCancelled();
    void anEngineThatMisbehavesWhileMeasuringIsOneLine_data();
    void anEngineThatMisbehavesWhileMeasuringIsOneLine();
    void theDialogAsksForWhatCanBe();
    void manyProfilesDoNotBlockTheWindow();
};

namespace {

schedule::Profile profileOf(const std::string& pair, int batch, double scale, int blocks = 3)
{
    schedule::Profile profile;
    profile.pair = pair;
    profile.device = "Device " + std::to_string(static_cast<int>(scale));
    profile.batch = batch;
    for (const int samples : {batch / 4, batch / 2, batch})
        profile.load[samples] = 1;
    for (int i = 0; i < blocks; ++i) {
        schedule::BlockProfile& block = profile.blocks.emplace_back();
        block.name = "stage" + std::to_string(i);
        for (const auto& [samples, time] : profile.load) {
            block.teacher_forward[samples] = scale * samples;
            block.student_forward[samples] = scale * samples * (i + 2);
            block.student_backward[samples] = scale * samples * (i + 4);
            block.spread["teacher_forward"][samples] = 0.5;
        }
        block.update = 2 * scale;
        block.output_bytes = 10;
        block.activation_bytes = 100;
        block.teacher_bytes = 1000;
        block.student_bytes = 2000;
        block.gradient_bytes = 3000;
        block.optimizer_bytes = 4000;
    }
    return profile;
}

struct OnePage {
    OnePage()
        : settings(folder.filePath("settings.ini"))
        , page(settings)
    {
        page.resize(1200, 760);
        page.show();
        for (QTableView* view : page.findChildren<QTableView*>()) // U4
            new QAbstractItemModelTester(view->model(), QAbstractItemModelTester::FailureReportingMode::Fatal, &page);
    }
    QString store(const schedule::Profile& profile, const std::string& devices = "cpu,cpu")
    {
        const store::ProfileKey key{profile.pair, profile.batch, profile.dtype, devices, "sgd, digits, some-host"};
        lab.lab().save_profile(key, profile);
        return QString::fromStdString(store::profile_id(key));
    }
    void open()
    {
        page.openLab(lab.path());
        page.comeToFront();
        settle();
    }
    void settle() { QTRY_VERIFY_WITH_TIMEOUT(page.isSettled(), 20000); }
    template <typename Widget>
    Widget* find(const char* name)
    {
        return page.findChild<Widget*>(QLatin1String(name));
    }
    QAbstractItemModel* stored() { return find<QTableView>("profiles")->model(); }
    void tick(const QString& id)
    {
        for (int row = 0; row < stored()->rowCount(); ++row)
            if (stored()->index(row, 0).data(RowsModel::IdRole) == id)
                stored()->setData(stored()->index(row, 0), Qt::Checked, Qt::CheckStateRole);
        settle();
    }
    bool says(const QString& text)
    {
        for (const QLabel* label : page.findChildren<QLabel*>())
            if (label->isVisible() && label->text().contains(text))
                return true;
        return false;
    }

    TestLab lab;
    QTemporaryDir folder;
    Settings settings;
    ProfilePage page;
};

// What is drawn, of those with data: values by key.
template <typename Plottable>
QList<QMap<double, double>> dataOf(QCustomPlot* plot)
{
    QList<QMap<double, double>> all;
    for (int i = 0; i < plot->plottableCount(); ++i)
        if (auto* plottable = dynamic_cast<Plottable*>(plot->plottable(i)); plottable && plottable->dataCount() > 0) {
            QMap<double, double> data;
            for (const auto& point : *plottable->data())
                data[point.key] = point.value;
            all << data;
        }
    return all;
}

QString writeText(const QTemporaryDir& folder, const QString& name, const QByteArray& text)
{
    QFile file(folder.filePath(name));
    if (!file.open(QIODevice::WriteOnly) || file.write(text) != text.size())
        qFatal("cannot write %s", qPrintable(name));
    return file.fileName();
}

MeasureDialog* openDialog(OnePage& one, const QString& pair)
{
    one.page.openMeasureDialog(pair);
    auto* dialog = one.page.findChild<MeasureDialog*>();
    [[maybe_unused]] const bool exposed = QTest::qWaitForWindowExposed(dialog);
    return dialog;
}

} // namespace

void ProfilePageTest::aLabWithoutProfilesSaysWhatToDo()
{
    OnePage one;
    one.open();
    QVERIFY(one.says("No profiles yet"));
    QCOMPARE(one.page.command(), (QStringList{"pipebd", "profiles", "list"}));
    QVERIFY(!one.find<QAction>("deleteProfile")->isEnabled());
}

void ProfilePageTest::aLabThatCannotBeReadSaysWhy()
{
    OnePage one;
    writeText(one.folder, "library.sqlite", "this is not the library of a lab, whatever its name says");
    one.page.openLab(one.folder.path().toStdString());
    one.page.comeToFront();
    one.settle();
    QVERIFY(one.says("library.sqlite"));
}

void ProfilePageTest::barsErrorBarsAndStacksAreTheFigures()
{
    OnePage one;
    const QString id = one.store(profileOf("mine", 64, 1));
    one.open();
    QCOMPARE(one.page.selectedProfile(), id);
    QCOMPARE(one.page.command(), (QStringList{"pipebd", "profiles", "show", id}));
    QVERIFY(one.says("some-host"));

    auto* times = one.find<BlockTimesChart>("blockTimesChart");
    const auto bars = dataOf<LetteredBars>(times);
    QCOMPARE(bars.size(), 4); // T F B U
    QCOMPARE(bars[0].values(), (QList<double>{64, 64, 64}));
    QCOMPARE(bars[2].values(), (QList<double>{256, 320, 384}));
    QCOMPARE(bars[3].values(), (QList<double>{2, 2, 2}));
    for (int block = 0; block < 3; ++block)
        for (int kind = 0; kind + 1 < 4; ++kind)
            QVERIFY(bars[kind].keys()[block] < bars[kind + 1].keys()[block]); // side by side, in this order
    for (int i = 0; i < times->plottableCount(); ++i)
        if (auto* spread = qobject_cast<QCPErrorBars*>(times->plottable(i));
            spread && spread->dataPlottable() && spread->dataCount() > 0) {
            QCOMPARE(spread->data()->at(0).errorPlus, 16.0); // half of 0.5 * 64, of the teacher's forward, the first
            break;
        }

    const auto stacks = dataOf<LetteredBars>(one.find<BlockMemoryChart>("blockMemoryChart"));
    QCOMPARE(stacks.size(), 6);
    QList<double> first;
    for (const auto& part : stacks)
        first << part.first();
    QCOMPARE(first, (QList<double>{1000, 2000, 3000, 4000, 6400, 640}));
}

void ProfilePageTest::theBatchSizeSwitchesBarsAndMemory()
{
    OnePage one;
    one.store(profileOf("mine", 64, 1));
    one.open();
    auto* sizes = one.find<QComboBox>("sizes");
    QCOMPARE(sizes->count(), 3);
    QCOMPARE(sizes->currentText(), QStringLiteral("64"));
    sizes->setFocus();
    QTest::keyClick(sizes, Qt::Key_Up);
    QCOMPARE(dataOf<LetteredBars>(one.find<QCustomPlot>("blockTimesChart"))[0].first(), 32.0);
    QCOMPARE(dataOf<LetteredBars>(one.find<QCustomPlot>("blockMemoryChart"))[4].first(), 3200.0);
}

void ProfilePageTest::linesGoOverBatchSizesOfTheChosenBlock()
{
    OnePage one;
    one.store(profileOf("mine", 64, 1));
    one.open();
    auto* chart = one.find<BatchTimesChart>("batchTimesChart");
    QCOMPARE(dataOf<QCPGraph>(chart)[0], (QMap<double, double>{{16, 48}, {32, 96}, {64, 192}})); // of three blocks
    one.find<QComboBox>("blocks")->setCurrentIndex(2);
    QCOMPARE(dataOf<QCPGraph>(chart)[1], (QMap<double, double>{{16, 48}, {32, 96}, {64, 192}})); // 3 ms a sample
    QCOMPARE(chart->yAxis->scaleType(), QCPAxis::stLinear);
    QTest::mouseClick(one.find<QCheckBox>("logLog"), Qt::LeftButton, {}, QPoint(8, one.find<QCheckBox>("logLog")->height() / 2));
    QCOMPARE(chart->yAxis->scaleType(), QCPAxis::stLogarithmic);
    QCOMPARE(chart->xAxis->scaleType(), QCPAxis::stLogarithmic);

    auto* times = one.find<QCustomPlot>("blockTimesChart"); // a click on a block chooses it
    times->replot(QCustomPlot::rpImmediateRefresh);
    const QPoint place(static_cast<int>(times->xAxis->coordToPixel(0)), times->axisRect()->center().y());
    QTest::mouseClick(times, Qt::LeftButton, {}, place);
    QCOMPARE(one.find<QComboBox>("blocks")->currentIndex(), 1);
}

void ProfilePageTest::tickedProfilesAreLaidBeside()
{
    OnePage one;
    const QString first = one.store(profileOf("mine", 64, 1));
    const QString second = one.store(profileOf("mine", 128, 2), "cuda:0");
    one.open();
    one.page.selectProfile(first);
    one.settle();
    auto* times = one.find<QCustomPlot>("blockTimesChart");
    QCOMPARE(dataOf<LetteredBars>(times).size(), 4);
    one.tick(second);
    QCOMPARE(dataOf<LetteredBars>(times).size(), 8);
    QStringList legend;
    for (int i = 0; i < times->legend->itemCount(); ++i)
        if (auto* item = qobject_cast<QCPPlottableLegendItem*>(times->legend->item(i)))
            legend << item->plottable()->name();
    QVERIFY2(
        legend.contains("1 · Device 1, some-host") && legend.contains("2 · Device 2, some-host"), qPrintable(legend.join('|')));
    const auto lines = dataOf<QCPGraph>(one.find<QCustomPlot>("batchTimesChart"));
    QCOMPARE(lines.size(), 8);
    QCOMPARE(lines[4].lastKey(), 128.0);
    auto* chart = one.find<QCustomPlot>("batchTimesChart");
    QVERIFY(chart->graph(0)->pen().style() != chart->graph(4)->pen().style()); // colour is not alone
    QCOMPARE(one.find<QComboBox>("sizes")->count(), 4); // 16, 32, 64, 128
}

void ProfilePageTest::theTableIsTheChartsTwinAndIsWrittenAsCsv()
{
    OnePage one;
    one.store(profileOf("mine", 64, 1));
    one.open();
    auto* table = one.find<QTableView>("figures");
    QCOMPARE(table->model()->rowCount(), 9); // 3 sizes, 3 blocks
    const QByteArrayList lines = tableAsCsv(*table->model()).split('\n');
    QVERIFY2(lines[0].startsWith("Profile,Block,Name,Samples,T ms,T spread %,F ms"), lines[0]);
    QCOMPARE(lines[1].trimmed(), QByteArray("\"Device 1, some-host\",0,stage0,16,16,50,32,,64,,2,,1000,2000,3000,4000,1600,160"));

    RowsModel odd({{"a"}, {"b"}});
    odd.setRows({{"1", {{"=1+1"}, {"say \"hi\""}}}});
    QCOMPARE(tableAsCsv(odd), QByteArray("a,b\r\n'=1+1,\"say \"\"hi\"\"\"\r\n"));
}

void ProfilePageTest::aProfileIsImportedExportedAndDeleted()
{
    OnePage one;
    one.store(profileOf("mine", 64, 1));
    one.open();
    const QByteArray json = QByteArray::fromStdString(schedule::to_json(profileOf("theirs", 32, 3)));
    QVERIFY(!one.page.openFile(one.lab.writeExperiment("some.toml", "pair = \"nas-digits\"\n")));
    QVERIFY(one.page.openFile(writeText(one.folder, "far away.json", json)));
    QVERIFY(one.page.openFile(writeText(one.folder, "further.json", json))); // both, though the first is not done
    QTRY_COMPARE(one.stored()->rowCount(), 3);
    one.settle();
    QVERIFY(one.says("imported from further.json"));
    QCOMPARE(one.lab.lab().profiles().size(), std::size_t(3));

    for (const auto answer : {QMessageBox::No, QMessageBox::Yes}) {
        one.find<QAction>("deleteProfile")->trigger();
        auto* question = one.find<QMessageBox>("deleteQuestion");
        QVERIFY(question->text().contains("theirs"));
        QCOMPARE(question->defaultButton(), question->button(QMessageBox::No));
        question->button(answer)->click();
        QTRY_VERIFY(!one.find<QMessageBox>("deleteQuestion"));
        one.settle();
    }
    QTRY_COMPARE(one.stored()->rowCount(), 2);
    QSignalSpy schedules(&one.page, &Page::schedulesRequested);
    one.find<QAction>("planProfile")->trigger();
    QCOMPARE(schedules.value(0).value(0).toString(), one.page.selectedProfile());
}

void ProfilePageTest::whatIsNoProfileIsRefusedInOneLine()
{
    OnePage one;
    one.open();
    QVERIFY(one.page.openFile(writeText(one.folder, "bad.json", "{\"format\": \"pipebd.profile/1\", \"pair\": 3}")));
    QMessageBox* box = nullptr;
    QTRY_VERIFY(box = one.find<QMessageBox>("profileWarning"));
    QVERIFY2(box->text().contains("bad.json") && !box->text().contains('\n'), qPrintable(box->text()));
    box->close();
    one.settle();
    QCOMPARE(one.stored()->rowCount(), 0);
}

void ProfilePageTest::aDamagedProfileDoesNotHideTheOthers()
{
    OnePage one;
    const QString good = one.store(profileOf("mine", 64, 1));
    schedule::Profile broken = profileOf("broken", 64, 1);
    broken.blocks.clear(); // is written, and refused when it is read
    const QString bad = one.store(broken);
    one.open();
    one.page.selectProfile(bad);
    one.settle();
    const auto* problems = one.find<QLabel>("profileProblems");
    QVERIFY(problems->isVisible() && !problems->text().contains('\n'));
    one.page.selectProfile(good);
    one.settle();
    QVERIFY(!problems->isVisible());
    QCOMPARE(dataOf<LetteredBars>(one.find<QCustomPlot>("blockTimesChart")).size(), 4);
}

void ProfilePageTest::chartsFollowThePalette()
{
    OnePage one;
    one.store(profileOf("mine", 64, 1));
    one.open();
    auto* chart = one.find<QCustomPlot>("blockTimesChart");
    for (const Theme theme : {Theme::Dark, Theme::Light}) {
        applyTheme(theme);
        QTRY_COMPARE(isDark(chart->palette()), theme == Theme::Dark);
        QCOMPARE(chart->xAxis->tickLabelColor(), chart->palette().color(QPalette::Text));
        QCOMPARE(chart->legend->textColor(), chart->palette().color(QPalette::Text));
    }
}

void ProfilePageTest::whatIsMeasuredIsStoredAndSelected() // U1
{
    OnePage one;
    one.store(profileOf("mine", 64, 1));
    one.open();
    qputenv("FAKE_MILLISECONDS", "30");
    MeasureDialog* dialog = openDialog(one, "nas-digits");
    auto* devices = dialog->findChild<QListWidget*>("foundDevices");
    QTRY_COMPARE(devices->count(), 3);
    QVERIFY(devices->item(0)->text().contains("8 cores"));
    for (int i = 0; i < 2; ++i) { // Enter adds the device
        devices->setCurrentRow(0);
        devices->setFocus();
        emit devices->itemActivated(devices->item(0));
    }
    QCOMPARE(dialog->findChild<QLineEdit*>("measureDevices")->text(), QStringLiteral("cpu,cpu"));
    dialog->findChild<QSpinBox*>("batch")->setValue(16);
    dialog->findChild<QLineEdit*>("furtherSizes")->setText("4, 8");
    QSignalSpy measured(dialog, &MeasureDialog::measured);
    const Watchdog watchdog;
    QTest::mouseClick(dialog->findChild<QPushButton*>("measure"), Qt::LeftButton);
    QVERIFY(dialog->isMeasuring());
    QVERIFY(dialog->findChild<QProgressBar*>()->isVisible());
    const QString command = dialog->findChild<QLabel*>("measureCommand")->text();
    QVERIFY2(command.endsWith("nas-digits.toml --devices cpu,cpu --set data.batch=16 --sizes 4,8"), qPrintable(command));
    QTRY_VERIFY(dialog->findChild<QLabel*>("measureSays")->text().contains("64 samples"));
    QTRY_COMPARE(measured.size(), 1);
    QTRY_COMPARE(one.page.selectedProfile(), measured[0][0].toString());
    QTRY_VERIFY(one.says("Stand-in"));
    QTRY_VERIFY(!one.page.findChild<MeasureDialog*>());
    one.settle();
    QVERIFY2(watchdog.longestBlock() <= 100, qPrintable(QString::number(watchdog.longestBlock())));
}

void ProfilePageTest::aMeasurementCanBeCancelled()
{
    OnePage one;
    one.open();
    qputenv("FAKE_COMMAND", "profile");
    qputenv("FAKE_MODE", "stall");
    MeasureDialog* dialog = openDialog(one, "nas-digits");
    QTRY_VERIFY(dialog->findChild<QPushButton*>("measure")->isEnabled());
    dialog->findChild<QPushButton*>("measure")->click();
    QTRY_VERIFY(dialog->isMeasuring());
    QVERIFY(!dialog->findChild<QPushButton*>("measure")->isEnabled());
    dialog->findChild<QPushButton*>("measureCancel")->click();
    QTRY_VERIFY(!dialog->isMeasuring());
    QVERIFY(dialog->isVisible());
    QVERIFY(dialog->findChild<QLabel*>("measureSays")->text().contains("Nothing was stored"));
    QVERIFY(dialog->findChild<QPushButton*>("measure")->isEnabled());
    QTest::keyClick(dialog, Qt::Key_Escape);
    QTRY_VERIFY(!one.page.findChild<MeasureDialog*>());
    QVERIFY(one.lab.lab().profiles().empty());
}

void ProfilePageTest::anEngineThatMisbehavesWhileMeasuringIsOneLine_data() // I6
{
    QTest::addColumn<QByteArray>("mode");
    for (const char* mode : {"garbage", "half", "endless", "flood", "signal", "error"})
        QTest::newRow(mode) << QByteArray(mode);
}

void ProfilePageTest::anEngineThatMisbehavesWhileMeasuringIsOneLine()
{
    QFETCH(QByteArray, mode);
    OnePage one;
    one.open();
    MeasureDialog* dialog = openDialog(one, "nas-digits");
    QTRY_VERIFY(dialog->findChild<QPushButton*>("measure")->isEnabled());
    qputenv("FAKE_COMMAND", "profile");
    qputenv("FAKE_MODE", mode);
    dialog->findChild<QPushButton*>("measure")->click();
    QTRY_VERIFY_WITH_TIMEOUT(!dialog->error().isEmpty(), 20000);
    QVERIFY2(!dialog->error().contains('\n'), qPrintable(dialog->error()));
    QVERIFY(!dialog->isMeasuring());

    qunsetenv("FAKE_MODE");
    QSignalSpy measured(dialog, &MeasureDialog::measured);
    dialog->findChild<QPushButton*>("measure")->click();
    QTRY_COMPARE(measured.size(), 1);
    QTRY_COMPARE(one.stored()->rowCount(), 1);
    one.settle();
}

void ProfilePageTest::theDialogAsksForWhatCanBe()
{
    OnePage one;
    one.open();
    MeasureDialog* dialog = openDialog(one, {});
    auto* measure = dialog->findChild<QPushButton*>("measure");
    QTRY_VERIFY(dialog->findChild<QComboBox*>("pair")->count() == 3);
    QVERIFY(measure->isEnabled());
    auto* devices = dialog->findChild<QLineEdit*>("measureDevices");
    QTest::keyClicks(devices, "gpu7");
    QVERIFY(!measure->isEnabled() && dialog->error().contains("gpu7"));
    devices->setText("auto");
    QVERIFY(measure->isEnabled() && dialog->error().isEmpty());
    dialog->setExperiment("some.toml");
    QVERIFY(!dialog->findChildren<QRadioButton*>().constFirst()->isChecked());
    measure->click();
    QTRY_VERIFY(dialog->error().contains("some.toml"));
    dialog->close();
}

void ProfilePageTest::manyProfilesDoNotBlockTheWindow() // U1
{
    OnePage one;
    for (int i = 0; i < 60; ++i)
        one.store(profileOf("pair" + std::to_string(i), 64, i + 1, 16));
    const Watchdog watchdog;
    one.open();
    for (int row = 0; row < 4; ++row)
        one.tick(one.stored()->index(row, 0).data(RowsModel::IdRole).toString());
    one.find<QLineEdit>("profilesFilter")->setText("pair59");
    one.settle();
    QCOMPARE(one.stored()->rowCount(), 1);
    QVERIFY2(watchdog.longestBlock() <= 100, qPrintable(QString::number(watchdog.longestBlock())));
}

} // namespace pipebd::gui

QTEST_MAIN(pipebd::gui::ProfilePageTest)
#include "test_profile_page.moc"
