#include "engine/transport/shared_words.h"

#include "base/error.h"

#include <climits>
#include <ctime>
#include <fcntl.h>
#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <utility>

namespace pipebd::engine {

static_assert(std::atomic<std::uint64_t>::is_always_lock_free && std::atomic<std::uint32_t>::is_always_lock_free);
static_assert(sizeof(std::atomic<std::uint64_t>) == 8 && sizeof(std::atomic<std::uint32_t>) == 4);

namespace {

constexpr const char* place = "memory shared between ranks";

std::size_t bytes_for(std::size_t words, int bells)
{
    return words * sizeof(std::uint64_t) + static_cast<std::size_t>(bells) * sizeof(std::uint32_t);
}

} // namespace

SharedWords::SharedWords(std::size_t words, int bells)
    : word_count_(words)
    , bytes_(bytes_for(words, bells))
{
    descriptor_ = memfd_create("pipebd", MFD_CLOEXEC);
    if (descriptor_ < 0)
        throw system_error("cannot make", place);
    if (ftruncate(descriptor_, static_cast<off_t>(bytes_)) != 0) {
        const Error error = system_error("cannot make", place);
        hide();
        throw error;
    }
    map();
}

SharedWords::SharedWords(const std::string& address, std::size_t words, int bells)
    : word_count_(words)
    , bytes_(bytes_for(words, bells))
{
    descriptor_ = open(address.c_str(), O_RDWR | O_CLOEXEC);
    if (descriptor_ < 0)
        throw system_error("cannot open", std::string(place) + ", " + address);
    map();
    hide();
}

SharedWords::SharedWords(SharedWords&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1))
    , word_count_(other.word_count_)
    , bytes_(other.bytes_)
    , words_(std::exchange(other.words_, nullptr))
    , bells_(std::exchange(other.bells_, nullptr))
{
}

SharedWords::~SharedWords()
{
    hide();
    if (words_ != nullptr)
        munmap(static_cast<void*>(words_), bytes_);
}

void SharedWords::map()
{
    void* memory = mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor_, 0);
    if (memory == MAP_FAILED) {
        const Error error = system_error("cannot map", place);
        hide();
        throw error;
    }
    // All zero is how both kinds of atomic begin.
    words_ = static_cast<std::atomic<std::uint64_t>*>(memory);
    bells_ = reinterpret_cast<std::atomic<std::uint32_t>*>(words_ + word_count_);
}

std::string SharedWords::address() const
{
    return "/proc/" + std::to_string(getpid()) + "/fd/" + std::to_string(descriptor_);
}

void SharedWords::hide()
{
    if (descriptor_ >= 0)
        close(std::exchange(descriptor_, -1));
}

void SharedWords::ring(int bell) const
{
    std::atomic<std::uint32_t>& word = bells_[bell];
    word.fetch_add(1);
    syscall(SYS_futex, &word, FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0);
}

std::uint32_t SharedWords::rings(int bell) const
{
    return bells_[bell].load();
}

void SharedWords::listen(int bell, std::uint32_t heard, std::chrono::milliseconds limit) const
{
    timespec time{};
    time.tv_sec = limit.count() / 1000;
    time.tv_nsec = limit.count() % 1000 * 1'000'000;
    syscall(SYS_futex, &bells_[bell], FUTEX_WAIT, heard, &time, nullptr, 0);
}

} // namespace pipebd::engine
