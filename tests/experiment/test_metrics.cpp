// Metrics: what is written in a line is read from it.
#include "experiment/metric_parts.h"
#include "experiment/metrics.h"
#include "experiment_testing.h"

#include <QJsonDocument>
#include <QJsonObject>

#include <cmath>
#include <limits>

using namespace pipebd;
using namespace pipebd::experiment;

namespace {

using Type = Metric::Type;

const std::vector<std::pair<Type, QString>> types = {{Type::Hello, "hello"}, {Type::Heartbeat, "heartbeat"}, {Type::Step, "step"},
    {Type::Loss, "loss"}, {Type::Memory, "memory"}, {Type::Span, "span"}, {Type::Spans, "spans"}, {Type::Eval, "eval"},
    {Type::Checkpoint, "checkpoint"}, {Type::Log, "log"}, {Type::Error, "error"}, {Type::Bye, "bye"}, {Type::Profile, "profile"},
    {Type::Progress, "progress"}, {Type::Unknown, "unknown"}};

/// Every member by itself, in text form, so that NaN equals NaN.
QString shown(const Metric& m)
{
    const auto number = [](double value) { return QString::number(value, 'g', 17); };
    const auto text = [](const std::string& value) { return QString::fromStdString(value); };
    QStringList spans;
    for (const Metric::Interval& span : m.spans)
        spans.append(QString::number(span.index) + ' ' + number(span.start) + ' ' + number(span.end));
    return QStringList{QString::number(static_cast<int>(m.type)), number(m.t), QString::number(m.rank), QString::number(m.step),
        QString::number(m.phase), QString::number(m.block), QString::number(m.index), QString::number(m.samples), number(m.ms),
        number(m.start), number(m.end), number(m.value), QString::number(m.bytes), QString::number(m.peak_bytes),
        QString::number(m.device_bytes), number(m.utilisation), number(m.watts), text(m.name), text(m.text), text(m.waiting),
        text(m.code), text(m.what), text(m.where), text(m.remedy), spans.join(','), QString::number(m.part),
        QString::number(m.parts)}
        .join("|");
}

Metric full(Type type)
{
    return {.type = type,
        .t = 12.345,
        .rank = 3,
        .step = std::int64_t(1) << 60,
        .phase = 1,
        .block = 5,
        .index = 7,
        .samples = 64,
        .ms = 410.2,
        .start = 0.1,
        .end = std::nextafter(0.2, 1),
        .value = -1.5,
        .bytes = 1,
        .peak_bytes = std::int64_t(1) << 40,
        .device_bytes = 0, // known to be none
        .utilisation = 0,
        .watts = 310.5,
        .name = "größe \"x\"",
        .text = "a\nb\\c\u2028",
        .waiting = "rank 1",
        .code = "Damaged",
        .what = "w",
        .where = "h",
        .remedy = "r",
        .spans = {{0, 1.5, std::nextafter(2.0, 3)}, {1, -0.0, 1e300}},
        .part = 1,
        .parts = 3};
}

/// `count` characters of two bytes.
std::string umlauts(std::size_t count)
{
    std::string text;
    for (std::size_t i = 0; i < count; ++i)
        text += "\u00e4";
    return text;
}

/// What is put together of the lines that `metric` is written as; nothing if the last part is missing.
std::optional<Metric> through_lines(const Metric& metric, std::size_t* lines = nullptr)
{
    MetricParts parts;
    std::optional<Metric> whole;
    const std::vector<Metric> all = in_parts(metric);
    for (const Metric& part : all) {
        if (lines != nullptr)
            *lines = std::max(*lines, to_line(part).size());
        whole = parts.take(metric_from_line(to_line(part)));
    }
    return whole;
}

} // namespace

class TestMetrics : public QObject {
    Q_OBJECT

private slots:
    void aStepIsWrittenAsTheFormatSays()
    {
        Metric m{.type = Type::Step, .t = 12.345, .step = 41, .samples = 64, .ms = 410.2};
        QCOMPARE(
            to_line(m), std::string(R"({"v":1,"type":"step","t":12.345,"rank":0,"step":41,"phase":0,"samples":64,"ms":410.2})"));
        QCOMPARE(shown(metric_from_line(to_line(m))), shown(m));
    }

    void everyTypeComesBackWholeAndEmpty()
    {
        for (const auto& [type, name] : types)
            for (const Metric& m : {full(type), Metric{.type = type}}) {
                const std::string line = to_line(m);
                const QJsonObject object = QJsonDocument::fromJson(QByteArray::fromStdString(line)).object();
                QCOMPARE(object["v"].toInt(), 1);
                QCOMPARE(object["type"].toString(), name);
                QVERIFY(line.find('\n') == std::string::npos);
                if (type != Type::Unknown)
                    QCOMPARE(shown(metric_from_line(line)), shown(m));
            }
    }

