// What is installed for the desktop and for `man` is as their own tools want it, and says the same as the programs.
#include "gui_testing.h"

#include <QFile>
#include <QImage>
#include <QProcess>
#include <QRegularExpression>
#include <QSet>
#include <QStandardPaths>

namespace pipebd::gui {

class PackagingTest : public QObject {
    Q_OBJECT

private slots:
    void theMetainfoIsValid();
    void theDesktopFileIsValid();
    void allNamesAreOfTheSameApplication();
    void iconsHaveTheirSizes();
    void manualPagesAreCleanToTheirReader_data();
    void manualPagesAreCleanToTheirReader();
    void theManualOfPipebdHasEveryCommandAndOption();
    void theManualOfTheWorkbenchHasEveryOption();
    void theManualOfTheEngineHasEveryCommand();
};

namespace {

const QString packaging = QStringLiteral(PIPEBD_SOURCE_DIR "/packaging/");
const QString application = QStringLiteral("io.github.pipebd.Workbench");

struct Outcome {
    int status = -1;
    QString output;
};

Outcome run(const QString& program, const QStringList& arguments)
{
    QProcess process;
    process.setProcessChannelMode(QProcess::MergedChannels);
    process.start(program, arguments);
    process.waitForFinished(30000);
    return {
        process.exitStatus() == QProcess::NormalExit ? process.exitCode() : -1, QString::fromUtf8(process.readAllStandardOutput())};
}

QString textOf(const QString& name)
{
    QFile file(name);
    return file.open(QIODevice::ReadOnly) ? QString::fromUtf8(file.readAll()) : QString();
}

// "--devices", of what a program says of itself.
QSet<QString> optionsIn(const QString& text)
{
    static const QRegularExpression option(QStringLiteral("(?<![\\w-])--[a-z][a-z-]*"));
    QSet<QString> found;
    for (auto match = option.globalMatch(text); match.hasNext();)
        found << match.next().captured();
    return found;
}

// Of an mdoc source: "Fl -devices".
QSet<QString> optionsOfManual(const QString& source)
{
    static const QRegularExpression option(QStringLiteral("^\\.It .*?Fl (-[a-z][a-z-]*)"), QRegularExpression::MultilineOption);
    QSet<QString> found;
    for (auto match = option.globalMatch(source); match.hasNext();)
        found << QLatin1Char('-') + match.next().captured(1);
    return found;
}

QString sorted(const QSet<QString>& set)
{
    QStringList list(set.begin(), set.end());
    list.sort();
    return list.join(QLatin1Char(' '));
}

// The names under "Subcommands:".
QStringList commandsIn(const QString& help)
{
    static const QRegularExpression command(QStringLiteral("^  ([a-z]+) "), QRegularExpression::MultilineOption);
    QStringList names;
    const qsizetype begin = help.indexOf(QLatin1String("Subcommands:"));
    if (begin >= 0)
        for (auto match = command.globalMatch(help.mid(begin)); match.hasNext();)
            names << match.next().captured(1);
    return names;
}

void collect(const QStringList& command, QMap<QString, QSet<QString>>& known)
{
    const QString help = run(QStringLiteral(PIPEBD_BIN_DIR "/pipebd"), command + QStringList{"--help"}).output;
    QSet<QString> options = optionsIn(help.section(QStringLiteral("Options:"), 1));
    options.remove("--help");
    const QStringList inner = commandsIn(help);
    if (command.isEmpty() || inner.isEmpty())
        known[command.join(' ')] = options;
    for (const QString& name : inner)
        collect(command + QStringList{name}, known);
}

} // namespace

void PackagingTest::theMetainfoIsValid()
{
    const QString tool = QStandardPaths::findExecutable("appstreamcli");
    if (tool.isEmpty())
        QSKIP("appstreamcli (package appstream) is not here: the metainfo is not checked");
    const Outcome outcome = run(tool, {"validate", "--no-net", packaging + "freedesktop/" + application + ".metainfo.xml"});
    QVERIFY2(outcome.status == 0, qPrintable(outcome.output));
}

void PackagingTest::theDesktopFileIsValid()
{
    const QString tool = QStandardPaths::findExecutable("desktop-file-validate");
    if (tool.isEmpty())
        QSKIP("desktop-file-validate (package desktop-file-utils) is not here: the desktop file is not checked");
    const Outcome outcome = run(tool, {packaging + "freedesktop/" + application + ".desktop"});
    QVERIFY2(outcome.status == 0 && outcome.output.isEmpty(), qPrintable(outcome.output));
}

void PackagingTest::allNamesAreOfTheSameApplication()
{
    const QString desktop = textOf(packaging + "freedesktop/" + application + ".desktop");
    QVERIFY(desktop.contains("\nIcon=" + application + "\n"));
    QVERIFY(desktop.contains("\nExec=pipebd-workbench %f\n"));
    const QString metainfo = textOf(packaging + "freedesktop/" + application + ".metainfo.xml");
    QVERIFY(metainfo.contains("<id>" + application + "</id>"));
    QVERIFY(metainfo.contains(application + ".desktop</launchable>"));
    static const QRegularExpression type(QStringLiteral("MimeType=([^;]+);"));
    const QString mime = type.match(desktop).captured(1);
    QVERIFY(!mime.isEmpty());
    QVERIFY(textOf(packaging + "freedesktop/" + application + ".xml").contains("type=\"" + mime + "\""));
    QVERIFY(metainfo.contains("<mediatype>" + mime + "</mediatype>"));
    QVERIFY(textOf(QStringLiteral(PIPEBD_SOURCE_DIR "/gui/main.cpp")).contains("\"" + application + "\""));
    static const QRegularExpression picture(QStringLiteral("main/(docs/images/[^<]+)"));
    for (auto match = picture.globalMatch(metainfo); match.hasNext();) {
        const QString file = match.next().captured(1);
        QVERIFY2(QFile::exists(QStringLiteral(PIPEBD_SOURCE_DIR "/") + file), qPrintable(file));
    }
}

void PackagingTest::iconsHaveTheirSizes()
{
    for (const int size : {16, 24, 32, 48, 64, 128, 256})
        QCOMPARE(QImage(packaging + QStringLiteral("icons/%1.png").arg(size)).size(), QSize(size, size));
}

void PackagingTest::manualPagesAreCleanToTheirReader_data()
{
    QTest::addColumn<QString>("page");
    for (const char* page : {"pipebd", "pipebd-engine", "pipebd-workbench"})
        QTest::newRow(page) << page;
}

void PackagingTest::manualPagesAreCleanToTheirReader()
{
    QFETCH(QString, page);
    const QString file = packaging + "man/" + page + ".1";
    QVERIFY(QFile::exists(file));
    const QString mandoc = QStandardPaths::findExecutable("mandoc");
    const QString groff = QStandardPaths::findExecutable("groff");
    if (mandoc.isEmpty() && groff.isEmpty())
        QSKIP("neither mandoc nor groff is here: the manual page is not checked");
    const Outcome outcome
        = mandoc.isEmpty() ? run(groff, {"-mandoc", "-Tutf8", "-ww", "-z", file}) : run(mandoc, {"-Tlint", "-Wwarning", file});
    QVERIFY2(outcome.status == 0 && outcome.output.isEmpty(), qPrintable(outcome.output));
}

void PackagingTest::theManualOfPipebdHasEveryCommandAndOption()
{
    QMap<QString, QSet<QString>> known;
    collect({}, known);
    QVERIFY(known.size() > 12);
    const QString source = textOf(packaging + "man/pipebd.1");
    QSet<QString> told;
    for (auto command = known.begin(); command != known.end(); ++command) {
        if (command.key().isEmpty()) {
            QCOMPARE(sorted(optionsOfManual(source.section("\n.Sh COMMANDS\n", 0, 0))), sorted(command.value()));
            continue;
        }
        const QString title = "\n.Ss pipebd " + command.key();
        static const QRegularExpression next(QStringLiteral("\n\\.S[sh] "));
        qsizetype begin = source.indexOf(title + '\n');
        begin = begin < 0 ? source.indexOf(title + ' ') : begin;
        QVERIFY2(begin >= 0, qPrintable(command.key()));
        const qsizetype end = source.indexOf(next, begin + title.size());
        QVERIFY2(sorted(optionsOfManual(source.mid(begin, end - begin))) == sorted(command.value()),
            qPrintable(command.key() + ": " + sorted(command.value())));
        told << command.key();
    }
    QCOMPARE(source.count("\n.Ss pipebd "), told.size());
}

void PackagingTest::theManualOfTheWorkbenchHasEveryOption()
{
    QCOMPARE(sorted(optionsOfManual(textOf(packaging + "man/pipebd-workbench.1")
                                        .replace(QStringLiteral("Fl h , "), QString())
                                        .replace(QStringLiteral("Fl v , "), QString()))),
        sorted(optionsIn(run(QStringLiteral(WORKBENCH), {"--help"}).output)));
}

// It has no help but the line it refuses others with, which is in its source.
void PackagingTest::theManualOfTheEngineHasEveryCommand()
{
    const QString source = textOf(QStringLiteral(PIPEBD_SOURCE_DIR "/core/engine/main.cpp"));
    const QString manual = textOf(packaging + "man/pipebd-engine.1");
    static const QRegularExpression command(QStringLiteral("command == \"([a-z]+)\""));
    int commands = 0;
    for (auto match = command.globalMatch(source); match.hasNext(); ++commands) {
        const QString name = match.next().captured(1);
        QVERIFY2(manual.contains(".It Cm " + name), qPrintable(name));
    }
    QVERIFY(commands >= 7);
    for (const QString& option : optionsIn(source))
        QVERIFY2(manual.contains("Fl " + option.mid(1)), qPrintable(option));
}

} // namespace pipebd::gui

QTEST_MAIN(pipebd::gui::PackagingTest)
#include "test_packaging.moc"
