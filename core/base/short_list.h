// ShortList: a few items in a row, without memory of their own.
#pragma once

#include <array>
#include <cstddef>

namespace pipebd {

/// At most `most` items; adding more is the caller's fault and not asked for.
template <typename Item, std::size_t most>
class ShortList {
public:
    void add(const Item& item) { items_[size_++] = item; }

    const Item* begin() const { return items_.data(); }
    const Item* end() const { return items_.data() + size_; }
    const Item& front() const { return items_[0]; }
    const Item& back() const { return items_[size_ - 1]; }
    std::size_t size() const { return size_; }
    bool empty() const { return size_ == 0; }

private:
    std::array<Item, most> items_{};
    std::size_t size_ = 0;
};

} // namespace pipebd
