#include "gui/file_choice.h"

#include "gui/settings.h"

#include <QFileDialog>
#include <QFileInfo>

#include <utility>

namespace pipebd::gui {

namespace {

void open(QFileDialog* dialog, std::function<void(const QString&)> chosen)
{
    dialog->setObjectName(QStringLiteral("fileChoice"));
    dialog->setAttribute(Qt::WA_DeleteOnClose);
    QObject::connect(dialog, &QFileDialog::fileSelected, dialog, std::move(chosen));
    dialog->open();
}

void open(QFileDialog* dialog, Settings& settings, const FileChoice& choice, std::function<void(const QString&)> chosen)
{
    open(dialog, [&settings, purpose = choice.purpose, chosen = std::move(chosen)](const QString& file) {
        settings.setFolder(purpose, QFileInfo(file).absolutePath());
        chosen(file);
    });
}

} // namespace

void chooseFileToOpen(QWidget* parent, Settings& settings, const FileChoice& choice, std::function<void(const QString&)> chosen)
{
    auto* dialog = new QFileDialog(parent, choice.title, settings.folder(choice.purpose), choice.filter);
    dialog->setFileMode(QFileDialog::ExistingFile);
    open(dialog, settings, choice, std::move(chosen));
}

void chooseFileToWrite(QWidget* parent, Settings& settings, const FileChoice& choice, std::function<void(const QString&)> chosen)
{
    auto* dialog = new QFileDialog(parent, choice.title, settings.folder(choice.purpose), choice.filter);
    dialog->setAcceptMode(QFileDialog::AcceptSave);
    dialog->setDefaultSuffix(choice.suffix);
    dialog->selectFile(choice.name);
    open(dialog, settings, choice, std::move(chosen));
}

void chooseFolder(QWidget* parent, const QString& title, const QString& folder, std::function<void(const QString&)> chosen)
{
    auto* dialog = new QFileDialog(parent, title, folder);
    dialog->setFileMode(QFileDialog::Directory);
    dialog->setOption(QFileDialog::ShowDirsOnly);
    open(dialog, std::move(chosen));
}

} // namespace pipebd::gui
