// PairView: one pair: what it is, the diagram of its blocks and their twin as a table. A block chosen in one is chosen in the
// other.
#pragma once

#include "gui/kit/picture_export.h"
#include "gui/pairs/pair_description.h"

#include <QWidget>

class QLabel;
class QScrollArea;
class QStackedWidget;
class QTabWidget;
class QTableView;

namespace pipebd::gui {

class PairDiagram;
class RowsFilter;
class RowsModel;

class PairView : public QWidget {
    Q_OBJECT

public:
    explicit PairView(QWidget* parent = nullptr);

    void show(const PairEntry& entry, const PairDescription& pair);
    void showWaiting(const PairEntry& entry);
    void showError(const PairEntry& entry, const QString& error);
    void showNothing();

    Picture picture() const; // of the diagram; without a size if there is none
    QTableView* table() const { return m_table; }

private:
    void setTitle(const PairEntry& entry);
    void say(const QString& text);
    void blockSelected(int block);

    QLabel* m_title;
    QLabel* m_summary;
    QStackedWidget* m_stack;
    QLabel* m_says;
    QTabWidget* m_tabs;
    QScrollArea* m_scroll;
    PairDiagram* m_diagram;
    QTableView* m_table;
    RowsModel* m_rows;
    RowsFilter* m_sorted;
};

} // namespace pipebd::gui
