#include "gui/run_list.h"

#include "gui/settings.h"
#include "gui/table_copy.h"

#include <QHeaderView>
#include <QLabel>
#include <QLineEdit>
#include <QTableView>
#include <QVBoxLayout>

#include <array>

namespace pipebd::gui {

RunList::RunList(Settings& settings, QWidget* parent)
    : QWidget(parent)
    , m_settings(settings)
    , m_model(new RunTableModel(this))
    , m_filtered(new RunFilterModel(this))
    , m_filter(new QLineEdit(this))
    , m_view(new QTableView(this))
    , m_count(new QLabel(this))
{
    m_filtered->setSourceModel(m_model);

    m_filter->setPlaceholderText(tr("Filter: name, strategy, state…"));
    m_filter->setClearButtonEnabled(true);
    m_filter->setAccessibleName(tr("Filter the runs"));
    connect(m_filter, &QLineEdit::textChanged, m_filtered, &RunFilterModel::setWords);
    connect(m_filter, &QLineEdit::textChanged, this, &RunList::showCount);

    m_view->setModel(m_filtered);
    m_view->setObjectName(QStringLiteral("runs"));
    m_view->setAccessibleName(tr("Runs"));
    m_view->setSelectionBehavior(QAbstractItemView::SelectRows);
    m_view->setSelectionMode(QAbstractItemView::ExtendedSelection);
    m_view->setSortingEnabled(true);
    m_view->setAlternatingRowColors(true);
    m_view->setShowGrid(false);
    m_view->setWordWrap(false);
    m_view->setTabKeyNavigation(false);
    m_view->setFrameShape(QFrame::NoFrame);
    m_view->setHorizontalScrollMode(QAbstractItemView::ScrollPerPixel);
    m_view->setContextMenuPolicy(Qt::ActionsContextMenu);
    m_view->verticalHeader()->hide();
    m_view->verticalHeader()->setDefaultSectionSize(m_view->fontMetrics().height() + 10);
    m_view->horizontalHeader()->setSectionsMovable(true);
    m_view->horizontalHeader()->setHighlightSections(false);
    addCopyAction(m_view);
    connect(m_view->selectionModel(), &QItemSelectionModel::currentRowChanged, this, [this](const QModelIndex& current) {
        if (const store::RunRecord* run
            = current.isValid() ? m_model->find(current.data(RunTableModel::RunIdRole).toInt()) : nullptr)
            emit runSelected(*run);
    });

    m_count->setForegroundRole(QPalette::PlaceholderText);
    m_count->setContentsMargins(6, 0, 6, 4);

    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(4, 4, 0, 0);
    layout->setSpacing(4);
    layout->addWidget(m_filter);
    layout->addWidget(m_view, 1);
    layout->addWidget(m_count);

    restoreState();
    showCount();
}

void RunList::setRuns(const RunRecords& runs)
{
    m_model->setRuns(*runs);
    showCount();
}

bool RunList::select(int id)
{
    const QModelIndex source = m_model->indexOf(id);
    if (!source.isValid())
        return false;
    if (!m_filtered->mapFromSource(source).isValid())
        m_filter->clear(); // what is asked for is shown, whatever the filter says
    const QModelIndex index = m_filtered->mapFromSource(source);
    m_view->selectionModel()->setCurrentIndex(index, QItemSelectionModel::ClearAndSelect | QItemSelectionModel::Rows);
    m_view->scrollTo(index);
    return true;
}

std::optional<int> RunList::selected() const
{
    const QModelIndex current = m_view->currentIndex();
    return current.isValid() ? std::optional(current.data(RunTableModel::RunIdRole).toInt()) : std::nullopt;
}

void RunList::saveState()
{
    m_settings.setState(QStringLiteral("runsHeader"), m_view->horizontalHeader()->saveState());
}

void RunList::restoreState()
{
    restoreDefaultLayout();
    const QByteArray state = m_settings.state(QStringLiteral("runsHeader"));
    if (state.isEmpty())
        return;
    QHeaderView* header = m_view->horizontalHeader();
    if (header->restoreState(state) && header->count() == RunTableModel::ColumnCount)
        return;
    m_settings.reportDamage();
    restoreDefaultLayout();
}

void RunList::restoreDefaultLayout()
{
    QHeaderView* header = m_view->horizontalHeader();
    const QFontMetrics metrics = m_view->fontMetrics();
    const std::array<int, RunTableModel::ColumnCount> characters{3, 13, 11, 9, 13, 11, 8, 18};
    for (int column = 0; column < RunTableModel::ColumnCount; ++column) {
        header->moveSection(header->visualIndex(column), column);
        header->showSection(column);
        header->resizeSection(column, metrics.averageCharWidth() * characters[static_cast<std::size_t>(column)] + 14);
    }
    // What tells runs apart comes first in a narrow dock.
    header->moveSection(header->visualIndex(RunTableModel::State), 2);
    m_view->sortByColumn(RunTableModel::Id, Qt::DescendingOrder);
}

void RunList::showCount()
{
    const int all = m_model->rowCount();
    const int shown = m_filtered->rowCount();
    m_count->setText(shown == all ? all == 0 ? tr("No runs yet") : (all == 1 ? tr("1 run") : tr("%1 runs").arg(all))
                                  : tr("%1 of %2 runs match").arg(shown).arg(all));
}

} // namespace pipebd::gui
