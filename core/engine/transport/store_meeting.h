// StoreMeeting: ranks that have met at c10d's store, which rank 0 or an agent serves.
//
// A thread of its own asks the store: whoever serves it may stand still. Where nobody else follows the ranks, each says here how
// far it is and hears it of the others (peer_progress.h).
#pragma once

#include "engine/transport/errands.h"
#include "engine/transport/transport.h"

#include <torch/csrc/distributed/c10d/Store.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace pipebd::engine {

using StorePointer = c10::intrusive_ptr<c10d::Store>;

/// As good as for ever: what c10d may wait by itself. Longer ones do not fit its milliseconds everywhere.
inline constexpr std::chrono::milliseconds unlimited = std::chrono::hours(24 * 20);

/// reported() and board() may be used by any thread, the rest by one.
class StoreMeeting : public Meeting, public std::enable_shared_from_this<StoreMeeting> {
public:
    /// Meets them. Throws Error{TimedOut} or {RankDied}.
    explicit StoreMeeting(const Rendezvous& rendezvous);
    ~StoreMeeting() override;

    int rank() const override { return rendezvous_.rank; }
    int size() const override { return rendezvous_.size; }
    const Rendezvous& rendezvous() const { return rendezvous_; }
    const StorePointer& store() const { return store_; }

    /// What to call while waiting for others that may not have come yet.
    Waiting joining() const;
    /// Has `work` done where it may block, and waits for that.
    void ask(const std::string& doing, const Waiting& waiting, std::function<void()> work);

    std::vector<std::string> gather(const std::string& text, const Waiting& waiting) override;
    void reported(bool worked) override;
    void look_at_others(const std::string& doing) override;
    Board& board() override { return *board_; }

private:
    /// The others' reports, as they come.
    struct Reading {
        std::shared_ptr<Errands::Errand> errand;
        std::vector<std::string> said; // by rank; none where the store is gone
    };

    std::string wait_for(const std::string& key, const std::string& doing, const Waiting& waiting);
    std::shared_ptr<Errands::Errand> publish();
    std::shared_ptr<Reading> read_reports();

    const std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
    Rendezvous rendezvous_;
    StorePointer store_;
    std::unique_ptr<Board> board_;
    std::int64_t gathered_ = 0;

    std::mutex report_mutex_; // of what this rank says
    ProgressReport report_;
    std::chrono::steady_clock::time_point published_;
    std::optional<PeerProgress> peers_; // where nobody else follows them
    std::shared_ptr<Reading> reading_;
    std::chrono::steady_clock::time_point read_;
    Errands errands_; // ends first
};

} // namespace pipebd::engine
