// Error: one line, whatever it is about; and the text helpers behind it.
#include "base/text.h"
#include "base_testing.h"

#include <cerrno>
#include <vector>

using namespace pipebd;

class TestError : public QObject {
    Q_OBJECT

private slots:
    void anErrorIsOneLineOfWhatWhereAndRemedy()
    {
        QCOMPARE(
            Error(Code::BadRequest, "batch is 0", "a.toml:4", "give 1 or more").what(), "batch is 0: a.toml:4; give 1 or more");
        QCOMPARE(Error(Code::Damaged, "cut off", "a.st").what(), "cut off: a.st");
        QCOMPARE(Error(Code::Internal, "odd", "").what(), "odd");
    }

    void anErrorKeepsItsPartsAsTheyWereGiven()
    {
        const Error error(Code::Locked, "a\nb", "c\td", "e");
        QCOMPARE(error.code(), Code::Locked);
        QCOMPARE(error.problem(), std::string("a\nb"));
        QCOMPARE(error.where(), std::string("c\td"));
        QCOMPARE(error.remedy(), std::string("e"));
    }

    // I7: names from outside are shown as text and cannot break the line, move the cursor or turn the writing round.
    void lineBreaksAndControlCharactersDoNotReachTheTerminal()
    {
        QCOMPARE(Error(Code::System, "a\nb\r\tc", "x\x1b[31mred\x7f\x01").what(), "a b  c: x?[31mred??");
        QCOMPARE(printable("left\u202eright\u2066\u200f"), std::string("left?right??"));
        QCOMPARE(printable("one\u2028two\u2029three\u0085four"), std::string("one two three four"));
        QCOMPARE(printable("\u0080\u009f\ufeff"), std::string("???"));
    }

    void textThatIsNotUtf8IsShownWithQuestionMarks()
    {
        QCOMPARE(printable("gr\xf6\xdf"), std::string("gr??"));
        QCOMPARE(printable("größe \U0001f600"), std::string("größe \U0001f600"));
        QCOMPARE(printable("\xc0\xaf \xed\xa0\x80 \xf4\x90\x80\x80 \xe2\x82"), std::string("?? ??? ???? ??"));
    }

    void longTextIsCutBetweenCharacters()
    {
        QCOMPARE(printable("äää", 3), std::string("ä..."));
        QCOMPARE(printable("äää", 6), std::string("äää"));
        const std::string megabyte(1 << 20, 'x');
        QVERIFY(std::string_view(Error(Code::BadRequest, megabyte, megabyte, megabyte).what()).size() < 7000);
        QVERIFY(in_quotes(megabyte).size() < 100);
    }

    void isUtf8FollowsTheTable_data()
    {
        QTest::addColumn<QByteArray>("text");
        QTest::addColumn<bool>("valid");
        QTest::newRow("empty") << QByteArray() << true;
        QTest::newRow("ascii") << QByteArray("a\x7f") << true;
        QTest::newRow("two bytes, smallest") << QByteArray("\xc2\x80") << true;
        QTest::newRow("two bytes, overlong") << QByteArray("\xc1\xbf") << false;
        QTest::newRow("three bytes, smallest") << QByteArray("\xe0\xa0\x80") << true;
        QTest::newRow("three bytes, overlong") << QByteArray("\xe0\x9f\xbf") << false;
        QTest::newRow("before the surrogates") << QByteArray("\xed\x9f\xbf") << true;
        QTest::newRow("first surrogate") << QByteArray("\xed\xa0\x80") << false;
        QTest::newRow("last surrogate") << QByteArray("\xed\xbf\xbf") << false;
        QTest::newRow("four bytes, smallest") << QByteArray("\xf0\x90\x80\x80") << true;
        QTest::newRow("four bytes, overlong") << QByteArray("\xf0\x8f\xbf\xbf") << false;
        QTest::newRow("last code point") << QByteArray("\xf4\x8f\xbf\xbf") << true;
        QTest::newRow("beyond the last") << QByteArray("\xf4\x90\x80\x80") << false;
        QTest::newRow("lone continuation") << QByteArray("a\x80") << false;
        QTest::newRow("cut off") << QByteArray("\xe2\x82") << false;
        QTest::newRow("no such lead") << QByteArray("\xf5\x80\x80\x80") << false;
    }

    void isUtf8FollowsTheTable()
    {
        QFETCH(QByteArray, text);
        QFETCH(bool, valid);
        QCOMPARE(is_utf8({text.data(), static_cast<std::size_t>(text.size())}), valid);
    }

    void theNearestNameIsFoundForATypingMistakeOnly()
    {
        const std::vector<std::string_view> known = {"epochs", "steps", "learning_rate"};
        QCOMPARE(nearest("epoch", known), std::string_view("epochs"));
        QCOMPARE(nearest("setps", known), std::string_view("steps"));
        QCOMPARE(nearest("stpes", known), std::string_view("steps"));
        QCOMPARE(nearest("learnin_rate", known), std::string_view("learning_rate"));
        QCOMPARE(nearest("banana", known), std::string_view());
        QCOMPARE(nearest(std::string(1 << 20, 'e'), known), std::string_view());
    }

    void codesHaveNamesThatReadBack()
    {
        for (Code code : {Code::BadRequest, Code::NotFound, Code::Damaged, Code::Newer, Code::NotADatabase, Code::Locked,
                 Code::RankDied, Code::TimedOut, Code::Protocol, Code::NotFinite, Code::OutOfMemory, Code::DiskFull,
                 Code::Cancelled, Code::System, Code::Internal})
            QCOMPARE(code_from_string(to_string(code)), code);
        QCOMPARE(to_string(Code::NotADatabase), std::string_view("NotADatabase"));
        QCOMPARE(code_from_string("no such code"), Code::Internal);
    }

    void errorsOfTheSystemHaveTheCodeThatFits()
    {
        QCOMPARE(system_error("cannot write", "f", ENOSPC).code(), Code::DiskFull);
        QCOMPARE(system_error("cannot write", "f", EDQUOT).code(), Code::DiskFull);
        QCOMPARE(system_error("cannot open", "f", ENOENT).code(), Code::NotFound);
        QCOMPARE(system_error("cannot map", "f", ENOMEM).code(), Code::OutOfMemory);
        QCOMPARE(system_error("cannot open", "f", EACCES).code(), Code::System);
        errno = ENOENT;
        const Error error = system_error("cannot open the file", "a/b");
        QCOMPARE(error.code(), Code::NotFound);
        QCOMPARE(error.what(), "cannot open the file (No such file or directory): a/b; check the path");
    }
};

QTEST_GUILESS_MAIN(TestError)
#include "test_error.moc"
