#include "gui/kit/rows_model.h"
#include "gui_testing.h"

#include <QAbstractItemModelTester>
#include <QItemSelectionModel>
#include <QSignalSpy>

namespace pipebd::gui {

class RowsModelTest : public QObject {
    Q_OBJECT

private slots:
    void init() { failOnAnyWarning(); }
    void whateverRowsComeTheTableIsThose_data();
    void whateverRowsComeTheTableIsThose();
    void rowsThatStayKeepTheirSelectionAndTheirTicks();
    void numbersAreSortedAsNumbers();
    void everyWordOfTheFilterMustOccur();
};

namespace {

std::vector<Row> rowsOf(const QString& ids)
{
    std::vector<Row> rows;
    for (const QChar id : ids.toLower())
        rows.push_back({QString(id), {{QString(id)}, {ids.contains(id) ? "small" : "LARGE"}}});
    return rows;
}

QString idsOf(const QAbstractItemModel& model)
{
    QString ids;
    for (int row = 0; row < model.rowCount(); ++row)
        ids += model.index(row, 0).data(RowsModel::IdRole).toString();
    return ids;
}

} // namespace

void RowsModelTest::whateverRowsComeTheTableIsThose_data()
{
    QTest::addColumn<QString>("before");
    QTest::addColumn<QString>("after");
    for (const auto& [before, after] : {std::pair("", "abc"), std::pair("abc", ""), std::pair("abc", "abc"),
             std::pair("abc", "aBc"), std::pair("abcdef", "cd"), std::pair("cd", "abcdef"), std::pair("abcdef", "xbyzeuv"),
             std::pair("abc", "cba"), std::pair("abc", "xyz"), std::pair("abcd", "axcy")})
        QTest::addRow("%s to %s", before, after) << before << after;
}

void RowsModelTest::whateverRowsComeTheTableIsThose() // U4
{
    QFETCH(QString, before);
    QFETCH(QString, after);
    RowsModel model({{"a"}, {"b"}});
    RowsFilter filter(&model);
    const QAbstractItemModelTester modelTester(&model, QAbstractItemModelTester::FailureReportingMode::Fatal);
    const QAbstractItemModelTester filterTester(&filter, QAbstractItemModelTester::FailureReportingMode::Fatal);
    model.setRows(rowsOf(before));
    model.setRows(rowsOf(after));
    QCOMPARE(idsOf(model), after.toLower());
    QCOMPARE(idsOf(filter), after.toLower());
    QVERIFY(model.rows() == rowsOf(after));
}

void RowsModelTest::rowsThatStayKeepTheirSelectionAndTheirTicks()
{
    RowsModel model({{"a"}, {"b"}});
    model.setTickable(true);
    model.setRows(rowsOf("abc"));
    QItemSelectionModel selection(&model);
    selection.setCurrentIndex(model.indexOf("b"), QItemSelectionModel::SelectCurrent);
    QVERIFY(model.setData(model.indexOf("b"), Qt::Checked, Qt::CheckStateRole));
    QVERIFY(model.setData(model.indexOf("a"), Qt::Checked, Qt::CheckStateRole));
    QSignalSpy ticked(&model, &RowsModel::tickedChanged);
    model.setRows(rowsOf("xbyc"));
    QCOMPARE(selection.currentIndex(), model.indexOf("b"));
    QCOMPARE(model.ticked(), QStringList{"b"});
    QCOMPARE(ticked.size(), 1);
}

void RowsModelTest::numbersAreSortedAsNumbers()
{
    RowsModel model({{"a"}});
    model.setRows({{"ten", {{"10", 10}}}, {"nine", {{"9", 9}}}});
    RowsFilter filter(&model);
    filter.sort(0);
    QCOMPARE(filter.index(0, 0).data(RowsModel::IdRole).toString(), QStringLiteral("nine"));
}

void RowsModelTest::everyWordOfTheFilterMustOccur()
{
    RowsModel model({{"a"}, {"b"}});
    model.setRows({{"1", {{"one"}, {"red"}}}, {"2", {{"two"}, {"red"}}}});
    RowsFilter filter(&model);
    filter.setWords(" RED  tw ");
    QCOMPARE(idsOf(filter), QStringLiteral("2"));
    filter.setWords({});
    QCOMPARE(filter.rowCount(), 2);
}

} // namespace pipebd::gui

QTEST_MAIN(pipebd::gui::RowsModelTest)
#include "test_rows_model.moc"
