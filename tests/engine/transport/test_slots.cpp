// The transport between ranks that share a device, on a stand-in for the device: threads as ranks, streams that run late.

#include "engine_testing.h"
#include "stand_in_device.h"

#include "engine/transport/ipc_transport.h"
#include "engine/transport/shared_words.h"
#include "engine/transport/slot_ring.h"

#include <ATen/Parallel.h>
#include <ATen/ops/full.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>

#include <QProcess>

#include <array>
#include <csignal>
#include <optional>

using namespace pipebd;
using namespace pipebd::engine;
using schedule::Payload;

namespace {

// Small, so that everything is cut into pieces and slots are used again.
SlotSettings small_slots()
{
    SlotSettings settings;
    settings.slots = 2;
    settings.slot_bytes = 64;
    settings.small_slot_bytes = 32;
    return settings;
}

struct Rank {
    StandInDevice& device;
    Transport& transport;
};

/// Runs `body` as every rank of a job; rethrows what the lowest of those that failed threw. At the end nothing was undefined.
void run_ranks(Machine& machine, const Topology& topology, const std::function<void(Rank&)>& body,
    const std::function<void(int, SlotSettings&)>& change = {})
{
    std::vector<std::exception_ptr> failures(static_cast<std::size_t>(machine.ranks));
    std::vector<std::thread> threads;
    for (int rank = 0; rank < machine.ranks; ++rank) {
        threads.emplace_back([&, rank] {
            try {
                SlotSettings settings = small_slots();
                if (change)
                    change(rank, settings);
                auto device = std::make_unique<StandInDevice>(machine, rank);
                StandInDevice& kept = *device;
                std::unique_ptr<Transport> transport
                    = connect_slots(std::make_shared<StandInMeeting>(machine, rank), std::move(device), topology, settings);
                Rank self{kept, *transport};
                try {
                    body(self);
                } catch (...) {
                    std::lock_guard lock(machine.mutex);
                    machine.has_failed = true;
                    throw;
                }
            } catch (...) {
                failures[static_cast<std::size_t>(rank)] = std::current_exception();
            }
        });
    }
    for (std::thread& thread : threads)
        thread.join();
    for (const std::exception_ptr& failure : failures) {
        if (failure)
            std::rethrow_exception(failure);
    }
    for (const std::string& fault : machine.faults)
        QFAIL(fault.c_str());
}

Edge edge(int from, int to)
{
    return {from, to, Payload::TeacherOutput};
}

/// Of what rank `rank` sends as its `number`-th; 0 elements and many slots' worth among them.
at::Tensor message(int rank, int number)
{
    const std::int64_t rows = number % 5;
    return random_tensor({rows, 1 + 7 * number % 23}, static_cast<std::uint64_t>(1000 * rank + number));
}

} // namespace

