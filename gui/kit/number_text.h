// How numbers read on the screen, in the user's locale.
#pragma once

#include <QString>

#include <cstdint>

namespace pipebd::gui {

QString millisecondsText(double milliseconds); // "3.25 ms", "388.3 ms", "12.5 s"; "–" for 0
QString signedText(double value, int decimals); // "+2.5", "−25.0"; without a sign if it rounds to nothing
QString countText(std::int64_t count); // "640", "6.7 k", "138 M"
QString bytesText(std::int64_t bytes); // "64.0 KiB"

} // namespace pipebd::gui
