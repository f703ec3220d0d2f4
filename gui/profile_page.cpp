#include "gui/profile_page.h"

namespace pipebd::gui {

ProfilePage::ProfilePage(Settings& settings, QWidget* parent)
    : Page(QStringLiteral("profile"), tr("Pr&ofile"), parent)
    , m_settings(settings)
{
}

void ProfilePage::openMeasureDialog(const QString& /*pair*/) { }

void ProfilePage::openLab(const std::filesystem::path& lab)
{
    m_lab = lab;
}

} // namespace pipebd::gui
