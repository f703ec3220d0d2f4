// What stands around the rows: titles, names of devices, and axes of panels that have their own.
#pragma once

#include <qcustomplot.h>

namespace pipebd::gui {

class TimelinePlot;

class TimelinePanels : public QCPLayerable {
    Q_OBJECT

public:
    explicit TimelinePanels(TimelinePlot* plot);

    int titleHeight() const;
    int axisHeight() const; // below the rows of a panel with an axis of its own
    int namesWidth() const; // of the widest name of a device, not beyond a third of the plot

protected:
    void applyDefaultAntialiasingHint(QCPPainter* painter) const override;
    QRect clipRect() const override;
    void draw(QCPPainter* painter) override;

private:
    TimelinePlot* m_plot;
};

/// The colours and letters of activities, in as many lines as the width needs.
class TimelineLegend : public QCPLayoutElement {
    Q_OBJECT

public:
    explicit TimelineLegend(QCustomPlot* plot);

    void wrap(int width);

protected:
    QSize minimumOuterSizeHint() const override;
    QSize maximumOuterSizeHint() const override;
    void applyDefaultAntialiasingHint(QCPPainter* painter) const override;
    void draw(QCPPainter* painter) override;

private:
    struct Entry {
        QString text;
        double width = 0;
    };
    std::vector<Entry> entries() const;
    int lineHeight() const;

    int m_lines = 1;
};

} // namespace pipebd::gui
