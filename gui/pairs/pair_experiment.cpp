#include "gui/pairs/pair_experiment.h"

#include "base/error.h"
#include "experiment/experiment.h"
#include "gui/kit/error_text.h"
#include "gui/kit/file_dialogs.h"

#include <QDir>
#include <QFile>
#include <QRegularExpression>

namespace pipebd::gui {

namespace {

// A TOML basic string.
QString tomlText(const QString& text)
{
    QString quoted;
    for (const QChar character : text) {
        if (character == QLatin1Char('"') || character == QLatin1Char('\\'))
            quoted += QLatin1Char('\\') + QString(character);
        else if (character < QLatin1Char(' ') || character == QChar(0x7f))
            quoted += QStringLiteral("\\u%1").arg(character.unicode(), 4, 16, QLatin1Char('0'));
        else
            quoted += character;
    }
    return QLatin1Char('"') + quoted + QLatin1Char('"');
}

QString contentsFor(const QString& pair)
{
    const bool digits = pair.endsWith(QLatin1String("-digits"));
    QString text = QStringLiteral("# Written by pipebd-workbench. Edit it as you like; what is not set here has its default.\n");
    if (!digits)
        text += QStringLiteral(
            "#\n"
            "# The data are noise of the right shape, which is enough to measure and compare strategies. To train "
            "for real, name your data:\n"
            "#\n"
            "#     source = \"imagefolder\"        or cifar10, cifar100, tensors\n"
            "#     path = \"/where/the/data/are\"\n");
    text += QStringLiteral(
        "name = %1\npair = %1\n\n[data]\nsource = \"%2\"\nbatch = %3\n\n[train]\n%4\n\n[run]\nstrategy = \"auto\"\n")
                .arg(tomlText(pair), digits ? QStringLiteral("digits") : QStringLiteral("synthetic"),
                    digits ? QStringLiteral("64") : QStringLiteral("32"),
                    digits ? QStringLiteral("epochs = 4") : QStringLiteral("steps = 100"));
    return text;
}

} // namespace

QString experimentOfPair(const QString& lab, const QString& pair)
{
    static const QRegularExpression unfit(QStringLiteral("[^A-Za-z0-9._-]"));
    const QDir folder(lab + QStringLiteral("/experiments"));
    QString stem = QString(pair).replace(unfit, QStringLiteral("_")).left(100);
    if (stem.startsWith(QLatin1Char('.')))
        stem.prepend(QLatin1Char('_'));
    for (int number = 1;; ++number) {
        const QString file = folder.absoluteFilePath(
            (number == 1 ? stem : QStringLiteral("%1-%2").arg(stem).arg(number)) + QStringLiteral(".toml"));
        if (QFile::exists(file)) {
            if (experiment::read_experiment(toPath(file)).pair == pair.toStdString())
                return file;
            continue; // another pair's, whose name looks the same as a file's
        }
        const QByteArray text = contentsFor(pair).toUtf8();
        experiment::parse_experiment(text.toStdString(), file.toStdString());
        if (!folder.mkpath(QStringLiteral(".")))
            throw Error(
                Code::System, "cannot create the folder", folder.path().toStdString(), "choose a lab that you can write to");
        writeFile(file, text);
        return file;
    }
}

} // namespace pipebd::gui
