#include "engine/transport/store_meeting.h"

#include "base/error.h"
#include "engine/transport/c10d_errors.h"

#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>

#include <algorithm>
#include <thread>
#include <utility>

namespace pipebd::engine {

namespace {

constexpr std::chrono::milliseconds report_interval{1000};
constexpr std::chrono::milliseconds longest_poll{20};
constexpr std::chrono::milliseconds farewell{500};

std::vector<std::uint8_t> bytes_of(const std::string& text)
{
    return {text.begin(), text.end()};
}

std::string report_key(int rank)
{
    return "pipebd/progress/" + std::to_string(rank);
}

StorePointer open_store(const Rendezvous& rendezvous)
{
    c10d::TCPStoreOptions options;
    options.port = rendezvous.port;
    options.isServer = rendezvous.rank == 0 && rendezvous.serve;
    options.numWorkers = rendezvous.size;
    options.waitWorkers = false;
    options.timeout = rendezvous.supervised ? unlimited : rendezvous.join_limit;
    if (options.isServer && rendezvous.listen_descriptor)
        options.masterListenFd = *rendezvous.listen_descriptor;
    try {
        auto store = c10::make_intrusive<c10d::TCPStore>(rendezvous.address, options);
        return c10::make_intrusive<c10d::PrefixStore>("attempt" + rendezvous.attempt, std::move(store));
    } catch (...) {
        std::rethrow_exception(connection_error("while the ranks were meeting at " + rendezvous.address));
    }
}

/// On c10d's store, which takes one question at a time from any thread.
class StoreBoard final : public Board {
public:
    explicit StoreBoard(StorePointer store)
        : store_(std::move(store))
    {
    }

    void post(const std::string& name, const std::string& text) override
    {
        at_store([&] { store_->set(prefix_ + name, std::vector<std::uint8_t>(text.begin(), text.end())); });
    }

    std::optional<std::string> find(const std::string& name) override
    {
        std::optional<std::string> found;
        at_store([&] {
            if (!store_->check({prefix_ + name}))
                return;
            const std::vector<std::uint8_t> bytes = store_->get(prefix_ + name);
            found.emplace(bytes.begin(), bytes.end());
        });
        return found;
    }

private:
    template <typename Operation>
    static void at_store(Operation operation)
    {
        try {
            operation();
        } catch (...) {
            std::rethrow_exception(connection_error("a notice for the other ranks"));
        }
    }

