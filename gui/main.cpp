#include "base/error.h"
#include "base/foreign_error.h"
#include "gui/about.h"
#include "gui/grab.h"
#include "gui/kit/icons.h"
#include "gui/main_window.h"
#include "gui/options.h"

#include <QApplication>
#include <QLibraryInfo>
#include <QLocale>
#include <QTranslator>

#include <cstdio>
#include <exception>
#include <utility>

namespace pipebd::gui {

namespace {

constexpr int exitBadRequest = 2;

int print(const QString& text)
{
    std::fputs(qPrintable(text), stdout);
    return 0;
}

// The offscreen platform complains of what it cannot do with windows that nobody sees.
void dropOffscreenComplaints(QtMsgType type, const QMessageLogContext& context, const QString& message)
{
    if (!message.startsWith(QLatin1String("This plugin does not support")))
        std::fprintf(stderr, "%s\n", qPrintable(qFormatLogMessage(type, context, message)));
}

void prepare(const Options& options)
{
    if (options.action == Options::Action::Grab)
        qInstallMessageHandler(dropOffscreenComplaints);
    if (options.action == Options::Action::Grab && qEnvironmentVariableIsEmpty("QT_QPA_PLATFORM"))
        qputenv("QT_QPA_PLATFORM", "offscreen");
    if (qEnvironmentVariableIsEmpty("QT_QPA_PLATFORM") && qEnvironmentVariableIsEmpty("DISPLAY")
        && qEnvironmentVariableIsEmpty("WAYLAND_DISPLAY"))
        throw Error(Code::BadRequest, "there is no display", "DISPLAY, WAYLAND_DISPLAY",
            "use pipebd in this terminal, or draw a page with --grab");
}

// Ours from beside the program as it is installed, Qt's own from where Qt has them; English where there is none.
void installTranslations(QApplication& application)
{
    const QString ours = QCoreApplication::applicationDirPath() + QStringLiteral("/../share/pipebd/translations");
    for (const auto& [name, folder] : {std::pair(QStringLiteral("pipebd-workbench"), ours),
             std::pair(QStringLiteral("qtbase"), QLibraryInfo::path(QLibraryInfo::TranslationsPath))}) {
        auto* translator = new QTranslator(&application);
        if (translator->load(QLocale(), name, QStringLiteral("_"), folder))
            QCoreApplication::installTranslator(translator);
    }
}

int runWindow(QApplication& application, const Options& options)
{
    installTranslations(application);
    Settings settings;
    applyTheme(options.theme.value_or(settings.theme()));
    MainWindow window(settings, options.lab);
    if (options.run)
        window.selectRun(*options.run);
    window.show();
    if (!options.experiment.isEmpty())
        window.openFile(options.experiment);
    return application.exec();
}

int run(int argc, char** argv)
{
    QStringList arguments;
    for (int i = 0; i < argc; ++i)
        arguments << QString::fromLocal8Bit(argv[i]);
    const Options options = readOptions(arguments);
    setApplicationIdentity();
    if (options.action == Options::Action::Help || options.action == Options::Action::Version) {
        const QCoreApplication application(argc, argv);
        return print(
            options.action == Options::Action::Help ? helpText() : QStringLiteral("pipebd-workbench %1\n").arg(programVersion()));
    }
    prepare(options);
    QApplication application(argc, argv);
    QGuiApplication::setDesktopFileName(QStringLiteral("io.github.pipebd.Workbench"));
    QApplication::setWindowIcon(applicationIcon());
    if (options.action == Options::Action::ShowWindow)
        return runWindow(application, options);
    applyTheme(options.theme.value_or(Theme::Light));
    grabPage(options);
    return 0;
}

} // namespace

} // namespace pipebd::gui

int main(int argc, char** argv)
{
    try {
        return pipebd::gui::run(argc, argv);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "pipebd-workbench: error: %s\n", pipebd::error_from(error, "pipebd-workbench").what());
        return pipebd::gui::exitBadRequest;
    }
}
