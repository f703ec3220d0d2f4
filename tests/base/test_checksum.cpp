// SHA-256 against the published examples (FIPS 180-4, NIST's "SHA256.pdf").
#include "base/checksum.h"
#include "base/file.h"
#include "base_testing.h"

using namespace pipebd;

class TestChecksum : public QObject {
    Q_OBJECT

    QTemporaryDir m_folder;

private slots:
    void thePublishedExamplesComeOut_data()
    {
        QTest::addColumn<QByteArray>("text");
        QTest::addColumn<QByteArray>("sum");
        QTest::newRow("empty") << QByteArray() << QByteArray("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        QTest::newRow("one block") << QByteArray("abc")
                                   << QByteArray("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        QTest::newRow("two blocks") << QByteArray("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")
                                    << QByteArray("248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
        QTest::newRow("a million a") << QByteArray(1'000'000, 'a')
                                     << QByteArray("cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    }

    void thePublishedExamplesComeOut()
    {
        QFETCH(QByteArray, text);
        QFETCH(QByteArray, sum);
        const std::string_view bytes(text.data(), static_cast<std::size_t>(text.size()));
        QCOMPARE(sha256(bytes), sum.toStdString());
        const fs::path file = pathOf(m_folder) / "file";
        replace_file(file, bytes);
        QCOMPARE(sha256_of_file(file), sum.toStdString());
    }

    void piecesGiveTheSumOfTheWhole()
    {
        Sha256 sum;
        sum.update(std::string_view("a"));
        sum.update(std::string_view());
        Sha256 moved = std::move(sum);
        moved.update(std::string_view("bc"));
        QCOMPARE(moved.finish(), sha256("abc"));
    }

    void theSumOfAFileThatIsNotThereIsNotFound()
    {
        const auto error = errorOf([&] { sha256_of_file(pathOf(m_folder) / "none"); });
        QVERIFY(error);
        QCOMPARE(error->code(), Code::NotFound);
    }
};

QTEST_GUILESS_MAIN(TestChecksum)
#include "test_checksum.moc"