    const std::string prefix_ = "pipebd/board/";
    const StorePointer store_;
};

} // namespace

StoreMeeting::StoreMeeting(const Rendezvous& rendezvous)
    : rendezvous_(rendezvous)
{
    auto opened = std::make_shared<StorePointer>();
    ask("meeting the other ranks at " + rendezvous.address, rendezvous_.waiting,
        [opened, rendezvous] { *opened = open_store(rendezvous); });
    store_ = *opened;
    board_ = std::make_unique<StoreBoard>(store_);
    if (!rendezvous_.supervised && size() > 1) {
        peers_.emplace(rank(), size(), rendezvous_.limits);
        publish();
    }
}

StoreMeeting::~StoreMeeting()
{
    if (!peers_)
        return;
    try {
        std::lock_guard lock(report_mutex_);
        report_.left = true;
        const auto said = publish();
        const auto end = std::chrono::steady_clock::now() + farewell;
        errands_.wait(*said, [end](const std::string& doing) {
            if (std::chrono::steady_clock::now() >= end)
                throw Error(Code::TimedOut, "the store does not answer", doing);
        });
    } catch (const std::exception&) {
        // Whoever serves the store has left before.
    }
}

Waiting StoreMeeting::joining() const
{
    return [this](const std::string& doing) {
        if (rendezvous_.waiting)
            rendezvous_.waiting(doing);
        if (!rendezvous_.supervised && std::chrono::steady_clock::now() - begin_ >= rendezvous_.join_limit)
            throw Error(Code::TimedOut,
                "the ranks did not meet within " + std::to_string(rendezvous_.join_limit / std::chrono::seconds(1)) + " s", doing,
                "check that every rank was started, and its output; run.join_timeout sets how long they may take");
    };
}

void StoreMeeting::ask(const std::string& doing, const Waiting& waiting, std::function<void()> work)
{
    errands_.wait(*errands_.post(doing, [doing, work = std::move(work)] { as_ours(doing, work); }), waiting);
}

std::vector<std::string> StoreMeeting::gather(const std::string& text, const Waiting& waiting)
{
    const Waiting& told = waiting ? waiting : joining();
    const std::string name = "pipebd/gather/" + std::to_string(gathered_++) + "/";
    const std::string doing = "waiting for all ranks";
    ask(doing, told, [store = store_, key = name + std::to_string(rank()), value = bytes_of(text)] { store->set(key, value); });
    std::vector<std::string> said;
    for (int other = 0; other < size(); ++other)
        said.push_back(wait_for(name + std::to_string(other), "waiting for rank " + std::to_string(other), told));
    return said;
}

void StoreMeeting::reported(bool worked)
{
    std::lock_guard lock(report_mutex_);
    if (!peers_ || report_.left)
        return;
    ++report_.beats;
    report_.work += worked ? 1 : 0;
    const auto now = std::chrono::steady_clock::now();
    if (now - published_ < report_interval)
        return;
    published_ = now;
    publish();
}

void StoreMeeting::look_at_others(const std::string& doing)
{
    if (!peers_)
        return;
    if (reading_ && errands_.is_done(*reading_->errand)) {
        for (std::size_t other = 0; other < reading_->said.size(); ++other)
            peers_->heard(static_cast<int>(other), ProgressReport::from_text(reading_->said[other]));
        reading_.reset();
    }
    const auto now = std::chrono::steady_clock::now();
    if (!reading_ && now - read_ >= report_interval) {
        read_ = now;
        reading_ = read_reports();
    }
    if (const std::optional<Error> error = peers_->verdict(doing))
        throw *error;
}

/// What is said under `key`, once it is.
std::string StoreMeeting::wait_for(const std::string& key, const std::string& doing, const Waiting& waiting)
{
    struct Answer {
        bool there = false;
        std::string text;
    };
    std::chrono::milliseconds pause{1};
    std::string text;
    wait_in_slices(doing, waiting, [&](std::chrono::milliseconds) {
        auto answer = std::make_shared<Answer>();
        ask(doing, waiting, [answer, key, store = store_] {
            answer->there = store->check({key});
            if (!answer->there)
                return;
            const std::vector<std::uint8_t> bytes = store->get(key);
            answer->text.assign(bytes.begin(), bytes.end());
        });
        text = answer->text;
        if (!answer->there) {
            std::this_thread::sleep_for(pause);
            pause = std::min(2 * pause, longest_poll);
        }
        return answer->there;
    });
    return text;
}

/// With the report's lock held.
std::shared_ptr<Errands::Errand> StoreMeeting::publish()
{
    return errands_.post("reporting progress",
        [store = store_, key = report_key(rank()), value = bytes_of(report_.text())] { store->set(key, value); });
}

std::shared_ptr<StoreMeeting::Reading> StoreMeeting::read_reports()
{
    auto reading = std::make_shared<Reading>();
    reading->errand
        = errands_.post("reading the others' progress", [reading = std::weak_ptr(reading), store = store_, size = size()] {
              const std::shared_ptr<Reading> kept = reading.lock();
              std::vector<std::string> said;
              for (int other = 0; kept && other < size; ++other) {
                  const std::string key = report_key(other);
                  if (!store->check({key}))
                      return; // not all have come yet
                  const std::vector<std::uint8_t> bytes = store->get(key);
                  said.emplace_back(bytes.begin(), bytes.end());
              }
              if (kept)
                  kept->said = std::move(said);
          });
    return reading;
}

} // namespace pipebd::engine
