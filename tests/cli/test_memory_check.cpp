// What a plan needs beside what there is: figures by hand.
#include "cli/memory_check.h"

#include "base/error.h"

#include <QTest>

using namespace pipebd;
using namespace pipebd::cli;

namespace {

constexpr std::int64_t GiB = std::int64_t{1} << 30;

/// Two ranks that hold 1 GiB each whatever the batch, and 64 MiB a sample.
schedule::PlannedStrategy planned(int batch)
{
    schedule::PlannedStrategy strategy;
    const std::int64_t peak = GiB + batch * (GiB / 16);
    strategy.simulation.memory = {{{0, GiB}, {1, peak}}, {{0, GiB}, {1, peak}}};
    strategy.simulation.peak_memory = {peak, peak};
    return strategy;
}

DeviceMemory machine(std::int64_t total, std::int64_t available)
{
    DeviceMemory memory;
    memory.machine.total = total;
    memory.machine.available = available;
    return memory;
}

const std::vector<experiment::Device> two_cpus(2);

} // namespace

class TestMemoryCheck : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void whatFitsIsNotSpokenOf()
    {
        QCOMPARE(check_memory(planned(16), 16, two_cpus, machine(8 * GiB, 7 * GiB)), std::string());
        QCOMPARE(check_memory(schedule::PlannedStrategy(), 16, two_cpus, machine(GiB, GiB)), std::string());
        QCOMPARE(check_memory(planned(16), 16, two_cpus, machine(0, 0)), std::string()); // not known
    }

    void whatIsNotFreeNowIsWarnedOfWithBothFiguresAndABatchThatFits()
    {
        // 2 (1 GiB + 180 MiB) + 90 MiB + 128 MiB a sample; 4 GiB leave room for 12 samples.
        const std::string warning = check_memory(planned(16), 16, two_cpus, machine(8 * GiB, 4 * GiB));
        QCOMPARE(warning,
            std::string(
                "this run needs about 4.4 GiB of memory, 2 ranks together, and this machine has 4.0 GiB free of 8.0 GiB: the system may "
                "kill it; use a batch of at most 12 (data.batch), or more devices"));
    }

    void whatCannotFitIsRefused()
    {
        try {
            check_memory(planned(64), 64, two_cpus, machine(8 * GiB, 8 * GiB));
            QFAIL("it was not refused");
        } catch (const Error& error) {
            QCOMPARE(error.code(), Code::BadRequest);
            QCOMPARE(QString(error.what()),
                QString("this run needs about 10.4 GiB of memory, 2 ranks together, and this machine has 8.0 GiB: the plan; use a batch "
                        "of at "
                        "most 44 (data.batch), or more devices"));
        }
    }

    void theLimitOfAProcessCountsForEachRank()
    {
        DeviceMemory memory = machine(64 * GiB, 64 * GiB);
        memory.machine.per_process = 3 * GiB; // of address space, of which an empty rank takes 1 GiB
        const std::string warning = check_memory(planned(16), 16, two_cpus, memory);
        QVERIFY2(
            warning.find("for rank 0, and the limit of a process (ulimit -v) has 3.0 GiB: ") != std::string::npos, warning.c_str());
    }

    void aGpuIsThatOfAllRanksOnIt()
    {
        std::vector<experiment::Device> devices(2);
        for (experiment::Device& device : devices)
            device.kind = experiment::Device::Kind::Cuda;
        DeviceMemory memory;
        memory.gpus[0] = 11 * GiB;
        QCOMPARE(check_memory(planned(16), 16, devices, memory), std::string());
        memory.gpus[0] = 7 * GiB / 2;
        const std::string warning = check_memory(planned(16), 16, devices, memory);
        QVERIFY2(warning.find("this run needs about 4.0 GiB on cuda:0, 2 ranks together, and cuda:0 has 3.5 GiB: ") != std::string::npos,
            warning.c_str());
    }

    void aPlanMarksWhatDoesNotFitAndLeavesTheRest()
    {
        schedule::Plan plan;
        plan.batch = 16;
        plan.strategies = {planned(16), planned(64), schedule::PlannedStrategy()};
        mark_shortages(plan, two_cpus, machine(8 * GiB, 0)); // that nothing is free now does not matter to a plan
        QCOMPARE(plan.strategies[0].memory_shortage, std::string());
        QCOMPARE(plan.strategies[1].memory_shortage,
            std::string("this run needs about 10.4 GiB of memory, 2 ranks together, and this machine has 8.0 GiB"));
        QCOMPARE(plan.strategies[2].memory_shortage, std::string());
    }
};

QTEST_GUILESS_MAIN(TestMemoryCheck)
#include "test_memory_check.moc"
