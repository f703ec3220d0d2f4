// ProfilePage: what blocks cost, as measured: charts and tables of stored profiles, and measuring new ones.
//
// Reads and changes the lab in other threads.
#pragma once

#include "gui/kit/background.h"
#include "gui/lab/list_page.h"
#include "gui/profile/shown_profile.h"

namespace pipebd::gui {

class MeasureDialog;
class MessagePage;
class ProfileChart;
class ProfileView;

class ProfilePage : public ListPage {
    Q_OBJECT

public:
    explicit ProfilePage(Settings& settings, QWidget* parent = nullptr);

    /// Asks what to measure; `pair` is proposed, if it is given.
    void openMeasureDialog(const QString& pair = {});
    /// Selects the profile, at once or when it has been read.
    void selectProfile(const QString& id);
    QString selectedProfile() const { return selectedId(); } // empty if none is

    void openLab(const std::filesystem::path& lab) override;
    void comeToFront() override; // reads what is stored
    bool isSettled() const override;
    QStringList command() const override;
    std::vector<QAction*> menuActions() const override;
    bool openFile(const QString& file) override; // a profile is imported
    void saveState() override;
    void restoreDefaultLayout() override;

protected:
    QString countOf(int shown, int all) const override;
    void selectionChanged() override;
    void tintIcons() override;
    bool restoreDetails() override;

private:
    void createActions();
    void read();
    void take(ProfilesRead read);
    void showStored();
    void showChosen();
    void failed(const QString& error);
    const store::StoredProfile* find(const QString& id) const;
    std::shared_ptr<const schedule::Profile> selectedFigures() const;
    void chooseImport();
    void importNext();
    void deleteSelected();
    void exportProfile();
    void exportTable();
    void exportChart(ProfileChart* chart);
    void settle();

    bool m_asked = false; // for the profiles of this lab
    QStringList m_toImport;
    QString m_changing; // what is being done to the lab, for its error
    ProfilesRead m_read;
    Background<ProfilesRead> m_reading;
    Background<QString> m_change; // the id of what it stored; empty if it deleted

    MessagePage* m_empty;
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
