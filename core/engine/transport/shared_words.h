// SharedWords: counters that ranks of one machine share, and a bell for each rank to wake it by.
//
// Memory without a name: nothing of it is left once the last process that has opened it is gone, however it went.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace pipebd::engine {

class SharedWords {
public:
    /// `words` counters and `bells` bells, all zero. Throws Error{System}.
    SharedWords(std::size_t words, int bells);

    /// Those that another process of this machine has made with the same numbers; `address` is what its address() said.
    /// Throws Error{System} if they cannot be reached.
    SharedWords(const std::string& address, std::size_t words, int bells);

    ~SharedWords();
    SharedWords(SharedWords&& other) noexcept;
    SharedWords(const SharedWords&) = delete;

    /// For another process, as long as this one has not called hide().
    std::string address() const;
    /// Nobody else can open them from now on.
    void hide();

    std::span<std::atomic<std::uint64_t>> words() const { return {words_, word_count_}; }

    void ring(int bell) const;
    /// How often it was rung; wraps.
    std::uint32_t rings(int bell) const;
    /// Returns when rings(bell) is no longer `heard`, after `limit`, or for no reason.
    void listen(int bell, std::uint32_t heard, std::chrono::milliseconds limit) const;

private:
    void map();

    int descriptor_ = -1;
    std::size_t word_count_ = 0;
    std::size_t bytes_ = 0;
    std::atomic<std::uint64_t>* words_ = nullptr;
    std::atomic<std::uint32_t>* bells_ = nullptr;
};

} // namespace pipebd::engine
