// TimelineSumsPanel: the sums of a selection as two tables, activities and devices. Ctrl+C copies them.
#pragma once

#include "gui/timeline/timeline_sums.h"

#include <QWidget>

class QLabel;
class QStandardItemModel;
class QTableView;

namespace pipebd::gui {

class TimelineSumsPanel : public QWidget {
    Q_OBJECT

public:
    explicit TimelineSumsPanel(QWidget* parent = nullptr);

    void show(const TimelineSums& sums);

signals:
    void closed();

protected:
    /// Keys that move in a table do not move the charts.
    bool eventFilter(QObject* watched, QEvent* event) override;

private:
    QTableView* addTable(const QString& name, const QString& title, QStandardItemModel* model);

    QLabel* m_title;
    QStandardItemModel* m_activities;
    QStandardItemModel* m_devices;
    QTableView* m_activityTable;
    QTableView* m_deviceTable;
};

} // namespace pipebd::gui
