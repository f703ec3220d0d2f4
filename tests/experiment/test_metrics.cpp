// Metrics: what is written in a line is read from it.
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

const std::vector<std::pair<Type, QString>> types
    = {{Type::Hello, "hello"}, {Type::Heartbeat, "heartbeat"}, {Type::Step, "step"}, {Type::Loss, "loss"}, {Type::Memory, "memory"},
        {Type::Span, "span"}, {Type::Eval, "eval"}, {Type::Checkpoint, "checkpoint"}, {Type::Log, "log"}, {Type::Error, "error"},
        {Type::Bye, "bye"}, {Type::Profile, "profile"}, {Type::Progress, "progress"}, {Type::Unknown, "unknown"}};

/// Every member by itself, in text form, so that NaN equals NaN.
QString shown(const Metric& m)
{
    const auto number = [](double value) { return QString::number(value, 'g', 17); };
    const auto text = [](const std::string& value) { return QString::fromStdString(value); };
    return QStringList{QString::number(static_cast<int>(m.type)), number(m.t), QString::number(m.rank), QString::number(m.step),
        QString::number(m.phase), QString::number(m.block), QString::number(m.index), QString::number(m.samples), number(m.ms),
        number(m.start), number(m.end), number(m.value), QString::number(m.bytes), QString::number(m.peak_bytes),
        QString::number(m.device_bytes), number(m.utilisation), number(m.watts), text(m.name), text(m.text), text(m.code),
        text(m.what), text(m.where), text(m.remedy)}
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
        .code = "Damaged",
        .what = "w",
        .where = "h",
        .remedy = "r"};
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
        QTest::newRow("version 1.0") << QByteArray(R"({"v":1.0,"type":"step","t":1,"rank":0})") << QByteArray("v is not what");
        QTest::newRow("no type") << QByteArray(R"({"v":1,"t":1,"rank":0})") << QByteArray("type is missing");
        QTest::newRow("type 3") << QByteArray(R"({"v":1,"type":3,"t":1,"rank":0})") << QByteArray("type is not what");
        QTest::newRow("no t") << QByteArray(R"({"v":1,"type":"step","rank":0})") << QByteArray("t is missing");
        QTest::newRow("t in words") << QByteArray(R"({"v":1,"type":"step","t":"now","rank":0})") << QByteArray("t is not what");
        QTest::newRow("t NaN") << QByteArray(R"({"v":1,"type":"step","t":null,"rank":0})") << QByteArray("t is not finite");
        QTest::newRow("no rank") << QByteArray(R"({"v":1,"type":"step","t":1})") << QByteArray("rank is missing");
        QTest::newRow("rank -1") << QByteArray(R"({"v":1,"type":"step","t":1,"rank":-1})") << QByteArray("rank is negative");
        QTest::newRow("huge rank") << QByteArray(R"({"v":1,"type":"step","t":1,"rank":4294967296})")
                                   << QByteArray("rank is not what");
        QTest::newRow("fraction") << QByteArray(R"({"v":1,"type":"step","t":1,"rank":0,"step":1.5})")
                                  << QByteArray("step is not what");
        QTest::newRow("huge step") << QByteArray(R"({"v":1,"type":"step","t":1,"rank":0,"step":9223372036854775808})")
                                   << QByteArray("step is not what");
        QTest::newRow("null text") << QByteArray(R"({"v":1,"type":"log","t":1,"rank":0,"text":null})")
                                   << QByteArray("text is not what");
        QTest::newRow("number as text") << QByteArray(R"({"v":1,"type":"log","t":1,"rank":0,"text":3})")
                                        << QByteArray("text is not what");
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
