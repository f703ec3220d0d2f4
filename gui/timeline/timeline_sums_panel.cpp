#include "gui/timeline/timeline_sums_panel.h"

#include "gui/kit/labels.h"
#include "gui/kit/table_copy.h"
#include "gui/timeline/activity_look.h"
#include "gui/timeline/timeline_words.h"

#include <QHBoxLayout>
#include <QHeaderView>
#include <QKeyEvent>
#include <QLabel>
#include <QLocale>
#include <QPainter>
#include <QStandardItemModel>
#include <QTableView>
#include <QToolButton>
#include <QVBoxLayout>

namespace pipebd::gui {

namespace {

QStandardItem* textItem(const QString& text)
{
    auto* item = new QStandardItem(text);
    item->setEditable(false);
    return item;
}

QStandardItem* numberItem(const QString& text)
{
    QStandardItem* item = textItem(text);
    item->setTextAlignment(Qt::AlignRight | Qt::AlignVCenter);
    return item;
}

QStandardItem* timeItem(double milliseconds)
{
    return numberItem(QLocale().toString(milliseconds, 'f', 3));
}

QIcon swatch(Activity activity)
{
    QPixmap picture(16, 12);
    QPainter painter(&picture);
    drawActivity(painter, picture.rect(), activity);
    return picture;
}

void setRows(QStandardItemModel& model, const QList<QList<QStandardItem*>>& rows)
{
    model.removeRows(0, model.rowCount());
    for (const QList<QStandardItem*>& row : rows)
        model.appendRow(row);
}

} // namespace

TimelineSumsPanel::TimelineSumsPanel(QWidget* parent)
    : QWidget(parent)
    , m_title(selectableLabel(this))
    , m_activities(new QStandardItemModel(0, 8, this))
    , m_devices(new QStandardItemModel(0, 4, this))
{
    m_activities->setHorizontalHeaderLabels(
        {tr("Activity"), tr("Selected ms"), tr("Count"), tr("Min"), tr("Mean"), tr("p50"), tr("p95"), tr("Max")});
    const QString whole = tr("Duration of complete instructions that the selection touches, in ms");
    for (int column = 3; column < 8; ++column)
        m_activities->horizontalHeaderItem(column)->setToolTip(whole);
    m_activities->horizontalHeaderItem(1)->setToolTip(tr("Time inside the selection, summed over the rows, in ms"));
    m_devices->setHorizontalHeaderLabels({tr("Device"), tr("Busy ms"), tr("Idle ms"), tr("Idle")});
    m_activityTable = addTable(QStringLiteral("activitySums"), tr("Selection by activity"), m_activities);
    m_deviceTable = addTable(QStringLiteral("deviceSums"), tr("Selection by device"), m_devices);

    auto* close = new QToolButton(this);
    close->setText(QStringLiteral("×"));
    close->setAutoRaise(true);
    close->setToolTip(tr("Clear the selection"));
    close->setAccessibleName(close->toolTip());
    connect(close, &QToolButton::clicked, this, &TimelineSumsPanel::closed);

    auto* head = new QHBoxLayout;
    head->addWidget(m_title, 1);
    head->addWidget(close);
    auto* tables = new QHBoxLayout;
    tables->addWidget(m_activityTable, 3);
    tables->addWidget(m_deviceTable, 2);
    auto* all = new QVBoxLayout(this);
    all->setContentsMargins(6, 2, 6, 2);
    all->setSpacing(2);
    all->addLayout(head);
    all->addLayout(tables);
}

QTableView* TimelineSumsPanel::addTable(const QString& name, const QString& title, QStandardItemModel* model)
{
    auto* table = new QTableView(this);
    table->setObjectName(name);
    table->setAccessibleName(title);
    table->setModel(model);
    table->setSelectionBehavior(QAbstractItemView::SelectRows);
    table->setShowGrid(false);
    table->setWordWrap(false);
    table->setTabKeyNavigation(false);
    table->setEditTriggers(QAbstractItemView::NoEditTriggers);
    table->verticalHeader()->hide();
    table->verticalHeader()->setDefaultSectionSize(table->fontMetrics().height() + 4);
    table->horizontalHeader()->setHighlightSections(false);
    table->horizontalHeader()->setDefaultAlignment(Qt::AlignRight | Qt::AlignVCenter);
    model->horizontalHeaderItem(0)->setTextAlignment(Qt::AlignLeft | Qt::AlignVCenter);
    table->setFixedHeight(8 * (table->fontMetrics().height() + 4) + 8);
    addCopyAction(table);
    table->installEventFilter(this);
    return table;
}

bool TimelineSumsPanel::eventFilter(QObject* watched, QEvent* event)
{
    if (event->type() == QEvent::ShortcutOverride) {
        auto* key = static_cast<QKeyEvent*>(event);
        const bool moves = key->key() >= Qt::Key_Home && key->key() <= Qt::Key_PageDown;
        if (moves || key->matches(QKeySequence::SelectAll))
            event->accept();
    }
    return QWidget::eventFilter(watched, event);
}

void TimelineSumsPanel::show(const TimelineSums& sums)
{
    m_title->setText((sums.devices.size() == 1 ? tr("Selected: %1, on %2 row") : tr("Selected: %1, on %2 rows"))
                         .arg(rangeText(sums.times))
                         .arg(sums.devices.size()));
    QList<QList<QStandardItem*>> rows;
    for (const ActivitySum& sum : sums.activities) {
        QStandardItem* name = textItem(activityName(sum.activity));
        name->setIcon(swatch(sum.activity));
        rows.append({name, timeItem(sum.total), numberItem(QLocale().toString(static_cast<qulonglong>(sum.count))),
            timeItem(sum.min), timeItem(sum.mean), timeItem(sum.p50), timeItem(sum.p95), timeItem(sum.max)});
    }
    setRows(*m_activities, rows);
    rows.clear();
    bool several = false;
    for (const DeviceSum& sum : sums.devices)
        several = several || sum.row.timeline != sums.devices.front().row.timeline;
    for (const DeviceSum& sum : sums.devices) {
        const double all = sum.busy + sum.idle;
        rows.append(
            {textItem(several ? tr("%1, %2").arg(sum.timeline, sum.device) : sum.device), timeItem(sum.busy), timeItem(sum.idle),
                numberItem(all > 0 ? tr("%1 %").arg(QLocale().toString(100 * sum.idle / all, 'f', 1)) : QString())});
    }
    setRows(*m_devices, rows);
    m_activityTable->resizeColumnsToContents();
    m_deviceTable->resizeColumnsToContents();
}

} // namespace pipebd::gui
