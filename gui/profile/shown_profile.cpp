#include "gui/profile/shown_profile.h"

#include "gui/kit/error_text.h"
#include "store/lab.h"

#include <QCoreApplication>
#include <QRegularExpression>

namespace pipebd::gui {

namespace {

constexpr std::string_view importedFrom = "imported from "; // as Lab::import_profile() writes it

QString profileWords(const char* text)
{
    return QCoreApplication::translate("Profile", text);
}

const schedule::TimeBySamples& timesOf(const schedule::BlockProfile& block, TimeKind kind)
{
    return kind == TimeKind::TeacherForward ? block.teacher_forward
        : kind == TimeKind::StudentForward  ? block.student_forward
                                            : block.student_backward;
}

std::string keyOf(TimeKind kind)
{
    switch (kind) {
    case TimeKind::TeacherForward:
        return "teacher_forward";
    case TimeKind::StudentForward:
        return "student_forward";
    case TimeKind::StudentBackward:
        return "student_backward";
    case TimeKind::Update:
        break;
    }
    return "update";
}

} // namespace

ProfilesRead readProfiles(const std::filesystem::path& lab, const std::set<std::string>& ids)
{
    const store::Lab opened(lab, store::Lab::Mode::ExistingOrEmpty);
    ProfilesRead read{opened.profiles(), {}, {}};
    for (const store::StoredProfile& stored : read.stored) {
        if (!ids.contains(stored.id))
            continue;
        try {
            if (std::optional<schedule::Profile> profile = opened.profile(stored.key))
                read.loaded[stored.id] = std::make_shared<const schedule::Profile>(std::move(*profile));
        } catch (...) {
            read.errors[stored.id] = currentErrorText();
        }
    }
    return read;
}

bool isImported(const store::ProfileKey& key)
{
    return key.conditions.starts_with(importedFrom);
}

QString machineOf(const store::ProfileKey& key)
{
    const QString conditions = QString::fromStdString(key.conditions);
    if (isImported(key))
        return profileWords("imported from %1").arg(conditions.mid(static_cast<qsizetype>(importedFrom.size())));
    static const QRegularExpression pair(QStringLiteral(", pair [0-9a-f]+$")); // of an imported pair
    return QString(conditions).remove(pair).section(QStringLiteral(", "), -1); // pipebd writes the host last
}

QString labelOf(const store::StoredProfile& profile)
{
    const QString device = QString::fromStdString(profile.device.empty() ? profile.key.devices : profile.device);
    return QStringLiteral("%1, %2").arg(device, machineOf(profile.key));
}

QString letterOf(TimeKind kind)
{
    static const QString letters = QStringLiteral("TFBU");
    return letters.mid(static_cast<int>(kind), 1);
}

QString nameOf(TimeKind kind)
{
    switch (kind) {
    case TimeKind::TeacherForward:
        return profileWords("teacher forward");
    case TimeKind::StudentForward:
        return profileWords("student forward");
    case TimeKind::StudentBackward:
        return profileWords("student backward");
    case TimeKind::Update:
        break;
    }
    return profileWords("update");
}

std::optional<double> timeOf(const schedule::BlockProfile& block, TimeKind kind, int samples)
{
    if (kind == TimeKind::Update)
        return block.update;
    const auto found = timesOf(block, kind).find(samples);
    return found == timesOf(block, kind).end() ? std::nullopt : std::optional(found->second);
}

std::optional<double> spreadOf(const schedule::BlockProfile& block, TimeKind kind, int samples)
{
    const auto spread = block.spread.find(keyOf(kind));
    if (spread == block.spread.end() || spread->second.empty())
        return std::nullopt;
    if (kind == TimeKind::Update)
        return spread->second.rbegin()->second;
    const auto found = spread->second.find(samples);
    return found == spread->second.end() ? std::nullopt : std::optional(found->second);
}

std::optional<double> timeOf(const schedule::Profile& profile, TimeKind kind, int samples, int block)
{
    double sum = 0;
    for (int i = 0; i < static_cast<int>(profile.blocks.size()); ++i) {
        if (block >= 0 && i != block)
            continue;
        const std::optional<double> time = timeOf(profile.blocks[static_cast<std::size_t>(i)], kind, samples);
        if (!time)
            return std::nullopt;
        sum += *time;
    }
    return sum;
}

std::set<int> measuredSizes(const schedule::Profile& profile)
{
    std::set<int> sizes;
    for (const auto& [samples, time] : profile.blocks.front().teacher_forward) {
        bool everywhere = true;
        for (const TimeKind kind : timeKinds)
            everywhere = everywhere && timeOf(profile, kind, samples, -1);
        if (everywhere)
            sizes.insert(samples);
    }
    return sizes;
}

QString letterOf(MemoryKind kind)
{
    static const QString letters = QStringLiteral("TSGOAR");
    return letters.mid(static_cast<int>(kind), 1);
}

QString nameOf(MemoryKind kind)
{
    switch (kind) {
    case MemoryKind::Teacher:
        return profileWords("teacher");
    case MemoryKind::Student:
        return profileWords("student");
    case MemoryKind::Gradients:
        return profileWords("gradients");
    case MemoryKind::Optimizer:
        return profileWords("optimizer");
    case MemoryKind::Activations:
        return profileWords("activations");
    case MemoryKind::Outputs:
        break;
    }
    return profileWords("outputs");
}

double memoryOf(const schedule::BlockProfile& block, MemoryKind kind, int samples)
{
    const auto bytes = [](std::int64_t count) { return static_cast<double>(count); };
    switch (kind) {
    case MemoryKind::Teacher:
        return bytes(block.teacher_bytes);
    case MemoryKind::Student:
        return bytes(block.student_bytes);
    case MemoryKind::Gradients:
        return bytes(block.gradient_bytes);
    case MemoryKind::Optimizer:
        return bytes(block.optimizer_bytes);
    case MemoryKind::Activations:
        return bytes(block.activation_bytes) * samples;
    case MemoryKind::Outputs:
        break;
    }
    return bytes(block.output_bytes) * samples;
}

} // namespace pipebd::gui
