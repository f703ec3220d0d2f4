// Devices: names of ranks' devices and lists of them.
#include "experiment/devices.h"
#include "experiment_testing.h"

using namespace pipebd;
using namespace pipebd::experiment;

class TestDevices : public QObject {
    Q_OBJECT

private slots:
    void listsAreReadAndWritten_data()
    {
        QTest::addColumn<QString>("text");
        QTest::addColumn<QString>("written");
        QTest::newRow("one") << "cpu"
                             << "cpu";
        QTest::newRow("two") << "cpu,cpu"
                             << "cpu,cpu";
        QTest::newRow("threads") << "cpu@4,cpu"
                                 << "cpu@4,cpu";
        QTest::newRow("one thread") << "cpu@1"
                                    << "cpu";
        QTest::newRow("GPUs") << "cuda:0,cuda:7"
                              << "cuda:0,cuda:7";
        QTest::newRow("shared GPU") << "cuda:0,cuda:0"
                                    << "cuda:0,cuda:0";
        QTest::newRow("spaces") << " cpu , cuda:1 "
                                << "cpu,cuda:1";
        QTest::newRow("leading zero") << "cuda:01"
                                      << "cuda:1";
        QTest::newRow("limits") << "cpu@1024,cuda:1023"
                                << "cpu@1024,cuda:1023";
    }

    void listsAreReadAndWritten()
    {
        QFETCH(QString, text);
        QFETCH(QString, written);
        const auto devices = parse_devices(text.toStdString(), "--devices");
        QCOMPARE(to_string(devices), written.toStdString());
        QCOMPARE(parse_devices(written.toStdString(), "--devices"), devices);
    }

    void theirPartsAreUnderstood()
    {
        const auto devices = parse_devices("cpu@3,cuda:2", "");
        QCOMPARE(devices.size(), std::size_t(2));
        QCOMPARE(devices[0], (Device{Device::Kind::Cpu, 0, 3}));
        QCOMPARE(devices[1], (Device{Device::Kind::Cuda, 2, 1}));
    }

    void moreDevicesAreLikeTheFirst_data()
    {
        QTest::addColumn<QByteArray>("devices");
        QTest::addColumn<int>("count");
        QTest::addColumn<QByteArray>("expected");
        QTest::newRow("fewer") << QByteArray("cuda:3,cpu,cuda:1") << 2 << QByteArray("cuda:3,cpu");
        QTest::newRow("GPUs") << QByteArray("cuda:0,cuda:5") << 4 << QByteArray("cuda:0,cuda:5,cuda:2,cuda:3");
        QTest::newRow("CPU ranks") << QByteArray("cpu@4") << 3 << QByteArray("cpu@4,cpu@4,cpu@4");
    }

    void moreDevicesAreLikeTheFirst()
    {
        QFETCH(QByteArray, devices);
        QFETCH(int, count);
        QFETCH(QByteArray, expected);
        QCOMPARE(to_string(as_many_as(static_cast<std::size_t>(count), parse_devices(devices.toStdString(), ""))),
            expected.toStdString());
    }

    // I1
    void whatIsNoDeviceIsRefusedInOneLineWithExamples_data()
    {
        QTest::addColumn<QByteArray>("text");
        for (const char* text : {"", ",", "cpu,", ",cpu", "cpu,,cpu", "-1", "2", "gpu", "auto", "CPU", "cpu@", "cpu@0", "cpu@-1",
                 "cpu@1025", "cpu@1.5", "cpu@+1", "cpu@ 4", "cpu:0", "cuda", "cuda:", "cuda:-1", "cuda:1024", "cuda:0x1",
                 "cuda:99999999999999999999", "cpu;cpu", "cpu cpu", "cpu\ncpu", "cpu\xff"})
            QTest::newRow(text) << QByteArray(text);
        QTest::newRow("a megabyte") << QByteArray(1 << 20, 'c');
        QTest::newRow("a megabyte of devices") << QByteArray("cpu,").repeated(1 << 18);
    }

    void whatIsNoDeviceIsRefusedInOneLineWithExamples()
    {
        QFETCH(QByteArray, text);
        const auto error = errorOf([&] { parse_devices(text.toStdString(), "--devices"); });
        QVERIFY(error);
        QCOMPARE(error->code(), Code::BadRequest);
        QCOMPARE(error->where(), std::string("--devices"));
        const QByteArray line = error->what();
        QVERIFY2(line.contains("write a list such as cpu,cpu") && !line.contains('\n') && line.size() < 400, line);
    }
};

QTEST_GUILESS_MAIN(TestDevices)
#include "test_devices.moc"
