#include "gui/runs/runs_page.h"

#include "gui/kit/error_text.h"
#include "gui/kit/message_page.h"
#include "gui/runs/run_page.h"

#include <QScrollArea>
#include <QStackedWidget>
#include <QVBoxLayout>

namespace pipebd::gui {

RunsPage::RunsPage(Settings& settings, QWidget* parent)
    : Page(QStringLiteral("runs"), tr("&Runs"), parent)
    , m_stack(new QStackedWidget(this))
    , m_reading(new MessagePage(tr("Reading the lab…"), {}, m_stack))
    , m_error(new MessagePage(tr("This lab cannot be read"), {}, m_stack))
    , m_run(new RunPage(settings, m_stack))
{
    for (QWidget* widget : std::initializer_list<QWidget*>{m_reading, m_error, m_run})
        m_stack->addWidget(widget);
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins({});
    layout->addWidget(m_stack);
    connect(m_run, &RunPage::loaded, this, &Page::settled);
    connect(m_run, &RunPage::recordChanged, this, &Page::commandChanged);
}

void RunsPage::setWelcome(MessagePage* welcome)
{
    auto* area = new QScrollArea(m_stack); // so that no window has to be as high as its words
    area->setWidget(welcome);
    area->setWidgetResizable(true);
    area->setFrameShape(QFrame::NoFrame);
    m_welcome = area;
    m_stack->addWidget(area);
}

void RunsPage::openLab(const std::filesystem::path& lab)
{
    m_run->leave();
    m_reading->setText(toQString(lab));
    m_stack->setCurrentWidget(m_reading);
    emit commandChanged();
}

bool RunsPage::isSettled() const
{
    return m_stack->currentWidget() != m_reading && (!m_run->runId() || m_run->isLoaded());
}

QStringList RunsPage::command() const
{
    const std::optional<int> run = m_run->runId();
    if (!run)
        return {};
    return {QStringLiteral("pipebd"), QStringLiteral("runs"), QStringLiteral("show"), QString::number(*run)};
}

void RunsPage::fitAll()
{
    m_run->fitAll();
}

void RunsPage::drawNow()
{
    m_run->drawNow();
}

void RunsPage::saveState()
{
    m_run->saveState();
}

void RunsPage::restoreDefaultLayout()
{
    m_run->restoreDefaultLayout();
}

void RunsPage::showRun()
{
    m_stack->setCurrentWidget(m_run);
}

void RunsPage::showWelcome()
{
    m_run->leave();
    m_stack->setCurrentWidget(m_welcome);
    emit commandChanged();
}

void RunsPage::showError(const QString& error)
{
    m_error->setText(error);
    m_stack->setCurrentWidget(m_error);
}

bool RunsPage::canFitAll() const
{
    return m_run->showsCharts();
}

} // namespace pipebd::gui
