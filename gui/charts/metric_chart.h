// MetricChart: curves of one quantity over steps or time, by block, rank or run.
//
// New samples are drawn at the next replotIfNew(), which the page calls from a timer: a thousand samples cost one replot. As long
// as nobody zooms, the view follows the data.
#pragma once

#include "gui/charts/curve.h"

#include <QElapsedTimer>
#include <qcustomplot.h>

#include <map>
#include <memory>
#include <optional>
#include <vector>

namespace pipebd::gui {

class MetricChart : public QCustomPlot {
    Q_OBJECT

public:
    enum class Quantity { Throughput, Loss, Memory, Utilisation, Accuracy };

    explicit MetricChart(Quantity quantity, QWidget* parent = nullptr);
    ~MetricChart() override;

    Quantity quantity() const { return m_quantity; }
    QString title() const; // "Throughput"
    const std::map<CurveId, std::unique_ptr<Curve>>& curves() const { return m_curves; }

    bool wants(const store::Series& series) const;
    void append(const store::Series& series, const std::vector<SeriesPoint>& points);
    /// Draws these instead of the samples, some of which may have come already, until showSamples().
    void showOverview(const store::Series& series, const std::vector<SeriesPoint>& points);
    void showSamples();
    void clear();

    virtual void setXAxis(XAxis axis);
    virtual void setSmoothing(double weight);
    void setLogScale(bool on);
    void setLogKeys(bool on);
    /// The values in view are then those from the 2nd to the 98th percentile of every curve.
    void setIgnoreOutliers(bool on);
    /// A dashed line at `value`, with `label` in the legend; 0 takes it away.
    void setReference(double value, const QString& label);
    /// Shown while there is no sample.
    void setEmptyText(const QString& text);

    void fitAll();
    void showKeys(const QCPRange& range);
    bool followsData() const { return m_followKeys && m_followValues; }

    /// Queues a replot if anything has changed since the last one; for samples alone once they would move something by half a
    /// pixel, or after half a second.
    void replotIfNew();
    /// Draws now.
    void replotNow();

signals:
    void keysShown(const QCPRange& range); // by the user's zooming or dragging
    void fitRequested();
    void exportRequested();

protected:
    /// Of the curve with this id; made, looking like `look`, if it is not there.
    Curve& curve(const CurveId& id, const std::optional<CurveLook>& look = {});
    void remove(const CurveId& id);
    void setTitle(const QString& title);
    void changed() { m_changed = true; }
    XAxis axis() const { return m_axis; }
    double smoothing() const { return m_smoothing; }
    virtual void recolour();

    void changeEvent(QEvent* event) override;
    void resizeEvent(QResizeEvent* event) override;
    void wheelEvent(QWheelEvent* event) override;
    void mousePressEvent(QMouseEvent* event) override;
    void mouseMoveEvent(QMouseEvent* event) override;
    void contextMenuEvent(QContextMenuEvent* event) override;

private:
    void buildLayout();
    double newestKey() const;
    bool isWorthDrawing() const;
    void prepareToDraw();
    void chooseTickers();
    void updateLegend();
    void wrapLegend();
    void fitView();
    void fitValues(const QCPRange& keys);
    bool usualValues(const Curve& curve, const QCPRange& keys, QCPRange& range) const;
    QString keyText(double key) const;
    void toggleCurve(QCPAbstractLegendItem* item);
    QString readout(double key) const;

    Quantity m_quantity;
    std::map<CurveId, std::unique_ptr<Curve>> m_curves;
    XAxis m_axis = XAxis::Step;
    double m_smoothing = 0;
    bool m_log = false;
    bool m_logKeys = false;
    bool m_ignoreOutliers = false;
    bool m_followKeys = true;
    bool m_followValues = true;
    bool m_changed = true;
    bool m_appended = false; // samples have come, and nothing else has changed
    double m_drawnUpTo = 0; // the newest key that was drawn
    QElapsedTimer m_sinceDrawn;
    double m_referenceValue = 0;
    QCPTextElement* m_title = nullptr;
    QCPItemStraightLine* m_referenceLine = nullptr;
    QCPGraph* m_referenceEntry = nullptr;
    QCPItemText* m_emptyText = nullptr;
};

} // namespace pipebd::gui
