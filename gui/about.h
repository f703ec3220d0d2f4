// What the program says of itself.
#pragma once

#include <QString>

namespace pipebd::gui {

QString programVersion();
void setApplicationIdentity(); // organisation, name, version; of whatever application object there is

} // namespace pipebd::gui
