// PairsPage: the pairs of networks there are, built in and imported: their blocks side by side, and the wizard that imports one.
#pragma once

#include "gui/page.h"

namespace pipebd::gui {

class Settings;

class PairsPage : public Page {
    Q_OBJECT

public:
    explicit PairsPage(Settings& settings, QWidget* parent = nullptr);

    void openLab(const std::filesystem::path& lab) override;
    bool isSettled() const override { return true; }

private:
    Settings& m_settings;
    std::filesystem::path m_lab;
};

} // namespace pipebd::gui
