#include "gui/kit/picture_export.h"

#include "base/error.h"

#include <QBuffer>
#include <QFileInfo>
#include <QImage>
#include <QPageSize>
#include <QPdfWriter>
#include <QSvgGenerator>
#include <qcustomplot.h>

namespace pipebd::gui {

namespace {

QByteArray pngOf(const Picture& picture)
{
    constexpr int scale = 2;
    QImage image(picture.size * scale, QImage::Format_ARGB32_Premultiplied);
    image.setDevicePixelRatio(scale);
    image.fill(Qt::transparent);
    picture.draw(&image);
    QBuffer file;
    image.save(&file, "PNG");
    return file.data();
}

QByteArray svgOf(const Picture& picture)
{
    QBuffer file;
    QSvgGenerator generator;
    generator.setOutputDevice(&file);
    generator.setSize(picture.size);
    generator.setViewBox(QRect({0, 0}, picture.size));
    generator.setTitle(picture.title);
    picture.draw(&generator);
    return file.data();
}

QByteArray pdfOf(const Picture& picture)
{
    constexpr int dotsPerInch = 96;
    constexpr double pointsPerInch = 72;
    QBuffer file;
    file.open(QIODevice::WriteOnly);
    QPdfWriter writer(&file);
    writer.setResolution(dotsPerInch);
    writer.setTitle(picture.title);
    writer.setPageMargins({});
    writer.setPageSize(QPageSize(QSizeF(picture.size) * pointsPerInch / dotsPerInch, QPageSize::Point, {}, QPageSize::ExactMatch));
    picture.draw(&writer);
    return file.data();
}

} // namespace

Picture pictureOf(QCustomPlot& plot, const QString& title, QSize size)
{
    if (size.isEmpty())
        size = plot.size();
    return {title, size, [&plot, size](QPaintDevice* device) {
                QCPPainter painter(device);
                painter.setMode(QCPPainter::pmVectorized);
                painter.setMode(QCPPainter::pmNoCaching);
                plot.toPainter(&painter, size.width(), size.height());
            }};
}

void writePicture(const Picture& picture, const QString& file)
{
    const QString suffix = QFileInfo(file).suffix().toLower();
    if (suffix == QLatin1String("png"))
        writeFile(file, pngOf(picture));
    else if (suffix == QLatin1String("svg"))
        writeFile(file, svgOf(picture));
    else if (suffix == QLatin1String("pdf"))
        writeFile(file, pdfOf(picture));
    else
        throw Error(Code::BadRequest, "unknown suffix for a picture", file.toStdString(), "use .png, .pdf or .svg");
}

std::vector<FileType> pictureTypes()
{
    return {{QObject::tr("PNG image"), QStringLiteral("png")}, {QObject::tr("PDF document"), QStringLiteral("pdf")},
        {QObject::tr("SVG drawing"), QStringLiteral("svg")}};
}

} // namespace pipebd::gui
