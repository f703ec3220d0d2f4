#include "gui/profile/profile_view.h"

#include "gui/kit/labels.h"
#include "gui/kit/settings.h"
#include "gui/lab/run_text.h"
#include "gui/profile/batch_times_chart.h"
#include "gui/profile/block_memory_chart.h"
#include "gui/profile/block_times_chart.h"
#include "gui/profile/profile_table.h"

#include <QCheckBox>
#include <QComboBox>
#include <QHBoxLayout>
#include <QHeaderView>
#include <QLabel>
#include <QLocale>
#include <QSplitter>
#include <QTabWidget>
#include <QTableView>
#include <QVBoxLayout>

#include <algorithm>

namespace pipebd::gui {

ProfileView::ProfileView(QWidget* parent)
    : QWidget(parent)
    , m_profiles(std::make_shared<const std::vector<ShownProfile>>())
    , m_title(selectableLabel(this))
    , m_summary(selectableLabel(this))
    , m_problems(selectableLabel(this))
    , m_sizes(new QComboBox(this))
    , m_blocks(new QComboBox(this))
    , m_logarithmic(new QCheckBox(tr("&Log-log"), this))
    , m_tabs(new QTabWidget(this))
    , m_rows(new QSplitter(Qt::Vertical, m_tabs))
    , m_columns(new QSplitter(Qt::Horizontal, m_rows))
    , m_times(new BlockTimesChart(m_rows))
    , m_overBatch(new BatchTimesChart(m_columns))
    , m_memory(new BlockMemoryChart(m_columns))
    , m_table(new QTableView(m_tabs))
    , m_figures(new RowsModel(figureColumns(), this))
    , m_sorted(new RowsFilter(m_figures))
{
    nameParts();
    layOut();
    connect(m_sizes, &QComboBox::currentIndexChanged, this, &ProfileView::samplesChosen);
    connect(m_blocks, &QComboBox::currentIndexChanged, this,
        [this](int index) { m_overBatch->showProfiles(m_profiles, std::max(0, index) - 1); }); // the first stands for all
    connect(m_times, &BlockTimesChart::blockClicked, this, [this](int block) { m_blocks->setCurrentIndex(block + 1); });
    connect(m_logarithmic, &QCheckBox::toggled, m_overBatch, &BatchTimesChart::setLogarithmic);
    for (ProfileChart* chart : charts())
        connect(chart, &ProfileChart::exportRequested, this, [this, chart] { emit exportRequested(chart); });
    restoreDefaultLayout();
}

void ProfileView::nameParts()
{
    m_title->setObjectName(QStringLiteral("profileTitle"));
    scaleFont(m_title, 1.4, true);
    m_summary->setForegroundRole(QPalette::PlaceholderText);
    m_summary->setWordWrap(true);
    m_problems->setObjectName(QStringLiteral("profileProblems"));
    m_problems->setWordWrap(true);
    m_problems->hide();

    m_sizes->setObjectName(QStringLiteral("sizes"));
    m_blocks->setObjectName(QStringLiteral("blocks"));
    m_logarithmic->setObjectName(QStringLiteral("logLog"));
    m_logarithmic->setToolTip(tr("Logarithmic axes in the batch-size chart"));
    for (QComboBox* box : {m_sizes, m_blocks})
        box->setSizeAdjustPolicy(QComboBox::AdjustToContents);
}

QLayout* ProfileView::buildControls()
{
    const auto labelled = [this](const QString& text, QWidget* buddy) {
        auto* label = new QLabel(text, this);
        label->setBuddy(buddy);
        return label;
    };
    auto* controls = new QHBoxLayout;
    controls->addWidget(labelled(tr("&Batch size:"), m_sizes));
    controls->addWidget(m_sizes);
    controls->addSpacing(16);
    controls->addWidget(labelled(tr("Batch-size chart s&hows:"), m_blocks));
    controls->addWidget(m_blocks);
    controls->addWidget(m_logarithmic);
    controls->addStretch(1);
    return controls;
}

void ProfileView::fillTabs()
{
    m_rows->addWidget(m_times);
    m_rows->addWidget(m_columns);
    m_columns->addWidget(m_overBatch);
    m_columns->addWidget(m_memory);
    for (QSplitter* splitter : {m_rows, m_columns})
        splitter->setChildrenCollapsible(false);
    dressTable(m_table);
    m_table->setModel(m_sorted);
    m_table->horizontalHeader()->setResizeContentsPrecision(20); // rows that are looked at
    m_table->setObjectName(QStringLiteral("figures"));
    m_table->setAccessibleName(tr("Figures of the profiles"));
    m_table->horizontalHeader()->setSortIndicator(-1, Qt::AscendingOrder);
    m_sorted->sort(-1);
    m_tabs->setDocumentMode(true);
    m_tabs->setObjectName(QStringLiteral("profileTabs"));
    m_tabs->addTab(m_rows, tr("&Charts"));
    m_tabs->addTab(m_table, tr("&Table"));
}

void ProfileView::layOut()
{
    QLayout* controls = buildControls();
    fillTabs();
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(12, 8, 0, 0);
    layout->setSpacing(2);
    layout->addWidget(m_title);
    layout->addWidget(m_summary);
    layout->addWidget(m_problems);
    layout->addSpacing(4);
    layout->addLayout(controls);
    layout->addWidget(m_tabs, 1);
}

std::vector<ProfileChart*> ProfileView::charts() const
{
    return {m_times, m_overBatch, m_memory};
}

int ProfileView::samples() const
{
    return m_sizes->currentData().toInt();
}

void ProfileView::setProfiles(std::vector<ShownProfile> profiles, const QString& problems)
{
    m_profiles = std::make_shared<const std::vector<ShownProfile>>(std::move(profiles));
    m_problems->setText(problems);
    m_problems->setVisible(!problems.isEmpty());
    if (m_profiles->empty()) {
        m_title->clear();
        m_summary->clear();
    } else {
        const ShownProfile& first = m_profiles->front();
        m_title->setText(QString::fromStdString(first.stored.key.pair));
        m_summary->setText(tr("%1 · batch of %2 · %3 on %4 · %5")
                               .arg(labelOf(first.stored), QLocale().toString(first.stored.key.batch),
                                   QString::fromStdString(first.stored.key.dtype), QString::fromStdString(first.stored.key.devices),
                                   timeText(first.stored.measured)));
        m_summary->setToolTip(plainToolTip(QString::fromStdString(first.stored.key.conditions)));
    }
    fillSizes();
    fillBlocks();
    m_figures->setRows(figureRows(*m_profiles));
    m_table->resizeColumnsToContents();
}

void ProfileView::fillSizes()
{
    const int before = samples();
    std::set<int> sizes;
    for (const ShownProfile& shown : *m_profiles)
        sizes.merge(measuredSizes(*shown.profile));
    {
        const QSignalBlocker blocker(m_sizes);
        m_sizes->clear();
        for (const int size : sizes)
            m_sizes->addItem(QLocale().toString(size), size);
        int index = m_sizes->findData(before);
        if (index < 0 && !m_profiles->empty())
            index = m_sizes->findData(m_profiles->front().profile->batch);
        m_sizes->setCurrentIndex(index < 0 ? m_sizes->count() - 1 : index);
    }
    m_sizes->setEnabled(!sizes.empty());
    samplesChosen();
}

void ProfileView::fillBlocks()
{
    const QString before = m_blocks->currentText();
    {
        const QSignalBlocker blocker(m_blocks);
        m_blocks->clear();
        m_blocks->addItem(tr("all blocks"));
        if (!m_profiles->empty())
            for (const schedule::BlockProfile& block : m_profiles->front().profile->blocks)
                m_blocks->addItem(
                    QStringLiteral("%1  %2").arg(QString::number(m_blocks->count() - 1), QString::fromStdString(block.name)));
        m_blocks->setCurrentIndex(std::max(0, m_blocks->findText(before)));
    }
    m_overBatch->showProfiles(m_profiles, m_blocks->currentIndex() - 1);
}

void ProfileView::samplesChosen()
{
    m_times->showProfiles(m_profiles, samples());
    m_memory->showProfiles(m_profiles, samples());
}

void ProfileView::saveState(Settings& settings) const
{
    settings.setState(QStringLiteral("profileRows"), m_rows->saveState());
    settings.setState(QStringLiteral("profileColumns"), m_columns->saveState());
}

bool ProfileView::restoreState(Settings& settings)
{
    const QByteArray rows = settings.state(QStringLiteral("profileRows"));
    const QByteArray columns = settings.state(QStringLiteral("profileColumns"));
    return (rows.isEmpty() || m_rows->restoreState(rows)) && (columns.isEmpty() || m_columns->restoreState(columns));
}

void ProfileView::restoreDefaultLayout()
{
    m_rows->setSizes({300, 260});
    m_columns->setSizes({400, 400});
}

} // namespace pipebd::gui
