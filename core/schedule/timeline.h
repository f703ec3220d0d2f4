// Timeline: when each instruction ran, predicted by the simulator or measured by the engine. Milliseconds from the first Load.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace pipebd::schedule {

struct Span {
    int device = 0;
    bool communication = false; // Send, Receive, AllReduce: on the links, beside the device's own work
    int phase = 0;
    int step = 0;
    int index = 0; // of the instruction in its device's program of that phase
    double start = 0;
    double end = 0;
};

struct Timeline {
    std::vector<Span> spans; // by device, then start
    int devices = 0;

    double length() const; // end of the last span
};

/// The same spans, so that a device's idle time can be read off: busy milliseconds of each device, communication left out.
std::vector<double> busy_time(const Timeline& timeline);

/// By device, the share of its own steps in which it computes: from where its first step of a phase begins to compute to where the
/// last one does, and of a phase with one step to where that ends. 0 without spans.
std::vector<double> busy_share(const Timeline& timeline);

} // namespace pipebd::schedule
