// PairsPage: the pairs of networks there are, built in and imported: their blocks side by side, and the wizard that imports one.
//
// What there is is asked of pipebd: the window itself sees neither models nor engine.
#pragma once

#include "gui/lab/page.h"
#include "gui/lab/pipebd_process.h"
#include "gui/pairs/pair_catalogue.h"

class QLabel;
class QLineEdit;
class QSplitter;
class QStackedWidget;
class QTableView;
class QToolBar;

namespace pipebd::gui {

class ImportWizard;
class MessagePage;
class PairView;
class RowsFilter;
class RowsModel;
class Settings;

class PairsPage : public Page {
    Q_OBJECT

public:
    explicit PairsPage(Settings& settings, QWidget* parent = nullptr);

    QString selectedPair() const; // empty if none is
    void selectPair(const QString& name); // at once or when there is one of this name
    ImportWizard* openImportWizard(const QString& file = {});

    PairCatalogue& catalogue() { return m_catalogue; }

    void openLab(const std::filesystem::path& lab) override;
    void comeToFront() override;
    bool isSettled() const override;
    QStringList command() const override;
    std::vector<QAction*> menuActions() const override;
    bool openFile(const QString& file) override;
    void saveState() override;
    void restoreDefaultLayout() override;

protected:
    void changeEvent(QEvent* event) override;

private:
    void createActions();
    void createTable();
    void tintIcons();
    void refresh();
    void showPairs();
    void showSelected();
    void showListError(const QString& error);
    void askToDelete();
    void startRun();
    void exportPicture();
    void warn(const QString& title, const QString& error);
    void restoreState();

    Settings& m_settings;
    std::filesystem::path m_lab;
    bool m_asked = false; // for the pairs of this lab
    QString m_wanted;
    PairCatalogue m_catalogue;
    PipebdProcess m_deleting;

    QStackedWidget* m_stack;
    MessagePage* m_waiting;
    MessagePage* m_error;
    QSplitter* m_splitter;
    QLineEdit* m_filter;
    QTableView* m_table;
    RowsModel* m_rows;
    RowsFilter* m_filtered;
    QLabel* m_count;
    PairView* m_view;
    QToolBar* m_tools;

    QAction* m_import;
    QAction* m_delete;
    QAction* m_measure;
    QAction* m_plan;
    QAction* m_start;
    QAction* m_export;
    QAction* m_refresh;
};

} // namespace pipebd::gui
