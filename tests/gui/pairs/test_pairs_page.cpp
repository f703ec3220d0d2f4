#include "base/zip_for_test.h"
#include "experiment/experiment.h"
#include "gui/kit/picture_export.h"
#include "gui/kit/rows_model.h"
#include "gui/kit/settings.h"
#include "gui/pairs/import_wizard.h"
#include "gui/pairs/model_file_field.h"
#include "gui/pairs/pair_catalogue.h"
#include "gui/pairs/pair_diagram.h"
#include "gui/pairs/pair_experiment.h"
#include "gui/pairs/pairs_page.h"
#include "gui_testing.h"

#include <QAbstractItemModelTester>
#include <QAction>
#include <QApplication>
#include <QCheckBox>
#include <QClipboard>
#include <QFile>
#include <QHeaderView>
#include <QImage>
#include <QLabel>
#include <QLineEdit>
#include <QMessageBox>
#include <QPainter>
#include <QPushButton>
#include <QSignalSpy>
#include <QTabWidget>
#include <QTableView>
#include <QTimer>

namespace pipebd::gui {

using namespace std::chrono_literals;

class PairsPageTest : public QObject {
    Q_OBJECT

private slots:
    void initTestCase();
    void init();
    void everyPairIsListedAndDescribed();
    void theTableSortsFiltersAndCopies();
    void theDiagramAndItsTableShowTheSameBlock();
    void aBlockIsToldInAToolTipAndToAReader();
    void aPairWhoseShapesDifferIsSaidToTrainEndToEnd();
    void thePictureIsWritten_data();
    void thePictureIsWritten();
    void anEngineThatMisbehavesIsOneLineAndThePageGoesOn_data();
    void anEngineThatMisbehavesIsOneLineAndThePageGoesOn();
    void aPairThatCannotBeDescribedDoesNotHideTheOthers_data();
    void aPairThatCannotBeDescribedDoesNotHideTheOthers();
    void whatCanBeDoneWithAPairIsAskedOfTheWindow();
    void anExperimentIsWrittenOnceAndReadsBack();
    void twoPairsWithOneFileNameGetTwoExperiments();
    void aModelFileIsKnownByItsContent_data();
    void aModelFileIsKnownByItsContent();
    void anImportedPairIsSelectedAndCanBeDeleted();
    void aRefusalOfTheCheckIsShownWordByWord();
    void aProgramIsRunOnlyAfterYes();
    void anImportCanBeCancelled();
    void droppedModelsOpenTheWizardAndOtherFilesDoNot();
};

namespace {

struct OnePage {
    OnePage()
        : settings(folder.filePath("settings.ini"))
        , page(settings)
    {
        page.resize(1200, 760);
        page.openLab(lab.path());
        page.show();
        for (QTableView* view : page.findChildren<QTableView*>()) // U4
            new QAbstractItemModelTester(view->model(), QAbstractItemModelTester::FailureReportingMode::Fatal, &page);
    }
    void open()
    {
        page.comeToFront();
        QTRY_VERIFY_WITH_TIMEOUT(page.isSettled(), 20000);
    }
    template <typename Widget>
    Widget* find(const char* name)
    {
        return page.findChild<Widget*>(QLatin1String(name));
    }
    QAbstractItemModel* pairs() { return find<QTableView>("pairs")->model(); }
    QString cell(int row, int column) { return pairs()->index(row, column).data().toString(); }

