// ShownProfile: a stored profile that is on the page, and what is computed of it for charts and tables.
#pragma once

#include "schedule/profile.h"
#include "store/stored_profile.h"

#include <QString>

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <vector>

namespace pipebd::gui {

struct ShownProfile {
    store::StoredProfile stored;
    std::shared_ptr<const schedule::Profile> profile;
};

/// The profiles of a lab, and those of `ids` with their figures.
struct ProfilesRead {
    std::vector<store::StoredProfile> stored;
    std::map<std::string, std::shared_ptr<const schedule::Profile>> loaded; // by id
    std::map<std::string, QString> errors; // of those of `ids` that cannot be read
};

/// Opens the lab: for another thread than the GUI's. Throws like store::Lab.
ProfilesRead readProfiles(const std::filesystem::path& lab, const std::set<std::string>& ids);

bool isImported(const store::ProfileKey& key);
/// The host that it was measured on, or "imported from FILE".
QString machineOf(const store::ProfileKey& key);
/// Device and machine: what tells it from profiles of others.
QString labelOf(const store::StoredProfile& profile);

enum class TimeKind { TeacherForward, StudentForward, StudentBackward, Update };
inline constexpr TimeKind timeKinds[]
    = {TimeKind::TeacherForward, TimeKind::StudentForward, TimeKind::StudentBackward, TimeKind::Update};

QString letterOf(TimeKind kind); // "T", "F", "B", "U", as in schedules
QString nameOf(TimeKind kind); // "teacher forward"

/// Milliseconds for `samples`; none if that was not measured. An update takes the same for every size.
std::optional<double> timeOf(const schedule::BlockProfile& block, TimeKind kind, int samples);
/// (p90 - p10) / median of its repeats; none if it is not known.
std::optional<double> spreadOf(const schedule::BlockProfile& block, TimeKind kind, int samples);
/// Of all blocks, or of one; none if a block was not measured for that many samples.
std::optional<double> timeOf(const schedule::Profile& profile, TimeKind kind, int samples, int block);

/// For which every block has every time.
std::set<int> measuredSizes(const schedule::Profile& profile);

enum class MemoryKind { Teacher, Student, Gradients, Optimizer, Activations, Outputs };
inline constexpr MemoryKind memoryKinds[] = {MemoryKind::Teacher, MemoryKind::Student, MemoryKind::Gradients, MemoryKind::Optimizer,
    MemoryKind::Activations, MemoryKind::Outputs};

QString letterOf(MemoryKind kind);
QString nameOf(MemoryKind kind);
double memoryOf(const schedule::BlockProfile& block, MemoryKind kind, int samples); // bytes

} // namespace pipebd::gui
