#include "gui/compare_page.h"

namespace pipebd::gui {

ComparePage::ComparePage(Settings& settings, QWidget* parent)
    : Page(QStringLiteral("compare"), tr("&Compare"), parent)
    , m_settings(settings)
{
}

void ComparePage::setRuns(const std::vector<int>& /*ids*/) { }

void ComparePage::openLab(const std::filesystem::path& lab)
{
    m_lab = lab;
}

} // namespace pipebd::gui
