// Ctrl+C on a table: the selected rows as tab-separated text, with the column titles on top.
#pragma once

#include <QString>

class QAction;
class QTableView;

namespace pipebd::gui {

/// The selected rows of `view`, or all of them if none is selected; visible columns in the order on the screen.
QString selectionAsTsv(const QTableView& view);

/// Adds a Copy action (shortcut, context menu) to `view`.
QAction* addCopyAction(QTableView* view);

} // namespace pipebd::gui
