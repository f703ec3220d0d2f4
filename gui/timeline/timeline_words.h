// Instructions and times of timelines in words.
#pragma once

#include "gui/timeline/drawn_timeline.h"
#include "gui/timeline/timeline_sums.h"

#include <QString>

namespace pipebd::gui {

QString activityName(Activity activity); // "teacher forward"
QString activityLetter(Activity activity); // "T"; empty for what has none

/// As short as in a program: "T3".
QString shortText(const schedule::Instruction& instruction);
/// "teacher forward of block 3", "send of the teacher's output of block 2 to device 1", with all that sets it apart from others.
QString words(const schedule::Instruction& instruction);

/// "12.3 ms", as many digits as tell times apart that are `resolution` ms apart.
QString timeText(double milliseconds, double resolution);
/// "12.3 to 14.9 ms (2.6 ms)"
QString rangeText(TimeRange times);

/// "teacher forward of block 3, device 1, step 5, 12.3 to 14.9 ms (2.6 ms)"
QString words(const DrawnTimeline& timeline, std::size_t device, const DrawnSpan& span);

/// The inverse of what people type: "12.3..14.9", "12.3 to 14.9 ms", "12,3 - 14,9"; nothing if it is no range of positive length.
std::optional<TimeRange> rangeFromText(const QString& text);

} // namespace pipebd::gui
