#include "schedule/trace.h"

#include "schedule/exchanges.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace pipebd::schedule {

namespace {

constexpr int compute_thread = 1;
constexpr int first_communication_thread = 2;

std::string json_text(std::string_view text)
{
    return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string_view category_of(Op op)
{
    switch (op) {
    case Op::Load:
        return "load";
    case Op::TeacherForward:
    case Op::TeacherUpdate:
        return "teacher";
    case Op::StudentForward:
    case Op::Loss:
        return "student forward";
    case Op::StudentBackward:
        return "backward";
    case Op::Update:
        return "update";
    case Op::Barrier:
        return "barrier";
    case Op::Receive:
    case Op::Send:
    case Op::AllReduce:
        break;
    }
    return "communication";
}

/// Writes events one after another into one text.
class Events {
public:
    void begin(char phase, int process, int thread)
    {
        text_ += text_.empty() ? "" : ",\n";
        text_ += R"({"ph":")";
        text_ += phase;
        text_ += R"(","pid":)" + std::to_string(process) + R"(,"tid":)" + std::to_string(thread);
    }
    void put(std::string_view key, std::string_view json)
    {
        text_ += ",\"";
        text_ += key;
        text_ += "\":";
        text_ += json;
    }
    void put_time(std::string_view key, double milliseconds) // in the format's microseconds
    {
        char buffer[64];
        const auto [end, error] = std::to_chars(buffer, buffer + sizeof buffer, milliseconds * 1000);
        put(key, std::string_view(buffer, error == std::errc{} ? static_cast<std::size_t>(end - buffer) : 0));
    }
    void end() { text_ += '}'; }

    void metadata(std::string_view what, int process, int thread, std::string_view arguments)
    {
        begin('M', process, thread);
        put("name", json_text(what));
        put("args", arguments);
        end();
    }

    std::string take() { return std::move(text_); }

private:
    std::string text_;
};

/// The lowest thread that is free at a span's start. Spans come by start.
class Lanes {
public:
    int take(const Span& span)
    {
        std::size_t lane = 0;
        while (lane < busy_until_.size() && busy_until_[lane] > span.start)
            ++lane;
        if (lane == busy_until_.size())
            busy_until_.push_back(0);
        busy_until_[lane] = span.end;
        return first_communication_thread + static_cast<int>(lane);
    }
    int count() const { return static_cast<int>(busy_until_.size()); }

private:
    std::vector<double> busy_until_;
};

struct End {
    int process = 0;
    int thread = 0;
    double start = 0;
};

struct Arrow {
    std::optional<End> send;
    std::optional<End> receive;
};

using Arrows = std::map<std::vector<int>, Arrow>; // by exchange

class Tracer {
public:
    /// The devices of `traced` are the processes `first_process`, `first_process + stride`, ...
    void add(const Traced& traced, int first_process, int stride, Grouping grouping)
    {
        first_process_ = first_process;
        stride_ = stride;
        Arrows arrows;
        std::vector<Lanes> lanes(static_cast<std::size_t>(traced.timeline.devices));
        for (const Span& span : traced.timeline.spans)
            add_span(traced, span, lanes[static_cast<std::size_t>(span.device)], arrows);
        for (int device = 0; device < traced.timeline.devices; ++device)
            name(device, title_of(traced, device, grouping), lanes[static_cast<std::size_t>(device)].count());
        for (const auto& [exchange, arrow] : arrows)
            add_arrow(arrow);
        for (std::size_t device = 0; device < traced.memory.size(); ++device)
            add_memory(traced.memory[device], process_of(static_cast<int>(device)));
    }

    std::string take() { return "{\"displayTimeUnit\":\"ms\",\"traceEvents\":[\n" + events_.take() + "\n]}\n"; }

private:
    int process_of(int device) const { return first_process_ + device * stride_; }

    static std::string title_of(const Traced& traced, int device, Grouping grouping)
    {
        const std::string title = "device " + std::to_string(device);
        const std::string name(traced.name);
        if (name.empty())
            return title;
        return grouping == Grouping::ByDevice ? title + ' ' + name : name + ' ' + title;
    }

    void name(int device, const std::string& title, int lanes)
    {
        const int process = process_of(device);
        events_.metadata("process_name", process, 0, "{\"name\":" + json_text(title) + '}');
        events_.metadata("process_sort_index", process, 0, "{\"sort_index\":" + std::to_string(process) + '}');
        events_.metadata("thread_name", process, compute_thread, R"({"name":"compute"})");
        for (int lane = 0; lane < lanes; ++lane) {
            const std::string number = lane == 0 ? "" : ' ' + std::to_string(lane + 1);
            events_.metadata("thread_name", process, first_communication_thread + lane,
                "{\"name\":" + json_text("communication" + number) + '}');
        }
    }

    void add_span(const Traced& traced, const Span& span, Lanes& lanes, Arrows& arrows)
    {
        const Instruction& instruction = traced.program.phases[static_cast<std::size_t>(span.phase)]
                                             .devices[static_cast<std::size_t>(span.device)]
                                             .instructions[static_cast<std::size_t>(span.index)];
        const int process = process_of(span.device);
        const int thread = span.communication ? lanes.take(span) : compute_thread;
        events_.begin('X', process, thread);
        events_.put("name", json_text(to_text(instruction)));
        events_.put("cat", json_text(category_of(instruction.op)));
        events_.put_time("ts", span.start);
        events_.put_time("dur", span.end - span.start);
        events_.put("args",
            "{\"phase\":" + std::to_string(span.phase) + ",\"step\":" + std::to_string(span.step)
                + ",\"batch\":" + std::to_string(span.step + instruction.ahead) + ",\"index\":" + std::to_string(span.index) + '}');
        events_.end();
        if (instruction.op == Op::Send)
            arrows[exchange_of(traced.program, span, instruction)].send = End{process, thread, span.start};
        else if (instruction.op == Op::Receive)
            arrows[exchange_of(traced.program, span, instruction)].receive = End{process, thread, span.start};
    }

    /// Nothing if one of its ends lies outside the timeline.
    void add_arrow(const Arrow& arrow)
    {
        if (!arrow.send || !arrow.receive)
            return;
        const std::string id = std::to_string(next_arrow_++);
        const auto add_end = [&](char phase, const End& end) {
            events_.begin(phase, end.process, end.thread);
            events_.put("id", id);
            events_.put("name", R"("relay")");
            events_.put("cat", R"("relay")");
            events_.put_time("ts", end.start);
            if (phase == 'f')
                events_.put("bp", R"("e")");
            events_.end();
        };
        add_end('s', *arrow.send);
        add_end('f', *arrow.receive);
    }

    void add_memory(const std::vector<MemoryPoint>& points, int process)
    {
        for (const MemoryPoint& point : points) {
            events_.begin('C', process, 0);
            events_.put("name", R"("memory")");
            events_.put_time("ts", point.time);
            events_.put("args", "{\"bytes\":" + std::to_string(point.bytes) + '}');
            events_.end();
        }
    }

    Events events_;
    int first_process_ = 1;
    int stride_ = 1;
    std::uint64_t next_arrow_ = 1;
};

} // namespace

std::string to_chrome_trace(std::span<const Traced> all, Grouping grouping)
{
    Tracer tracer;
    const bool by_device = grouping == Grouping::ByDevice;
    int process = 1;
    for (const Traced& traced : all) {
        tracer.add(traced, process, by_device ? static_cast<int>(all.size()) : 1, grouping);
        process += by_device ? 1 : traced.timeline.devices;
    }
    return tracer.take();
}

} // namespace pipebd::schedule
