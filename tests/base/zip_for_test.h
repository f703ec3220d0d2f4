// Small zip archives of stored files, as other programs write them but for the check sums, which are 0.
#pragma once

#include "base_testing.h"

#include <utility>

namespace pipebd {

/// The `files`, one after another, and their directory. With `zip64` sizes and places stand where Zip64 has them.
inline std::string zipOf(const std::vector<std::pair<std::string, std::string>>& files, bool zip64 = false)
{
    const auto number = [](std::uint64_t value, std::size_t size) { return littleEndian(value).substr(0, size); };
    constexpr std::uint64_t elsewhere = 0xffffffff;
    std::string archive;
    std::string directory;
    for (const auto& [name, contents] : files) {
        const std::uint64_t at = archive.size();
        const std::string crc_and_sizes = number(0, 4) + number(contents.size(), 4) + number(contents.size(), 4);
        archive += "PK\x03\x04" + number(20, 2) + number(0, 8) + crc_and_sizes + number(name.size(), 2) + number(0, 2) + name
            + contents;
        const std::string extra = zip64
            ? number(1, 2) + number(24, 2) + number(contents.size(), 8) + number(contents.size(), 8) + number(at, 8)
            : std::string();
        directory += "PK\x01\x02" + number(20, 2) + number(20, 2) + number(0, 8)
            + (zip64 ? number(0, 4) + number(elsewhere, 4) + number(elsewhere, 4) : crc_and_sizes) + number(name.size(), 2)
            + number(extra.size(), 2) + number(0, 8) + number(0, 2) + number(zip64 ? elsewhere : at, 4) + name + extra;
    }
    const std::uint64_t begin = archive.size();
    const std::uint64_t end = begin + directory.size();
    const std::uint64_t count = files.size();
    archive += directory;
    if (zip64)
        archive += "PK\x06\x06" + number(44, 8) + number(45, 2) + number(45, 2) + number(0, 8) + number(count, 8) + number(count, 8)
            + number(directory.size(), 8) + number(begin, 8) + "PK\x06\x07" + number(0, 4) + number(end, 8) + number(1, 4);
    return archive + "PK\x05\x06" + number(0, 4) + number(count, 2) + number(count, 2)
        + number(zip64 ? elsewhere : directory.size(), 4) + number(zip64 ? elsewhere : begin, 4) + number(0, 2);
}

} // namespace pipebd
