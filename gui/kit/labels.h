// Labels as the pages use them.
#pragma once

#include <QString>

class QLabel;
class QWidget;

namespace pipebd::gui {

/// A label whose text can be selected and is shown as it is: names and errors come from files.
QLabel* selectableLabel(QWidget* parent, const QString& text = {});

void scaleFont(QWidget* widget, double factor, bool bold);

} // namespace pipebd::gui
