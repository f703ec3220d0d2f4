#include "gui/runs/run_look.h"

#include "gui/kit/theme.h"

#include <QPixmap>

#include <array>

namespace pipebd::gui {

namespace {

constexpr int colours = 8; // of curveColor
constexpr std::array markers{QCPScatterStyle::ssCircle, QCPScatterStyle::ssSquare, QCPScatterStyle::ssTriangle,
    QCPScatterStyle::ssDiamond, QCPScatterStyle::ssCross, QCPScatterStyle::ssTriangleInverted, QCPScatterStyle::ssPlus,
    QCPScatterStyle::ssStar};

} // namespace

CurveLook lookOf(int run, const QString& name)
{
    const int place = std::max(0, run - 1);
    const auto marker = static_cast<std::size_t>(place + place / colours) % markers.size();
    return {place % colours, markers[marker], QStringLiteral("%1 %2").arg(run).arg(name)};
}

QIcon swatchOf(int run, const QPalette& palette)
{
    constexpr QSize size(28, 16);
    constexpr double scale = 2;
    const CurveLook look = lookOf(run, {});
    const QColor colour = curveColor(look.colour, palette);
    QPixmap picture(size * scale);
    picture.setDevicePixelRatio(scale);
    picture.fill(Qt::transparent);
    QCPPainter painter(&picture);
    painter.setAntialiasing(true);
    painter.setPen(QPen(colour, 2));
    const QRectF area(0, 0, size.width(), size.height());
    painter.drawLine(QLineF(area.left(), area.center().y(), area.right(), area.center().y()));
    const QCPScatterStyle marker(look.marker, QPen(colour, 1.5), palette.color(QPalette::Base), 8);
    marker.applyTo(&painter, QPen(colour, 1.5));
    marker.drawShape(&painter, area.center());
    QIcon icon(picture);
    icon.addPixmap(picture, QIcon::Selected);
    return icon;
}

} // namespace pipebd::gui
