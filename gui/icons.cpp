#include "gui/icons.h"

#include <QFile>
#include <QPainter>
#include <QPixmap>
#include <QSvgRenderer>

// The macro declares a function of the enclosing namespace, so it stands in the global one.
static void loadResources()
{
    Q_INIT_RESOURCE(icons);
}

namespace pipebd::gui {

namespace {

QIcon draw(const QString& name, const QColor& colour)
{
    loadResources();
    QFile file(QStringLiteral(":/icons/%1.svg").arg(name));
    if (!file.open(QIODevice::ReadOnly))
        return {};
    QByteArray drawing = file.readAll();
    drawing.replace("currentColor", colour.name().toLatin1());
    QSvgRenderer renderer(drawing);
    QIcon icon;
    for (const int size : {16, 20, 24, 32, 48, 64, 128}) {
        QPixmap pixmap(size, size);
        pixmap.fill(Qt::transparent);
        QPainter painter(&pixmap);
        renderer.render(&painter);
        icon.addPixmap(pixmap);
    }
    return icon;
}

} // namespace

QIcon tintedIcon(const QString& name, const QColor& colour)
{
    return draw(name, colour);
}

QIcon applicationIcon()
{
    return draw(QStringLiteral("pipebd-workbench"), Qt::black);
}

} // namespace pipebd::gui
