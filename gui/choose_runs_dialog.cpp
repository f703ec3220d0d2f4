#include "gui/choose_runs_dialog.h"

#include "gui/run_table_model.h"

#include <QDialogButtonBox>
#include <QHeaderView>
#include <QLabel>
#include <QLineEdit>
#include <QPushButton>
#include <QTableView>
#include <QVBoxLayout>

#include <algorithm>

namespace pipebd::gui {

ChooseRunsDialog::ChooseRunsDialog(int beside, std::vector<store::RunRecord> runs, QWidget* parent)
    : QDialog(parent)
    , m_model(new RunTableModel(this))
    , m_filtered(new RunFilterModel(this))
    , m_filter(new QLineEdit(this))
    , m_view(new QTableView(this))
{
    setObjectName(QStringLiteral("chooseRuns"));
    setWindowTitle(tr("Compare run %1 with…").arg(beside));
    resize(720, 420);
    std::erase_if(runs, [&](const store::RunRecord& run) { return run.id == beside; });
    m_model->setRuns(std::move(runs));
    m_filtered->setSourceModel(m_model);
    m_filter->setPlaceholderText(tr("Filter: words of name, strategy, devices, state"));
    m_filter->setAccessibleName(tr("Filter of the runs"));
    m_filter->setClearButtonEnabled(true);
    connect(m_filter, &QLineEdit::textChanged, m_filtered, &RunFilterModel::setWords);

    m_view->setModel(m_filtered);
    m_view->setSortingEnabled(true);
    m_view->sortByColumn(RunTableModel::Id, Qt::DescendingOrder);
    m_view->setSelectionBehavior(QAbstractItemView::SelectRows);
    m_view->setSelectionMode(QAbstractItemView::ExtendedSelection);
    m_view->setShowGrid(false);
    m_view->setTabKeyNavigation(false);
    m_view->setAccessibleName(tr("Runs to compare with"));
    m_view->verticalHeader()->hide();
    m_view->horizontalHeader()->setStretchLastSection(true);
    m_view->resizeColumnsToContents();
    connect(m_view->selectionModel(), &QItemSelectionModel::selectionChanged, this, &ChooseRunsDialog::enable);
    connect(m_view, &QTableView::activated, this, &QDialog::accept);

    auto* hint = new QLabel(tr("Ctrl and Shift choose several."), this);
    hint->setForegroundRole(QPalette::PlaceholderText);
    auto* buttons = new QDialogButtonBox(QDialogButtonBox::Cancel, this);
    m_accept = buttons->addButton(tr("&Compare"), QDialogButtonBox::AcceptRole);
    m_accept->setDefault(true);
    connect(buttons, &QDialogButtonBox::accepted, this, &QDialog::accept);
    connect(buttons, &QDialogButtonBox::rejected, this, &QDialog::reject);
    auto* layout = new QVBoxLayout(this);
    for (QWidget* widget : std::initializer_list<QWidget*>{m_filter, m_view, hint, buttons})
        layout->addWidget(widget);
    enable();
}

std::vector<int> ChooseRunsDialog::chosen() const
{
    std::vector<std::pair<int, int>> rows;
    for (const QModelIndex& index : m_view->selectionModel()->selectedRows())
        rows.emplace_back(index.row(), index.data(RunTableModel::RunIdRole).toInt());
    std::sort(rows.begin(), rows.end());
    std::vector<int> ids;
    for (const auto& [row, id] : rows)
        ids.push_back(id);
    return ids;
}

void ChooseRunsDialog::enable()
{
    m_accept->setEnabled(m_view->selectionModel()->hasSelection());
}

} // namespace pipebd::gui
