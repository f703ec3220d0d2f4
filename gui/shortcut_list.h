// ShortcutList: every keyboard shortcut of a window, by where it holds; made from the actions that there are, so that it cannot be
// wrong.
#pragma once

#include <QDialog>
#include <QString>

#include <vector>

class QLineEdit;
class QMainWindow;
class QTreeWidget;

namespace pipebd::gui {

struct Shortcut {
    QString place; // "File", "Schedules"
    QString name;
    QString keys; // in the system's notation
};

/// Of the menus, then of the pages and docks, each once.
std::vector<Shortcut> shortcutsOf(const QMainWindow& window);

class ShortcutList : public QDialog {
    Q_OBJECT

public:
    explicit ShortcutList(const std::vector<Shortcut>& shortcuts, QWidget* parent = nullptr);

private:
    void filter(const QString& words);

    QLineEdit* m_filter;
    QTreeWidget* m_tree;
};

} // namespace pipebd::gui
