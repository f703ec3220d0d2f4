// How children are started and end: rows P4 (the parent's death), P11 and P12 of the fault table.
#include "base/error.h"
#include "launch/process.h"

#include <QFileInfo>
#include <QTemporaryDir>
#include <QTest>

#include <csignal>
#include <optional>
#include <thread>

#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace pipebd;
using namespace pipebd::launch;

namespace {

Process shell(const std::string& script, std::vector<std::string> environment = {})
{
    return Process({.program = "/bin/sh", .arguments = {"-c", script}, .environment = std::move(environment), .keep = {}});
}

/// Everything the descriptor brings until it is closed.
QByteArray read_all(int descriptor)
{
    QByteArray all;
    char buffer[4096];
    while (true) {
        pollfd ready = {.fd = descriptor, .events = POLLIN, .revents = 0};
        if (::poll(&ready, 1, 10'000) != 1)
            return all + " (no end)";
        const ssize_t count = ::read(descriptor, buffer, sizeof buffer);
        if (count <= 0)
            return all;
        all.append(buffer, count);
    }
}

Exit wait_for_exit(Process& process)
{
    pollfd ended = {.fd = process.pidfd(), .events = POLLIN, .revents = 0};
    ::poll(&ended, 1, 10'000);
    return process.try_reap().value_or(Exit{.status = -1, .signal = -1});
}

} // namespace

class TestProcess : public QObject {
    Q_OBJECT

private slots:
    void outputAndErrorsArePipes()
    {
        Process process = shell("echo out; echo err >&2; cat; exit 3");

        QCOMPARE(read_all(process.output()), QByteArray("out\n"));
        QCOMPARE(read_all(process.errors()), QByteArray("err\n"));
        QCOMPARE(wait_for_exit(process).text(), std::string("exit code 3")); // cat had nothing to read
    }

    void aSignalThatKilledItIsNamed()
    {
        Process process = shell("kill -SEGV $$");
        QCOMPARE(wait_for_exit(process).text(), std::string("signal 11 (SIGSEGV)"));
    }

    void theEnvironmentIsLaidOverOurs()
    {
        qputenv("PIPEBD_KEPT", "kept");
        qputenv("PIPEBD_CHANGED", "old");
        qputenv("PIPEBD_REMOVED", "still here");

        Process process
            = shell("echo $PIPEBD_KEPT $PIPEBD_CHANGED ${PIPEBD_REMOVED-gone}", {"PIPEBD_CHANGED=new", "PIPEBD_REMOVED"});

        QCOMPARE(read_all(process.output()), QByteArray("kept new gone\n"));
    }

    void ignoredAndBlockedSignalsAreNotInherited()
    {
        ::signal(SIGTERM, SIG_IGN);
        sigset_t blocked;
        sigset_t before;
        ::sigemptyset(&blocked);
        ::sigaddset(&blocked, SIGINT);
        ::sigprocmask(SIG_BLOCK, &blocked, &before);

        Process process = shell("grep -E 'Sig(Blk|Ign)' /proc/self/status");
        const QByteArray masks = read_all(process.output());

        ::signal(SIGTERM, SIG_DFL);
        ::sigprocmask(SIG_SETMASK, &before, nullptr);
        QCOMPARE(masks, QByteArray("SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n"));
    }

    void aTerminalsCtrlCReachesTheParentAlone()
    {
        Process process = shell("read line < /proc/self/stat; set -- $line; echo $5");
        QVERIFY(read_all(process.output()).toInt() != ::getpgrp());
    }

    void aProgramThatIsNotThereIsAnErrorAndNoChildIsLeft()
    {
        try {
            Process({.program = "/nowhere/engine", .arguments = {}, .environment = {}, .keep = {}});
            QFAIL("it started");
        } catch (const Error& error) {
            QCOMPARE(error.code(), Code::NotFound);
            QCOMPARE(error.where(), std::string("/nowhere/engine"));
        }
        QCOMPARE(::waitpid(-1, nullptr, WNOHANG), -1);
    }

    void aProcessWithLimitsHasThoseAndNoMore()
    {
        const std::string show = "grep -E 'Max (cpu time|file size|core file size|address space)' /proc/self/limits | tr -s ' '";
        Process process({.program = "/bin/sh",
            .arguments = {"-c", show},
            .environment = {},
            .keep = {},
            .limits = Limits{.address_space = 1 << 30, .cpu = std::chrono::seconds(7), .file_size = 0}});
        QCOMPARE(read_all(process.output()),
            QByteArray("Max cpu time 7 8 seconds \nMax file size 0 0 bytes \nMax core file size 0 0 bytes \n"
                       "Max address space 1073741824 1073741824 bytes \n"));
    }

    void itMayWriteNoMoreThanItsLimit()
    {
        const QTemporaryDir folder;
        const std::string file = folder.filePath("file").toStdString();
        Process process({.program = "/bin/sh",
            .arguments = {"-c", "head -c 2000 /dev/zero > " + file},
            .environment = {},
            .keep = {},
            .limits = Limits{.address_space = 1 << 30, .cpu = std::chrono::seconds(7), .file_size = 1000}});
        wait_for_exit(process);
        QVERIFY(QFileInfo(QString::fromStdString(file)).size() <= 1000);
    }

    void offTheMainThreadItIsRefused() // P12
    {
        std::optional<Code> code;
        std::thread([&] {
            try {
                shell("true");
            } catch (const Error& error) {
                code = error.code();
            }
        }).join();
        QVERIFY(code == Code::Internal);
    }

    void aProcessThatIsDroppedIsKilledAndReaped()
    {
        int pid = 0;
        {
            const Process process = shell("sleep 60");
            pid = process.pid();
        }
        QCOMPARE(::kill(pid, 0), -1);
        QCOMPARE(errno, ESRCH);
    }

    void aChildDiesWithItsParent() // P4
    {
        ::prctl(PR_SET_CHILD_SUBREAPER, 1); // so that the orphan is ours to wait for
        int ends[2];
        QCOMPARE(::pipe(ends), 0);
        const pid_t parent = ::fork();
        if (parent == 0) {
            const Process child = shell("sleep 60");
            const int pid = child.pid();
            [[maybe_unused]] const ssize_t written = ::write(ends[1], &pid, sizeof pid);
            ::kill(::getpid(), SIGKILL);
        }
        int child = 0;
        QCOMPARE(::read(ends[0], &child, sizeof child), ssize_t(sizeof child));
        ::waitpid(parent, nullptr, 0);

        siginfo_t ended = {};
        const auto has_ended = [&] {
            return ::waitid(P_PID, static_cast<id_t>(child), &ended, WEXITED | WNOHANG | WNOWAIT) == 0 && ended.si_pid == child;
        };
        QTRY_VERIFY_WITH_TIMEOUT(has_ended(), 1000);
        QCOMPARE(ended.si_code, int(CLD_KILLED));
        QCOMPARE(ended.si_status, SIGKILL);
        ::waitpid(child, nullptr, 0);
        ::close(ends[0]);
        ::close(ends[1]);
        ::prctl(PR_SET_CHILD_SUBREAPER, 0);
    }
};

QTEST_GUILESS_MAIN(TestProcess)
#include "test_process.moc"