    void whatIsNotFiniteComesBack()
    {
        Metric m = full(Type::Loss);
        m.value = std::numeric_limits<double>::quiet_NaN();
        m.ms = std::numeric_limits<double>::infinity();
        m.start = -m.ms;
        m.end = -0.0;
        const std::string line = to_line(m);
        QVERIFY(line.find(R"("value":null)") != std::string::npos);
        QVERIFY(!QJsonDocument::fromJson(QByteArray::fromStdString(line)).isNull());
        QCOMPARE(shown(metric_from_line(line)), shown(m));
        QVERIFY(std::signbit(metric_from_line(line).end));
    }

    void measuredInstructionsOfAStepShareALine()
    {
        const Metric m{.type = Type::Spans, .t = 1, .step = 2, .spans = {{0, 0.5, 1}, {7, 1, std::nan("")}}};
        QCOMPARE(to_line(m),
            std::string(R"({"v":1,"type":"spans","t":1.0,"rank":0,"step":2,"phase":0,"spans":[[0,0.5,1.0],[7,1.0,null]]})"));
        QCOMPARE(shown(metric_from_line(to_line(m))), shown(m));
        for (const char* spans : {"{}", "[1]", "[[0,1]]", "[[0,1,2,3]]", "[[0.5,1,2]]", "[[0,\"x\",2]]"})
            VERIFY_REFUSED(metric_from_line(std::string(R"({"v":1,"type":"spans","t":1,"rank":0,"spans":)") + spans + "}"),
                Code::Protocol, "spans has the wrong type or value");
    }

    void aLongTextGoesInPartsAndComesBackWhole()
    {
        for (std::size_t bytes :
            {std::size_t(0), longest_part - 1, longest_part, longest_part + 1, 3 * longest_part, std::size_t(1'000'000)}) {
            Metric m = full(Type::Profile);
            m.part = m.parts = 0;
            m.text = std::string(bytes, '\x01'); // six bytes each in JSON
            std::size_t longest = 0;
            const std::optional<Metric> back = through_lines(m, &longest);
            QVERIFY(back.has_value());
            QVERIFY(back->text == m.text);
            QVERIFY2(longest < (1 << 20), qPrintable(QString::number(longest)));
        }
        Metric m{.type = Type::Pair, .text = "x" + umlauts(longest_part)}; // a part would end in the middle of one
        QVERIFY(through_lines(m)->text == m.text);
        m.text = std::string(longest_part + 10, '\xbf'); // no UTF-8 at all
        QVERIFY(through_lines(m).has_value());
    }

    void otherMetricsMayComeBetweenParts()
    {
        MetricParts parts;
        const Metric m{.type = Type::Profile, .text = std::string(longest_part + 1, 'x')};
        const std::vector<Metric> both = in_parts(m);
        QCOMPARE(both.size(), std::size_t(2));
        QVERIFY(!parts.take(both[0]));
        QCOMPARE(parts.take({.type = Type::Heartbeat, .step = 3})->step, std::int64_t(3));
        QVERIFY(parts.take(both[1])->text == m.text);
        QCOMPARE(parts.take(m)->text.size(), m.text.size()); // whole, in one line
    }

    void partsThatDoNotFollowEachOtherAreAProtocolErrorAndForgotten()
    {
        const auto part = [](int index, int of, Type type = Type::Profile) {
            return Metric{.type = type, .text = "x", .part = index, .parts = of};
        };
        for (const std::vector<Metric>& bad : {std::vector{part(1, 2)}, {part(0, 3), part(2, 3)}, {part(0, 3), part(1, 4)},
                 {part(0, 3), part(1, 3, Type::Pair)}, {part(0, 3), part(0, 3)}, {part(-1, 2)}, {part(3, 3)}, {part(0, -1)}}) {
            MetricParts parts;
            for (std::size_t i = 0; i + 1 < bad.size(); ++i)
                QVERIFY(!parts.take(bad[i]));
            VERIFY_REFUSED(parts.take(bad.back()), Code::Protocol, "was expected");
            QVERIFY(!parts.take(part(0, 2)));
            QCOMPARE(parts.take(part(1, 2))->text, std::string("xx"));
        }
    }

    void aTextWithoutEndIsAProtocolError()
    {
        MetricParts parts;
        Metric part{.type = Type::Profile, .text = std::string(longest_part, 'x'), .part = 0, .parts = 1 << 30};
        for (; part.part < static_cast<int>(longest_text / longest_part); ++part.part)
            QVERIFY(!parts.take(part));
        VERIFY_REFUSED(parts.take(part), Code::Protocol, "a text is longer than 16777216 bytes");
        VERIFY_REFUSED(in_parts({.type = Type::Profile, .text = std::string(longest_text + 1, 'x')}), Code::Protocol, "longer");
    }

    void whatTheDriverDoesNotSayIsLeftOut()
    {
        const Metric m{.type = Type::Memory, .bytes = 1, .peak_bytes = 2};
        QCOMPARE(
            to_line(m), std::string(R"({"v":1,"type":"memory","t":0.0,"rank":0,"step":0,"phase":0,"bytes":1,"peak_bytes":2})"));
        QCOMPARE(metric_from_line(to_line(m)).watts, -1.0);
    }

