#include "base/error.h"
#include "launch/line_reader.h"

#include <QTest>

#include <fcntl.h>
#include <unistd.h>

using namespace pipebd;
using namespace pipebd::launch;

class TestLineReader : public QObject {
    Q_OBJECT

    int ends_[2] = {-1, -1};
    QByteArrayList lines_;

    void write(const QByteArray& bytes)
    {
        QCOMPARE(::write(ends_[1], bytes.constData(), static_cast<std::size_t>(bytes.size())), bytes.size());
    }
    bool read(LineReader& reader)
    {
        return reader.read(ends_[0], 1 << 20,
            [this](std::string_view line) { lines_.append(QByteArray(line.data(), static_cast<qsizetype>(line.size()))); });
    }

private slots:
    void init()
    {
        QCOMPARE(::pipe2(ends_, O_NONBLOCK | O_CLOEXEC), 0);
        lines_.clear();
    }

    void cleanup()
    {
        ::close(ends_[0]);
        ::close(ends_[1]);
    }

    void linesAreTheSameHoweverTheyArrive()
    {
        const QByteArray text = "first\n\nthird line\nlast\n";
        for (qsizetype piece = 1; piece <= text.size(); ++piece) {
            lines_.clear();
            LineReader reader(100, LineReader::Overlong::Refuse);
            for (qsizetype at = 0; at < text.size(); at += piece) {
                write(text.mid(at, piece));
                QVERIFY(read(reader));
            }
            QCOMPARE(lines_, QByteArrayList({"first", "", "third line", "last"}));
        }
    }

    void whatIsNotALineYetIsTheRest()
    {
        LineReader reader(100, LineReader::Overlong::Refuse);
        write("one\ntw");
        QVERIFY(read(reader));
        QCOMPARE(lines_, QByteArrayList({"one"}));
        QCOMPARE(reader.rest(), std::string_view("tw"));
    }

    void theEndOfTheStreamIsTold()
    {
        LineReader reader(100, LineReader::Overlong::Refuse);
        ::close(std::exchange(ends_[1], -1));
        QVERIFY(!read(reader));
    }

    void aLineOfTheLimitIsTakenAndALongerOneRefused()
    {
        LineReader reader(4, LineReader::Overlong::Refuse);
        write("1234\n12345\n");
        QVERIFY_THROWS_EXCEPTION(Error, read(reader));
        QCOMPARE(lines_, QByteArrayList({"1234"}));
    }

    void aLongLineIsCutAndTheNextOneIsWhole()
    {
        LineReader reader(4, LineReader::Overlong::Cut);
        write("12");
        QVERIFY(read(reader));
        write("345678");
        QVERIFY(read(reader));
        write("9\nnext\n");
        QVERIFY(read(reader));
        QCOMPARE(lines_, QByteArrayList({"1234", "next"}));
    }
};

QTEST_GUILESS_MAIN(TestLineReader)
#include "test_line_reader.moc"