class TestSlots : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void initTestCase() { at::set_num_threads(1); }

    void aSlotIsWrittenAgainOnlyOnceAllHaveReadIt()
    {
        std::array<std::atomic<std::uint64_t>, 3> words{};
        SlotRing ring(words, 2);
        QVERIFY(!ring.slot_to_read(0));
        for (int slot : {0, 1}) {
            QCOMPARE(ring.slot_to_write(), std::optional<int>(slot));
            QVERIFY(!ring.is_used_again());
            ring.written();
        }
        QVERIFY(!ring.slot_to_write());

        QCOMPARE(ring.slot_to_read(0), std::optional<int>(0));
        ring.read(0);
        QVERIFY(!ring.slot_to_write()); // the other reader has not
        QCOMPARE(ring.slot_to_read(0), std::optional<int>(1));
        QCOMPARE(ring.slot_to_read(1), std::optional<int>(0));
        ring.read(1);
        QCOMPARE(ring.slot_to_write(), std::optional<int>(0));
        QVERIFY(ring.is_used_again());
    }

    void sharedWordsAreReachedByAddressUntilTheyAreHidden()
    {
        SharedWords own(3, 2);
        const SharedWords other(own.address(), 3, 2);
        own.words()[2].store(7);
        QCOMPARE(other.words()[2].load(), std::uint64_t{7});
        const std::uint32_t heard = other.rings(1);
        std::thread listener([&] { other.listen(1, heard, std::chrono::seconds(60)); });
        own.ring(1);
        listener.join();
        QCOMPARE(own.rings(1), heard + 1);

        const std::string address = own.address();
        own.hide();
        QVERIFY(error_of([&] { SharedWords(address, 3, 2); }).has_value());
    }

    void whatIsSentArrivesInOrderAndWhole()
    {
        // A ring of ranks, each with receives posted ahead.
        constexpr int ranks = 3;
        constexpr int messages = 40;
        Machine machine(ranks);
        Topology topology;
        for (int rank = 0; rank < ranks; ++rank)
            topology.edges.push_back(edge(rank, (rank + 1) % ranks));
        std::atomic<int> wrong = 0;
        run_ranks(machine, topology, [&](Rank& self) {
            const int rank = self.transport.rank();
            const int before = (rank + ranks - 1) % ranks;
            std::vector<at::Tensor> buffers;
            std::deque<std::unique_ptr<Pending>> receives;
            auto post_receive = [&](int number) {
                buffers.push_back(at::zeros_like(message(before, number)));
                receives.push_back(self.transport.receive(buffers.back(), edge(before, rank)));
            };
            post_receive(0);
            for (int number = 0; number < messages; ++number) {
                if (number + 1 < messages)
                    post_receive(number + 1);
                at::Tensor sent = at::zeros_like(message(rank, number));
                // Filled late by the device, and overwritten as soon as that is allowed.
                self.device.compute([sent, rank, number] { sent.copy_(message(rank, number)); });
                std::unique_ptr<Pending> sending = self.transport.send(sent, edge(rank, (rank + 1) % ranks));
                sending->wait();
                self.device.compute([sent] { sent.fill_(-1); });

                receives.front()->wait();
                receives.pop_front();
                self.device.compute([&, taken = buffers[static_cast<std::size_t>(number)], number] {
                    wrong += same_bits(taken, message(before, number)) ? 0 : 1;
                });
            }
            self.device.finish();
        });
        QCOMPARE(wrong.load(), 0);
    }

    void aMapTravelsInItsMemoryOrder()
    {
        Machine machine(2);
        const at::Tensor sent = random_map({2, 3, 4, 5}, 1);
        at::Tensor received = at::zeros_like(sent);
        run_ranks(machine, {{edge(0, 1)}, {}}, [&](Rank& self) {
            if (self.transport.rank() == 0)
                self.transport.send(sent, edge(0, 1))->wait();
            else
                self.transport.receive(received, edge(0, 1))->wait();
        });
        QVERIFY(same_bits(received, sent));
    }

    void sumsHaveTheSameBitsOnEveryRankInTheOrderOfRanks()
    {
        constexpr int ranks = 4;
        constexpr int rounds = 12;
        const std::vector<int> group{0, 2, 3};
        Machine machine(ranks);
        auto gradients
            = [](int rank, int round) { return random_tensor({50 + round}, static_cast<std::uint64_t>(100 * round + rank)); };
        auto statistics = [](int rank, int round) {
            return random_tensor({9}, static_cast<std::uint64_t>(7000 + 100 * round + rank), at::kDouble);
        };
        auto expected = [&](auto& part, int round) { return (part(0, round) + part(2, round)) + part(3, round); };
        std::atomic<int> wrong = 0;
        run_ranks(machine, {{}, {group}}, [&](Rank& self) {
            const int rank = self.transport.rank();
            if (rank == 1)
                return;
            for (int round = 0; round < rounds; ++round) {
                at::Tensor first = at::zeros_like(gradients(rank, round));
                at::Tensor second = at::zeros_like(statistics(rank, round));
                self.device.compute([=] { first.copy_(gradients(rank, round)); });
                std::unique_ptr<Pending> sum = self.transport.all_reduce(first, group);
                // In the middle of what is under way, as a layer does.
                self.device.compute([=] { second.copy_(statistics(rank, round)); });
                self.transport.group(group)->sum(second);
                self.device.compute([&, second, round] { wrong += same_bits(second, expected(statistics, round)) ? 0 : 1; });
                sum->wait();
                self.device.compute([&, first, round] { wrong += same_bits(first, expected(gradients, round)) ? 0 : 1; });
            }
            self.device.finish();
        });
        QCOMPARE(wrong.load(), 0);
    }

    void whatComesAfterABarrierComesAfterAllThatWasBeforeIt()
    {
        constexpr int ranks = 3;
        Machine machine(ranks);
        std::atomic<int> before = 0;
        std::atomic<int> wrong = 0;
        run_ranks(machine, {}, [&](Rank& self) {
            for (int round = 1; round <= 20; ++round) {
                self.device.compute([&] { ++before; });
                self.transport.barrier();
                self.device.compute([&, round] { wrong += before < ranks * round ? 1 : 0; });
            }
            self.device.finish();
        });
        QCOMPARE(wrong.load(), 0);
    }

    void aRankThatGathersLetsTransfersGoOn()
    {
        Machine machine(2);
        at::Tensor received = at::zeros({1000});
        run_ranks(machine, {{edge(0, 1)}, {}}, [&](Rank& self) {
            if (self.transport.rank() == 0) {
                self.transport.send(at::full({1000}, 3.0), edge(0, 1))->wait();
                self.transport.gather("sent");
            } else {
                std::unique_ptr<Pending> pending = self.transport.receive(received, edge(0, 1));
                self.transport.gather("not waited for yet");
                pending->wait();
            }
        });
        QVERIFY(same_bits(received, at::full({1000}, 3.0)));
    }

    void aTensorThatNobodyWaitsForIsKeptUntilTheDeviceIsDone()
    {
        Machine machine(2);
        run_ranks(machine, {{edge(0, 1)}, {}}, [&](Rank& self) {
            if (self.transport.rank() == 0)
                self.transport.send(at::full({100}, 3.0), edge(0, 1)); // dropped
            else
                self.transport.receive(at::zeros({100}), edge(0, 1))->wait();
        });
        QCOMPARE(machine.kept, 1);
    }

    void aRankThatEndsIsNamedByThoseThatWaitForIt()
    {
        QProcess process; // stands for rank 1
        process.start("/bin/sleep", {"600"});
        QVERIFY(process.waitForStarted());
        const auto pid = static_cast<pid_t>(process.processId());
        Machine machine(2);
        std::atomic<int> told = 0;
        std::atomic<bool> ended = false;
        const auto error = error_of([&] {
            run_ranks(
                machine, {{edge(1, 0)}, {}},
                [&](Rank& self) {
                    if (self.transport.rank() == 1) {
                        kill(pid, SIGKILL);
                        while (!ended)
                            std::this_thread::yield();
                        throw Error(Code::Internal, "the end of rank 1", "test");
                    }
                    self.transport.while_waiting([&](const std::string&) { ++told; });
                    try {
                        self.transport.receive(at::zeros({4}), edge(1, 0))->wait();
                    } catch (...) {
                        ended = true;
                        throw;
                    }
                },
                [&](int rank, SlotSettings& settings) {
                    if (rank == 1)
                        settings.process = pid;
                });
        });
        process.waitForFinished();
        QVERIFY(error.has_value());
        QCOMPARE(error->code(), Code::RankDied);
        QVERIFY2(QByteArray(error->what()).contains("rank 1 has ended"), error->what());
        QVERIFY(told > 0);
    }

    void whoIsToldOfAWaitingMayEndIt()
    {
        Machine machine(2);
        std::atomic<bool> given_up = false;
        const auto error = error_of([&] {
            run_ranks(machine, {{edge(1, 0)}, {}}, [&](Rank& self) {
                if (self.transport.rank() == 1) {
                    while (!given_up)
                        std::this_thread::yield();
                    throw Error(Code::Internal, "the end of rank 1", "test");
                }
                self.transport.while_waiting([&](const std::string& doing) {
                    given_up = true;
                    throw Error(Code::TimedOut, "rank 1 stands still", doing);
                });
                self.transport.receive(at::zeros({4}), edge(1, 0))->wait();
            });
        });
        QVERIFY(error.has_value());
        QCOMPARE(error->code(), Code::TimedOut);
        QVERIFY2(QByteArray(error->what()).contains("rank 1 to rank 0"), error->what());
    }
};

QTEST_GUILESS_MAIN(TestSlots)
#include "test_slots.moc"
