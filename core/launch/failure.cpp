#include "launch/failure.h"

#include <utility>

namespace pipebd::launch {

namespace {

/// Codes that a rank reports when a peer is gone: the connection breaks, or what was expected never comes.
bool may_be_consequence(Code code)
{
    return code == Code::RankDied || code == Code::TimedOut || code == Code::System;
}

} // namespace

Failure failure_said(const experiment::Metric& metric, int rank, std::chrono::steady_clock::time_point when)
{
    const std::string where = metric.where.empty() ? "rank " + std::to_string(rank) : metric.where;
    const Error error(code_from_string(metric.code), metric.what, where, metric.remedy);
    return {error, when, may_be_consequence(error.code())};
}

bool is_cause_before(const Failure& a, const Failure& b)
{
    return std::pair(a.may_be_consequence, a.when) < std::pair(b.may_be_consequence, b.when);
}

Outcome failed_outcome(int culprit, const std::map<int, Failure>& by_rank)
{
    Outcome outcome;
    outcome.kind = Outcome::Kind::Failed;
    outcome.culprit = culprit;
    outcome.error = by_rank.at(culprit).error;
    outcome.may_be_consequence = by_rank.at(culprit).may_be_consequence;
    for (const auto& [rank, failure] : by_rank)
        if (rank != culprit && failure.error.code() != Code::Cancelled)
            outcome.consequences.push_back("rank " + std::to_string(rank) + ": " + failure.error.what());
    return outcome;
}

} // namespace pipebd::launch
