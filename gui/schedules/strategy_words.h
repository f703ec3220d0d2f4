// What strategies are called in full, and what they do, in a sentence; for tool tips.
#pragma once

#include <QString>

#include <string>

namespace pipebd::gui {

/// Empty for a name that is not known.
QString strategyWords(const std::string& strategy);

} // namespace pipebd::gui
