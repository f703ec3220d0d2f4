// Files: whole or not at all.
#include "base/file.h"
#include "base_testing.h"

#include <csignal>
#include <fstream>
#include <functional>

#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace pipebd;

namespace {

void write(const fs::path& file, std::string_view text)
{
    std::ofstream(file, std::ios::binary) << text;
}

/// What `body` returns in a process of its own, where it may spoil limits and rights; -1 if that process died.
int inAProcess(const std::function<int()>& body)
{
    const pid_t child = ::fork();
    if (child == 0)
        ::_exit(body());
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int openDescriptors()
{
    return static_cast<int>(namesIn("/proc/self/fd").size());
}

} // namespace

class TestFile : public QObject {
    Q_OBJECT

    QTemporaryDir m_folder;
    fs::path m_file;

private slots:
    void init()
    {
        m_folder = QTemporaryDir();
        m_file = pathOf(m_folder) / "file ü\n.txt";
    }

    void whatWasWrittenIsRead()
    {
        using namespace std::string_view_literals;
        for (std::string_view text : {""sv, "x"sv, "zero\0inside\n"sv}) {
            replace_file(m_file, text);
            QCOMPARE(read_file(m_file), std::string(text));
            const MappedFile mapped(m_file);
            QCOMPARE(mapped.bytes().size(), text.size());
            QVERIFY(std::ranges::equal(mapped.bytes(), std::as_bytes(std::span(text))));
        }
        QCOMPARE(namesIn(pathOf(m_folder)).size(), std::size_t(1));
    }

    void piecesAreWrittenOneAfterAnother()
    {
        const std::string large(3'000'000, 'l');
        const std::vector<std::span<const std::byte>> pieces
            = {std::as_bytes(std::span(std::string_view("head "))), {}, std::as_bytes(std::span(large))};
        replace_file(m_file, std::span<const std::span<const std::byte>>(pieces));
        QCOMPARE(read_file(m_file), "head " + large);
    }

    void filesThatDoNotTellTheirSizeAreReadToTheirEnd() { QVERIFY(read_file("/proc/self/maps").size() > 1000); }

    void aFileBeyondTheLimitIsRefused()
    {
        write(m_file, "12345");
        QCOMPARE(read_file(m_file, 5), std::string("12345"));
        const auto error = errorOf([&] { read_file(m_file, 4); });
        QVERIFY(error);
        QCOMPARE(error->code(), Code::BadRequest);
        VERIFY_SAYS(error, "larger than 4 bytes");
        QCOMPARE(codeOf([] { read_file("/proc/self/maps", 10); }), Code::BadRequest);
    }

    void whatIsNotThereIsNotFound()
    {
        QCOMPARE(codeOf([&] { read_file(m_file); }), Code::NotFound);
        QCOMPARE(codeOf([&] { MappedFile mapped(m_file); }), Code::NotFound);
        QCOMPARE(codeOf([&] { replace_file(pathOf(m_folder) / "no" / "file", "x"); }), Code::NotFound);
        QCOMPARE(codeOf([&] { sync_folder(pathOf(m_folder) / "no"); }), Code::NotFound);
    }

    void foldersAndPipesAreRefusedWithoutWaiting()
    {
        const auto folder = errorOf([&] { read_file(pathOf(m_folder)); });
        QVERIFY(folder);
        VERIFY_SAYS(folder, "this is a folder");
        QCOMPARE(::mkfifo(m_file.c_str(), 0600), 0);
        const auto pipe = errorOf([&] { MappedFile mapped(m_file); });
        QVERIFY(pipe);
        QCOMPARE(pipe->code(), Code::BadRequest);
    }

    void theNearestThatIsThereIsFound()
    {
        const fs::path here = pathOf(m_folder);
        QCOMPARE(nearest_existing(here / "no" / "such" / "folder"), here);
        QCOMPARE(nearest_existing(here), here);
        QCOMPARE(nearest_existing("none/at/all"), fs::current_path());
        QCOMPARE(nearest_existing("/none"), fs::path("/"));
    }

