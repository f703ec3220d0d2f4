// ProfilePage: what blocks cost, as measured: charts and tables of stored profiles, and measuring new ones.
//
// Reads and changes the lab in other threads.
#pragma once

#include "gui/kit/background.h"
#include "gui/lab/page.h"
#include "gui/profile/shown_profile.h"

class QLabel;
class QLineEdit;
class QSplitter;
class QStackedWidget;
class QTableView;
class QToolBar;

namespace pipebd::gui {

class MeasureDialog;
class MessagePage;
class ProfileChart;
class ProfileView;
class RowsFilter;
class RowsModel;
class Settings;

class ProfilePage : public Page {
    Q_OBJECT

public:
    explicit ProfilePage(Settings& settings, QWidget* parent = nullptr);

    /// Asks what to measure; `pair` is proposed, if it is given.
    void openMeasureDialog(const QString& pair = {});
    /// Selects the profile, at once or when it has been read.
    void selectProfile(const QString& id);
    QString selectedProfile() const; // empty if none is

    void openLab(const std::filesystem::path& lab) override;
    void comeToFront() override; // reads what is stored
    bool isSettled() const override;
    QStringList command() const override;
    std::vector<QAction*> menuActions() const override;
    bool openFile(const QString& file) override; // a profile is imported
    void saveState() override;
    void restoreDefaultLayout() override;

protected:
    void changeEvent(QEvent* event) override;

private:
    void createActions();
    void createTable();
    void tintIcons();
    void read();
    void take(ProfilesRead read);
    void showStored();
    void showChosen();
    void selectionChanged();
    void failed(const QString& error);
    const store::StoredProfile* find(const QString& id) const;
    std::shared_ptr<const schedule::Profile> selectedFigures() const;
    void chooseImport();
    void importNext();
    void askToDelete();
    void exportProfile();
    void exportTable();
    void exportChart(ProfileChart* chart);
    void warn(const QString& title, const QString& error);
    void settle();
    void restoreState();

    Settings& m_settings;
    std::filesystem::path m_lab;
    bool m_asked = false; // for the profiles of this lab
    QString m_wanted;
    QStringList m_toImport;
    QString m_changing; // what is being done to the lab, for its error
    ProfilesRead m_read;
    Background<ProfilesRead> m_reading;
    Background<QString> m_change; // the id of what it stored; empty if it deleted

    QStackedWidget* m_stack;
    MessagePage* m_waiting;
    MessagePage* m_empty;
    MessagePage* m_error;
    QSplitter* m_splitter;
    QLineEdit* m_filter;
    QTableView* m_table;
    RowsModel* m_rows;
    RowsFilter* m_filtered;
    QLabel* m_count;
    QToolBar* m_tools;
    ProfileView* m_view;

    QAction* m_measure;
    QAction* m_import;
    QAction* m_export;
    QAction* m_delete;
    QAction* m_plan;
    QAction* m_exportTable;
    std::vector<QAction*> m_exportCharts;
    QAction* m_refresh;
};

} // namespace pipebd::gui
