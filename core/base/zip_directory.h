// The directory of a zip archive: names, and the bytes of what is stored without compression.
#pragma once

#include <string_view>
#include <vector>

namespace pipebd {

struct ZipEntry {
    std::string_view name;
    std::string_view stored; // its bytes; empty if they are compressed, encrypted or not all there
};

/// The entries in the order of the directory, as far as it can be read: none for what is no zip archive or has lost its end. The
/// views are into `archive`. Bounds are checked, nothing is unpacked; Zip64 archives are read, archives of several parts are not.
std::vector<ZipEntry> zip_directory(std::string_view archive);

} // namespace pipebd
