#include "store/timeline_strip.h"

#include "base/units.h"
#include "store/html_text.h"
#include "store/line_chart.h"

#include <array>
#include <cstdio>

namespace pipebd::store {

namespace {

using schedule::Op;

constexpr double strip_width = 960;
constexpr double left_margin = 74;
constexpr double right_margin = 8;
constexpr double predicted_height = 8;
constexpr double measured_height = 18;
constexpr double row_height = predicted_height + measured_height + 10;
constexpr double axis_height = 34;

struct Look {
    char letter; // also the CSS class, in lower case
    std::string_view meaning;
};

Look look_of_op(Op op)
{
    switch (op) {
    case Op::TeacherForward:
        return {'T', "teacher forward"};
    case Op::StudentForward:
        return {'F', "student forward"};
    case Op::StudentBackward:
        return {'B', "student backward"};
    case Op::Update:
    case Op::TeacherUpdate:
        return {'U', "update"};
    case Op::Load:
    case Op::Loss:
    case Op::Barrier:
        return {'O', "load, loss, barrier"};
    case Op::Send:
    case Op::Receive:
    case Op::AllReduce:
        return {'C', "communication"};
    }
    return {'O', {}};
}

std::string class_of(Look look)
{
    return std::string("op-") + static_cast<char>(look.letter - 'A' + 'a');
}

const schedule::Instruction* instruction_of(const schedule::Program& program, const schedule::Span& span)
{
    const auto phase = static_cast<std::size_t>(span.phase);
    const auto device = static_cast<std::size_t>(span.device);
    const auto index = static_cast<std::size_t>(span.index);
    if (phase >= program.phases.size() || device >= program.phases[phase].devices.size()
        || index >= program.phases[phase].devices[device].instructions.size())
        return nullptr;
    return &program.phases[phase].devices[device].instructions[index];
}

std::string bar(const schedule::Instruction& instruction, const schedule::Span& span, double scale, double y, double height)
{
    const Look look = look_of_op(instruction.op);
    const double x = left_margin + span.start * scale;
    const double wide = (span.end - span.start) * scale;
    // Communication runs beside a device's own work: along the lower edge of its row.
    const double high = span.communication ? height / 3 : height;
    const double above = span.communication ? y + height - high : y;
    std::string svg = "<rect class=\"" + class_of(look) + "\" x=\"" + coordinate_text(x) + "\" y=\"" + coordinate_text(above)
        + "\" width=\"" + coordinate_text(wide) + "\" height=\"" + coordinate_text(high) + "\"><title>"
        + std::string(schedule::kind_of(instruction.op)) + " " + std::to_string(instruction.block) + ", "
        + format_milliseconds(span.end - span.start) + "</title></rect>";
    const std::string label = look.letter + std::to_string(instruction.block);
    if (!span.communication && look.letter != 'O' && height >= measured_height && wide > 7.5 * static_cast<double>(label.size()))
        svg += "<text class=\"bar\" x=\"" + coordinate_text(x + wide / 2) + "\" y=\"" + coordinate_text(y + height - 5)
            + "\" text-anchor=\"middle\">" + label + "</text>";
    return svg;
}

std::string bars(const schedule::Program& program, const schedule::Timeline& timeline, double scale, double offset, double height)
{
    std::string svg;
    for (const bool communication : {false, true})
        for (const schedule::Span& span : timeline.spans)
            if (const schedule::Instruction* instruction = instruction_of(program, span);
                instruction && span.communication == communication)
                svg += bar(*instruction, span, scale, span.device * row_height + offset, height);
    return svg + "\n";
}

} // namespace

std::string timeline_strip(const schedule::Program& program, const schedule::SideBySide& both, double length)
{
    if (both.measured.spans.empty() || !(length > 0))
        return {};
    const double scale = (strip_width - left_margin - right_margin) / length;
    const double rows = row_height * both.measured.devices;
    std::string svg = "<svg role=\"img\" viewBox=\"0 0 " + coordinate_text(strip_width) + " " + coordinate_text(rows + axis_height)
        + "\"><title>The newest measured step</title>\n";
    for (int device = 0; device < both.measured.devices; ++device) {
        const double y = device * row_height;
        svg += "<rect class=\"idle\" x=\"" + coordinate_text(left_margin) + "\" y=\"" + coordinate_text(y + predicted_height + 2)
            + "\" width=\"" + coordinate_text(both.measured.length() * scale) + "\" height=\""
            + coordinate_text(measured_height) + "\"/><text x=\"" + coordinate_text(left_margin - 8) + "\" y=\""
            + coordinate_text(y + row_height - 14) + "\" text-anchor=\"end\">device " + std::to_string(device) + "</text>";
    }
    svg += bars(program, both.predicted, scale, 0, predicted_height);
    svg += bars(program, both.measured, scale, predicted_height + 2, measured_height);
    for (const double tick : round_ticks(0, length, 8)) {
        const std::string x = coordinate_text(left_margin + tick * scale);
        svg += "<line class=\"axis\" x1=\"" + x + "\" y1=\"" + coordinate_text(rows) + "\" x2=\"" + x + "\" y2=\""
            + coordinate_text(rows + 4) + "\"/><text x=\"" + x + "\" y=\"" + coordinate_text(rows + 17)
            + "\" text-anchor=\"middle\">" + coordinate_text(tick) + "</text>";
    }
    return svg + "<text x=\"" + coordinate_text(strip_width - right_margin) + "\" y=\"" + coordinate_text(rows + 31)
        + "\" text-anchor=\"end\">ms</text></svg>\n";
}

std::string timeline_legend()
{
    std::string html = "<p class=\"legend\">";
    for (const Op op : {Op::TeacherForward, Op::StudentForward, Op::StudentBackward, Op::Update, Op::Send, Op::Load}) {
        const Look look = look_of_op(op);
        html += "<span><i class=\"" + class_of(look) + "\"></i>";
        if (look.letter != 'O' && look.letter != 'C')
            html += std::string(1, look.letter) + ": ";
        html += std::string(look.meaning) + "</span> ";
    }
    return html + "<span>thin bar above: predicted</span></p>\n";
}

} // namespace pipebd::store
