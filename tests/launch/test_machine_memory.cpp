// What a machine has, read from files as the kernel writes them.
#include "launch/machine_memory.h"

#include "base/file.h"

#include <QTemporaryDir>
#include <QTest>

using namespace pipebd;
using namespace pipebd::launch;

namespace fs = std::filesystem;

class TestMachineMemory : public QObject {
    Q_OBJECT

    QTemporaryDir m_folder;

    fs::path proc() const { return fs::path(m_folder.path().toStdString()) / "proc"; }
    fs::path groups() const { return fs::path(m_folder.path().toStdString()) / "cgroup"; }

    static void write(const fs::path& file, const std::string& text)
    {
        fs::create_directories(file.parent_path());
        replace_file(file, std::string_view(text));
    }

    MachineMemory read() const { return machine_memory(proc(), groups()); }

private Q_SLOTS:
    void init()
    {
        m_folder = QTemporaryDir();
        write(proc() / "meminfo",
            "MemTotal:       16000 kB\nMemFree:  1 kB\nMemAvailable:    9000 kB\nSwapTotal: 1000 kB\nSwapFree: 500 kB\n");
        write(proc() / "self/cgroup", "0::/\n");
    }

    void withoutAGroupItIsTheMachines()
    {
        QCOMPARE(read().total, 17000 * 1024);
        QCOMPARE(read().available, 9500 * 1024);
        QVERIFY(!read().of_group);
    }

    void theTightestGroupOfVersion2Counts()
    {
        write(proc() / "self/cgroup", "0::/user.slice/job.scope\n");
        write(groups() / "user.slice/memory.max", "8192000\n");
        write(groups() / "user.slice/memory.current", "3000000\n");
        write(groups() / "user.slice/memory.stat", "anon 1\ninactive_file 1000000\n");
        write(groups() / "user.slice/job.scope/memory.max", "max\n");
        const MachineMemory memory = read();
        QVERIFY(memory.of_group);
        QCOMPARE(memory.total, 8192000);
        QCOMPARE(memory.available, 6192000);
    }

    void aGroupOfVersion1Counts()
    {
        write(proc() / "self/cgroup", "5:cpu,cpuacct:/other\n4:memory:/docker/1\n0::/x\n");
        write(groups() / "memory/docker/1/memory.limit_in_bytes", "4096000\n");
        write(groups() / "memory/docker/1/memory.usage_in_bytes", "1000000\n");
        QCOMPARE(read().total, 4096000);
        QCOMPARE(read().available, 3096000);
    }

    void anUnlimitedGroupDoesNotCount()
    {
        write(proc() / "self/cgroup", "4:memory:/\n");
        write(groups() / "memory/memory.limit_in_bytes", "9223372036854771712\n");
        QCOMPARE(read().total, 17000 * 1024);
        QVERIFY(!read().of_group);
    }

    void whatCannotBeReadIsNoLimit()
    {
        const MachineMemory memory = machine_memory(proc() / "none", groups());
        QCOMPARE(memory.total, 0);
        QCOMPARE(memory.available, 0);
    }

    void thisMachineHasSome()
    {
        QVERIFY(machine_memory().total > 0);
        QVERIFY(machine_memory().available > 0);
    }

    void theDriversVersionIsFound()
    {
        QCOMPARE(nvidia_driver(proc()), std::string());
        write(proc() / "driver/nvidia/version",
            "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.65.06  Release Build  (dvs-builder@x)\nGCC version: gcc "
            "13.3.0\n");
        QCOMPARE(nvidia_driver(proc()), std::string("580.65.06"));
    }
};

QTEST_GUILESS_MAIN(TestMachineMemory)
#include "test_machine_memory.moc"
