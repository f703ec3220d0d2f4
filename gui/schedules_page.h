// SchedulesPage: strategies side by side on a timeline, with their figures, for devices that the user describes; and schedules made
// by hand.
#pragma once

#include "gui/page.h"

namespace pipebd::gui {

class Settings;

class SchedulesPage : public Page {
    Q_OBJECT

public:
    explicit SchedulesPage(Settings& settings, QWidget* parent = nullptr);

    /// A profile that is stored in the lab.
    void setProfile(const QString& profileId);

    void openLab(const std::filesystem::path& lab) override;
    bool isSettled() const override { return true; }

private:
    Settings& m_settings;
    std::filesystem::path m_lab;
};

} // namespace pipebd::gui
