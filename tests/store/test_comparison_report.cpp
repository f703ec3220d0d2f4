// The report of a comparison: one well-formed file with everything in it, whatever runs are called.
#include "compared_runs.h"

#include "store/comparison_report.h"
#include "store/line_chart.h"

#include <QRegularExpression>
#include <QXmlStreamReader>

#include <array>
#include <cmath>

using namespace pipebd;
using namespace pipebd::store;

namespace {

/// The page as XML: HTML's void elements closed, entities known.
QByteArray asXml(QByteArray html)
{
    html.replace("<!DOCTYPE html>\n", "");
    html.replace(QByteArray("<br>"), "<br/>");
    QString text = QString::fromUtf8(html);
    text.replace(QRegularExpression("<(meta [^>]*)>"), "<\\1/>");
    text.replace("&ndash;", "-").replace("&plusmn;", "+-");
    return text.toUtf8();
}

QStringList elementsOf(const QByteArray& html, QString* problem, QString* texts = nullptr)
{
    QXmlStreamReader reader(asXml(html));
    QStringList elements;
    while (!reader.atEnd()) {
        reader.readNext();
        if (reader.isStartElement())
            elements << reader.name().toString();
        if (texts && reader.isCharacters())
            *texts += reader.text().toString() + "|";
    }
    *problem = reader.hasError() ? reader.errorString() + " in line " + QString::number(reader.lineNumber()) : QString();
    return elements;
}

} // namespace

class TestComparisonReport : public QObject {
    Q_OBJECT

    QTemporaryDir m_folder;

private slots:
    void init() { m_folder = QTemporaryDir(); }

    void itHasTablesChartsAndTimelinesAndNeedsNothingElse()
    {
        Lab lab(pathOf(m_folder));
        make_run(lab, {.strategy = "dp", .throughput = 50, .steps = 40});
        make_run(lab, {.seed = 1, .throughput = 100, .steps = 40});
        make_run(lab, {.seed = 2, .throughput = 120, .steps = 40});
        const QByteArray html = QByteArray::fromStdString(comparison_report(compare_runs(lab, std::array{1, 2, 3})));

        QString problem;
        QString texts;
        const QStringList elements = elementsOf(html, &problem, &texts);
        QVERIFY2(problem.isEmpty(), qPrintable(problem));
        QVERIFY(!elements.contains("script"));
        QVERIFY(!elements.contains("link") && !elements.contains("img") && !html.contains("http://") && !html.contains("https://"));
        QVERIFY(html.contains("prefers-color-scheme: dark"));
        QCOMPARE(elements.count("figure"), 3); // loss of block 0, throughput, memory
        QCOMPARE(html.count("The newest measured step</title>"), 3);
        for (const char* heading : {"Results", "Repeated with other seeds", "Settings that differ", "Curves"})
            QVERIFY2(texts.contains(QString("|%1|").arg(heading)), heading);
        QVERIFY(texts.contains(QString::fromUtf8("\u2605"))); // the best
        QVERIFY(html.contains("class=\"curve c0 d0\"") && html.contains("class=\"curve c2 d2\""));
    }

    void hostileNamesAreText_data() // I7
    {
        QTest::addColumn<QByteArray>("name");
        QTest::newRow("element") << QByteArray("<script>alert(1)</script>");
        QTest::newRow("attribute") << QByteArray("\" onload=\"alert(1)\" x='");
        QTest::newRow("closing") << QByteArray("</title></svg></td></table>]]>");
        QTest::newRow("entity") << QByteArray("&lt;b&gt;&#60;");
        QTest::newRow("comment") << QByteArray("<!-- -->");
        QTest::newRow("control") << QByteArray("a\x01\x02\n\x1b[31m\u202Eb");
        QTest::newRow("not UTF-8") << QByteArray("\xff\xfe<");
        QTest::newRow("long") << QByteArray(5000, '<');
    }

    void hostileNamesAreText()
    {
        QFETCH(QByteArray, name);
        Lab lab(pathOf(m_folder));
        make_run(lab, {.steps = 5});
        const ComparedRun plain = read_compared_run(lab.run(1), {});
        const auto calledSo = [&](const QByteArray& text) {
            ComparedRun run = plain;
            run.record.name = run.record.pair = run.record.strategy = run.record.error = run.record.started = text.toStdString();
            run.record.devices = {text.toStdString()};
            run.annotation = {{text.toStdString()}, text.toStdString() + "\nsecond", ""};
            run.experiment->data.path = QString::fromUtf8(text).toStdString(); // is UTF-8 in any experiment
            return QByteArray::fromStdString(comparison_report(compare_runs({plain, run})));
        };
        QString problem;
        const QStringList expected = elementsOf(calledSo("harmless"), &problem);
        QVERIFY2(problem.isEmpty(), qPrintable(problem));
        const QStringList elements = elementsOf(calledSo(name), &problem);
        QVERIFY2(problem.isEmpty(), qPrintable(problem));
        QCOMPARE(elements, expected);
        QVERIFY(!elements.contains("script"));
    }

    void aRunThatCannotBeReadIsInItAllTheSame()
    {
        Lab lab(pathOf(m_folder));
        make_run(lab, {.steps = 5});
        makeFinishedRun(lab.new_run("odd").folder / "run.sqlite");
        runSql(lab.folder() / "runs" / "0002-odd" / "run.sqlite", "PRAGMA user_version = 7");
        const QByteArray html = QByteArray::fromStdString(comparison_report(compare_runs(lab, std::array{1, 2})));
        QString problem;
        elementsOf(html, &problem);
        QVERIFY2(problem.isEmpty(), qPrintable(problem));
        QVERIFY(html.contains("later version"));
    }

    void aThinnedCurveKeepsItsPeaksAndItsEnds()
    {
        std::vector<Point> points;
        for (int i = 0; i < 100'000; ++i)
            points.push_back({static_cast<double>(i), std::sin(i * 0.001)});
        points[4321].y = 50;
        points[77'777].y = -50;
        points[500].y = std::nan("");
        const std::vector<Point> kept = thinned(points, 300);
        QVERIFY(kept.size() <= 600);
        const auto has = [&](double y) { return std::any_of(kept.begin(), kept.end(), [&](const Point& p) { return p.y == y; }); };
        QVERIFY(has(50) && has(-50));
        QVERIFY(std::is_sorted(kept.begin(), kept.end(), [](const Point& a, const Point& b) { return a.x < b.x; }));
        QCOMPARE(thinned({{2, 1}, {1, 5}}, 300).front().x, 1.0);
    }

    void ticksAreRound()
    {
        QCOMPARE(round_ticks(0, 10, 5), std::vector<double>({0, 2, 4, 6, 8, 10}));
        QCOMPARE(round_ticks(0.013, 0.041, 2), std::vector<double>({0.02, 0.04}));
        QVERIFY(line_chart("empty", "y", {{"a", 0, {{0, std::nan("")}}}}).empty());
        QCOMPARE(line_chart("constant", "y", {{"a", 0, {{0, 3}, {1, 3}}}}).find("nan"), std::string::npos);
    }
};

QTEST_GUILESS_MAIN(TestComparisonReport)
#include "test_comparison_report.moc"