    TestLab lab;
    QTemporaryDir folder;
    Settings settings;
    PairsPage page;
};

QString writeFileNamed(const QTemporaryDir& folder, const QString& name, const std::string& bytes)
{
    QFile file(folder.filePath(name));
    if (!file.open(QIODevice::WriteOnly) || file.write(bytes.data(), static_cast<qint64>(bytes.size())) < 0)
        qFatal("cannot write %s", qPrintable(name));
    return file.fileName();
}

const std::string exported = zipOf({{"net/models/model.json", "{}"}});
const std::string program
    = zipOf({{"net/data.pkl", "\x80\x02}q"}, {"net/code/__torch__/net.py", "class"}, {"net/constants.pkl", "\x80\x02)."}});

// Through the first two pages of the wizard, as far as it goes.
void fill(ImportWizard& wizard, const QString& teacher, const QString& student, const QString& name)
{
    wizard.findChild<ModelFileField*>("teacherFile")->setFile(teacher);
    wizard.findChild<ModelFileField*>("studentFile")->setFile(student);
    QTRY_VERIFY(wizard.button(QWizard::NextButton)->isEnabled());
    wizard.next();
    wizard.findChild<QLineEdit*>("pairName")->setText(name);
}

} // namespace

void PairsPageTest::initTestCase()
{
    qputenv("PIPEBD_PROGRAM", FAKE_PIPEBD);
}

void PairsPageTest::init()
{
    failOnAnyWarning();
    for (const char* variable : {"FAKE_MODE", "FAKE_COMMAND", "FAKE_MILLISECONDS"})
        qunsetenv(variable);
}

void PairsPageTest::everyPairIsListedAndDescribed() // U1
{
    OnePage one;
    const Watchdog watchdog;
    QVERIFY(!one.page.isSettled());
    one.open();
    QCOMPARE(one.pairs()->rowCount(), 3);
    QCOMPARE(one.cell(0, 0), QStringLiteral("nas-digits"));
    QCOMPARE(one.cell(0, 1), QStringLiteral("built in"));
    QCOMPARE(one.cell(1, 2), QStringLiteral("16"));
    QCOMPARE(one.cell(0, 3), QStringLiteral("36.0 k"));
    QCOMPARE(one.cell(0, 5), QStringLiteral("44")); // 6 * 6 M + 7.5 M
    QCOMPARE(one.page.selectedPair(), QStringLiteral("nas-digits"));
    QCOMPARE(one.page.command(), (QStringList{"pipebd", "pairs", "show", "nas-digits"}));
    QCOMPARE(one.find<PairDiagram>("pairDiagram")->pair()->blocks.size(), std::size_t(6));
    QVERIFY2(watchdog.longestBlock() <= 100, qPrintable(QString::number(watchdog.longestBlock())));
}

void PairsPageTest::theTableSortsFiltersAndCopies()
{
    OnePage one;
    one.open();
    auto* table = one.find<QTableView>("pairs");
    table->sortByColumn(2, Qt::DescendingOrder);
    QCOMPARE(one.cell(0, 0), QStringLiteral("many-blocks"));
    auto* filter = one.find<QLineEdit>("pairsFilter");
    filter->setFocus();
    QTest::keyClicks(filter, "nas BUILT");
    QCOMPARE(one.pairs()->rowCount(), 1);
    one.page.selectPair("end-to-end"); // shown whatever the filter says
    QCOMPARE(one.page.selectedPair(), QStringLiteral("end-to-end"));
    table->setFocus();
    QVERIFY(QTest::qWaitForWindowActive(&one.page));
    QTest::keyClick(table, Qt::Key_C, Qt::ControlModifier);
    QVERIFY(QApplication::clipboard()->text().contains("end-to-end\tbuilt in\t3"));
}

void PairsPageTest::theDiagramAndItsTableShowTheSameBlock()
{
    OnePage one;
    one.open();
    auto* diagram = one.find<PairDiagram>("pairDiagram");
    auto* table = one.find<QTableView>("blocksTable");
    QCOMPARE(table->model()->rowCount(), 12);
    diagram->setFocus();
    QTest::keyClick(diagram, Qt::Key_Down);
    QTest::keyClick(diagram, Qt::Key_Down);
    QCOMPARE(diagram->selectedBlock(), 1);
    QCOMPARE(table->currentIndex().data(RowsModel::IdRole).toString(), QStringLiteral("T1"));
    table->selectRow(9); // S4
    QCOMPARE(diagram->selectedBlock(), 4);
    QTest::keyClick(diagram, Qt::Key_End);
    QCOMPARE(diagram->selectedBlock(), 5);
    QTest::mouseClick(diagram, Qt::LeftButton, {}, diagram->blockRect(0).center());
    QCOMPARE(diagram->selectedBlock(), 0);
}

void PairsPageTest::aBlockIsToldInAToolTipAndToAReader()
{
    OnePage one;
    one.open();
    auto* diagram = one.find<PairDiagram>("pairDiagram");
    diagram->selectBlock(2);
    QVERIFY(diagram->accessibleDescription().contains("T2 · stage2"));
    QVERIFY(diagram->accessibleDescription().contains("2 candidates in 1 cells"));
    QVERIFY(PairDiagram::details(*diagram->pair(), 2, true).contains("32×8×8, 8.0 KiB per sample"));
    QVERIFY(PairDiagram::details(*diagram->pair(), 2, false).contains("1,400,000 to 14,000,000, mean 7,000,000"));
}

void PairsPageTest::aPairWhoseShapesDifferIsSaidToTrainEndToEnd()
{
    OnePage one;
    one.open();
    const auto says = [&] {
        for (const QLabel* label : one.page.findChildren<QLabel*>())
            if (label->text().contains("end-to-end strategies only"))
                return true;
        return false;
    };
    QVERIFY(!says());
    one.page.selectPair("end-to-end");
    QVERIFY(says());
}

void PairsPageTest::thePictureIsWritten_data()
{
    QTest::addColumn<QString>("suffix");
    QTest::addColumn<QByteArray>("magic");
    QTest::newRow("png") << "png" << QByteArray("\x89PNG");
    QTest::newRow("svg") << "svg" << QByteArray("<?xml");
    QTest::newRow("pdf") << "pdf" << QByteArray("%PDF");
}

void PairsPageTest::thePictureIsWritten()
{
    QFETCH(QString, suffix);
    QFETCH(QByteArray, magic);
    OnePage one;
    one.open();
    auto* diagram = one.find<PairDiagram>("pairDiagram");
    const Picture picture{"nas-digits", diagram->sizeFor(900), [&](QPaintDevice* device) {
                              QPainter painter(device);
                              diagram->paint(painter, 900);
                          }};
    const QString name = one.folder.filePath("picture." + suffix);
    writePicture(picture, name);
    QFile file(name);
    QVERIFY(file.open(QIODevice::ReadOnly));
    QVERIFY(file.readAll().startsWith(magic));
    if (suffix == "png")
        QCOMPARE(QImage(name).size(), diagram->sizeFor(900) * 2);
    QVERIFY(errorOf([&] { writePicture(picture, one.folder.filePath("picture.bmp")); }).contains(".svg"));
    QVERIFY(errorOf([&] { writePicture(picture, "/nowhere/picture." + suffix); }).contains("/nowhere"));
}

void PairsPageTest::anEngineThatMisbehavesIsOneLineAndThePageGoesOn_data() // I6
{
    QTest::addColumn<QByteArray>("mode");
    QTest::addColumn<QString>("says");
    QTest::newRow("garbage") << QByteArray("garbage") << "unexpected answer";
    QTest::newRow("half a line") << QByteArray("half") << "unexpected answer";
    QTest::newRow("a line without an end") << QByteArray("endless") << "and was stopped";
    QTest::newRow("a flood") << QByteArray("flood") << "and was stopped";
    QTest::newRow("stalls") << QByteArray("stall") << "printed nothing";
    QTest::newRow("dies") << QByteArray("signal") << "crashed";
    QTest::newRow("an error") << QByteArray("error") << "the engine is not well: pipebd-engine; give it a rest";
}

void PairsPageTest::anEngineThatMisbehavesIsOneLineAndThePageGoesOn()
{
    QFETCH(QByteArray, mode);
    QFETCH(QString, says);
    OnePage one;
    qputenv("FAKE_MODE", mode);
    if (mode == "stall")
        one.page.catalogue().setPatience(300ms);
    const Watchdog watchdog;
    one.open();
    QString shown;
    for (const QLabel* label : one.page.findChildren<QLabel*>())
        if (label->isVisible() && label->text().contains(says))
            shown = label->text();
    QVERIFY(!shown.isEmpty());
    QVERIFY(!shown.contains('\n'));
    QVERIFY2(watchdog.longestBlock() <= 100, qPrintable(QString::number(watchdog.longestBlock())));

    qunsetenv("FAKE_MODE");
    one.page.catalogue().setPatience(60s);
    QVERIFY(QTest::qWaitForWindowActive(&one.page));
    QTest::keyClick(&one.page, Qt::Key_F5);
    QTRY_VERIFY(one.page.isSettled());
    QCOMPARE(one.pairs()->rowCount(), 3);
    QVERIFY(one.find<QTableView>("pairs")->isVisible());
}

void PairsPageTest::aPairThatCannotBeDescribedDoesNotHideTheOthers_data()
{
    QTest::addColumn<QByteArray>("mode");
    for (const char* mode : {"garbage", "half", "signal", "error"})
        QTest::newRow(mode) << QByteArray(mode);
}

void PairsPageTest::aPairThatCannotBeDescribedDoesNotHideTheOthers()
{
    QFETCH(QByteArray, mode);
    OnePage one;
    qputenv("FAKE_COMMAND", "pairs show");
    qputenv("FAKE_MODE", mode);
    one.open();
    QCOMPARE(one.pairs()->rowCount(), 3);
    const auto* says = one.find<QLabel>("pairSays");
    QVERIFY(says->isVisible() && !says->text().isEmpty() && !says->text().contains('\n'));
    QCOMPARE(one.cell(0, 3), QStringLiteral("?"));
    one.page.selectPair("many-blocks");
    QVERIFY(says->isVisible() && !says->text().isEmpty());
}

void PairsPageTest::whatCanBeDoneWithAPairIsAskedOfTheWindow()
{
    OnePage one;
    one.open();
    QSignalSpy profiling(&one.page, &Page::profilingRequested);
    QSignalSpy schedules(&one.page, &Page::schedulesRequested);
    QSignalSpy starts(&one.page, &Page::startRequested);
    one.page.selectPair("many-blocks");
    one.find<QAction>("measurePair")->trigger();
    one.find<QAction>("planPair")->trigger();
    one.find<QAction>("startPair")->trigger();
    QCOMPARE(profiling.value(0).value(0).toString(), QStringLiteral("many-blocks"));
    QCOMPARE(schedules.size(), 1);
    QCOMPARE(starts.size(), 1);
    QVERIFY(QFile::exists(one.lab.file("experiments/many-blocks.toml")));
    QVERIFY(!one.find<QAction>("deletePair")->isEnabled()); // it is built in
    for (QAction* action : one.page.menuActions())
        QVERIFY(!action || action->text().contains('&'));
}

void PairsPageTest::anExperimentIsWrittenOnceAndReadsBack()
{
    TestLab lab;
    const QString folder = QString::fromStdString(lab.path());
    const QString file = experimentOfPair(folder, "nas-digits");
    QCOMPARE(file, lab.file("experiments/nas-digits.toml"));
    const experiment::Experiment digits = experiment::read_experiment(file.toStdString());
    QCOMPARE(digits.pair, std::string("nas-digits"));
    QCOMPARE(digits.data.source, std::string("digits"));
    QFile changed(file);
    QVERIFY(changed.open(QIODevice::Append) && changed.write("# mine\n") > 0);
    changed.close();
    QCOMPARE(experimentOfPair(folder, "nas-digits"), file);
    QVERIFY(changed.open(QIODevice::ReadOnly) && changed.readAll().endsWith("# mine\n"));

    const QString odd = "a \"pair\" %1\t\\/of mine";
    const experiment::Experiment other = experiment::read_experiment(experimentOfPair(folder, odd).toStdString());
    QCOMPARE(QString::fromStdString(other.pair), odd);
    QCOMPARE(other.data.source, std::string("synthetic"));
    QVERIFY(!errorOf([] { experimentOfPair("/proc/nowhere", "nas-digits"); }).isEmpty());
}

void PairsPageTest::twoPairsWithOneFileNameGetTwoExperiments()
{
    TestLab lab;
    const QString folder = QString::fromStdString(lab.path());
    const QString first = experimentOfPair(folder, "my pair");
    const QString second = experimentOfPair(folder, "my/pair");
    QVERIFY(first != second);
    QCOMPARE(experimentOfPair(folder, "my pair"), first);
    QCOMPARE(experimentOfPair(folder, "my/pair"), second);
}

void PairsPageTest::aModelFileIsKnownByItsContent_data()
{
    QTest::addColumn<QString>("name");
    QTest::addColumn<QByteArray>("bytes");
    QTest::addColumn<QString>("says");
    QTest::newRow("exported, whatever its name") << "model.bin" << QByteArray::fromStdString(exported) << "";
    QTest::newRow("state dict") << "model.pt2"
                                << QByteArray::fromStdString(zipOf({{"m/data.pkl",
                                       "\x80\x02"
                                       "ccollections\nOrderedDict\n"}}))
                                << "state dict";
    QTest::newRow("web page") << "model.pt2" << QByteArray("<!doctype html><html>") << "web page";
    QTest::newRow("safetensors") << "w.safetensors" << QByteArray("\x02\0\0\0\0\0\0\0{}", 10) << "safetensors";
    QTest::newRow("nothing") << "model.pt2" << QByteArray() << "empty";
}

void PairsPageTest::aModelFileIsKnownByItsContent()
{
    QFETCH(QString, name);
    QFETCH(QByteArray, bytes);
    QFETCH(QString, says);
    const QTemporaryDir folder;
    const ModelFile model = lookAtModelFile(writeFileNamed(folder, name, bytes.toStdString()));
    QVERIFY2(
        model.problem.isEmpty() == says.isEmpty() && model.problem.contains(says, Qt::CaseInsensitive), qPrintable(model.problem));
    QVERIFY(!lookAtModelFile(folder.filePath("none")).problem.isEmpty());
    if (name.endsWith("safetensors")) {
        Settings settings(folder.filePath("settings.ini"));
        ImportWizard wizard(settings, folder.path());
        wizard.addFile(folder.filePath(name));
        const auto* label = wizard.findChild<ModelFileField*>("teacherFile")->findChild<QLabel*>("says");
        QTRY_VERIFY(label->text().contains("torch.export.save")); // the way to convert it
    }
}

void PairsPageTest::anImportedPairIsSelectedAndCanBeDeleted()
{
    OnePage one;
    one.open();
    ImportWizard* wizard = one.page.openImportWizard();
    const QString model = writeFileNamed(one.folder, "net.pt2", exported);
    fill(*wizard, model, model, "mine");
    wizard->next();
    auto* report = wizard->findChild<QTableView*>("importReport");
    QTRY_VERIFY(wizard->button(QWizard::FinishButton)->isEnabled());
    QCOMPARE(report->model()->rowCount(), 2);
    QCOMPARE(report->model()->index(0, 6).data().toString(), QStringLiteral("3 of 4"));
    wizard->accept();
    QTRY_COMPARE(one.page.selectedPair(), QStringLiteral("mine"));
    QTRY_VERIFY(one.page.isSettled());
    QCOMPARE(one.cell(3, 1), QStringLiteral("imported"));

    for (const auto answer : {QMessageBox::No, QMessageBox::Yes}) {
        one.find<QAction>("deletePair")->trigger();
        auto* question = one.find<QMessageBox>("deleteQuestion");
        QVERIFY(question->text().contains("mine"));
        QCOMPARE(question->defaultButton(), question->button(QMessageBox::No));
        question->button(answer)->click();
        QTRY_COMPARE(one.pairs()->rowCount(), answer == QMessageBox::No ? 4 : 3);
        QTRY_VERIFY(!one.find<QMessageBox>("deleteQuestion"));
    }
    QTRY_VERIFY(one.page.isSettled());
}

void PairsPageTest::aRefusalOfTheCheckIsShownWordByWord()
{
    OnePage one;
    one.open();
    ImportWizard* wizard = one.page.openImportWizard();
    const QString model = writeFileNamed(one.folder, "net.pt2", exported);
    fill(*wizard, model, model, "uncut");
    wizard->next();
    const auto* says = wizard->findChild<QLabel*>("checkSays");
    QTRY_VERIFY(
        says->text().contains("the teacher gives [batch, 8, 32, 32], the student [batch, 4, 32, 32]: block 0, '0'; cut where both "
                              "have the same shape, or import the pair with --end-to-end, for end-to-end strategies only"));
    QVERIFY(!wizard->button(QWizard::FinishButton)->isEnabled());
    wizard->back(); // and again with another answer
    wizard->findChild<QLineEdit*>("pairName")->setText("cut");
    wizard->findChild<QCheckBox*>("endToEnd")->setChecked(true);
    QVERIFY(importArguments(wizard->request()).contains("--end-to-end"));
    wizard->next();
    QTRY_VERIFY(wizard->button(QWizard::FinishButton)->isEnabled());
    wizard->accept();
    QTRY_VERIFY(one.page.isSettled());
}

void PairsPageTest::aProgramIsRunOnlyAfterYes()
{
    OnePage one;
    one.open();
    ImportWizard* wizard = one.page.openImportWizard();
    const QString file = writeFileNamed(one.folder, "net.pt", program);
    fill(*wizard, file, file, "scripted");
    QVERIFY(!wizard->button(QWizard::NextButton)->isEnabled()); // the files do not tell what goes in
    wizard->findChild<QLineEdit*>("inputShape")->setText("1x32x32");
    QVERIFY(wizard->button(QWizard::NextButton)->isEnabled());

    const QString sha256 = lookAtModelFile(file).sha256;
    QCOMPARE(sha256.size(), 64);
    const auto answerWith = [&](QMessageBox::StandardButton answer) {
        bool asked = false;
        QTimer::singleShot(0, wizard, [&, answer] {
            auto* question = wizard->findChild<QMessageBox*>("trustQuestion");
            asked = question && question->informativeText().contains(sha256)
                && question->defaultButton() == question->button(QMessageBox::No);
            if (question)
                question->button(answer)->click();
        });
        wizard->next();
        return asked;
    };
    QVERIFY(answerWith(QMessageBox::No));
    QCOMPARE(wizard->currentId(), 1);
    QVERIFY(!wizard->request().trust);
    QVERIFY(answerWith(QMessageBox::Yes));
    QCOMPARE(wizard->currentId(), 2);
    QVERIFY(importArguments(wizard->request()).contains("--trust"));
    QTRY_VERIFY(wizard->button(QWizard::FinishButton)->isEnabled());
    wizard->accept();
    QTRY_VERIFY(one.page.isSettled());
}

void PairsPageTest::anImportCanBeCancelled()
{
    OnePage one;
    one.open();
    qputenv("FAKE_COMMAND", "pairs import");
    qputenv("FAKE_MODE", "stall");
    ImportWizard* wizard = one.page.openImportWizard();
    const QString model = writeFileNamed(one.folder, "net.pt2", exported);
    fill(*wizard, model, model, "never");
    wizard->next();
    QCOMPARE(wizard->currentId(), 2);
    QTest::keyClick(wizard, Qt::Key_Escape);
    QTRY_VERIFY(!one.page.findChild<ImportWizard*>());
    QVERIFY(!QFile::exists(one.lab.file("fake-pairs")));
}

void PairsPageTest::droppedModelsOpenTheWizardAndOtherFilesDoNot()
{
    OnePage one;
    one.open();
    QVERIFY(!one.page.openFile(one.lab.writeExperiment("some.toml", "pair = \"nas-digits\"\n")));
    QVERIFY(!one.page.openFile(one.lab.file("library.sqlite")));
    QVERIFY(!one.page.openFile(one.folder.path()));
    const QString teacher = writeFileNamed(one.folder, "teacher", exported); // without a suffix
    const QString student = writeFileNamed(one.folder, "student.pt2", exported);
    QVERIFY(one.page.openFile(teacher));
    QVERIFY(one.page.openFile(student)); // the same wizard
    QCOMPARE(one.page.findChildren<ImportWizard*>().size(), 1);
    const auto* wizard = one.page.findChild<ImportWizard*>();
    QCOMPARE(wizard->request().teacher, teacher);
    QCOMPARE(wizard->request().student, student);
}

} // namespace pipebd::gui

QTEST_MAIN(pipebd::gui::PairsPageTest)
#include "test_pairs_page.moc"
