#include "launch/line_reader.h"

#include "base/error.h"
#include "base/text.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include <unistd.h>

namespace pipebd::launch {

LineReader::LineReader(std::size_t limit, Overlong overlong)
    : limit_(limit)
    , overlong_(overlong)
{
}

bool LineReader::read(int descriptor, std::size_t budget, const std::function<void(std::string_view)>& line)
{
    std::array<char, 65536> buffer;
    while (budget > 0) {
        const ssize_t count = ::read(descriptor, buffer.data(), std::min(buffer.size(), budget));
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            return errno == EAGAIN;
        if (count == 0)
            return false;
        budget -= static_cast<std::size_t>(count);
        take({buffer.data(), static_cast<std::size_t>(count)}, line);
    }
    return true;
}

void LineReader::take(std::string_view bytes, const std::function<void(std::string_view)>& line)
{
    while (!bytes.empty()) {
        const std::size_t end = std::min(bytes.find('\n'), bytes.size());
        const bool complete = end < bytes.size();
        if (!dropping_)
            pending_.append(bytes.substr(0, end)); // grows by one buffer at most before it is cut
        bytes.remove_prefix(complete ? end + 1 : end);

        if (!dropping_ && pending_.size() > limit_) {
            dropping_ = true;
            std::string cut(std::move(pending_), 0, limit_);
            pending_.clear();
            if (overlong_ == Overlong::Refuse)
                throw Error(Code::Protocol, "a line is longer than " + std::to_string(limit_) + " bytes", in_quotes(cut));
            line(cut);
        } else if (!dropping_ && complete) {
            const std::string whole = std::exchange(pending_, {});
            line(whole);
        }
        if (complete)
            dropping_ = false;
    }
}

} // namespace pipebd::launch
