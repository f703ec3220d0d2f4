// Units: sizes and times as people read and write them.
#include "base/units.h"
#include "base_testing.h"

#include <cmath>
#include <limits>

using namespace pipebd;

class TestUnits : public QObject {
    Q_OBJECT

private slots:
    void bytesAreShownInTheUnitThatFits()
    {
        QCOMPARE(format_bytes(0), std::string("0 B"));
        QCOMPARE(format_bytes(640), std::string("640 B"));
        QCOMPARE(format_bytes(1023), std::string("1023 B"));
        QCOMPARE(format_bytes(1024), std::string("1.0 KiB"));
        QCOMPARE(format_bytes((1 << 20) - 1), std::string("1.0 MiB"));
        QCOMPARE(format_bytes(12025908429), std::string("11.2 GiB"));
        QCOMPARE(format_bytes(-2048), std::string("-2.0 KiB"));
        QCOMPARE(format_bytes(std::numeric_limits<std::int64_t>::max()), std::string("8.0 EiB"));
        QCOMPARE(format_bytes(std::numeric_limits<std::int64_t>::min()), std::string("-8.0 EiB"));
    }

    void timesAreShownInTheUnitThatFits()
    {
        QCOMPARE(format_milliseconds(0), std::string("0.00 ms"));
        QCOMPARE(format_milliseconds(1.25), std::string("1.25 ms"));
        QCOMPARE(format_milliseconds(12.34), std::string("12.3 ms"));
        QCOMPARE(format_milliseconds(9.996), std::string("10.0 ms"));
        QCOMPARE(format_milliseconds(410.2), std::string("410 ms"));
        QCOMPARE(format_milliseconds(999.7), std::string("1.0 s"));
        QCOMPARE(format_milliseconds(2400), std::string("2.4 s"));
        QCOMPARE(format_milliseconds(59970), std::string("1 min 0 s"));
        QCOMPARE(format_milliseconds(185000), std::string("3 min 5 s"));
        QCOMPARE(format_milliseconds(3600000 * 26.5), std::string("26 h 30 min"));
        QCOMPARE(format_milliseconds(-185000), std::string("-3 min 5 s"));
        QCOMPARE(format_milliseconds(std::nan("")), std::string("-"));
        QCOMPARE(format_milliseconds(std::numeric_limits<double>::infinity()), std::string("-"));
        QVERIFY(format_milliseconds(1e300).ends_with(" h 46 min"));
    }

    void sizesAreReadAsTheyAreWritten_data()
    {
        QTest::addColumn<QByteArray>("text");
        QTest::addColumn<qint64>("bytes");
        QTest::newRow("plain") << QByteArray("1000") << qint64(1000);
        QTest::newRow("bytes") << QByteArray("7 B") << qint64(7);
        QTest::newRow("binary") << QByteArray("11GiB") << (qint64(11) << 30);
        QTest::newRow("decimal") << QByteArray("512 MB") << qint64(512000000);
        QTest::newRow("fraction") << QByteArray("1.5 KiB") << qint64(1536);
        QTest::newRow("case") << QByteArray("2 tib") << (qint64(2) << 40);
        QTest::newRow("spaces") << QByteArray("  3 kB ") << qint64(3000);
        QTest::newRow("beyond 53 bits") << QByteArray("9007199254740993") << qint64(9007199254740993);
        QTest::newRow("largest") << QByteArray("9223372036854775807") << std::numeric_limits<qint64>::max();
    }

    void sizesAreReadAsTheyAreWritten()
    {
        QFETCH(QByteArray, text);
        QFETCH(qint64, bytes);
        QCOMPARE(parse_bytes(text.toStdString(), "here"), bytes);
    }

    void whatIsNoSizeIsRefusedWithItsPlaceAndAnExample_data()
    {
        QTest::addColumn<QByteArray>("text");
        for (const char* text : {"", " ", "GiB", "eleven", "-1", "-0", "1.5", "1.5 B B", "11 GiBi", "11G", "1e3", "0x10", "nan",
                 "inf", "9223372036854775808", "8388608 TiB", "99999999999999999999999999 TB", "1,5 GiB", "1 \n"})
            QTest::newRow(text) << QByteArray(text);
        QTest::newRow("a megabyte of digits") << QByteArray(1 << 20, '9');
    }

    void whatIsNoSizeIsRefusedWithItsPlaceAndAnExample()
    {
        QFETCH(QByteArray, text);
        const auto error = errorOf([&] { parse_bytes(text.toStdString(), "--memory-limit"); });
        QVERIFY(error);
        QCOMPARE(error->code(), Code::BadRequest);
        QCOMPARE(error->where(), std::string("--memory-limit"));
        VERIFY_SAYS(error, "such as 11GiB");
        QVERIFY(QByteArray(error->what()).size() < 400);
    }

    void bandwidthsAreReadAndWrittenInBytesASecond()
    {
        QCOMPARE(parse_bandwidth("25GB/s", "here"), 25'000'000'000);
        QCOMPARE(parse_bandwidth(" 1.5 MiB/s ", "here"), 1'572'864);
        for (const char* text : {"", "25", "25GB", "GB/s", "0/s", "-1GB/s", "25GB/min", "25 parsecs/s"}) {
            const auto error = errorOf([&] { parse_bandwidth(text, "--link"); });
            QVERIFY2(error, text);
            QCOMPARE(error->where(), std::string("--link"));
        }
        QCOMPARE(format_bandwidth(25e9), std::string("25.0 GB/s"));
        QCOMPARE(format_bandwidth(999.6), std::string("1.00 kB/s"));
        QCOMPARE(format_bandwidth(12), std::string("12.0 B/s"));
    }
};

QTEST_GUILESS_MAIN(TestUnits)
#include "test_units.moc"
