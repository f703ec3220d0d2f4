#include "gui_testing.h"

#include "gui/kit/settings.h"
#include "gui/kit/table_copy.h"
#include "gui/lab/lab_follower.h"
#include "gui/runs/annotation_dialogs.h"
#include "gui/runs/run_edits.h"
#include "gui/runs/run_list.h"
#include "gui/runs/run_list_actions.h"
#include "gui/runs/run_table_model.h"

#include <QAbstractItemModelTester>
#include <QAction>
#include <QApplication>
#include <QClipboard>
#include <QFileDialog>
#include <QHeaderView>
#include <QJsonArray>
#include <QJsonDocument>
#include <QLabel>
#include <QLineEdit>
#include <QListWidget>
#include <QMenu>
#include <QMessageBox>
#include <QPlainTextEdit>
#include <QPushButton>
#include <QSignalSpy>
#include <QTableView>
#include <QTextDocument>

namespace pipebd::gui {

using store::RunRecord;
using store::RunState;

class RunTableTest : public QObject {
    Q_OBJECT

private slots:
    void init() { failOnAnyWarning(); }
    void everyChangeKeepsTheModelConsistent();
    void onlyRowsThatDifferAreChanged();
    void numbersAreSortedAsNumbers();
    void whatIsNotKnownComesLastInEitherOrder();
    void theFilterFindsWordsInAnyColumn();
    void theFilterAsksColumns_data();
    void theFilterAsksColumns();
    void statesHaveIconColourAndWord();
    void toolTipsShowForeignTextAsItIs();
    void selectionSurvivesNewRuns();
    void copyGivesTabSeparatedTextOfTheSelectedRows();
    void columnsAreChosenFromTheHeaderAndRemembered();
    void aThousandRunsAreListedWithoutBlocking();
    void tagsAreGivenTakenAndGivenAgain();
    void tagsOfSeveralRunsAreTickedWhereAllHaveThem();
    void whatCanBeNoTagIsSaidInTheDialog();
    void aNoteIsWrittenAndTakenBack();
    void deletedRunsAreHiddenShownRestoredAndPurged();
    void aRunThatGoesOnCannotBeDeletedAndThatIsSaid();
    void manyKeysLeaveTheLabAsTheScreen();
    void theSelectedRunsAreCompared();
    void theTableIsExported_data();
    void theTableIsExported();
    void aRunIsExportedAsAFolder();
    void aTraceNeedsMeasuredSteps();
};

namespace {

RunRecord recordOf(int id, const std::string& name, double throughput, RunState state = RunState::Finished)
{
    RunRecord run;
    run.id = id;
    run.name = name;
    run.strategy = id % 2 ? "dp" : "tr+dpu";
    run.devices = {"cpu", "cpu"};
    run.state = state;
    run.throughput = throughput;
    run.folder = "/lab/runs/" + std::to_string(id);
    return run;
}

int column(RunColumn which)
{
    return static_cast<int>(which);
}

QStringList columnOf(const QAbstractItemModel& model, int which)
{
    QStringList texts;
    for (int row = 0; row < model.rowCount(); ++row)
        texts << model.index(row, which).data().toString();
    return texts;
}

} // namespace

void RunTableTest::everyChangeKeepsTheModelConsistent() // U4
{
    RunTableModel model;
    RunFilterModel filtered;
    filtered.setSourceModel(&model);
    const QAbstractItemModelTester tester(&model, QAbstractItemModelTester::FailureReportingMode::Fatal);
    const QAbstractItemModelTester filteredTester(&filtered, QAbstractItemModelTester::FailureReportingMode::Fatal);

    const std::vector<std::vector<int>> labs{{}, {1}, {3, 2, 1}, {3, 1}, {5, 4, 3, 1}, {2}, {7, 6, 2}, {}};
    for (const std::vector<int>& ids : labs) {
        std::vector<RunRecord> runs;
        for (const int id : ids)
            runs.push_back(recordOf(id, "run", id));
        model.setRuns(runs);
        QStringList expected;
        for (const int id : ids)
            expected << QString::number(id);
        QCOMPARE(columnOf(model, column(RunColumn::Id)), expected);
    }
}

void RunTableTest::onlyRowsThatDifferAreChanged()
{
    RunTableModel model;
    model.setRuns({recordOf(3, "c", 3), recordOf(2, "b", 2), recordOf(1, "a", 1)});
    QSignalSpy changed(&model, &QAbstractItemModel::dataChanged);
    QSignalSpy inserted(&model, &QAbstractItemModel::rowsInserted);
    QSignalSpy reset(&model, &QAbstractItemModel::modelReset);

    model.setRuns({recordOf(3, "c", 3), recordOf(2, "b", 2.5), recordOf(1, "a", 1)});

    QCOMPARE(changed.size(), 1);
    QCOMPARE(changed[0][0].toModelIndex().row(), 1);
    QCOMPARE(inserted.size() + reset.size(), 0);
}

void RunTableTest::numbersAreSortedAsNumbers()
{
    RunTableModel model;
    RunFilterModel filtered;
    filtered.setSourceModel(&model);
    model.setRuns({recordOf(10, "a", 9), recordOf(9, "b", 1000), recordOf(2, "c", 80.5)});

    filtered.sort(column(RunColumn::Id), Qt::AscendingOrder);
    QCOMPARE(columnOf(filtered, column(RunColumn::Id)), QStringList({"2", "9", "10"}));
    filtered.sort(column(RunColumn::Throughput), Qt::AscendingOrder);
    QCOMPARE(columnOf(filtered, column(RunColumn::Id)), QStringList({"10", "2", "9"}));
}

void RunTableTest::whatIsNotKnownComesLastInEitherOrder()
{
    RunTableModel model;
    RunFilterModel filtered;
    filtered.setSourceModel(&model);
    model.setRuns({recordOf(3, "a", 0), recordOf(2, "b", 7), recordOf(1, "c", 80)});
    filtered.sort(column(RunColumn::Throughput), Qt::AscendingOrder);
    QCOMPARE(columnOf(filtered, column(RunColumn::Id)), QStringList({"2", "1", "3"}));
    filtered.sort(column(RunColumn::Throughput), Qt::DescendingOrder);
    QCOMPARE(columnOf(filtered, column(RunColumn::Id)), QStringList({"1", "2", "3"}));
}

void RunTableTest::theFilterAsksColumns_data()
{
    QTest::addColumn<QString>("words");
    QTest::addColumn<QStringList>("ids");
    const auto row = [](const char* words, const QStringList& ids) { QTest::newRow(words) << words << ids; };
    row("state:failed", {"13"});
    row("STATE:Fail", {"13"});
    row("tag:base", {"3"});
    row("tags:base", {"3"});
    row("-tag:base", {"13", "2"});
    row("strategy:dpu state:finished", {"2"});
    row("pair:nas", {"3"});
    row("id:3", {"3"});
    row("throughput:>10", {"13", "2"});
    row("samples/s:>10", {});
    row("throughput:<=9.5", {"3"});
    row("throughput:=11 ", {"2"});
    row("accuracy:>0", {});
    row("note:\"second try\"", {"2"});
    row("\"second try\"", {"2"});
    row("note:second try", {"2"});
    row("cuda:0", {"13"});
    row("state:", {"13", "3", "2"});
    row("- \" :", {});
    row("(", {});
}

void RunTableTest::theFilterAsksColumns()
{
    QFETCH(QString, words);
    QFETCH(QStringList, ids);
    RunRecord nas = recordOf(3, "a", 9.5);
    nas.pair = "nas-digits";
    RunRecord failed = recordOf(13, "b", 12, RunState::Failed);
    failed.devices = {"cuda:0"};
    RunTableModel model;
    RunFilterModel filtered;
    filtered.setSourceModel(&model);
    model.setRuns({nas, failed, recordOf(2, "c", 11)}, {{3, {{"baseline", "x"}, {}, {}}}, {2, {{}, "the second try", {}}}});
    filtered.setWords(words);
    QCOMPARE(columnOf(filtered, column(RunColumn::Id)), ids);
}

void RunTableTest::theFilterFindsWordsInAnyColumn()
{
    RunTableModel model;
    RunFilterModel filtered;
    filtered.setSourceModel(&model);
    model.setRuns(
        {recordOf(4, "nas", 1, RunState::Failed), recordOf(3, "nas", 1), recordOf(2, "digits", 1), recordOf(1, "digits", 1)});

    filtered.setWords("NAS fail");
    QCOMPARE(columnOf(filtered, column(RunColumn::Id)), QStringList({"4"}));
    filtered.setWords("digits dp");
    QCOMPARE(columnOf(filtered, column(RunColumn::Id)), QStringList({"2", "1"}));
    filtered.setWords("(");
    QCOMPARE(filtered.rowCount(), 0);
    filtered.setWords("  ");
    QCOMPARE(filtered.rowCount(), 4);
}

void RunTableTest::statesHaveIconColourAndWord()
{
    RunTableModel model;
    QSet<QString> words;
    QSet<QRgb> colours;
    for (const RunState state :
        {RunState::Queued, RunState::Running, RunState::Finished, RunState::Failed, RunState::Cancelled, RunState::Lost}) {
        model.setRuns({recordOf(1, "a", 1, state)});
        const QModelIndex index = model.index(0, column(RunColumn::State));
        QVERIFY(!index.data(Qt::DecorationRole).value<QIcon>().isNull());
        words << index.data().toString();
        colours << index.data(Qt::ForegroundRole).value<QColor>().rgb();
    }
    QCOMPARE(words.size(), 6);
    QCOMPARE(colours.size(), 6);
}

void RunTableTest::toolTipsShowForeignTextAsItIs()
{
    RunRecord run = recordOf(1, "run", 10, RunState::Failed);
    run.error = "<b>bold</b> & more";
    RunTableModel model;
    model.setRuns({run});
    QTextDocument shown;
    shown.setHtml(model.index(0, column(RunColumn::State)).data(Qt::ToolTipRole).toString());
    QCOMPARE(shown.toPlainText(), QStringLiteral("<b>bold</b> & more"));
    QCOMPARE(model.index(0, column(RunColumn::Name)).data(Qt::ToolTipRole).toString(), QStringLiteral("/lab/runs/1"));
}

void RunTableTest::selectionSurvivesNewRuns()
{
    const QTemporaryDir folder;
    Settings settings(folder.filePath("settings.ini"));
    RunList list(settings);
    list.setRuns(std::make_shared<const std::vector<RunRecord>>(std::vector{recordOf(2, "b", 1), recordOf(1, "a", 1)}));
    QVERIFY(list.select(1));
    QSignalSpy selected(&list, &RunList::runSelected);

    list.setRuns(
        std::make_shared<const std::vector<RunRecord>>(std::vector{recordOf(3, "c", 1), recordOf(2, "b", 1), recordOf(1, "a", 2)}));

    QCOMPARE(list.selected(), std::optional(1));
    QCOMPARE(selected.size(), 0);
    list.filterField()->setText("c");
    QVERIFY(list.select(2)); // though the filter hides it
    QCOMPARE(list.selected(), std::optional(2));
}

void RunTableTest::copyGivesTabSeparatedTextOfTheSelectedRows()
{
    const QTemporaryDir folder;
    Settings settings(folder.filePath("settings.ini"));
    RunList list(settings);
    list.setRuns(std::make_shared<const std::vector<RunRecord>>(std::vector{recordOf(2, "with\ttab", 1), recordOf(1, "a", 7)}));
    list.show();
    QVERIFY(QTest::qWaitForWindowActive(&list));
    list.view()->setFocus();
    QVERIFY(list.select(2));

    QTest::keySequence(list.view(), QKeySequence::Copy);

    const QStringList lines = QApplication::clipboard()->text().split('\n', Qt::SkipEmptyParts);
    QCOMPARE(lines.size(), 2);
    QCOMPARE(
        lines[0].split('\t'), QStringList({"Id", "Name", "State", "Strategy", "Devices", "Samples/s", "Loss", "Tags", "Started"}));
    QCOMPARE(lines[1].split('\t'), QStringList({"2", "with tab", "Finished", "tr+dpu", "cpu, cpu", "1.0", "", "", ""}));
}

namespace {

// A list that follows a lab, as the window has it.
class FollowedList {
public:
    explicit FollowedList(TestLab& lab, const QString& iniFile = {})
        : m_settings(iniFile.isEmpty() ? m_folder.filePath("settings.ini") : iniFile)
        , m_list(m_settings)
        , m_follower(lab.path())
    {
        m_settings.setFolder("export", m_folder.path());
        m_list.openLab(lab.path());
        QObject::connect(&m_follower, &LabFollower::scanned, &m_list,
            [this](const RunRecords& runs, const RunAnnotations& annotations) { m_list.setRuns(runs, annotations); });
        m_list.resize(900, 400);
        m_list.show();
    }
    RunList* operator->() { return &m_list; }
    RunListActions& actions() { return *m_list.actions(); }
    QString file(const QString& name) const { return m_folder.filePath(name); }
    int rows() const { return m_list.view()->model()->rowCount(); }
    bool waitFor(int rows)
    {
        return QTest::qWaitFor([&] { return this->rows() == rows; });
    }
    bool hasWritten()
    {
        return QTest::qWaitFor([&] { return !m_list.edits()->isWriting(); });
    }
    void selectAll()
    {
        m_list.view()->setFocus();
        QTest::keySequence(m_list.view(), QKeySequence::SelectAll);
    }

