// MetricChart: curves of one quantity over steps or time, by block or rank.
//
// New samples are drawn at the next replotIfNew(), which the page calls from a timer: a thousand samples cost one replot. As long
// as nobody zooms, the view follows the data.
#pragma once

#include "gui/curve.h"

#include <qcustomplot.h>

#include <map>
#include <memory>
#include <vector>

namespace pipebd::gui {

class MetricChart : public QCustomPlot {
    Q_OBJECT

public:
    enum class Quantity { Throughput, Loss, Memory, Utilisation };

    explicit MetricChart(Quantity quantity, QWidget* parent = nullptr);
    ~MetricChart() override;

    Quantity quantity() const { return m_quantity; }
    QString title() const; // "Throughput"
    const std::map<store::Series, std::unique_ptr<Curve>>& curves() const { return m_curves; }

    bool wants(const store::Series& series) const;
    void append(const store::Series& series, const std::vector<SeriesPoint>& points);
    void clear();

    void setXAxis(XAxis axis);
    void setSmoothing(double weight);
    void setLogScale(bool on);
    /// A dashed line at `value`, with `label` in the legend; 0 takes it away.
    void setReference(double value, const QString& label);
    /// Shown while there is no sample.
    void setEmptyText(const QString& text);

    void fitAll();
    void showKeys(const QCPRange& range);
    bool followsData() const { return m_followKeys && m_followValues; }

    /// Queues a replot if anything has changed since the last one.
    void replotIfNew();
    /// Draws now.
    void replotNow();

signals:
    void keysShown(const QCPRange& range); // by the user's zooming or dragging
    void fitRequested();
    void exportRequested();

protected:
    void changeEvent(QEvent* event) override;
    void resizeEvent(QResizeEvent* event) override;
    void wheelEvent(QWheelEvent* event) override;
    void mousePressEvent(QMouseEvent* event) override;
    void mouseMoveEvent(QMouseEvent* event) override;
    void contextMenuEvent(QContextMenuEvent* event) override;

private:
    void buildLayout();
    void recolour();
    void chooseTickers();
    void updateLegend();
    void wrapLegend();
    void fitView();
    void fitValues(const QCPRange& keys);
    void toggleCurve(QCPAbstractLegendItem* item);
    QString readout(double key) const;

    Quantity m_quantity;
    std::map<store::Series, std::unique_ptr<Curve>> m_curves;
    XAxis m_axis = XAxis::Step;
    double m_smoothing = 0;
    bool m_log = false;
    bool m_followKeys = true;
    bool m_followValues = true;
    bool m_changed = true;
    double m_referenceValue = 0;
    QCPTextElement* m_title = nullptr;
    QCPItemStraightLine* m_referenceLine = nullptr;
    QCPGraph* m_referenceEntry = nullptr;
    QCPItemText* m_emptyText = nullptr;
};

} // namespace pipebd::gui
