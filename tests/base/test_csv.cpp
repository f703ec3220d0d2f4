// CSV: what a reader by RFC 4180 gets back is what was written, and no cell is a formula.
#include <QTest>

#include "base/csv.h"

#include <cmath>
#include <cstdlib>
#include <limits>

using namespace pipebd;

namespace {

/// The lines of cells of a file, read as RFC 4180 says.
std::vector<std::vector<std::string>> read(const std::string& csv)
{
    std::vector<std::vector<std::string>> lines;
    std::vector<std::string> line;
    std::string cell;
    bool quoted = false;
    for (std::size_t i = 0; i < csv.size(); ++i) {
        if (quoted && csv[i] == '"' && i + 1 < csv.size() && csv[i + 1] == '"')
            cell += csv[i++];
        else if (csv[i] == '"')
            quoted = !quoted;
        else if (!quoted && csv[i] == ',')
            line.push_back(std::exchange(cell, {}));
        else if (!quoted && csv[i] == '\r' && csv[i + 1] == '\n') {
            line.push_back(std::exchange(cell, {}));
            lines.push_back(std::exchange(line, {}));
            ++i;
        } else
            cell += csv[i];
    }
    return lines;
}

} // namespace

class TestCsv : public QObject {
    Q_OBJECT

private slots:
    void whatIsWrittenIsReadBack()
    {
        const std::vector<std::string> cells
            = {"plain", "", "a,b", "say \"so\"", "two\r\nlines", "\"", "ü \xF0\x9F\x98\x80", " room "};
        CsvWriter csv;
        for (const std::string& cell : cells)
            csv.text(cell);
        csv.end_line();
        csv.whole(-7).number(0.1).empty();
        csv.end_line();

        const auto lines = read(csv.contents());
        QCOMPARE(lines.size(), std::size_t{2});
        QCOMPARE(lines[0], cells);
        QCOMPARE(lines[1], std::vector<std::string>({"-7", "0.1", ""}));
    }

    void withTabsNoTextHasTabsOrLineBreaks()
    {
        CsvWriter tsv(TableFormat::Tsv);
        tsv.text("a\tb").text("c\r\nd").text("\"e\", f").text("=1").number(0.5);
        tsv.end_line();
        tsv.text("g");
        tsv.end_line();
        QCOMPARE(tsv.contents(), "a b\tc  d\t\"e\", f\t'=1\t0.5\ng\n");
    }

    void numbersAreReadBackAsTheyWereAndWhatIsNoneIsEmpty()
    {
        for (const double value : {0.1, -1e-300, 1.0 / 3, 123456789012345.0, std::numeric_limits<double>::denorm_min()})
            QCOMPARE(std::strtod(shortest(value).c_str(), nullptr), value);
        CsvWriter csv;
        csv.number(std::nan("")).number(std::numeric_limits<double>::infinity()).number(1);
        QCOMPARE(csv.contents(), ",,1");
    }

    void aCellIsNeverAFormula_data()
    {
        QTest::addColumn<QByteArray>("text");
        QTest::addColumn<bool>("guarded");
        for (const char* text : {"=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "  =1", "-", "=\"a\",b"})
            QTest::addRow("%s", QByteArray(text).toPercentEncoding().constData()) << QByteArray(text) << true;
        for (const char* text : {"-2", "+3.5", "-1e-7", "a=b", "", "'=1", "1-2"})
            QTest::addRow("harmless %s", text) << QByteArray(text) << false;
    }

    void aCellIsNeverAFormula()
    {
        QFETCH(QByteArray, text);
        QFETCH(bool, guarded);
        CsvWriter csv;
        csv.text(text.toStdString());
        csv.end_line();
        QCOMPARE(read(csv.contents()).at(0).at(0), std::string(guarded ? 1 : 0, '\'').append(text.toStdString()));
    }
};

QTEST_GUILESS_MAIN(TestCsv)
#include "test_csv.moc"
