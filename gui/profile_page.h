// ProfilePage: what blocks cost, as measured: charts and tables of stored profiles, and measuring new ones.
#pragma once

#include "gui/page.h"

namespace pipebd::gui {

class Settings;

class ProfilePage : public Page {
    Q_OBJECT

public:
    explicit ProfilePage(Settings& settings, QWidget* parent = nullptr);

    /// Asks what to measure; `pair` is proposed, if it is given.
    void openMeasureDialog(const QString& pair = {});

    void openLab(const std::filesystem::path& lab) override;
    bool isSettled() const override { return true; }

private:
    Settings& m_settings;
    std::filesystem::path m_lab;
};

} // namespace pipebd::gui
