// How long Gantt charts take to draw, and to follow a slider: processor time of the thread that draws, which other work on the
// machine disturbs less. Run it with QT_QPA_PLATFORM=offscreen.

#include "gantt_workload.h"

#include "gui/kit/theme.h"
#include "gui/timeline/timeline_plot.h"
#include "gui/timeline/timeline_table_model.h"
#include "gui/timeline/timeline_view.h"

#include <QApplication>

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <functional>
#include <vector>

using namespace pipebd::gui;

namespace {

double processor_ms()
{
    timespec time{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) * 1e3 + static_cast<double>(time.tv_nsec) * 1e-6;
}

/// Median of `times` runs.
double median_ms(int times, const std::function<void()>& body)
{
    std::vector<double> all;
    for (int i = 0; i < times; ++i) {
        const double start = processor_ms();
        body();
        all.push_back(processor_ms() - start);
    }
    std::nth_element(all.begin(), all.begin() + times / 2, all.end());
    return all[static_cast<std::size_t>(times / 2)];
}

void print_drawing(TimelineView& view, const char* what)
{
    std::printf("%s: %.2f ms\n", what, median_ms(51, [&] { view.plot().replot(); }));
}

} // namespace

int main(int argc, char** argv)
{
    QApplication application(argc, argv);
    applyTheme(Theme::Light);
    const pipebd::schedule::Profile profile = uneven_profile(8, 4);

    TimelineView view;
    view.resize(1600, 600);
    view.show();
    const DrawnTimelinePtr many = drawn("tr+dpu", profile, 4, 2600);
    view.setTimelines({many});
    QApplication::processEvents();
    std::printf("1600 x 600 pixels, %zu spans on 4 devices\n", many->spanCount());
    print_drawing(view, "all in view");
    for (const double share : {0.1, 0.01, 0.001}) {
        const double middle = many->end / 2;
        view.showTimes({middle, middle + share * many->end});
        print_drawing(view, share == 0.1 ? "a tenth in view" : share == 0.01 ? "a hundredth in view" : "a thousandth in view");
    }
    view.fit();
    QApplication::processEvents();
    std::printf("the selection of everything summed up: %.2f ms\n", median_ms(11, [&] {
        view.select({0, many->end}, {{0, 0}, {0, 1}, {0, 2}, {0, 3}});
    }));
    view.clearMarks();
    view.setCursors({1, 2});
    double time = 0;
    std::printf("a cursor moved: %.2f ms\n", median_ms(51, [&] {
        view.setCursors({1, time += 100});
        QApplication::processEvents();
    }));
    TimelineTableModel table;
    std::printf("as a table: %.2f ms\n", median_ms(11, [&] { table.setTimelines({many}); }));

    std::vector<std::vector<DrawnTimelinePtr>> sliders;
    for (const double load : {0.002, 0.004})
        for (const char* strategy : {"dp", "ls", "tr", "tr+dpu"}) {
            if (sliders.empty() || sliders.back().size() == 4)
                sliders.emplace_back();
            sliders.back().push_back(drawn(strategy, uneven_profile(8, 4, load), 4, 12));
        }
    std::size_t spans = 0;
    for (const DrawnTimelinePtr& timeline : sliders.front())
        spans += timeline->spanCount();
    int turn = 0;
    const auto follow = [&] {
        view.setTimelines(sliders[static_cast<std::size_t>(++turn % 2)]);
        view.plot().replot();
        QApplication::processEvents();
    };
    std::printf("4 strategies of 12 steps on 4 devices (%zu spans) replaced and drawn: %.2f ms", spans, median_ms(51, follow));
    view.showTimes({20, 80});
    std::printf(", zoomed in %.2f ms\n", median_ms(51, follow));
    std::printf("made ready for drawing, in a thread: %.2f ms\n",
        median_ms(11, [&] { drawnTimeline(many->name, many->program, many->timeline()); }));
    return 0;
}
