#include "gui/options.h"

#include "base/error.h"
#include "gui/kit/error_text.h"
#include "store/lab.h"

#include <QCommandLineParser>
#include <QDir>
#include <QFileInfo>
#include <QRegularExpression>

namespace pipebd::gui {

namespace {

QString words(const char* text)
{
    return QCoreApplication::translate("Options", text);
}

struct Known {
    QCommandLineOption help{{QStringLiteral("h"), QStringLiteral("help")}, words("Show this help.")};
    QCommandLineOption version{{QStringLiteral("v"), QStringLiteral("version")}, words("Show the version.")};
    QCommandLineOption lab{
        QStringLiteral("lab"), words("The lab folder (default: PIPEBD_LAB, else the XDG data folder)."), QStringLiteral("DIR")};
    QCommandLineOption run{
        QStringLiteral("run"), words("Select the run with this id; the compare page takes several: 3,7."), QStringLiteral("ID")};
    QCommandLineOption theme{
        QStringLiteral("theme"), words("Colour theme for this session: system, light or dark."), QStringLiteral("NAME")};
    QCommandLineOption grab{
        QStringLiteral("grab"), words("Draw a page to this file without a display, and exit."), QStringLiteral("FILE.png")};
    QCommandLineOption page{QStringLiteral("page"),
        words("The page to draw: pairs, profile, schedules, runs, run, timeline, compare, start, welcome."),
        QStringLiteral("NAME")};
    QCommandLineOption size{
        QStringLiteral("size"), words("Size of the picture in pixels, such as 1280x800."), QStringLiteral("WxH")};
    QCommandLineOption experiment{
        QStringLiteral("experiment"), words("Open the Start dialog with this experiment file."), QStringLiteral("FILE")};

    void addTo(QCommandLineParser& parser) const
    {
        parser.setApplicationDescription(words("Shows, starts and follows training runs of a Pipe-BD lab."));
        parser.addOptions({help, version, lab, run, theme, grab, page, size, experiment});
        parser.addPositionalArgument(
            QStringLiteral("file"), words("An experiment file to start, or a run folder to show."), QStringLiteral("[FILE]"));
    }
};

Error badOption(const QString& what, const QString& where, const QString& remedy)
{
    return Error(Code::BadRequest, what.toStdString(), where.toStdString(), remedy.toStdString());
}

int readRun(const QString& text)
{
    bool isNumber = false;
    const int id = text.toInt(&isNumber);
    if (!isNumber || id < 1)
        throw badOption(QStringLiteral("'%1' is not the id of a run").arg(text), QStringLiteral("--run"),
            QStringLiteral("give a whole number above 0"));
    return id;
}

std::vector<int> readRuns(const QString& text)
{
    std::vector<int> ids;
    for (const QString& word : text.split(QLatin1Char(',')))
        ids.push_back(readRun(word.trimmed()));
    return ids;
}

QSize readSize(const QString& text)
{
    static const QRegularExpression form(QStringLiteral("^(\\d{2,4})x(\\d{2,4})$"));
    const QRegularExpressionMatch match = form.match(text);
    if (!match.hasMatch())
        throw badOption(
            QStringLiteral("'%1' is not a size").arg(text), QStringLiteral("--size"), QStringLiteral("write it like 1280x800"));
    return {match.captured(1).toInt(), match.captured(2).toInt()};
}

void readPositional(const QString& name, Options& options)
{
    const QFileInfo file(name);
    if (!file.exists())
        throw Error(Code::NotFound, "there is no such file", name.toStdString(), "name an experiment file or a run folder");
    if (!file.isDir()) {
        options.experiment = file.absoluteFilePath();
        return;
    }
    static const QRegularExpression form(QStringLiteral("^(\\d+)(-|$)"));
    const QFileInfo folder(QDir(file.absoluteFilePath()).absolutePath());
    const QRegularExpressionMatch match = form.match(folder.fileName());
    if (!match.hasMatch() || folder.dir().dirName() != QLatin1String("runs"))
        throw badOption(QStringLiteral("this folder is not a run of a lab"), name,
            QStringLiteral("name a folder such as LAB/runs/0007-digits-nas"));
    options.run = match.captured(1).toInt();
    options.lab = toPath(QFileInfo(folder.absolutePath()).absolutePath());
}

void readGrab(const QCommandLineParser& parser, const Known& known, Options& options)
{
    options.action = Options::Action::Grab;
    options.grabFile = parser.value(known.grab);
    options.page = parser.value(known.page);
    if (!pageNames().contains(options.page))
        throw badOption(options.page.isEmpty() ? QStringLiteral("a page must be named")
                                               : QStringLiteral("there is no page '%1'").arg(options.page),
            QStringLiteral("--page"), QStringLiteral("use one of ") + pageNames().join(QStringLiteral(", ")));
    if (parser.isSet(known.size))
        options.size = readSize(parser.value(known.size));
}

} // namespace

QStringList pageNames()
{
    return {QStringLiteral("pairs"), QStringLiteral("profile"), QStringLiteral("schedules"), QStringLiteral("runs"),
        QStringLiteral("run"), QStringLiteral("timeline"), QStringLiteral("compare"), QStringLiteral("start"),
        QStringLiteral("welcome")};
}

Options readOptions(const QStringList& arguments)
{
    const Known known;
    QCommandLineParser parser;
    known.addTo(parser);
    if (!parser.parse(arguments)) {
        QString what = parser.errorText();
        while (what.endsWith(QLatin1Char('.')))
            what.chop(1);
        throw badOption(what, QStringLiteral("command line"), QStringLiteral("see pipebd-workbench --help"));
    }
    Options options;
    if (parser.isSet(known.help))
        options.action = Options::Action::Help;
    else if (parser.isSet(known.version))
        options.action = Options::Action::Version;
    if (options.action != Options::Action::ShowWindow)
        return options;

    const QStringList files = parser.positionalArguments();
    if (files.size() > 1)
        throw badOption(
            QStringLiteral("more than one file is named"), files.at(1), QStringLiteral("name one experiment file or run folder"));
    options.lab = store::default_lab();
    if (!files.isEmpty())
        readPositional(files.constFirst(), options);
    if (parser.isSet(known.lab))
        options.lab = toPath(parser.value(known.lab));
    options.lab = std::filesystem::absolute(options.lab);
    if (parser.isSet(known.run) && parser.value(known.page) == QLatin1String("compare"))
        options.compared = readRuns(parser.value(known.run));
    else if (parser.isSet(known.run))
        options.run = readRun(parser.value(known.run));
    if (parser.isSet(known.experiment))
        options.experiment = parser.value(known.experiment);
    if (parser.isSet(known.theme)) {
        options.theme = themeFromName(parser.value(known.theme));
        if (!options.theme)
            throw badOption(QStringLiteral("there is no theme '%1'").arg(parser.value(known.theme)), QStringLiteral("--theme"),
                QStringLiteral("use one of system, light, dark"));
    }
    if (parser.isSet(known.grab))
        readGrab(parser, known, options);
    else if (parser.isSet(known.page) || parser.isSet(known.size))
        throw badOption(QStringLiteral("--page and --size need a file to draw the picture to"), QStringLiteral("--grab"),
            QStringLiteral("add --grab FILE.png"));
    return options;
}

QString helpText()
{
    const Known known;
    QCommandLineParser parser;
    known.addTo(parser);
    return parser.helpText();
}

} // namespace pipebd::gui
