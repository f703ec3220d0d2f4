// ZipFile: the entries of a zip archive in memory, as torch.export.save writes them: stored, not compressed.
//
// Every number in the archive is checked before it is used; entries may not overlap. Names are only ever compared, never used as
// paths. Nothing is copied: the bytes must outlive it. Archives beyond 4 GB (zip64) and data descriptors are read.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace pipebd::engine {

class ZipFile {
public:
    struct Entry {
        std::string name;
        std::span<const std::byte> data;
        std::uint32_t crc32 = 0; // as the archive says
    };

    /// Throws Error{Damaged}, with `where` as its place, for the first rule that is broken.
    ZipFile(std::span<const std::byte> bytes, std::string where);

    const std::vector<Entry>& entries() const { return entries_; }
    const std::string& where() const { return where_; }

    /// Null if there is none of that name.
    const Entry* find(std::string_view name) const;

    /// Throws Error{Damaged} if the entry's data does not match its checksum.
    void check(const Entry& entry) const;

private:
    std::string where_;
    std::vector<Entry> entries_; // by name
};

/// CRC-32 as in zip (ISO 3309).
std::uint32_t crc32(std::span<const std::byte> bytes);

} // namespace pipebd::engine
