#include "gui/choose_runs_dialog.h"

#include "gui/run_text.h"

#include <QDialogButtonBox>
#include <QLabel>
#include <QLineEdit>
#include <QListWidget>
#include <QPushButton>
#include <QVBoxLayout>

#include <algorithm>

namespace pipebd::gui {

namespace {

QString lineOf(const store::RunRecord& run)
{
    return QStringList{QString::number(run.id), QString::fromStdString(run.name), QString::fromStdString(run.strategy),
        devicesText(run.devices), stateWord(run.state), timeText(run.started)}
        .join(QStringLiteral("  ·  "));
}

} // namespace

ChooseRunsDialog::ChooseRunsDialog(int beside, const std::vector<store::RunRecord>& runs, QWidget* parent)
    : QDialog(parent)
    , m_filter(new QLineEdit(this))
    , m_list(new QListWidget(this))
{
    setObjectName(QStringLiteral("chooseRuns"));
    setWindowTitle(tr("Compare run %1 with…").arg(beside));
    resize(640, 420);
    m_filter->setPlaceholderText(tr("Filter: name, strategy, state…"));
    m_filter->setAccessibleName(tr("Filter the runs"));
    m_filter->setClearButtonEnabled(true);
    connect(m_filter, &QLineEdit::textChanged, this, &ChooseRunsDialog::filter);

    m_list->setObjectName(QStringLiteral("runsToChoose"));
    m_list->setAccessibleName(tr("Runs to compare with"));
    m_list->setSelectionMode(QAbstractItemView::ExtendedSelection);
    m_list->setUniformItemSizes(true);
    for (const store::RunRecord& run : runs) {
        if (run.id == beside)
            continue;
        auto* item = new QListWidgetItem(stateIcon(run.state, palette()), lineOf(run), m_list);
        item->setData(Qt::UserRole, run.id);
    }
    connect(m_list, &QListWidget::itemSelectionChanged, this, &ChooseRunsDialog::enable);
    connect(m_list, &QListWidget::itemActivated, this, &QDialog::accept);

    auto* hint = new QLabel(tr("Ctrl and Shift choose several."), this);
    hint->setForegroundRole(QPalette::PlaceholderText);
    auto* buttons = new QDialogButtonBox(QDialogButtonBox::Cancel, this);
    m_accept = buttons->addButton(tr("&Compare"), QDialogButtonBox::AcceptRole);
    m_accept->setDefault(true);
    connect(buttons, &QDialogButtonBox::accepted, this, &QDialog::accept);
    connect(buttons, &QDialogButtonBox::rejected, this, &QDialog::reject);
    auto* layout = new QVBoxLayout(this);
    for (QWidget* widget : std::initializer_list<QWidget*>{m_filter, m_list, hint, buttons})
        layout->addWidget(widget);
    enable();
}

std::vector<int> ChooseRunsDialog::chosen() const
{
    std::vector<int> ids;
    for (int row = 0; row < m_list->count(); ++row)
        if (m_list->item(row)->isSelected() && !m_list->item(row)->isHidden())
            ids.push_back(m_list->item(row)->data(Qt::UserRole).toInt());
    return ids;
}

void ChooseRunsDialog::filter(const QString& words)
{
    const QStringList wanted = words.split(QLatin1Char(' '), Qt::SkipEmptyParts);
    for (int row = 0; row < m_list->count(); ++row) {
        QListWidgetItem* item = m_list->item(row);
        item->setHidden(!std::all_of(
            wanted.begin(), wanted.end(), [&](const QString& word) { return item->text().contains(word, Qt::CaseInsensitive); }));
    }
    enable();
}

void ChooseRunsDialog::enable()
{
    m_accept->setEnabled(!chosen().empty());
}

} // namespace pipebd::gui