    void textThatIsNotUtf8IsWrittenAsUtf8()
    {
        Metric m{.type = Type::Log, .text = "a\xff\xfe b"};
        QCOMPARE(metric_from_line(to_line(m)).text, std::string("a\ufffd\ufffd b"));
    }

    void keysAndTypesOfLaterVersionsAreSkipped()
    {
        const Metric step = metric_from_line(R"({"v":1,"type":"step","t":1,"rank":2,"step":3,"new":{"a":[1]}})");
        QCOMPARE(step.step, std::int64_t(3));
        QCOMPARE(step.block, -1);
        const Metric later = metric_from_line(R"({"v":1,"type":"temperature","t":1.5,"rank":2,"step":"in words"})");
        QCOMPARE(later.type, Type::Unknown);
        QCOMPARE(later.t, 1.5);
        QCOMPARE(later.rank, 2);
    }

    // I6, as far as one line goes.
    void aLineThatIsNoMetricIsAProtocolError_data()
    {
        QTest::addColumn<QByteArray>("line");
        QTest::addColumn<QByteArray>("says");
        QTest::newRow("empty") << QByteArray("") << QByteArray("not JSON");
        QTest::newRow("words") << QByteArray("NCCL INFO init") << QByteArray("not JSON: 'NCCL INFO init'");
        QTest::newRow("half") << QByteArray("{\"v\":1,\"type\":\"st") << QByteArray("not JSON");
        QTest::newRow("two") << QByteArray(R"({"v":1}{"v":1})") << QByteArray("not JSON");
        QTest::newRow("binary") << QByteArray("\xff\x00\x1b[2J", 6) << QByteArray("not JSON: '???[2J'");
        QTest::newRow("list") << QByteArray("[1]") << QByteArray("not a JSON object");
        QTest::newRow("no version") << QByteArray(R"({"type":"step","t":1,"rank":0})") << QByteArray("v is missing");
        QTest::newRow("version 0") << QByteArray(R"({"v":0,"type":"step","t":1,"rank":0})") << QByteArray("its version is 0");
        QTest::newRow("version 1.0") << QByteArray(R"({"v":1.0,"type":"step","t":1,"rank":0})") << QByteArray("v has the wrong");
        QTest::newRow("no type") << QByteArray(R"({"v":1,"t":1,"rank":0})") << QByteArray("type is missing");
        QTest::newRow("type 3") << QByteArray(R"({"v":1,"type":3,"t":1,"rank":0})") << QByteArray("type has the wrong");
        QTest::newRow("no t") << QByteArray(R"({"v":1,"type":"step","rank":0})") << QByteArray("t is missing");
        QTest::newRow("t in words") << QByteArray(R"({"v":1,"type":"step","t":"now","rank":0})") << QByteArray("t has the wrong");
        QTest::newRow("t NaN") << QByteArray(R"({"v":1,"type":"step","t":null,"rank":0})") << QByteArray("t is not finite");
        QTest::newRow("no rank") << QByteArray(R"({"v":1,"type":"step","t":1})") << QByteArray("rank is missing");
        QTest::newRow("rank -1") << QByteArray(R"({"v":1,"type":"step","t":1,"rank":-1})") << QByteArray("rank is negative");
        QTest::newRow("huge rank") << QByteArray(R"({"v":1,"type":"step","t":1,"rank":4294967296})")
                                   << QByteArray("rank has the wrong");
        QTest::newRow("fraction") << QByteArray(R"({"v":1,"type":"step","t":1,"rank":0,"step":1.5})")
                                  << QByteArray("step has the wrong");
        QTest::newRow("huge step") << QByteArray(R"({"v":1,"type":"step","t":1,"rank":0,"step":9223372036854775808})")
                                   << QByteArray("step has the wrong");
        QTest::newRow("null text") << QByteArray(R"({"v":1,"type":"log","t":1,"rank":0,"text":null})")
                                   << QByteArray("text has the wrong");
        QTest::newRow("number as text") << QByteArray(R"({"v":1,"type":"log","t":1,"rank":0,"text":3})")
                                        << QByteArray("text has the wrong");
        QTest::newRow("deep") << QByteArray(1 << 20, '[') << QByteArray("not JSON");
        QTest::newRow("long") << QByteArray(1 << 20, 'x') << QByteArray("not JSON");
    }

    void aLineThatIsNoMetricIsAProtocolError()
    {
        QFETCH(QByteArray, line);
        QFETCH(QByteArray, says);
        VERIFY_REFUSED(metric_from_line(line.toStdString()), Code::Protocol, says);
        const auto error = errorOf([&] { metric_from_line(line.toStdString()); });
        QVERIFY(QByteArray(error->what()).size() < 300);
    }

    void aLineOfALaterVersionIsToldApart()
    {
        VERIFY_REFUSED(metric_from_line(R"({"v":2,"type":"step","t":1,"rank":0})"), Code::Newer, "its version is 2 instead of 1");
    }
};

QTEST_GUILESS_MAIN(TestMetrics)
#include "test_metrics.moc"
