// Board: notices that ranks leave for one another, by name.
//
// Thread-safe, and nothing waits: who asks for a notice that has not been left yet is told so. A name is used once.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>

namespace pipebd::engine {

class Board {
public:
    virtual ~Board() = default;

    /// Throws Error{RankDied} or {TimedOut} if whoever keeps the board is gone; so does find().
    virtual void post(const std::string& name, const std::string& text) = 0;
    virtual std::optional<std::string> find(const std::string& name) = 0;
};

/// In the memory of this process.
class OwnBoard final : public Board {
public:
    void post(const std::string& name, const std::string& text) override
    {
        std::lock_guard lock(mutex_);
        notices_[name] = text;
    }

    std::optional<std::string> find(const std::string& name) override
    {
        std::lock_guard lock(mutex_);
        const auto found = notices_.find(name);
        return found == notices_.end() ? std::nullopt : std::optional(found->second);
    }

private:
    std::mutex mutex_;
    std::map<std::string, std::string> notices_;
};

} // namespace pipebd::engine
