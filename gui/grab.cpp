#include "gui/grab.h"

#include "base/error.h"
#include "gui/kit/error_text.h"
#include "gui/kit/message_page.h"
#include "gui/kit/settings.h"
#include "gui/lab/found_devices.h"
#include "gui/lab/page.h"
#include "gui/main_window.h"
#include "gui/options.h"
#include "gui/runs/run_list.h"
#include "gui/runs/run_page.h"
#include "gui/start/start_dialog.h"

#include <QAction>
#include <QApplication>
#include <QEventLoop>
#include <QPixmap>
#include <QSaveFile>
#include <QTemporaryDir>
#include <QTimer>

#include <chrono>

namespace pipebd::gui {

using namespace std::chrono_literals;

namespace {

constexpr auto patience = 60s; // pipebd may have to be asked about every pair

// Waits until `isReady`, asked again at each signal that was connected to `loop`'s quit.
template <typename Ready>
void waitFor(QEventLoop& loop, Ready isReady, const std::filesystem::path& lab)
{
    QTimer timer;
    timer.setSingleShot(true);
    QObject::connect(&timer, &QTimer::timeout, &loop, &QEventLoop::quit);
    timer.start(patience);
    while (!isReady() && timer.isActive())
        loop.exec();
    if (!isReady())
        throw Error(
            Code::TimedOut, "reading the page's data took more than 60 s", lab.string(), "check the lab with pipebd doctor");
}

void lay(QWidget& widget, QSize size, QSize defaultSize)
{
    widget.setAttribute(Qt::WA_DontShowOnScreen);
    widget.resize(size.isEmpty() ? defaultSize : size);
    widget.show();
    QApplication::sendPostedEvents();
}

void write(QWidget& widget, const QString& name)
{
    QApplication::sendPostedEvents();
    QSaveFile file(name);
    if (!file.open(QIODevice::WriteOnly) || !widget.grab().save(&file, "PNG") || !file.commit())
        throw Error(
            Code::System, "the picture cannot be written", name.toStdString(), "name a file in a folder that you can write to");
}

void grabWindow(Settings& settings, const Options& options)
{
    MainWindow window(settings, options.lab);
    QString problem;
    QEventLoop loop;
    QObject::connect(&window, &MainWindow::settled, &loop, &QEventLoop::quit);
    QObject::connect(&window, &MainWindow::labFailed, &loop, [&](const QString& error) {
        problem = error;
        loop.quit();
    });
    lay(window, options.size, {1280, 800});
    waitFor(
        loop, [&] { return window.isSettled() || !problem.isEmpty(); }, options.lab);
    if (!problem.isEmpty())
        throw Error(Code::BadRequest, problem.toStdString(), options.lab.string());
    if (options.run && window.runPage()->runId() != options.run) {
        window.selectRun(*options.run);
        if (!window.runList()->model().find(*options.run))
            throw Error(
                Code::NotFound, "there is no run " + std::to_string(*options.run), options.lab.string(), "see pipebd runs list");
        waitFor(
            loop, [&] { return window.isSettled(); }, options.lab);
    }
    if (options.page != QLatin1String("run") && options.page != QLatin1String("timeline")) { // the whole window
        if (!options.compared.empty())
            window.compareRuns(options.compared);
        window.showPage(options.page);
        waitFor(
            loop, [&] { return window.isSettled(); }, options.lab);
        window.currentPage()->drawNow();
        write(window, options.grabFile);
        return;
    }
    if (!window.runPage()->runId())
        throw Error(Code::NotFound, "there are no runs to show", options.lab.string(), "start one with pipebd run");
    window.showOnlyThePage();
    lay(window, options.size, {1100, 720});
    if (options.page == QLatin1String("timeline")) {
        window.runPage()->showTimeline();
        waitFor(
            loop, [&] { return window.isSettled(); }, options.lab);
    }
    window.runPage()->drawNow();
    write(window, options.grabFile);
}

void grabStartDialog(Settings& settings, const Options& options)
{
    FoundDevices devices;
    StartDialog dialog(settings, options.lab, devices);
    QEventLoop loop;
    QObject::connect(&devices, &FoundDevices::changed, &loop, &QEventLoop::quit);
    for (const auto signal : {&StartDialog::read, &StartDialog::checked})
        QObject::connect(&dialog, signal, &loop, &QEventLoop::quit);
    if (!options.experiment.isEmpty())
        dialog.setFile(options.experiment);
    lay(dialog, options.size, dialog.size());
    waitFor(
        loop, [&] { return (devices.isKnown() || !devices.problem().isEmpty()) && dialog.isChecked(); }, options.lab);
    write(dialog, options.grabFile);
}

void grabWelcome(const Options& options)
{
    QAction start(QObject::tr("&Start a run…"));
    QAction findSchedule(QObject::tr("&Compare schedules…"));
    QAction openLab(QObject::tr("&Open another lab…"));
    const std::unique_ptr<MessagePage> page(makeWelcomePage(toQString(options.lab), &start, &findSchedule, &openLab));
    page->setAutoFillBackground(true);
    lay(*page, options.size, {900, 700});
    write(*page, options.grabFile);
}

} // namespace

void grabPage(const Options& options)
{
    // Nobody's settings but the defaults, so that equal labs give equal pictures.
    const QTemporaryDir folder;
    Settings settings(folder.filePath(QStringLiteral("settings.ini")));
    if (options.page == QLatin1String("start"))
        grabStartDialog(settings, options);
    else if (options.page == QLatin1String("welcome"))
        grabWelcome(options);
    else
        grabWindow(settings, options);
}

} // namespace pipebd::gui
