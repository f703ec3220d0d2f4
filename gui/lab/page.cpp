#include "gui/lab/page.h"

#include <utility>

namespace pipebd::gui {

Page::Page(QString id, QString title, QWidget* parent)
    : QWidget(parent)
    , m_id(std::move(id))
    , m_title(std::move(title))
{
    setObjectName(m_id + QStringLiteral("Page"));
}

} // namespace pipebd::gui
