#include "gui/kit/file_dialogs.h"

#include "base/error.h"
#include "gui/kit/error_text.h"
#include "gui/kit/settings.h"

#include <QFileDialog>
#include <QFileInfo>
#include <QMessageBox>
#include <QMimeData>
#include <QSaveFile>
#include <QUrl>

#include <utility>

namespace pipebd::gui {

namespace {

const QString purpose = QStringLiteral("export");

} // namespace

void askForFile(QWidget* parent, const QString& title, const QString& name, const std::vector<FileType>& types, Settings& settings,
    std::function<void(const QString&)> then)
{
    auto* dialog = new QFileDialog(parent, title, settings.folder(purpose));
    dialog->setObjectName(QStringLiteral("fileDialog"));
    dialog->setAttribute(Qt::WA_DeleteOnClose);
    dialog->setAcceptMode(QFileDialog::AcceptSave);
    QStringList filters;
    for (const FileType& type : types)
        filters << QStringLiteral("%1 (*.%2)").arg(type.name, type.suffix);
    dialog->setNameFilters(filters);
    dialog->setDefaultSuffix(types.front().suffix);
    QObject::connect(dialog, &QFileDialog::filterSelected, dialog,
        [dialog](const QString& filter) { dialog->setDefaultSuffix(filter.section(QStringLiteral("*."), 1).chopped(1)); });
    dialog->selectFile(QString(name).replace(QLatin1Char('/'), QLatin1Char('_')));
    QObject::connect(dialog, &QFileDialog::fileSelected, parent, [&settings, then = std::move(then)](const QString& file) {
        settings.setFolder(purpose, QFileInfo(file).absolutePath());
        then(file);
    });
    dialog->open();
}

void exportInteractively(QWidget* parent, const QString& title, const QString& name, const std::vector<FileType>& types,
    Settings& settings, std::function<void(const QString&)> write)
{
    askForFile(parent, title, name, types, settings, [parent, write = std::move(write)](const QString& file) {
        try {
            write(file);
        } catch (...) {
            tellFailure(parent, QObject::tr("Export"), currentErrorText());
        }
    });
}

void askForFolder(QWidget* parent, const QString& title, const QString& at, std::function<void(const QString&)> then)
{
    auto* dialog = new QFileDialog(parent, title, at);
    dialog->setObjectName(QStringLiteral("folderDialog"));
    dialog->setAttribute(Qt::WA_DeleteOnClose);
    dialog->setFileMode(QFileDialog::Directory);
    dialog->setOption(QFileDialog::ShowDirsOnly);
    QObject::connect(dialog, &QFileDialog::fileSelected, parent, std::move(then));
    dialog->open();
}

void askForFolder(QWidget* parent, const QString& title, Settings& settings, std::function<void(const QString&)> then)
{
    askForFolder(parent, title, settings.folder(purpose), [&settings, then = std::move(then)](const QString& folder) {
        settings.setFolder(purpose, folder);
        then(folder);
    });
}

void tellFailure(QWidget* parent, const QString& title, const QString& error, const QString& objectName)
{
    auto* box = new QMessageBox(QMessageBox::Warning, title, error, QMessageBox::Ok, parent);
    box->setObjectName(objectName);
    box->setTextFormat(Qt::PlainText);
    box->setAttribute(Qt::WA_DeleteOnClose);
    box->open();
}

void writeFile(const QString& file, const QByteArray& contents)
{
    QSaveFile out(file);
    if (!out.open(QIODevice::WriteOnly) || out.write(contents) != contents.size() || !out.commit())
        throw Error(Code::System, "the file cannot be written", file.toStdString(), "choose a folder that you can write to");
}

QString firstLocalFile(const QMimeData& data)
{
    for (const QUrl& url : data.urls())
        if (url.isLocalFile())
            return url.toLocalFile();
    return {};
}

} // namespace pipebd::gui
