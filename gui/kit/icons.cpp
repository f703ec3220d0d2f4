#include "gui/kit/icons.h"

#include <QFile>
#include <QPainter>
#include <QPixmap>
#include <QSvgRenderer>

#include <utility>

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
    const QByteArray drawing = file.readAll();
    QIcon icon;
    for (const auto& [mode, tint] : {std::pair(QIcon::Normal, colour), std::pair(QIcon::Selected, QColor(Qt::white))}) {
        QByteArray tinted = drawing;
        QSvgRenderer renderer(tinted.replace("currentColor", tint.name().toLatin1()));
        for (const int size : {16, 20, 24, 32, 48, 64, 128}) {
            QPixmap pixmap(size, size);
            pixmap.fill(Qt::transparent);
            QPainter painter(&pixmap);
            renderer.render(&painter);
            icon.addPixmap(pixmap, mode);
        }
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
