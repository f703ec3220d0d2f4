// A job of fake ranks, run to its end, and all that was told of it.
#pragma once

#include "launch/supervisor.h"

#include <QByteArray>

#include <chrono>
#include <csignal>
#include <string>
#include <vector>

namespace pipebd::launch {

using namespace std::chrono_literals;

/// Sets FAKE_ENGINE for as long as it lives.
class Told {
public:
    explicit Told(const QByteArray& directives) { qputenv("FAKE_ENGINE", directives); }
    ~Told() { qunsetenv("FAKE_ENGINE"); }
    Told(const Told&) = delete;
    Told& operator=(const Told&) = delete;
};

inline Job fake_job(int ranks)
{
    Job job;
    job.engine = FAKE_ENGINE;
    job.arguments = {"train"};
    job.ranks = ranks;
    return job;
}

struct Supervised {
    Outcome outcome;
    std::vector<experiment::Metric> metrics;
    std::vector<std::string> logged; // "2: text"
    int ticks = 0;
    std::chrono::steady_clock::duration after_the_fault{}; // from the rank's announcement that it does it now

    int count(experiment::Metric::Type type) const
    {
        int found = 0;
        for (const experiment::Metric& metric : metrics)
            found += metric.type == type ? 1 : 0;
        return found;
    }

    /// Ranks that are still processes.
    int survivors() const
    {
        int alive = 0;
        for (const experiment::Metric& metric : metrics)
            if (metric.type == experiment::Metric::Type::Hello && ::kill(static_cast<int>(metric.bytes), 0) == 0)
                ++alive;
        return alive;
    }
};

/// Runs `job` with the fake engine told `directives`; cancelled once `cancel_at` ranks' steps have been seen (never by default).
inline Supervised supervise(const Job& job, const QByteArray& directives, int cancel_at = -1)
{
    using Type = experiment::Metric::Type;
    const Told told(directives);
    Supervised result;
    std::atomic<bool> cancel = cancel_at == 0;
    std::chrono::steady_clock::time_point fault = std::chrono::steady_clock::now();
    int steps = 0;
    Listener listener;
    listener.metric = [&](const experiment::Metric& metric) {
        const bool announces = metric.type == Type::Log && metric.text == "now";
        if (metric.type == Type::Step && ++steps == cancel_at)
            cancel = true;
        if (announces || (metric.type == Type::Step && steps == cancel_at))
            fault = std::chrono::steady_clock::now();
        result.metrics.push_back(metric);
    };
    listener.log = [&](int rank, const std::string& line) { result.logged.push_back(std::to_string(rank) + ": " + line); };
    listener.tick = [&] { ++result.ticks; };
    result.outcome = run(job, listener, cancel);
    result.after_the_fault = std::chrono::steady_clock::now() - fault;
    return result;
}

} // namespace pipebd::launch
