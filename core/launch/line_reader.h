// LineReader: bytes from a non-blocking descriptor as lines, with a limit on how long a line may grow.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

namespace pipebd::launch {

class LineReader {
public:
    enum class Overlong {
        Refuse, // Error{Protocol}
        Cut, // the line's first `limit` bytes, the rest is dropped
    };

    LineReader(std::size_t limit, Overlong overlong);

    /// Reads what is there, `budget` bytes at most, and calls `line` for each complete line, without its line break.
    /// False at the end of the stream. What `line` throws is passed on, and what else had been read is dropped.
    bool read(int descriptor, std::size_t budget, const std::function<void(std::string_view)>& line);

    /// The start of a line that is not complete yet.
    std::string_view rest() const { return pending_; }

private:
    void take(std::string_view bytes, const std::function<void(std::string_view)>& line);

    std::size_t limit_;
    Overlong overlong_;
    std::string pending_;
    bool dropping_ = false; // up to the next line break
};

} // namespace pipebd::launch