    template <typename Dialog>
    Dialog* dialog(const char* name)
    {
        Dialog* found = nullptr;
        if (!QTest::qWaitFor([&] { return (found = m_list.findChild<Dialog*>(name)) && found->isVisible(); }))
            qFatal("the dialog %s does not come", name);
        return found;
    }

private:
    QTemporaryDir m_folder;
    Settings m_settings;
    RunList m_list;
    LabFollower m_follower;
};

QByteArray contentsOf(const QString& name)
{
    QFile file(name);
    return file.open(QIODevice::ReadOnly) ? file.readAll() : QByteArray();
}

void choose(QFileDialog* dialog, const QString& file)
{
    dialog->findChild<QLineEdit*>()->setText(file);
    QTest::keyClick(dialog->findChild<QLineEdit*>(), Qt::Key_Return);
}

} // namespace

void RunTableTest::columnsAreChosenFromTheHeaderAndRemembered()
{
    TestLab lab;
    lab.addFinishedRun("run", 5);
    const QTemporaryDir folder;
    const QString ini = folder.filePath("settings.ini");
    {
        FollowedList list(lab, ini);
        QVERIFY(list->view()->isColumnHidden(column(RunColumn::Accuracy)));
        QHeaderView* header = list->view()->horizontalHeader();
        emit header->customContextMenuRequested({20, 5});
        auto* menu = list->view()->findChild<QMenu*>("columns");
        QVERIFY(menu && menu->isVisible());
        for (QAction* action : menu->actions())
            if (action->text() == "Accuracy %" || action->text() == "Devices")
                action->trigger();
        QVERIFY(!list->view()->isColumnHidden(column(RunColumn::Accuracy)));
        header->moveSection(header->visualIndex(column(RunColumn::Accuracy)), 1);
        list->saveState();
    }
    FollowedList list(lab, ini);
    QVERIFY(!list->view()->isColumnHidden(column(RunColumn::Accuracy)));
    QVERIFY(list->view()->isColumnHidden(column(RunColumn::Devices)));
    QCOMPARE(list->view()->horizontalHeader()->visualIndex(column(RunColumn::Accuracy)), 1);
    QVERIFY(list.waitFor(1));
    QCOMPARE(list->view()->model()->index(0, column(RunColumn::Accuracy)).data().toString(), QString("97.33"));
    QCOMPARE(list->view()->model()->index(0, column(RunColumn::PredictionError)).data().toString(), QString("−4.1"));

    list->restoreDefaultLayout();
    QVERIFY(list->view()->isColumnHidden(column(RunColumn::Accuracy)));
    QVERIFY(!list->view()->isColumnHidden(column(RunColumn::Devices)));
}

void RunTableTest::aThousandRunsAreListedWithoutBlocking() // U1
{
    std::vector<RunRecord> runs;
    std::map<int, store::Annotation> annotations;
    for (int id = 1; id <= 1000; ++id) {
        runs.push_back(recordOf(id, "run " + std::to_string(id), 1000.0 / id));
        annotations[id] = {{"tag", "of" + std::to_string(id % 7)}, "a note", id % 10 == 0 ? "2026-01-01T00:00:00.000Z" : ""};
    }
    const QTemporaryDir folder;
    Settings settings(folder.filePath("settings.ini"));
    RunList list(settings);
    list.openLab(folder.path().toStdString());
    list.resize(900, 600);
    list.show();
    const Watchdog watchdog;
    QMetaObject::invokeMethod(
        &list,
        [&] {
            list.setRuns(std::make_shared<const std::vector<RunRecord>>(runs),
                std::make_shared<const std::map<int, store::Annotation>>(annotations));
        },
        Qt::QueuedConnection);
    QTRY_COMPARE(list.view()->model()->rowCount(), 900);
    QTest::keyClicks(list.filterField(), "tag:of3 run");
    QCOMPARE(list.view()->model()->rowCount(), 128);
    QVERIFY2(watchdog.longestBlock() <= 100, qPrintable(QString::number(watchdog.longestBlock())));
}

void RunTableTest::tagsAreGivenTakenAndGivenAgain()
{
    TestLab lab;
    const int id = lab.addFinishedRun("run", 5);
    FollowedList list(lab);
    QVERIFY(list.waitFor(1));
    QVERIFY(list->select(id));
    QSignalSpy messages(&list.actions(), &RunListActions::messagePosted);

    list.actions().tags->trigger();
    auto* dialog = list.dialog<TagsDialog>("tagsDialog");
    QTest::keyClicks(dialog->findChild<QLineEdit*>("newTag"), "good, paper");
    QTest::keyClick(dialog, Qt::Key_Return);

    QVERIFY(list.hasWritten());
    QCOMPARE(lab.lab().annotation(id).tags, std::vector<std::string>({"good", "paper"}));
    QCOMPARE(list->view()->model()->index(0, column(RunColumn::Tags)).data().toString(), QString("good, paper"));
    QCOMPARE(messages.last()[0].toString(), QString("Tags of run 1 · pipebd runs tag 1 --add good,paper"));
    QVERIFY(list.actions().undo->isEnabled());
    QCOMPARE(list.actions().undo->text(), QString("&Undo Tags of run 1"));

    list.actions().undo->trigger();
    QCOMPARE(list->view()->model()->index(0, column(RunColumn::Tags)).data().toString(), QString());
    QVERIFY(list.hasWritten());
    QCOMPARE(lab.lab().annotation(id).tags, std::vector<std::string>());

    list.actions().redo->trigger();
    QVERIFY(list.hasWritten());
    QCOMPARE(lab.lab().annotation(id).tags, std::vector<std::string>({"good", "paper"}));
}

void RunTableTest::tagsOfSeveralRunsAreTickedWhereAllHaveThem()
{
    TestLab lab;
    const int first = lab.addFinishedRun("first", 5);
    const int second = lab.addFinishedRun("second", 5);
    lab.lab().set_tags(first, std::vector<std::string>{"both", "one"});
    lab.lab().set_tags(second, std::vector<std::string>{"both"});
    FollowedList list(lab);
    QVERIFY(list.waitFor(2));
    list.selectAll();
    list.actions().tags->trigger();
    auto* dialog = list.dialog<TagsDialog>("tagsDialog");
    auto* boxes = dialog->findChild<QListWidget*>("tags");
    QCOMPARE(boxes->count(), 2);
    QCOMPARE(boxes->item(0)->checkState(), Qt::Checked);
    QCOMPARE(boxes->item(1)->checkState(), Qt::PartiallyChecked);
    QVERIFY(dialog->changes().empty());

    boxes->item(0)->setCheckState(Qt::Unchecked);
    QCOMPARE(dialog->command(), QStringList({"pipebd", "runs", "tag", "2", "1", "--remove", "both"}));
    dialog->accept();

    QVERIFY(list.hasWritten());
    QCOMPARE(lab.lab().annotation(first).tags, std::vector<std::string>{"one"});
    QVERIFY(lab.lab().annotation(second).tags.empty());
}

void RunTableTest::whatCanBeNoTagIsSaidInTheDialog()
{
    TestLab lab;
    const int id = lab.addFinishedRun("run", 5);
    FollowedList list(lab);
    QVERIFY(list.waitFor(1));
    QVERIFY(list->select(id));
    list.actions().tags->trigger();
    auto* dialog = list.dialog<TagsDialog>("tagsDialog");
    dialog->findChild<QLineEdit*>("newTag")->setText(QString(200, 'x'));
    QTest::keyClick(dialog, Qt::Key_Return);
    QVERIFY(dialog->isVisible());
    QVERIFY(!dialog->findChild<QLabel*>("error")->isHidden());
    dialog->reject();
}

void RunTableTest::aNoteIsWrittenAndTakenBack()
{
    TestLab lab;
    const int id = lab.addFinishedRun("run", 5);
    lab.lab().set_note(id, "before");
    FollowedList list(lab);
    QVERIFY(list.waitFor(1));
    QVERIFY(list->select(id));
    list.actions().note->trigger();
    auto* dialog = list.dialog<NoteDialog>("noteDialog");
    auto* text = dialog->findChild<QPlainTextEdit*>("note");
    QCOMPARE(text->toPlainText(), QString("before"));
    text->selectAll();
    QTest::keyClicks(text, "<b>twice</b> as fast");
    dialog->accept();

    QVERIFY(list.hasWritten());
    QCOMPARE(lab.lab().annotation(id).note, std::string("<b>twice</b> as fast"));
    list.actions().undo->trigger();
    QVERIFY(list.hasWritten());
    QCOMPARE(lab.lab().annotation(id).note, std::string("before"));
}

void RunTableTest::deletedRunsAreHiddenShownRestoredAndPurged()
{
    TestLab lab;
    const int first = lab.addFinishedRun("first", 5);
    const int second = lab.addFinishedRun("second", 5);
    FollowedList list(lab);
    QVERIFY(list.waitFor(2));
    QVERIFY(list->select(first));
    QVERIFY(QTest::qWaitForWindowActive(&*list.operator->()));
    list->view()->setFocus();
    QTest::keyClick(list->view(), Qt::Key_Delete);
    QCOMPARE(list.rows(), 1); // at once
    QVERIFY(list.hasWritten());
    QVERIFY(!lab.lab().annotation(first).deleted.empty());

    list.actions().undo->trigger();
    QCOMPARE(list.rows(), 2);
    QVERIFY(list.hasWritten());
    QVERIFY(lab.lab().annotation(first).deleted.empty());
    list.actions().redo->trigger();
    QVERIFY(list.hasWritten());
    QCOMPARE(list.rows(), 1);

    list.actions().showDeleted->trigger();
    QCOMPARE(list.rows(), 2);
    QVERIFY(list->select(first));
    QVERIFY(list->view()->currentIndex().data(Qt::FontRole).value<QFont>().strikeOut());
    QVERIFY(!list.actions().remove->isEnabled());
    list.actions().restore->trigger();
    QVERIFY(list.hasWritten());
    QVERIFY(lab.lab().annotation(first).deleted.empty());
    QVERIFY(!list.actions().purge->isEnabled());

    list.actions().remove->trigger();
    QVERIFY(list.hasWritten());
    list.actions().purge->trigger();
    auto* question = list.dialog<QMessageBox>("purgeQuestion");
    QVERIFY(question->informativeText().contains("pipebd runs purge 1"));
    QTest::keyClick(question, Qt::Key_Return); // what is chosen at first does no harm
    QVERIFY(QTest::qWaitFor([&] { return list->findChild<QMessageBox*>("purgeQuestion") == nullptr; }));
    QCOMPARE(lab.lab().runs().size(), std::size_t{2});

    list.actions().purge->trigger();
    question = list.dialog<QMessageBox>("purgeQuestion");
    QTest::mouseClick(question->findChild<QPushButton*>("purge"), Qt::LeftButton);
    QVERIFY(list.waitFor(1));
    QVERIFY(list.hasWritten());
    QCOMPARE(lab.lab().runs().size(), std::size_t{1});
    QCOMPARE(lab.lab().runs().front().id, second);
    QVERIFY(!list.actions().undo->isEnabled());
}

void RunTableTest::aRunThatGoesOnCannotBeDeletedAndThatIsSaid()
{
    TestLab lab;
    const int ended = lab.addFinishedRun("ended", 5);
    WrittenRun live(lab.lab(), "live");
    FollowedList list(lab);
    QVERIFY(list.waitFor(2));
    list.selectAll();
    list.actions().remove->trigger();
    auto* box = list.dialog<QMessageBox>("failure");
    QVERIFY2(box->text().contains("run 2") || box->text().contains("running"), qPrintable(box->text()));
    box->close();
    QVERIFY(list.hasWritten());
    QCOMPARE(list.rows(), 1); // the one that had ended is deleted all the same
    QVERIFY(!lab.lab().annotation(ended).deleted.empty());
    list.actions().undo->trigger();
    QVERIFY(list.hasWritten());
    QCOMPARE(list.rows(), 2);
}

void RunTableTest::manyKeysLeaveTheLabAsTheScreen()
{
    TestLab lab;
    for (int i = 0; i < 3; ++i)
        lab.addFinishedRun("run", 3);
    FollowedList list(lab);
    QVERIFY(list.waitFor(3));
    list.actions().showDeleted->trigger();
    unsigned dice = 7;
    for (int i = 0; i < 120; ++i) {
        dice = dice * 1103515245 + 12345;
        switch (dice >> 16 & 7) {
        case 0:
        case 1:
            list->select(1 + static_cast<int>(dice >> 20 & 15) % 3);
            break;
        case 2:
            list.actions().remove->trigger();
            break;
        case 3:
            list.actions().restore->trigger();
            break;
        case 4:
            list.actions().redo->trigger();
            break;
        case 5:
            QCoreApplication::processEvents();
            break;
        default:
            list.actions().undo->trigger();
        }
    }
    QVERIFY(list.hasWritten());
    for (const ListedRun& shown : list->shownRuns())
        QCOMPARE(lab.lab().annotation(shown.run.id).deleted.empty(), !shown.isDeleted());
}

void RunTableTest::theSelectedRunsAreCompared()
{
    TestLab lab;
    for (int i = 0; i < 3; ++i)
        lab.addFinishedRun("run", 3);
    FollowedList list(lab);
    QVERIFY(list.waitFor(3));
    QSignalSpy compared(&list.actions(), &RunListActions::comparisonRequested);
    list->select(3);
    QVERIFY(!list.actions().compare->isEnabled());
    QVERIFY(QTest::qWaitForWindowActive(&*list.operator->()));
    list->view()->setFocus();
    QTest::keyClick(list->view(), Qt::Key_Down, Qt::ShiftModifier);
    QTest::keyClick(list->view(), Qt::Key_D, Qt::ControlModifier);
    QCOMPARE(compared.size(), 1);
    QCOMPARE(compared[0][0].value<std::vector<int>>(), std::vector<int>({2, 3}));
}

void RunTableTest::theTableIsExported_data()
{
    QTest::addColumn<QString>("name");
    QTest::newRow("csv") << "table.csv";
    QTest::newRow("json") << "table.json";
    QTest::newRow("suffix is added") << "table";
}

void RunTableTest::theTableIsExported()
{
    QFETCH(QString, name);
    TestLab lab;
    const int id = lab.addFinishedRun("run, with \"quotes\"", 5);
    lab.addFinishedRun("other", 5);
    lab.lab().set_tags(id, std::vector<std::string>{"good"});
    FollowedList list(lab);
    QVERIFY(list.waitFor(2));
    list->filterField()->setText("tag:good");
    QSignalSpy messages(&list.actions(), &RunListActions::messagePosted);
    list.actions().exportTable->trigger();
    choose(list.dialog<QFileDialog>("fileDialog"), list.file(name));
    QTRY_VERIFY(!messages.isEmpty());
    const QByteArray text = contentsOf(list.file(name.contains('.') ? name : name + ".csv"));
    if (name.endsWith("json")) {
        const QJsonArray runs = QJsonDocument::fromJson(text).array();
        QCOMPARE(runs.size(), 1);
        QCOMPARE(runs[0]["name"].toString(), QString("run, with \"quotes\""));
        QCOMPARE(runs[0]["tags"].toArray(), QJsonArray{"good"});
        QCOMPARE(runs[0]["deleted"].type(), QJsonValue::Null);
    } else {
        QVERIFY2(text.contains("\"run, with \"\"quotes\"\"\""), text.constData());
        QCOMPARE(text.count("\r\n"), 2);
    }
}

void RunTableTest::aRunIsExportedAsAFolder()
{
    TestLab lab;
    const int id = lab.addFinishedRun("run", 5);
    FollowedList list(lab);
    QVERIFY(list.waitFor(1));
    QVERIFY(list->select(id));
    QSignalSpy messages(&list.actions(), &RunListActions::messagePosted);
    list.actions().exportFolder->trigger();
    const QTemporaryDir target;
    choose(list.dialog<QFileDialog>("folderDialog"), target.path());
    QTRY_VERIFY(!messages.isEmpty() && messages.last()[0].toString().startsWith("Copied"));
    QVERIFY(QFile::exists(target.filePath("0001-run/run.sqlite")));
}

void RunTableTest::aTraceNeedsMeasuredSteps()
{
    TestLab lab;
    const int id = lab.addFinishedRun("run", 5);
    FollowedList list(lab);
    QVERIFY(list.waitFor(1));
    QVERIFY(list->select(id));
    list.actions().exportTrace->trigger();
    choose(list.dialog<QFileDialog>("fileDialog"), list.file("trace"));
    auto* box = list.dialog<QMessageBox>("failure");
    QVERIFY(!box->text().isEmpty());
    box->close();
    QVERIFY(!QFile::exists(list.file("trace.json")));
}

} // namespace pipebd::gui

QTEST_MAIN(pipebd::gui::RunTableTest)
#include "test_run_table.moc"
