#include "gui_testing.h"

#include <QImage>
#include <QProcess>

namespace pipebd::gui {

class CommandLineTest : public QObject {
    Q_OBJECT

private slots:
    void init() { failOnAnyWarning(); }
    void helpAndVersionNeedNoDisplay();
    void everyPageCanBeDrawn_data();
    void everyPageCanBeDrawn();
    void themesDiffer();
    void whatCannotBeDoneIsOneLineAndExitStatusTwo_data();
    void whatCannotBeDoneIsOneLineAndExitStatusTwo();
};

namespace {

struct Outcome {
    int status = -1;
    QString output;
    QString error;
};

// The program, run where there is no display and nobody's settings.
Outcome runWorkbench(const QStringList& arguments, const QString& home)
{
    QProcess process;
    QProcessEnvironment environment = QProcessEnvironment::systemEnvironment();
    for (const char* name : {"DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"})
        environment.remove(name);
    environment.insert("XDG_CONFIG_HOME", home);
    environment.insert("XDG_RUNTIME_DIR", home);
    process.setProcessEnvironment(environment);
    process.start(WORKBENCH, arguments);
    process.waitForFinished(30000);
    return {process.exitStatus() == QProcess::NormalExit ? process.exitCode() : -1,
        QString::fromUtf8(process.readAllStandardOutput()), QString::fromUtf8(process.readAllStandardError())};
}

int coloursOf(const QImage& image)
{
    QSet<QRgb> colours;
    for (int y = 0; y < image.height(); y += 2)
        for (int x = 0; x < image.width(); x += 2)
            colours << image.pixel(x, y);
    return static_cast<int>(colours.size());
}

} // namespace

void CommandLineTest::helpAndVersionNeedNoDisplay()
{
    const QTemporaryDir home;
    const Outcome help = runWorkbench({"--help"}, home.path());
    QCOMPARE(help.status, 0);
    for (const char* option : {"--lab", "--grab", "--page", "--run", "--size"})
        QVERIFY2(help.output.contains(option), option);
    const Outcome version = runWorkbench({"--version"}, home.path());
    QCOMPARE(version.status, 0);
    QVERIFY(version.output.startsWith("pipebd-workbench "));
}

void CommandLineTest::everyPageCanBeDrawn_data()
{
    QTest::addColumn<QStringList>("arguments");
    QTest::newRow("runs") << QStringList{"--page", "runs", "--size", "1000x700"};
    QTest::newRow("run") << QStringList{"--page", "run", "--run", "1", "--size", "1000x700"};
    QTest::newRow("start") << QStringList{"--page", "start", "--size", "700x560"};
    QTest::newRow("welcome") << QStringList{"--page", "welcome", "--size", "800x600"};
}

void CommandLineTest::everyPageCanBeDrawn()
{
    QFETCH(QStringList, arguments);
    TestLab lab;
    lab.addFinishedRun("digits-nas", 60);
    const QString picture = lab.file("page.png");
    const QString experiment = lab.writeExperiment("digits.toml", "pair = \"nas-digits\"\n");
    if (arguments.contains("start"))
        arguments << "--experiment" << experiment;

    const Outcome outcome
        = runWorkbench(QStringList{"--lab", QString::fromStdString(lab.path()), "--grab", picture} + arguments, lab.file("home"));

    QCOMPARE(outcome.error, QString());
    QCOMPARE(outcome.status, 0);
    const QImage image(picture);
    const QStringList size = arguments[arguments.indexOf("--size") + 1].split('x');
    QCOMPARE(image.size(), QSize(size[0].toInt(), size[1].toInt()));
    QVERIFY2(coloursOf(image) > 40, qPrintable(QString::number(coloursOf(image))));
}

void CommandLineTest::themesDiffer()
{
    TestLab lab;
    const QStringList common{"--lab", QString::fromStdString(lab.path()), "--page", "welcome", "--size", "300x300", "--grab"};
    QCOMPARE(runWorkbench(common + QStringList{lab.file("dark.png"), "--theme", "dark"}, lab.file("home")).status, 0);
    QCOMPARE(runWorkbench(common + QStringList{lab.file("light.png"), "--theme", "light"}, lab.file("home")).status, 0);
    QVERIFY(QImage(lab.file("dark.png")).pixelColor(2, 2).lightness() + 100
        < QImage(lab.file("light.png")).pixelColor(2, 2).lightness());
}

void CommandLineTest::whatCannotBeDoneIsOneLineAndExitStatusTwo_data() // I1
{
    QTest::addColumn<QStringList>("arguments");
    QTest::addColumn<QString>("names");
    QTest::newRow("unknown option") << QStringList{"--labb", "x"} << "labb";
    QTest::newRow("unknown page") << QStringList{"--grab", "LAB/a.png", "--page", "everything"} << "welcome";
    QTest::newRow("no page") << QStringList{"--grab", "LAB/a.png"} << "--page";
    QTest::newRow("unknown run") << QStringList{"--grab", "LAB/a.png", "--page", "run", "--run", "99"} << "99";
    QTest::newRow("no runs") << QStringList{"--grab", "LAB/a.png", "--page", "run"} << "pipebd run";
    QTest::newRow("no id") << QStringList{"--run", "seven"} << "seven";
    QTest::newRow("bad size") << QStringList{"--grab", "LAB/a.png", "--page", "runs", "--size", "big"} << "big";
    QTest::newRow("bad theme") << QStringList{"--theme", "pink"} << "pink";
    QTest::newRow("unwritable file") << QStringList{"--grab", "/proc/none/a.png", "--page", "welcome"} << "/proc/none/a.png";
    QTest::newRow("missing file") << QStringList{"nothing.toml"} << "nothing.toml";
    QTest::newRow("folder that is no run") << QStringList{"LAB"} << "not a run";
    QTest::newRow("page without a file") << QStringList{"--page", "runs"} << "--grab";
    QTest::newRow("no display") << QStringList{} << "display";
}

void CommandLineTest::whatCannotBeDoneIsOneLineAndExitStatusTwo()
{
    QFETCH(QStringList, arguments);
    QFETCH(QString, names);
    TestLab lab;
    arguments.replaceInStrings("LAB", QString::fromStdString(lab.path()));
    const Outcome outcome = runWorkbench(QStringList{"--lab", QString::fromStdString(lab.path())} + arguments, lab.file("home"));
    QCOMPARE(outcome.status, 2);
    QVERIFY2(outcome.error.startsWith("pipebd-workbench: error: "), qPrintable(outcome.error));
    QCOMPARE(outcome.error.count('\n'), 1);
    QVERIFY2(outcome.error.contains(names), qPrintable(outcome.error));
}

} // namespace pipebd::gui

QTEST_MAIN(pipebd::gui::CommandLineTest)
#include "test_command_line.moc"
