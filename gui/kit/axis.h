// What a chart's horizontal axis tells.
#pragma once

namespace pipebd::gui {

enum class XAxis { Step, Time /* since the run's start */, WallTime };

} // namespace pipebd::gui
