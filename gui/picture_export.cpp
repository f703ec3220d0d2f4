#include "gui/picture_export.h"

#include "base/error.h"
#include "gui/error_text.h"
#include "gui/rows_model.h"
#include "gui/settings.h"

#include <QBuffer>
#include <QFileDialog>
#include <QFileInfo>
#include <QImage>
#include <QMessageBox>
#include <QPageSize>
#include <QPdfWriter>
#include <QSaveFile>
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

QByteArray csvCell(const QVariant& value)
{
    if (value.typeId() == QMetaType::Double)
        return QByteArray::number(value.toDouble(), 'g', 17);
    if (value.canConvert<qlonglong>() && value.typeId() != QMetaType::QString)
        return QByteArray::number(value.toLongLong());
    QByteArray text = value.toString().toUtf8();
    if (!text.isEmpty() && QByteArrayView("=+-@\t\r").contains(text.front()))
        text.prepend('\'');
    if (text.contains(',') || text.contains('"') || text.contains('\n') || text.contains('\r'))
        text = '"' + text.replace("\"", "\"\"") + '"';
    return text;
}

} // namespace

Picture pictureOf(QCustomPlot& plot, const QString& title)
{
    return {title, plot.size(), [&plot](QPaintDevice* device) {
                QCPPainter painter(device);
                painter.setMode(QCPPainter::pmVectorized);
                painter.setMode(QCPPainter::pmNoCaching);
                plot.toPainter(&painter, plot.width(), plot.height());
            }};
}

void writeFile(const QString& file, const QByteArray& contents)
{
    QSaveFile out(file);
    if (!out.open(QIODevice::WriteOnly) || out.write(contents) != contents.size() || !out.commit())
        throw Error(Code::System, "the file cannot be written", file.toStdString(), "choose a folder that you may write to");
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
        throw Error(Code::BadRequest, "no format for a picture has this suffix", file.toStdString(), "use .png, .pdf or .svg");
}

QByteArray tableAsCsv(const QAbstractItemModel& table)
{
    QByteArrayList line;
    for (int column = 0; column < table.columnCount(); ++column)
        line << csvCell(table.headerData(column, Qt::Horizontal));
    QByteArray text = line.join(',') + "\r\n";
    for (int row = 0; row < table.rowCount(); ++row) {
        line.clear();
        for (int column = 0; column < table.columnCount(); ++column)
            line << csvCell(table.index(row, column).data(RowsModel::SortRole));
        text += line.join(',') + "\r\n";
    }
    return text;
}

bool exportInteractively(const QString& title, const QString& proposedName, const QStringList& filters, Settings& settings,
    QWidget* parent, const std::function<void(const QString& file)>& write)
{
    const auto suffixOf = [](const QString& filter) { return filter.section(QStringLiteral("*."), 1).chopped(1); };
    QFileDialog dialog(parent, title, settings.folder(QStringLiteral("export")));
    dialog.setAcceptMode(QFileDialog::AcceptSave);
    dialog.setNameFilters(filters);
    dialog.setDefaultSuffix(suffixOf(filters.constFirst()));
    QObject::connect(&dialog, &QFileDialog::filterSelected, &dialog,
        [&dialog, suffixOf](const QString& filter) { dialog.setDefaultSuffix(suffixOf(filter)); });
    dialog.selectFile(QString(proposedName).replace(QLatin1Char('/'), QLatin1Char('_')));
    if (dialog.exec() != QDialog::Accepted)
        return false;
    const QString file = dialog.selectedFiles().constFirst();
    settings.setFolder(QStringLiteral("export"), QFileInfo(file).absolutePath());
    try {
        write(file);
    } catch (...) {
        QMessageBox box(QMessageBox::Warning, title, currentErrorText(), QMessageBox::Ok, parent);
        box.setTextFormat(Qt::PlainText); // it names a file
        box.exec();
        return false;
    }
    return true;
}

QStringList pictureFilters()
{
    return {QObject::tr("PNG image (*.png)"), QObject::tr("PDF document (*.pdf)"), QObject::tr("SVG drawing (*.svg)")};
}

} // namespace pipebd::gui
