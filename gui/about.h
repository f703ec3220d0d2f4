// What the program says of itself.
#pragma once

#include <QString>

class QWidget;

namespace pipebd::gui {

QString programVersion();
void setApplicationIdentity(); // organisation, name, version; of whatever application object there is
void showAbout(QWidget* parent);

} // namespace pipebd::gui
