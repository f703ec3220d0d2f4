#include "gui/timeline/timeline_words.h"

#include <QCoreApplication>
#include <QLocale>
#include <QRegularExpression>
#include <QStringList>

#include <algorithm>
#include <cmath>

namespace pipebd::gui {

namespace {

using schedule::Instruction;
using schedule::Op;
using schedule::Payload;

QString tr(const char* text)
{
    return QCoreApplication::translate("TimelineWords", text);
}

QString payloadWords(Payload payload)
{
    switch (payload) {
    case Payload::TeacherOutput:
        return tr("the teacher's output");
    case Payload::StudentOutput:
        return tr("the student's output");
    case Payload::StudentGradient:
        break;
    }
    return tr("the student's gradient");
}

QString opWords(const Instruction& instruction)
{
    const int block = instruction.block;
    switch (instruction.op) {
    case Op::Load:
        return tr("load of the data");
    case Op::Receive:
        return tr("receive of %1 of block %2 from device %3")
            .arg(payloadWords(instruction.payload))
            .arg(block)
            .arg(instruction.peer);
    case Op::Send:
        return tr("send of %1 of block %2 to device %3").arg(payloadWords(instruction.payload)).arg(block).arg(instruction.peer);
    case Op::TeacherForward:
        return tr("teacher forward of block %1").arg(block);
    case Op::StudentForward:
        return tr("student forward of block %1").arg(block);
    case Op::Loss:
        return tr("loss");
    case Op::StudentBackward:
        return tr("student backward of block %1").arg(block);
    case Op::AllReduce: {
        QStringList group;
        for (const int device : instruction.group)
            group << QString::number(device);
        return tr("all-reduce of block %1 over devices %2").arg(QString::number(block), group.join(QStringLiteral(", ")));
    }
    case Op::Update:
        return tr("update of block %1").arg(block);
    case Op::TeacherUpdate:
        return tr("teacher update of block %1").arg(block);
    case Op::Barrier:
        break;
    }
    return tr("barrier");
}

/// The greatest number of decimals that say something where times are `resolution` ms apart.
int decimalsFor(double resolution)
{
    return resolution > 0 ? std::clamp(static_cast<int>(std::ceil(-std::log10(resolution) - 1e-9)), 0, 6) : 1;
}

std::optional<double> numberFrom(const QString& text)
{
    bool ok = false;
    double value = QLocale().toDouble(text, &ok);
    if (!ok)
        value = QLocale::c().toDouble(text, &ok);
    return ok && std::isfinite(value) ? std::optional(value) : std::nullopt;
}

} // namespace

QString activityName(Activity activity)
{
    switch (activity) {
    case Activity::Load:
        return tr("load");
    case Activity::TeacherForward:
        return tr("teacher forward");
    case Activity::StudentForward:
        return tr("student forward");
    case Activity::StudentBackward:
        return tr("student backward");
    case Activity::Update:
        return tr("update");
    case Activity::Communication:
        return tr("communication");
    case Activity::Barrier:
        break;
    }
    return tr("barrier");
}

QString activityLetter(Activity activity)
{
    switch (activity) {
    case Activity::Load:
        return QStringLiteral("L");
    case Activity::TeacherForward:
        return QStringLiteral("T");
    case Activity::StudentForward:
        return QStringLiteral("F");
    case Activity::StudentBackward:
        return QStringLiteral("B");
    case Activity::Update:
        return QStringLiteral("U");
    case Activity::Communication:
    case Activity::Barrier:
        break;
    }
    return {};
}

QString shortText(const Instruction& instruction)
{
    switch (instruction.op) {
    case Op::Load:
        return QStringLiteral("L");
    case Op::TeacherForward:
    case Op::StudentForward:
    case Op::StudentBackward:
    case Op::Update:
        return activityLetter(activityOf(instruction.op)) + QString::number(instruction.block);
    case Op::TeacherUpdate:
        return QStringLiteral("M%1").arg(instruction.block);
    case Op::AllReduce:
        return QStringLiteral("A%1").arg(instruction.block);
    case Op::Send:
        return QStringLiteral(">%1").arg(instruction.peer);
    case Op::Receive:
        return QStringLiteral("<%1").arg(instruction.peer);
    case Op::Loss:
        return QStringLiteral("loss");
    case Op::Barrier:
        break;
    }
    return {};
}

QString words(const Instruction& instruction)
{
    QStringList all{opWords(instruction)};
    if (instruction.microbatch != 0)
        all << tr("microbatch %1").arg(instruction.microbatch);
    if (instruction.view != 0)
        all << tr("view %1").arg(instruction.view);
    if (instruction.parts != 1)
        all << tr("part %1 of %2").arg(instruction.part).arg(instruction.parts);
    if (instruction.shard.count != 1)
        all << tr("shard %1 of %2").arg(instruction.shard.index).arg(instruction.shard.count);
    return all.join(QStringLiteral(", "));
}

QString timeText(double milliseconds, double resolution)
{
    return tr("%1 ms").arg(QLocale().toString(milliseconds, 'f', decimalsFor(resolution)));
}

QString rangeText(TimeRange times)
{
    const double length = std::abs(times.length());
    const int decimals = decimalsFor(length > 0 ? length / 10 : 0.001); // two significant digits of the length
    const auto text = [decimals](double time) { return QLocale().toString(time, 'f', std::max(1, decimals)); };
    return tr("%1 to %2 ms (%3 ms)").arg(text(times.from), text(times.to), text(times.length()));
}

QString words(const DrawnTimeline& timeline, std::size_t device, const DrawnSpan& span)
{
    const Instruction& instruction = timeline.instruction(device, span);
    QStringList all{words(instruction), timeline.devices[device].name};
    if (timeline.program->phases.size() > 1)
        all << tr("phase %1").arg(span.phase);
    all << tr("step %1").arg(span.step);
    if (instruction.ahead != 0)
        all << tr("on the batch of step %1").arg(span.step + instruction.ahead);
    all << rangeText({span.start, span.end});
    return all.join(QStringLiteral(", "));
}

std::optional<TimeRange> rangeFromText(const QString& text)
{
    static const QRegularExpression pattern(
        QStringLiteral(R"(^\s*(-?[\d.,']*\d)\s*(?:ms)?\s*(?:\.\.+|…|–|-|to|;|\s)\s*(-?[\d.,']*\d)\s*(?:ms)?\s*$)"));
    const QRegularExpressionMatch match = pattern.match(text);
    if (!match.hasMatch())
        return std::nullopt;
    const std::optional<double> from = numberFrom(match.captured(1));
    const std::optional<double> to = numberFrom(match.captured(2));
    if (!from || !to || *to <= *from)
        return std::nullopt;
    return TimeRange{*from, *to};
}

} // namespace pipebd::gui
