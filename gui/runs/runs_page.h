// RunsPage: the run that is selected in the list of runs, or what is to be said where there is none.
#pragma once

#include "gui/lab/page.h"

class QStackedWidget;

namespace pipebd::gui {

class MessagePage;
class RunPage;
class Settings;

class RunsPage : public Page {
    Q_OBJECT

public:
    explicit RunsPage(Settings& settings, QWidget* parent = nullptr);

    RunPage* run() const { return m_run; }

    /// Takes `welcome`, which is shown where there are no runs.
    void setWelcome(MessagePage* welcome);
    MessagePage* error() const { return m_error; }

    void openLab(const std::filesystem::path& lab) override;
    bool isSettled() const override;
    QStringList command() const override;
    void fitAll() override;
    bool canFitAll() const override;
    void drawNow() override;
    void saveState() override;
    void restoreDefaultLayout() override;

    void showRun();
    void showWelcome();
    void showError(const QString& error);

private:
    QStackedWidget* m_stack;
    MessagePage* m_reading;
    MessagePage* m_error;
    QWidget* m_welcome = nullptr;
    RunPage* m_run;
};

} // namespace pipebd::gui
