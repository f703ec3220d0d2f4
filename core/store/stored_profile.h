// StoredProfile: a profile that a lab keeps, and what it was measured for.
#pragma once

#include <string>
#include <string_view>

namespace pipebd::store {

/// What a stored profile was measured for; equal keys replace each other.
struct ProfileKey {
    std::string pair;
    int batch = 0;
    std::string dtype;
    std::string devices; // "cpu,cpu"; of an imported one the name of the device it was measured on
    std::string conditions = {}; // what else it depends on, in words: optimizer, batch norm, machine; or where it was imported from

    bool operator==(const ProfileKey&) const = default;
};

struct StoredProfile {
    std::string id; // 8 hexadecimal digits, of the key: the same when it is measured again
    ProfileKey key;
    std::string device; // its name, as measured; empty if the profile cannot be read
    std::string measured; // or imported; ISO 8601, UTC

    /// Measured elsewhere: its devices are none of this computer's.
    bool imported() const { return key.conditions.starts_with(imported_from); }

    static constexpr std::string_view imported_from = "imported from ";
};

/// The id of what is stored under `key`.
std::string profile_id(const ProfileKey& key);

} // namespace pipebd::store
