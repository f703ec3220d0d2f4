// SchedulesPage: strategies side by side on a timeline, with their figures, for devices that the user describes; and schedules made
// by hand.
//
// Everything on it follows from a stored profile and what is supposed. Planning and reading are done off the GUI thread; while a
// slider moves, the newest question is answered.
#pragma once

#include "gui/kit/background.h"
#include "gui/lab/page.h"
#include "gui/schedules/measured_steps.h"
#include "gui/schedules/planning.h"
#include "store/stored_profile.h"

#include <QUndoStack>

#include <memory>
#include <optional>
#include <vector>

class QComboBox;
class QLabel;
class QPushButton;
class QSortFilterProxyModel;
class QSplitter;
class QStackedWidget;
class QTableView;

namespace pipebd::gui {

class MessagePage;
class Settings;
class StageEditor;
class StrategyTableModel;
class TimelineView;
class WhatIfPanel;

class SchedulesPage : public Page {
    Q_OBJECT

public:
    explicit SchedulesPage(Settings& settings, QWidget* parent = nullptr);
    ~SchedulesPage() override;

    /// A profile that is stored in the lab.
    void setProfile(const QString& profileId);

    void openLab(const std::filesystem::path& lab) override;
    void comeToFront() override;
    void runsChanged(const RunRecords& runs) override;
    bool isSettled() const override;
    QStringList command() const override;
    std::vector<QAction*> menuActions() const override;
    QUndoStack* undoStack() override { return &m_undo; }
    void saveState() override;
    void restoreDefaultLayout() override;

    WhatIfPanel* whatIf() const { return m_whatIf; }
    StageEditor* editor() const { return m_editor; }
    TimelineView* timelines() const { return m_timelines; }
    QTableView* table() const { return m_table; }
    const StrategyTableModel& model() const { return *m_model; }

    /// What is on the screen, as it is run; empty `file` until an experiment for the pair has been found.
    StartRequest requestOf(int row) const;

private:
    struct LoadedProfile {
        store::StoredProfile stored;
        std::shared_ptr<const schedule::Profile> profile;
    };
    struct Overlay {
        int run = 0;
        DrawnTimelinePtr predicted;
        DrawnTimelinePtr measured;
    };
    class StageEdit;

    void layOut();
    void connectParts();
    QWidget* buildPanel();
    QWidget* buildHead();
    QWidget* buildTable();
    QWidget* buildEditor();
    void connectEditor();
    void makeActions();
    QAction* addAct(const char* name, const QString& text, const QString& statusTip, const QKeySequence& shortcut,
        void (SchedulesPage::*body)());
    void restoreState();

    void readProfiles();
    void takeProfiles(std::vector<store::StoredProfile> profiles);
    void loadProfile(const QString& id);
    void takeProfile(const LoadedProfile& loaded);

    void ask();
    void take(PlanAnswer answer);
    void showAnswer();
    void showTimelines();
    void showHead();
    void showEditor();
    void showError(const QString& error);
    void emitIfSettled();
    int selectedRow() const; // of the model; the best if none is selected
    int devicesMeasured() const;

    void setStages(std::optional<std::vector<schedule::Stage>> byHand);
    std::vector<schedule::Stage> searchedStages() const;

    void askMeasured();
    void fillRuns();
    void overlayRun(int run);

    void measure();
    void runSelected();
    void takeFile(const QString& file);
    void editSelected();
    void takeBest();
    void showOnlySelected();
    void compareRuns();
    void exportTimelines();
    void exportTable();

    Settings& m_settings;
    std::filesystem::path m_lab;
    RunRecords m_runs;
    std::vector<store::StoredProfile> m_profiles;
    QString m_wanted; // profile to choose once the list has been read
    std::optional<LoadedProfile> m_loaded;
    bool m_profilesRead = false;
    bool m_failed = false;

    std::shared_ptr<const PlanAnswer> m_answer;
    std::optional<std::vector<schedule::Stage>> m_byHand; // none: as searched
    std::vector<schedule::Stage> m_previewed; // of a drag; empty: none
    std::optional<Overlay> m_overlay;
    int m_requestedRow = -1;

    QStackedWidget* m_stack;
    MessagePage* m_empty;
    QComboBox* m_profileBox;
    QComboBox* m_runBox;
    WhatIfPanel* m_whatIf;
    QLabel* m_best;
    QLabel* m_notes;
    QPushButton* m_runButton;
    StrategyTableModel* m_model;
    QSortFilterProxyModel* m_sorted;
    QTableView* m_table;
    TimelineView* m_timelines;
    StageEditor* m_editor;
    QLabel* m_editorLine;
    QSplitter* m_rows;
    QUndoStack m_undo;
    std::vector<QAction*> m_menu;
    QAction* m_runAction = nullptr;
    QAction* m_editAction = nullptr;
    QAction* m_bestAction = nullptr;
    QAction* m_onlyAction = nullptr;
    QAction* m_undoAction = nullptr;
    QAction* m_redoAction = nullptr;

    std::shared_ptr<RunSettingsCache> m_runSettings = std::make_shared<RunSettingsCache>();
    Background<std::vector<store::StoredProfile>> m_reading;
    Background<LoadedProfile> m_loading;
    Background<PlanAnswer> m_planning;
    Background<std::map<QString, MeasuredStep>> m_measuring;
    Background<Overlay> m_overlaying;
    Background<QString> m_finding; // the experiment file that is to be run
};

} // namespace pipebd::gui
