// What libraries throw, told in words of this program: the exceptions are their own, or their texts as they were met.
#include "base/foreign_error.h"
#include "base_testing.h"

#include <nlohmann/json.hpp>

#include <filesystem>
#include <new>
#include <stdexcept>

using namespace pipebd;

class TestForeignError : public QObject {
    Q_OBJECT

private slots:
    void theReasonIsToldWithoutPlacesInSourcesMarksAndFrames_data()
    {
        QTest::addColumn<QString>("said");
        QTest::addColumn<QString>("told");
        QTest::newRow("c10, allocator") << "[enforce fail at alloc_cpu.cpp:124] err == 0. DefaultCPUAllocator: can't allocate "
                                           "memory: you tried to allocate 8000 "
                                           "bytes. Error code 12 (Cannot allocate memory)"
                                        << "DefaultCPUAllocator: can't allocate memory: you tried to allocate 8000 bytes. Error "
                                           "code 12 (Cannot allocate memory)";
        QTest::newRow("c10, frames")
            << "size mismatch\nException raised from check at ../aten/src/ATen/native/Linear.cpp:17\nframe #0"
            << "size mismatch";
        QTest::newRow("c10, frames in its line") << "no kernel (Exception raised from run at ../a.cpp:1)"
                                                 << "no kernel";
        QTest::newRow("c10, no memory for its text") << "<Error computing Error::what()>"
                                                     << "no reason given";
        QTest::newRow("gloo") << "[/pytorch/third_party/gloo/gloo/transport/tcp/pair.cc:553] Connection closed by peer "
                                 "[127.0.0.1]:4711"
                              << "Connection closed by peer [127.0.0.1]:4711";
        QTest::newRow("gloo, relative") << "[../third_party/gloo/gloo/transport/tcp/pair.cc:534] Connection reset"
                                        << "Connection reset";
        QTest::newRow("json") << "[json.exception.type_error.302] type must be string, but is number"
                              << "type must be string, but is number";
        QTest::newRow("an address") << "no answer of [127.0.0.1:4711]"
                                    << "no answer of [127.0.0.1:4711]";
        QTest::newRow("plain") << "disk I/O error"
                               << "disk I/O error";
        QTest::newRow("nothing") << ""
                                 << "no reason given";
        QTest::newRow("not closed") << "[pair.cc:5"
                                    << "[pair.cc:5";
    }

    void theReasonIsToldWithoutPlacesInSourcesMarksAndFrames()
    {
        QFETCH(QString, said);
        QFETCH(QString, told);
        QCOMPARE(QString::fromStdString(foreign_reason(said.toStdString())), told);
    }

    void aLongReasonIsCut() { QVERIFY(foreign_reason(std::string(10'000, 'x')).size() <= 303); }

    void whatOnlyTheEndOfAProgramCatchesIsAnErrorToo()
    {
        const Error ours(Code::Locked, "another process holds it", "a.sqlite", "wait");
        QCOMPARE(error_from(ours, "pipebd").code(), Code::Locked);
        QCOMPARE(QString(error_from(ours, "pipebd").what()), QString(ours.what()));
        QCOMPARE(error_from(std::bad_alloc(), "pipebd").code(), Code::OutOfMemory);
        QCOMPARE(error_from(std::bad_alloc(), "pipebd").where(), std::string("pipebd"));
        QCOMPARE(QString(error_from(std::logic_error("odd"), "pipebd").what()),
            QString("internal error (odd): pipebd; please report it"));
    }

    void anErrorOfTheFileSystemHasItsPathAndReason()
    {
        try {
            (void)std::filesystem::file_size("/nowhere/there");
            QFAIL("there is such a file");
        } catch (const std::exception& error) {
            QCOMPARE(error_from(error, "pipebd").code(), Code::NotFound);
            QCOMPARE(error_from(error, "pipebd").where(), std::string("/nowhere/there"));
            QVERIFY(!QByteArray(error_from(error, "pipebd").what()).contains("filesystem error"));
        }
    }

    void anErrorOfTheJsonLibraryHasNoMark()
    {
        try {
            (void)nlohmann::json::parse("{\"a\": 1}").at("b");
            QFAIL("there is such a key");
        } catch (const std::exception& error) {
            const QByteArray line = error_from(error, "pipebd").what();
            QVERIFY2(!line.contains("json.exception") && line.contains("'b' not found"), line.constData());
        }
    }
};

QTEST_GUILESS_MAIN(TestForeignError)
#include "test_foreign_error.moc"
