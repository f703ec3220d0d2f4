// ProfileChart: what the charts of profiles share: title, legend, colours that follow the palette, a tool tip that tells the
// figures.
//
// Several profiles are told apart by hatch or dash and by number, kinds of figures by colour and letter.
#pragma once

#include "gui/profile/shown_profile.h"

#include <qcustomplot.h>

#include <memory>
#include <utility>
#include <vector>

namespace pipebd::gui {

using ShownProfiles = std::shared_ptr<const std::vector<ShownProfile>>;

class ProfileChart : public QCustomPlot {
    Q_OBJECT

public:
    ProfileChart(const QString& title, QWidget* parent);

    QString title() const;
    const std::vector<ShownProfile>& profiles() const { return *m_profiles; }

signals:
    void exportRequested();

protected:
    void keep(ShownProfiles profiles) { m_profiles = std::move(profiles); } // redraw() draws them
    /// Makes all plottables anew, and their entries in the legend.
    virtual void rebuild() = 0;
    /// What is under the pointer; empty if that is nothing.
    virtual QString readout(const QPointF& position) const = 0;

    void redraw(); // rebuild() and all around it
    void setTitle(const QString& title);
    int blockCount() const; // of the profile with the most
    void labelBlocks(); // of the x axis, a block at each whole number
    int blockAt(double x) const; // -1: none
    QString blockName(int block) const;
    /// "2 · Xeon, host" before a readout of several profiles; empty for one alone.
    QString prefixOf(std::size_t profile) const;

    static QBrush brushOf(const QColor& colour, std::size_t profile);
    static Qt::PenStyle dashOf(std::size_t profile);
    void addKindToLegend(const QString& name, const QColor& colour);
    void addProfilesToLegend(bool lines);

    void changeEvent(QEvent* event) override;
    void resizeEvent(QResizeEvent* event) override;
    void mouseMoveEvent(QMouseEvent* event) override;
    void mouseDoubleClickEvent(QMouseEvent* event) override; // shows all again
    void contextMenuEvent(QContextMenuEvent* event) override;

private:
    QCPTextElement* m_title;
    ShownProfiles m_profiles;
};

/// Bars with a letter on each, where it fits.
class LetteredBars : public QCPBars {
public:
    LetteredBars(QCustomPlot& plot, QString letter);

protected:
    void draw(QCPPainter* painter) override;

private:
    QString m_letter;
};

QColor colourOf(TimeKind kind); // as in timelines; black text can be read on it
QColor colourOf(MemoryKind kind);

} // namespace pipebd::gui
