#include "engine/transport/peer_progress.h"

#include <sstream>
#include <utility>

namespace pipebd::engine {

namespace {

std::string seconds(std::chrono::milliseconds time)
{
    return std::to_string(std::chrono::duration_cast<std::chrono::seconds>(time).count()) + " s";
}

} // namespace

std::string ProgressReport::text() const
{
    return std::to_string(beats) + " " + std::to_string(work) + (left ? " left" : "");
}

ProgressReport ProgressReport::from_text(const std::string& text)
{
    std::istringstream words(text);
    ProgressReport report;
    std::string last;
    if (!(words >> report.beats >> report.work) || ((words >> last) && last != "left"))
        throw Error(
            Code::Protocol, "cannot read a rank's progress report", text, "run the same version of pipebd-engine on all machines");
    report.left = last == "left";
    return report;
}

PeerProgress::PeerProgress(int self, int size, const Limits& limits, std::function<FairClock::Clock::time_point()> now)
    : self_(static_cast<std::size_t>(self))
    , limits_(limits)
    , clock_(std::move(now))
    , peers_(static_cast<std::size_t>(size), Peer{{}, clock_.now()})
    , worked_(clock_.now())
{
}

void PeerProgress::heard(int rank, const ProgressReport& report)
{
    Peer& peer = peers_[static_cast<std::size_t>(rank)];
    if (report == peer.report)
        return;
    if (report.work != peer.report.work)
        worked_ = clock_.now();
    peer.report = report;
    peer.reported = clock_.now();
}

std::optional<Error> PeerProgress::verdict(const std::string& doing)
{
    clock_.turned(longest_pause);
    const auto now = clock_.now();
    std::optional<std::size_t> stillest;
    for (std::size_t rank = 0; rank < peers_.size(); ++rank) {
        if (rank != self_ && !peers_[rank].report.left && (!stillest || peers_[rank].reported < peers_[*stillest].reported))
            stillest = rank;
    }
    if (stillest && now - peers_[*stillest].reported >= limits_.silence)
        return Error(Code::TimedOut, "rank " + std::to_string(*stillest) + " has made no progress for " + seconds(limits_.silence),
            doing, "see its last lines of output; run.timeout sets how long a rank may be silent");
    if (now - worked_ >= limits_.stall)
        return Error(Code::TimedOut, "all ranks have only waited for each other for " + seconds(limits_.stall), doing,
            "see what each rank was doing last");
    return {};
}

} // namespace pipebd::engine
