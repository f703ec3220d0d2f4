#include "cli/progress_line.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include <sys/ioctl.h>
#include <unistd.h>

namespace pipebd::cli {

namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr auto redraw_period = 100ms; // on a terminal
constexpr auto line_period = 10s; // elsewhere
constexpr std::size_t bar_width = 24;

std::size_t columns()
{
    winsize size = {};
    return ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

bool can_redraw()
{
    const char* terminal = std::getenv("TERM");
    return ::isatty(STDERR_FILENO) == 1 && terminal != nullptr && std::string_view(terminal) != "dumb";
}

std::string bar(double fraction)
{
    const auto full = static_cast<std::size_t>(fraction * bar_width);
    return "[" + std::string(full, '#') + std::string(bar_width - full, '.') + "]";
}

void write_line(const nlohmann::ordered_json& object)
{
    const std::string line = object.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
    std::fputs(line.c_str(), stderr);
    std::fflush(stderr);
}

} // namespace

ProgressLine::ProgressLine(ProgressStyle style)
    : style_(style)
    , terminal_(style == ProgressStyle::Text && can_redraw())
    , next_(Clock::now())
{
}

ProgressLine::~ProgressLine()
{
    clear();
}

void ProgressLine::show(double fraction, const std::string& text)
{
    const Clock::time_point now = Clock::now();
    if (style_ == ProgressStyle::None || now < next_)
        return;
    const bool often = terminal_ || style_ == ProgressStyle::Lines;
    next_ = now + (often ? Clock::duration(redraw_period) : Clock::duration(line_period));
    fraction = std::clamp(fraction, 0.0, 1.0);
    if (style_ == ProgressStyle::Lines)
        return write_line({{"progress", std::round(fraction * 1e4) / 1e4}, {"doing", text}});
    char percent[8];
    std::snprintf(percent, sizeof percent, "%3d %%", static_cast<int>(fraction * 100));
    if (!terminal_) {
        std::fprintf(stderr, "%s  %s\n", percent, text.c_str());
        return;
    }
    const std::string line = (bar(fraction) + " " + percent + "  " + text).substr(0, columns() - 1);
    std::fprintf(stderr, "\r\033[K%s", line.c_str());
    drawn_ = true;
}

void ProgressLine::note(const std::string& text)
{
    if (style_ == ProgressStyle::None)
        return;
    if (style_ == ProgressStyle::Lines)
        return write_line({{"note", text}});
    clear();
    std::fprintf(stderr, "%s\n", text.c_str());
}

void ProgressLine::clear()
{
    if (drawn_)
        std::fprintf(stderr, "\r\033[K");
    drawn_ = false;
}

} // namespace pipebd::cli
