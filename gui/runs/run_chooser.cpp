#include "gui/runs/run_chooser.h"

#include "gui/runs/run_table_model.h"

#include <QDialogButtonBox>
#include <QHeaderView>
#include <QLabel>
#include <QLineEdit>
#include <QPushButton>
#include <QTableView>
#include <QVBoxLayout>

#include <algorithm>
#include <utility>

namespace pipebd::gui {

RunChooser::RunChooser(const std::filesystem::path& lab, std::vector<int> leftOut, QWidget* parent)
    : QDialog(parent)
    , m_leftOut(std::move(leftOut))
    , m_model(new RunTableModel(this))
    , m_filtered(new RunFilterModel(this))
    , m_view(new QTableView(this))
    , m_note(new QLabel(tr("Reading the lab…"), this))
    , m_reading([this](Listed listed) { show(std::move(listed)); }, [this](const QString& error) { m_note->setText(error); })
{
    setObjectName(QStringLiteral("runChooser"));
    setWindowTitle(tr("Add runs to the comparison"));
    resize(640, 420);
    m_filtered->setSourceModel(m_model);
    auto* filter = new QLineEdit(this);
    filter->setPlaceholderText(tr("Filter: words, state:finished, tag:baseline…"));
    filter->setAccessibleName(tr("Filter the runs"));
    filter->setClearButtonEnabled(true);
    connect(filter, &QLineEdit::textChanged, m_filtered, &RunFilterModel::setWords);

    dressView();
    m_note->setTextFormat(Qt::PlainText);
    m_note->setWordWrap(true);

    auto* buttons = new QDialogButtonBox(QDialogButtonBox::Cancel, this);
    m_add = buttons->addButton(tr("&Add"), QDialogButtonBox::AcceptRole);
    m_add->setObjectName(QStringLiteral("add"));
    m_add->setEnabled(false);
    connect(buttons, &QDialogButtonBox::accepted, this, &QDialog::accept);
    connect(buttons, &QDialogButtonBox::rejected, this, &QDialog::reject);
    connect(m_view, &QAbstractItemView::doubleClicked, this, &QDialog::accept);
    connect(m_view->selectionModel(), &QItemSelectionModel::selectionChanged, this,
        [this] { m_add->setEnabled(m_view->selectionModel()->hasSelection()); });

    auto* layout = new QVBoxLayout(this);
    layout->addWidget(filter);
    layout->addWidget(m_view, 1);
    layout->addWidget(m_note);
    layout->addWidget(buttons);
    m_reading.request([lab] {
        const store::Lab opened(lab, store::Lab::Mode::ExistingOrEmpty);
        return Listed{opened.runs(), opened.annotations()};
    });
}

RunChooser::~RunChooser() = default;

void RunChooser::dressView()
{
    m_view->setModel(m_filtered);
    m_view->setObjectName(QStringLiteral("choosableRuns"));
    m_view->setAccessibleName(tr("Runs"));
    m_view->setSelectionBehavior(QAbstractItemView::SelectRows);
    m_view->setSelectionMode(QAbstractItemView::ExtendedSelection);
    m_view->setSortingEnabled(true);
    m_view->sortByColumn(static_cast<int>(RunColumn::Id), Qt::DescendingOrder);
    m_view->setShowGrid(false);
    m_view->setAlternatingRowColors(true);
    m_view->setTabKeyNavigation(false);
    m_view->setHorizontalScrollMode(QAbstractItemView::ScrollPerPixel);
    m_view->verticalHeader()->hide();
    m_view->verticalHeader()->setDefaultSectionSize(fontMetrics().height() + 10);
    for (int i = 0; i < runColumnCount; ++i) {
        const auto column = static_cast<RunColumn>(i);
        m_view->setColumnHidden(i, !isShownAtFirst(column) || column == RunColumn::Devices);
        m_view->setColumnWidth(i, fontMetrics().averageCharWidth() * usualWidth(column) + 14);
    }
    m_view->horizontalHeader()->moveSection(static_cast<int>(RunColumn::State), 2);
}

void RunChooser::show(Listed listed)
{
    std::erase_if(listed.runs,
        [this](const store::RunRecord& run) { return std::find(m_leftOut.begin(), m_leftOut.end(), run.id) != m_leftOut.end(); });
    m_model->setRuns(listed.runs, listed.annotations);
    m_note->setText(listed.runs.empty() ? tr("There are no other runs.") : tr("Use Ctrl or Shift to select several."));
}

std::vector<int> RunChooser::runs() const
{
    std::vector<int> picked;
    for (const QModelIndex& row : m_view->selectionModel()->selectedRows())
        picked.push_back(row.data(RunTableModel::RunIdRole).toInt());
    std::sort(picked.begin(), picked.end());
    return picked;
}

} // namespace pipebd::gui
