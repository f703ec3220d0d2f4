#include "cli/progress_line.h"

#include <algorithm>
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

} // namespace

ProgressLine::ProgressLine(bool quiet)
    : quiet_(quiet)
    , terminal_(!quiet && can_redraw())
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
    if (quiet_ || now < next_)
        return;
    next_ = now + (terminal_ ? Clock::duration(redraw_period) : Clock::duration(line_period));
    fraction = std::clamp(fraction, 0.0, 1.0);
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
    if (quiet_)
        return;
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
