#include "gui/run_list.h"
#include "gui/run_table_model.h"
#include "gui/settings.h"
#include "gui/table_copy.h"
#include "gui_testing.h"

#include <QAbstractItemModelTester>
#include <QApplication>
#include <QClipboard>
#include <QLineEdit>
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
    void theFilterFindsWordsInAnyColumn();
    void statesHaveIconColourAndWord();
    void toolTipsShowForeignTextAsItIs();
    void selectionSurvivesNewRuns();
    void copyGivesTabSeparatedTextOfTheSelectedRows();
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

QStringList columnOf(const QAbstractItemModel& model, int column)
{
    QStringList texts;
    for (int row = 0; row < model.rowCount(); ++row)
        texts << model.index(row, column).data().toString();
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
        QCOMPARE(columnOf(model, RunTableModel::Id), expected);
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

    filtered.sort(RunTableModel::Id, Qt::AscendingOrder);
    QCOMPARE(columnOf(filtered, RunTableModel::Id), QStringList({"2", "9", "10"}));
    filtered.sort(RunTableModel::Throughput, Qt::AscendingOrder);
    QCOMPARE(columnOf(filtered, RunTableModel::Id), QStringList({"10", "2", "9"}));
}

void RunTableTest::theFilterFindsWordsInAnyColumn()
{
    RunTableModel model;
    RunFilterModel filtered;
    filtered.setSourceModel(&model);
    model.setRuns(
        {recordOf(4, "nas", 1, RunState::Failed), recordOf(3, "nas", 1), recordOf(2, "digits", 1), recordOf(1, "digits", 1)});

    filtered.setWords("NAS fail");
    QCOMPARE(columnOf(filtered, RunTableModel::Id), QStringList({"4"}));
    filtered.setWords("digits dp");
    QCOMPARE(columnOf(filtered, RunTableModel::Id), QStringList({"2", "1"}));
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
        const QModelIndex index = model.index(0, RunTableModel::State);
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
    shown.setHtml(model.index(0, RunTableModel::State).data(Qt::ToolTipRole).toString());
    QCOMPARE(shown.toPlainText(), QStringLiteral("<b>bold</b> & more"));
    QCOMPARE(model.index(0, RunTableModel::Name).data(Qt::ToolTipRole).toString(), QStringLiteral("/lab/runs/1"));
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
    QCOMPARE(lines[0].split('\t'), QStringList({"Id", "Name", "State", "Strategy", "Devices", "Samples/s", "Loss", "Started"}));
    QCOMPARE(lines[1].split('\t'), QStringList({"2", "with tab", "Finished", "tr+dpu", "cpu, cpu", "1.0", "", ""}));
}

} // namespace pipebd::gui

QTEST_MAIN(pipebd::gui::RunTableTest)
#include "test_run_table.moc"