    void aNewFileHasTheRightsThatNewFilesHave()
    {
        const mode_t mask = ::umask(022);
        replace_file(m_file, "x");
        ::umask(mask);
        QCOMPARE(fs::status(m_file).permissions(), fs::perms(0644));
    }

    void aReaderThatHasTheOldFileKeepsIt()
    {
        write(m_file, "old");
        const MappedFile old(m_file);
        replace_file(m_file, "NEW!");
        QVERIFY(std::ranges::equal(old.bytes(), bytesOf("old")));
        QCOMPARE(read_file(m_file), std::string("NEW!"));
    }

    void aRelativeNameIsWrittenInTheCurrentFolder()
    {
        QCOMPARE(inAProcess([&] {
            fs::current_path(pathOf(m_folder));
            replace_file("plain", "x");
            return 0;
        }),
            0);
        QCOMPARE(read_file(pathOf(m_folder) / "plain"), std::string("x"));
    }

    // T8: here the limit for the size of a file is reached in the middle, as on a disk that fills up.
    void aWriteThatFailsInTheMiddleLeavesTheOldFileAndNothingBesideIt()
    {
        write(m_file, "old");
        const int code = inAProcess([&] {
            std::signal(SIGXFSZ, SIG_IGN);
            const rlimit limit{4096, 4096};
            ::setrlimit(RLIMIT_FSIZE, &limit);
            const auto error = errorOf([&] { replace_file(m_file, std::string(100'000, 'n')); });
            return error ? static_cast<int>(error->code()) : 99;
        });
        QVERIFY2(code == static_cast<int>(Code::System) || code == static_cast<int>(Code::DiskFull), std::to_string(code).c_str());
        QCOMPARE(read_file(m_file), std::string("old"));
        QCOMPARE(namesIn(pathOf(m_folder)).size(), std::size_t(1));
    }

    void aTargetThatCannotBeReplacedLeavesNothingBesideIt()
    {
        fs::create_directories(m_file / "not empty");
        const auto error = errorOf([&] { replace_file(m_file, "x"); });
        QVERIFY(error);
        QCOMPARE(error->code(), Code::System);
        QCOMPARE(namesIn(pathOf(m_folder)).size(), std::size_t(1));
    }

    void aNameThatIsTooLongIsAnError()
    {
        const auto error = errorOf([&] { replace_file(pathOf(m_folder) / std::string(300, 'n'), "x"); });
        QVERIFY(error);
        QCOMPARE(error->code(), Code::System);
        QVERIFY(namesIn(pathOf(m_folder)).empty());
    }

    void aNameOf255BytesIsWritten()
    {
        const fs::path file = pathOf(m_folder) / std::string(255, 'n');
        replace_file(file, "x");
        QCOMPARE(read_file(file), std::string("x"));
    }

    // P11: what is open here must not reach a process started meanwhile; and nothing stays open.
    void noDescriptorStaysOpen()
    {
        write(m_file, "x");
        const int before = openDescriptors();
        {
            MappedFile mapped(m_file);
            MappedFile other(m_file);
            other = std::move(mapped);
            replace_file(m_file, "y");
            sync_folder(pathOf(m_folder));
            errorOf([&] { read_file(pathOf(m_folder)); });
            errorOf([&] { replace_file(pathOf(m_folder) / std::string(300, 'n'), "x"); });
            QCOMPARE(openDescriptors(), before);
        }
        QCOMPARE(openDescriptors(), before);
    }

    void writersAtOnceLeaveOneWholeFile()
    {
        std::vector<pid_t> writers;
        for (char letter : {'a', 'b', 'c', 'd'}) {
            const pid_t child = ::fork();
            if (child == 0) {
                for (int i = 0; i < 50; ++i)
                    replace_file(m_file, std::string(10'000, letter));
                ::_exit(0);
            }
            writers.push_back(child);
        }
        for (pid_t writer : writers) {
            int status = 0;
            ::waitpid(writer, &status, 0);
            QCOMPARE(status, 0);
        }
        const std::string text = read_file(m_file);
        QCOMPARE(text, std::string(10'000, text.front()));
        QCOMPARE(namesIn(pathOf(m_folder)).size(), std::size_t(1));
    }
};

QTEST_GUILESS_MAIN(TestFile)
#include "test_file.moc"
