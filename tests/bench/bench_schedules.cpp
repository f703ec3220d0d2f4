// How fast the schedules page follows a slider: from a key to the picture of the new plan.
#include "base/file.h"
#include "base/statistics.h"
#include "gui/kit/optional_slider.h"
#include "gui/kit/settings.h"
#include "gui/schedules/schedules_page.h"
#include "gui/schedules/what_if_panel.h"
#include "gui/timeline/timeline_view.h"
#include "store/lab.h"

#include <QApplication>
#include <QElapsedTimer>
#include <QSlider>
#include <QTemporaryDir>

#include <cstdio>
#include <vector>

using namespace pipebd;
using namespace pipebd::gui;

namespace {

void settle(const SchedulesPage& page)
{
    while (!page.isSettled())
        QCoreApplication::processEvents(QEventLoop::WaitForMoreEvents);
    QCoreApplication::sendPostedEvents();
    QCoreApplication::processEvents();
}

} // namespace

int main(int argc, char** argv)
{
    qputenv("QT_QPA_PLATFORM", "offscreen");
    QApplication application(argc, argv);
    const QTemporaryDir folder;
    Settings settings(folder.filePath(QStringLiteral("settings.ini")));
    store::Lab lab(folder.path().toStdString());
    const std::string file = std::string(PIPEBD_SOURCE_DIR) + "/tests/schedule/rtx-a6000.json";
    lab.save_profile({.pair = "nas-imagenet", .batch = 256, .dtype = "float32", .devices = "cuda:0,cuda:1,cuda:2,cuda:3"},
        schedule::profile_from_json(read_file(file), file));
    SchedulesPage page(settings);
    page.resize(1280, 700);
    page.openLab(folder.path().toStdString());
    page.show();
    page.comeToFront();
    settle(page);
    for (const int devices : {2, 4, 8}) {
        page.whatIf()->setDevices(devices);
        settle(page);
        QSlider* slider = page.findChild<OptionalSlider*>(QStringLiteral("link"))->slider();
        std::vector<double> times;
        for (int i = 0; i < 60; ++i) {
            QElapsedTimer timer;
            timer.start();
            slider->setValue(60 + i);
            settle(page);
            page.grab(); // what was not drawn yet
            times.push_back(static_cast<double>(timer.nsecsElapsed()) / 1e6);
        }
        std::printf("%d devices, 6 blocks, 8 strategies: %.1f ms (median), %.1f ms (p90) from slider to picture\n", devices,
            quantile(times, 0.5), quantile(times, 0.9));
    }
    return 0;
}
