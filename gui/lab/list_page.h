// ListPage: a table with a filter on the left, and on the right, under a tool bar, details of the row that is selected. While there
// is nothing to list a message stands in their place.
#pragma once

#include "gui/kit/rows_model.h"
#include "gui/lab/page.h"

#include <functional>

class QLabel;
class QLineEdit;
class QSplitter;
class QStackedWidget;
class QToolBar;
class QVBoxLayout;

namespace pipebd::gui {

class MessagePage;
class Settings;

/// What a ListPage shows and is called. Its settings are "<id>Splitter" and "<table>Header".
struct ListLook {
    QString id;
    QString title;
    QString table; // the object's name
    QString tableName; // for screen readers
    QString filterName;
    QString filterHint;
    QString waiting; // while the list is being read
    QString failed; // the title above why it cannot be
    std::vector<Column> columns;
    std::vector<int> widths; // of the columns, in characters
    QList<int> sizes; // of list and details, in pixels
};

class ListPage : public Page {
    Q_OBJECT

public:
    void openLab(const std::filesystem::path& lab) override;
    void saveState() override;
    void restoreDefaultLayout() override;

protected:
    /// The constructor of a page ends with setDetails() and restoreState().
    ListPage(Settings& settings, ListLook look, QWidget* parent);

    /// Of the list: "3 pairs".
    virtual QString countOf(int shown, int all) const = 0;
    /// Another row is selected, or none.
    virtual void selectionChanged() = 0;
    /// In the colours of the palette.
    virtual void tintIcons() { }
    /// False if what was saved of the details does not fit.
    virtual bool restoreDetails() { return true; }

    void setDetails(QWidget* details);
    MessagePage* addMessage(const QString& title, const QString& text); // for showMessage()
    void setRetry(QAction* action); // what can be done about an error
    void restoreState();

    // What stands on the page.
    void showList();
    void showWaiting();
    void showMessage(MessagePage* message);
    void showError(const QString& error); // in the status bar, if there is a list already
    bool isErrorShown() const;

    /// Selects the row that is wanted, if it is there; else, if none is selected, the first.
    void setRows(std::vector<Row> rows);
    QString selectedId() const; // empty if none is
    /// At once, or when there is such a row: false then.
    bool select(const QString& id);
    void want(const QString& id) { m_wanted = id; } // when rows come next
    const QString& wanted() const { return m_wanted; }

    void askToDelete(const QString& title, const QString& question, const QString& consequence, std::function<void()> then);

    Settings& settings() const { return m_settings; }
    const std::filesystem::path& lab() const { return m_lab; }
    RowsModel* rows() const { return m_rows; }
    QToolBar* tools() const { return m_tools; }

    void changeEvent(QEvent* event) override;

private:
    void createTable(const ListLook& look);
    void createLayout();
    void selectAndCount();

    Settings& m_settings;
    std::filesystem::path m_lab;
    QString m_wanted;
    QString m_headerKey;
    std::vector<int> m_widths;
    QList<int> m_sizes;

    QStackedWidget* m_stack;
    MessagePage* m_waiting;
    MessagePage* m_error;
    QSplitter* m_splitter;
    QLineEdit* m_filter;
    QTableView* m_table;
    RowsModel* m_rows;
    RowsFilter* m_filtered;
    QLabel* m_count;
    QToolBar* m_tools;
    QVBoxLayout* m_right;
};

} // namespace pipebd::gui
