// What the driver says of a GPU, from a stand-in for its library.

#include "engine/report/telemetry.h"

#include <QTest>
#include <dlfcn.h>

using namespace pipebd::engine;

class TestTelemetry : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void initTestCase() { QVERIFY(dlopen(FAKE_NVML, RTLD_LAZY) != nullptr); } // stays loaded, and counts how often it is started
    void cleanup() { qunsetenv("FAKE_NVML"); }

    void aGpuIsReadByItsBusId()
    {
        Telemetry telemetry(FAKE_NVML);
        QVERIFY(telemetry.available());
        QCOMPARE(telemetry.text(), std::string("available"));
        for (int again = 0; again < 2; ++again) {
            const Telemetry::Reading reading = telemetry.read("0000:41:00.0");
            QCOMPARE(reading.bytes, std::int64_t(40) << 30);
            QCOMPARE(reading.utilisation, 0.87);
        }
    }

    void whatTheGpuDoesNotTellIsNotKnown()
    {
        Telemetry telemetry(FAKE_NVML);
        QCOMPARE(telemetry.read("0000:41:00.0").watts, -1.0);
        const Telemetry::Reading unknown = telemetry.read("0000:42:00.0");
        QCOMPARE(unknown.bytes, std::int64_t(-1));
        QCOMPARE(unknown.utilisation, -1.0);
    }

    void itIsShutDownSoThatItCanBeStartedAgain()
    {
        for (int again = 0; again < 2; ++again)
            QCOMPARE(Telemetry(FAKE_NVML).read("0000:41:00.0").utilisation, 0.87);
    }

    void withoutTheLibraryThereIsNoTelemetryAndNoError_data()
    {
        QTest::addColumn<QString>("library");
        QTest::addColumn<QByteArray>("told");
        QTest::newRow("not there") << "libnowhere.so.1" << QByteArray();
        QTest::newRow("another library") << "libm.so.6" << QByteArray();
        QTest::newRow("does not start") << FAKE_NVML << QByteArray("broken");
    }

    void withoutTheLibraryThereIsNoTelemetryAndNoError()
    {
        QFETCH(QString, library);
        QFETCH(QByteArray, told);
        qputenv("FAKE_NVML", told);
        Telemetry telemetry(library.toStdString());
        QVERIFY(!telemetry.available());
        QVERIFY2(telemetry.text().starts_with("no GPU telemetry ("), telemetry.text().c_str());
        QCOMPARE(telemetry.text().find('\n'), std::string::npos);
        QCOMPARE(telemetry.read("0000:41:00.0").bytes, std::int64_t(-1));
    }
};

QTEST_GUILESS_MAIN(TestTelemetry)
#include "test_telemetry.moc"
