#include "gui/compare/comparison_tables.h"

#include "gui/kit/rows_model.h"

#include <QCheckBox>
#include <QHeaderView>
#include <QTableView>

namespace pipebd::gui {

ComparisonTables::ComparisonTables(QWidget* parent)
    : QTabWidget(parent)
    , m_results(new ResultsModel(this))
    , m_settings(new SettingsModel(this))
    , m_differences(new QCheckBox(tr("Di&fferences only"), this))
{
    setDocumentMode(true);
    addTable(m_results, tr("&Results"), "results");
    addTable(m_settings, tr("&Settings"), "settings");
    m_differences->setObjectName(QStringLiteral("differencesOnly"));
    m_differences->setToolTip(tr("Show only settings that differ between the runs"));
    connect(m_differences, &QCheckBox::toggled, this, [this](bool on) {
        m_settings->setDifferencesOnly(on);
        emit differencesOnlyChanged(on);
    });
    setCornerWidget(m_differences);
    m_differences->setEnabled(false);
    connect(this, &QTabWidget::currentChanged, this, [this](int tab) { m_differences->setEnabled(tab == 1); });
    m_differences->setChecked(true);
}

QTableView* ComparisonTables::addTable(ComparisonModel* model, const QString& title, const char* name)
{
    auto* view = new QTableView(this);
    view->setModel(model);
    view->setObjectName(QLatin1String(name));
    view->setAccessibleName(QString(title).remove(QLatin1Char('&')));
    dressTable(view);
    view->setSortingEnabled(false);
    view->verticalHeader()->setSectionResizeMode(QHeaderView::Fixed);
    view->verticalHeader()->setDefaultSectionSize(view->fontMetrics().height() + 8);
    addTab(view, title);
    m_views.push_back(view);
    return view;
}

void ComparisonTables::setComparison(const Comparison& comparison)
{
    const int columns = m_results->columnCount();
    m_results->setComparison(comparison);
    m_settings->setComparison(comparison);
    if (m_results->columnCount() != columns) // a live comparison keeps the widths that somebody chose
        for (QTableView* view : m_views) {
            view->resizeColumnsToContents();
            for (int column = 0; column < view->model()->columnCount(); ++column)
                view->setColumnWidth(column, std::clamp(view->columnWidth(column) + 12, 90, 320));
        }
}

void ComparisonTables::setDifferencesOnly(bool on)
{
    m_differences->setChecked(on);
}

} // namespace pipebd::gui
