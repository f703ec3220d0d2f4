// TimelineMarks: what lies over the bars and changes with the pointer: the selection, cursors, the chosen and the hovered bar, the
// frame of the keyboard focus. On a layer of its own, so that moving it does not draw the bars anew.
#pragma once

#include <qcustomplot.h>

namespace pipebd::gui {

class TimelinePlot;

class TimelineMarks : public QCPLayerable {
    Q_OBJECT

public:
    explicit TimelineMarks(TimelinePlot* plot);

protected:
    void applyDefaultAntialiasingHint(QCPPainter* painter) const override;
    QRect clipRect() const override;
    void draw(QCPPainter* painter) override;

private:
    void drawSelection(QCPPainter& painter) const;
    void drawCursors(QCPPainter& painter) const;

    TimelinePlot* m_plot;
};

} // namespace pipebd::gui
