// Positions: a set of positions in the cluster's order, from 0, before the first device, to the number of devices, after the last.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace pipebd::schedule {

class Positions {
public:
    explicit Positions(int devices)
        : words_(static_cast<std::size_t>(devices) / 64 + 1)
    {
    }

    bool has(int position) const { return (words_[static_cast<std::size_t>(position) / 64] >> (position % 64) & 1) != 0; }
    bool empty() const { return begin_ == end_; }

    void add(int position)
    {
        const std::size_t word = static_cast<std::size_t>(position) / 64;
        words_[word] |= std::uint64_t{1} << (position % 64);
        cover(word, word + 1);
    }

    void clear()
    {
        std::fill(words_.begin() + static_cast<std::ptrdiff_t>(begin_), words_.begin() + static_cast<std::ptrdiff_t>(end_), 0);
        begin_ = end_ = 0;
    }

    /// Those below take sets of the same number of devices.
    void add(const Positions& others)
    {
        if (others.empty())
            return;
        for (std::size_t w = others.begin_; w < others.end_; ++w)
            words_[w] |= others.words_[w];
        cover(others.begin_, others.end_);
    }

    void remove(const Positions& others)
    {
        for (std::size_t w = begin_; w < end_; ++w)
            words_[w] &= ~others.words_[w];
        shrink();
    }

    /// Adds p + `distance` for each p of both `from` and `allowed`, none of which may be beyond the last device.
    void add_after(const Positions& from, const Positions& allowed, int distance)
    {
        const std::size_t up = static_cast<std::size_t>(distance) / 64;
        const int bits = distance % 64;
        const std::size_t begin = std::max(from.begin_, allowed.begin_);
        const std::size_t end = std::min({from.end_, allowed.end_, words_.size() - up});
        if (begin >= end)
            return;
        for (std::size_t w = begin; w < end; ++w)
            words_[w + up] |= (from.words_[w] & allowed.words_[w]) << bits;
        const std::size_t carry_end = std::min(end, words_.size() - up - 1);
        if (bits != 0)
            for (std::size_t w = begin; w < carry_end; ++w)
                words_[w + up + 1] |= (from.words_[w] & allowed.words_[w]) >> (64 - bits);
        cover(begin + up, std::min(end + up + 1, words_.size()));
    }

    /// Adds each p of `allowed` whose p + `distance` is in `to`.
    void add_before(const Positions& to, const Positions& allowed, int distance)
    {
        const std::size_t down = static_cast<std::size_t>(distance) / 64;
        const int bits = distance % 64;
        const std::size_t begin = std::max(to.begin_, allowed.begin_ + down);
        const std::size_t end = std::min(to.end_, allowed.end_ + down);
        for (std::size_t w = begin; w < end; ++w)
            words_[w - down] |= to.words_[w] >> bits & allowed.words_[w - down];
        const std::size_t carry_begin = std::max(to.begin_, allowed.begin_ + down + 1);
        const std::size_t carry_end = std::min(to.end_, allowed.end_ + down + 1);
        if (bits != 0)
            for (std::size_t w = carry_begin; w < carry_end; ++w)
                words_[w - down - 1] |= to.words_[w] << (64 - bits) & allowed.words_[w - down - 1];
        if (begin < end)
            cover(begin - down, end - down);
        if (carry_begin < carry_end)
            cover(carry_begin - down - 1, carry_end - down - 1);
    }

private:
    void cover(std::size_t begin, std::size_t end)
    {
        begin_ = empty() ? begin : std::min(begin_, begin);
        end_ = std::max(end_, end);
        shrink();
    }

    void shrink()
    {
        while (begin_ < end_ && words_[begin_] == 0)
            ++begin_;
        while (end_ > begin_ && words_[end_ - 1] == 0)
            --end_;
        if (begin_ == end_)
            begin_ = end_ = 0;
    }

    std::vector<std::uint64_t> words_;
    std::size_t begin_ = 0; // all words before this one
    std::size_t end_ = 0; // and from this one on are empty
};

} // namespace pipebd::schedule
