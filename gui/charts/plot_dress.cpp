#include "gui/charts/plot_dress.h"

#include "gui/kit/theme.h"

#include <qcustomplot.h>

#include <algorithm>
#include <vector>

namespace pipebd::gui {

QCPTextElement* layOutPlot(QCustomPlot& plot, const QString& title)
{
    auto* element = new QCPTextElement(&plot, title);
    element->setTextFlags(Qt::AlignLeft | Qt::AlignVCenter);
    element->setMargins(QMargins(8, 6, 8, 0));

    auto* legendRow = new QCPLayoutGrid;
    legendRow->addElement(0, 0, plot.legend);
    legendRow->addElement(0, 1, new QCPLayoutElement(&plot)); // takes the width that the legend leaves
    legendRow->setColumnStretchFactor(0, 0.001);
    plot.legend->setFillOrder(QCPLayoutGrid::foColumnsFirst);
    plot.legend->setMargins(QMargins(6, 4, 6, 0));
    plot.legend->setColumnSpacing(10);
    plot.legend->setRowSpacing(0);
    plot.legend->setIconSize(14, 10);
    plot.legend->setBorderPen(Qt::NoPen);
    plot.legend->setBrush(Qt::NoBrush);
    plot.legend->setVisible(true);

    plot.plotLayout()->setRowSpacing(0);
    plot.plotLayout()->insertRow(0);
    plot.plotLayout()->addElement(0, 0, element);
    plot.plotLayout()->insertRow(1);
    plot.plotLayout()->addElement(1, 0, legendRow);
    plot.plotLayout()->setRowStretchFactor(0, 0.001);
    plot.plotLayout()->setRowStretchFactor(1, 0.001);
    return element;
}

QCPItemText* addEmptyText(QCustomPlot& plot, const QString& text)
{
    auto* words = new QCPItemText(&plot);
    words->position->setType(QCPItemPosition::ptAxisRectRatio);
    words->position->setCoords(0.5, 0.5);
    words->setTextAlignment(Qt::AlignCenter);
    words->setText(text);
    return words;
}

void dressPlot(QCustomPlot& plot, QCPTextElement& title)
{
    const QPalette palette = plot.palette();
    const QColor text = palette.color(QPalette::Text);
    const QColor soft = palette.color(QPalette::PlaceholderText);
    QColor grid = text;
    grid.setAlphaF(isDark(palette) ? 0.12F : 0.1F);
    plot.setBackground(palette.brush(QPalette::Base));
    QFont small = plot.font();
    small.setPointSizeF(plot.font().pointSizeF() * 0.9);
    QFont bold = plot.font();
    bold.setBold(true);
    for (QCPAxis* axis : {plot.xAxis, plot.yAxis}) {
        axis->setBasePen(QPen(soft, 1));
        axis->setTickPen(QPen(soft, 1));
        axis->setSubTickPen(Qt::NoPen);
        axis->setSubTicks(false);
        axis->setTickLabelColor(text);
        axis->setTickLabelFont(small);
        axis->setLabelColor(soft);
        axis->setLabelFont(small);
        axis->setTickLengthIn(0);
        axis->setTickLengthOut(4);
        axis->setLabelPadding(2);
        axis->grid()->setPen(QPen(grid, 1));
        axis->grid()->setZeroLinePen(QPen(grid, 1));
    }
    title.setFont(bold);
    title.setTextColor(text);
    plot.legend->setFont(small);
    plot.legend->setTextColor(text);
    for (int i = 0; i < plot.legend->itemCount(); ++i)
        if (QCPAbstractLegendItem* item = plot.legend->item(i)) {
            item->setFont(small);
            item->setTextColor(text);
        }
}

void wrapLegend(QCustomPlot& plot)
{
    std::vector<int> widths;
    for (int i = 0; i < plot.legend->itemCount(); ++i)
        if (const QCPAbstractLegendItem* item = plot.legend->item(i)) // the last row may have empty places
            widths.push_back(item->minimumOuterSizeHint().width() + plot.legend->columnSpacing());
    const auto widthOf = [&](std::size_t columns) {
        int sum = 0;
        for (std::size_t column = 0; column < columns; ++column) {
            int widest = 0;
            for (std::size_t i = column; i < widths.size(); i += columns)
                widest = std::max(widest, widths[i]);
            sum += widest;
        }
        return sum;
    };
    std::size_t columns = std::max<std::size_t>(1, widths.size());
    while (columns > 1 && widthOf(columns) > plot.width() - 16)
        --columns;
    plot.legend->setWrap(static_cast<int>(columns));
    plot.legend->setFillOrder(QCPLayoutGrid::foColumnsFirst, true);
}

} // namespace pipebd::gui
