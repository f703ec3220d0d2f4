#include "gui/pairs_page.h"

namespace pipebd::gui {

PairsPage::PairsPage(Settings& settings, QWidget* parent)
    : Page(QStringLiteral("pairs"), tr("&Pairs"), parent)
    , m_settings(settings)
{
}

void PairsPage::openLab(const std::filesystem::path& lab)
{
    m_lab = lab;
}

} // namespace pipebd::gui
