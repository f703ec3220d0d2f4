// ComparePage: any number of runs side by side: curves, settings, results.
#pragma once

#include "gui/page.h"

namespace pipebd::gui {

class Settings;

class ComparePage : public Page {
    Q_OBJECT

public:
    explicit ComparePage(Settings& settings, QWidget* parent = nullptr);

    void setRuns(const std::vector<int>& ids);

    void openLab(const std::filesystem::path& lab) override;
    bool isSettled() const override { return true; }

private:
    Settings& m_settings;
    std::filesystem::path m_lab;
};

} // namespace pipebd::gui
