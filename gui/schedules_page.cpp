#include "gui/schedules_page.h"

namespace pipebd::gui {

SchedulesPage::SchedulesPage(Settings& settings, QWidget* parent)
    : Page(QStringLiteral("schedules"), tr("&Schedules"), parent)
    , m_settings(settings)
{
}

void SchedulesPage::setProfile(const QString& /*profileId*/) { }

void SchedulesPage::openLab(const std::filesystem::path& lab)
{
    m_lab = lab;
}

} // namespace pipebd::gui
