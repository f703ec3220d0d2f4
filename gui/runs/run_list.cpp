#include "gui/runs/run_list.h"

#include "gui/kit/settings.h"
#include "gui/kit/table_copy.h"
#include "gui/runs/run_edits.h"
#include "gui/runs/run_list_actions.h"

#include <QAction>
#include <QHBoxLayout>
#include <QHeaderView>
#include <QLabel>
#include <QLineEdit>
#include <QMenu>
#include <QTableView>
#include <QToolButton>
#include <QVBoxLayout>

#include <algorithm>

namespace pipebd::gui {

namespace {

const QString headerKey = QStringLiteral("runsHeader");

// A saved header of a program with other columns is not restored.
QByteArray headerVersion()
{
    return QByteArray::number(runColumnCount) + ':';
}

bool isOfOtherColumns(const QByteArray& state)
{
    const qsizetype colon = state.indexOf(':');
    bool isNumber = false;
    return colon > 0 && state.left(colon).toInt(&isNumber) != runColumnCount && isNumber;
}

} // namespace

RunList::RunList(Settings& settings, QWidget* parent)
    : QWidget(parent)
    , m_settings(settings)
    , m_model(new RunTableModel(this))
    , m_filtered(new RunFilterModel(this))
    , m_edits(new RunEdits(this))
    , m_filter(new QLineEdit(this))
    , m_view(new QTableView(this))
    , m_count(new QLabel(this))
    , m_compare(new QToolButton(this))
{
    m_filtered->setSourceModel(m_model);
    connect(m_edits, &RunEdits::annotated, m_model, &RunTableModel::setAnnotation);
    connect(m_edits, &RunEdits::annotated, this, &RunList::showCount);

    m_filter->setPlaceholderText(tr("Filter: words, state:failed, tag:baseline, loss:<0.1…"));
    m_filter->setToolTip(tr("Search all columns, or one: strategy:tr, pair:nas, id:7. Numbers: accuracy:>=97. Exclude: -tag:old"));
    m_filter->setClearButtonEnabled(true);
    m_filter->setAccessibleName(tr("Filter the runs"));
    connect(m_filter, &QLineEdit::textChanged, m_filtered, &RunFilterModel::setWords);
    connect(m_filter, &QLineEdit::textChanged, this, &RunList::showCount);

    buildView();
    m_actions = new RunListActions(*this, *m_edits, settings);
    const auto separator = [this] {
        auto* action = new QAction(m_view);
        action->setSeparator(true);
        return action;
    };
    RunListActions& a = *m_actions;
    m_view->addActions({a.compare, a.addToComparison, separator(), a.tags, a.note, a.remove, a.restore, a.purge, a.showDeleted,
        separator(), a.exportTable, a.exportFolder, a.exportTrace, separator()});
    addCopyAction(m_view);
    connect(m_view->selectionModel(), &QItemSelectionModel::selectionChanged, m_actions, &RunListActions::update);
    connect(m_model, &QAbstractItemModel::dataChanged, m_actions, &RunListActions::update);
    m_compare->setDefaultAction(a.compare);
    m_compare->setAutoRaise(true);
    m_compare->setFocusPolicy(Qt::TabFocus);

    m_count->setForegroundRole(QPalette::PlaceholderText);
    m_count->setContentsMargins(6, 0, 6, 0);
    auto* bottom = new QHBoxLayout;
    bottom->setContentsMargins(0, 0, 4, 4);
    bottom->addWidget(m_count, 1);
    bottom->addWidget(m_compare);
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(4, 4, 0, 0);
    layout->setSpacing(4);
    layout->addWidget(m_filter);
    layout->addWidget(m_view, 1);
    layout->addLayout(bottom);

    restoreState();
    showCount();
}

void RunList::buildView()
{
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
    m_view->verticalHeader()->setSectionResizeMode(QHeaderView::Fixed);
    m_view->verticalHeader()->setDefaultSectionSize(m_view->fontMetrics().height() + 10);
    QHeaderView* header = m_view->horizontalHeader();
    header->setSectionsMovable(true);
    header->setHighlightSections(false);
    header->setContextMenuPolicy(Qt::CustomContextMenu);
    connect(header, &QWidget::customContextMenuRequested, this, &RunList::showColumnMenu);
    connect(m_view->selectionModel(), &QItemSelectionModel::currentRowChanged, this, [this](const QModelIndex& current) {
        if (const ListedRun* listed = current.isValid() ? m_model->find(current.data(RunTableModel::RunIdRole).toInt()) : nullptr)
            emit runSelected(listed->run);
    });
}

void RunList::openLab(const std::filesystem::path& lab)
{
    m_edits->openLab(lab);
    m_model->setRuns({});
    showCount();
}

void RunList::setRuns(const RunRecords& runs, const RunAnnotations& annotations)
{
    m_model->setRuns(*runs, m_edits->withOwn(annotations ? *annotations : std::map<int, store::Annotation>()));
    showCount();
}

bool RunList::select(int id)
{
    const QModelIndex source = m_model->indexOf(id);
    if (!source.isValid())
        return false;
    if (m_model->at(source.row()).isDeleted())
        m_actions->showDeleted->setChecked(true);
    selectShown(*m_view, *m_filtered, *m_filter, source);
    return true;
}

void RunList::selectNewest()
{
    const std::vector<ListedRun> shown = shownRuns();
    const auto newest
        = std::max_element(shown.begin(), shown.end(), [](const ListedRun& a, const ListedRun& b) { return a.run.id < b.run.id; });
    if (newest != shown.end())
        select(newest->run.id);
}

std::optional<int> RunList::selected() const
{
    const QModelIndex current = m_view->currentIndex();
    return current.isValid() ? std::optional(current.data(RunTableModel::RunIdRole).toInt()) : std::nullopt;
}

std::vector<ListedRun> RunList::selectedRuns() const
{
    QModelIndexList rows = m_view->selectionModel()->selectedRows();
    std::sort(rows.begin(), rows.end());
    std::vector<ListedRun> runs;
    for (const QModelIndex& row : std::as_const(rows))
        runs.push_back(m_model->at(m_filtered->mapToSource(row).row()));
    return runs;
}

std::vector<ListedRun> RunList::shownRuns() const
{
    std::vector<ListedRun> runs;
    for (int row = 0; row < m_filtered->rowCount(); ++row)
        runs.push_back(m_model->at(m_filtered->mapToSource(m_filtered->index(row, 0)).row()));
    return runs;
}

void RunList::setShowDeleted(bool on)
{
    m_filtered->setShowDeleted(on);
    showCount();
}

void RunList::showColumnMenu(const QPoint& position)
{
    auto* menu = new QMenu(m_view);
    menu->setObjectName(QStringLiteral("columns"));
    menu->setAttribute(Qt::WA_DeleteOnClose);
    QHeaderView* header = m_view->horizontalHeader();
    for (int i = 0; i < runColumnCount; ++i) {
        const auto column = static_cast<RunColumn>(i);
        QAction* action = menu->addAction(titleOf(column));
        action->setToolTip(explanationOf(column));
        action->setCheckable(true);
        action->setChecked(!header->isSectionHidden(i));
        action->setEnabled(column != RunColumn::Id); // one must stay
        connect(action, &QAction::toggled, header, [header, i](bool shown) { header->setSectionHidden(i, !shown); });
    }
    menu->setToolTipsVisible(true);
    menu->addSeparator();
    connect(menu->addAction(tr("&Default columns")), &QAction::triggered, this, &RunList::restoreDefaultLayout);
    menu->popup(header->mapToGlobal(position));
}

void RunList::saveState()
{
    m_settings.setState(headerKey, headerVersion() + m_view->horizontalHeader()->saveState());
}

void RunList::restoreState()
{
    restoreDefaultLayout();
    const QByteArray state = m_settings.state(headerKey);
    if (state.isEmpty() || isOfOtherColumns(state))
        return;
    if (state.startsWith(headerVersion()) && m_view->horizontalHeader()->restoreState(state.mid(headerVersion().size())))
        return;
    m_settings.reportDamage();
    restoreDefaultLayout();
}

void RunList::restoreDefaultLayout()
{
    QHeaderView* header = m_view->horizontalHeader();
    const int character = m_view->fontMetrics().averageCharWidth();
    for (int i = 0; i < runColumnCount; ++i) {
        const auto column = static_cast<RunColumn>(i);
        header->moveSection(header->visualIndex(i), i);
        header->setSectionHidden(i, !isShownAtFirst(column));
        header->resizeSection(i, character * usualWidth(column) + 14);
    }
    // What tells runs apart comes first in a narrow dock.
    const auto move
        = [header](RunColumn column, int place) { header->moveSection(header->visualIndex(static_cast<int>(column)), place); };
    move(RunColumn::State, 2);
    move(RunColumn::Tags, 7);
    m_view->sortByColumn(static_cast<int>(RunColumn::Id), Qt::DescendingOrder);
}

void RunList::showCount()
{
    const int deleted = m_filtered->showsDeleted() ? 0 : m_model->deletedCount();
    const int all = m_model->rowCount() - deleted;
    const int shown = m_filtered->rowCount();
    QString text = shown == all ? all == 0 ? tr("No runs yet") : (all == 1 ? tr("1 run") : tr("%1 runs").arg(all))
                                : tr("%1 of %2 runs match").arg(shown).arg(all);
    if (deleted > 0)
        text += tr(", %1 deleted").arg(deleted);
    m_count->setText(text);
}

} // namespace pipebd::gui
