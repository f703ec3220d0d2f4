#include "base/zip_directory.h"

#include <algorithm>
#include <cstdint>
#include <optional>

namespace pipebd {

namespace {

// PKWARE's APPNOTE.TXT, 4.3.7 (local header), 4.3.12 (central directory), 4.3.14 to 4.3.16 (its end), 4.5.3 (Zip64).
constexpr std::string_view local_signature = "PK\x03\x04";
constexpr std::string_view central_signature = "PK\x01\x02";
constexpr std::string_view end_signature = "PK\x05\x06";
constexpr std::string_view end64_signature = "PK\x06\x06";
constexpr std::string_view locator64_signature = "PK\x06\x07";
constexpr std::size_t local_size = 30;
constexpr std::size_t central_size = 46;
constexpr std::size_t end_size = 22;
constexpr std::size_t end64_size = 56;
constexpr std::size_t locator64_size = 20;
constexpr std::size_t longest_comment = 0xffff;
constexpr std::uint32_t in_zip64 = 0xffffffff;

std::uint64_t number(std::string_view bytes, std::size_t at, std::size_t size)
{
    std::uint64_t value = 0;
    for (std::size_t i = size; i-- > 0;)
        value = value << 8 | static_cast<unsigned char>(bytes[at + i]);
    return value;
}

/// `size` bytes from `offset` on; empty if they are not all there.
std::string_view part(std::string_view bytes, std::uint64_t offset, std::uint64_t size)
{
    if (offset > bytes.size() || size > bytes.size() - offset)
        return {};
    return bytes.substr(static_cast<std::size_t>(offset), static_cast<std::size_t>(size));
}

std::string_view header(std::string_view bytes, std::uint64_t offset, std::uint64_t size, std::string_view signature)
{
    const std::string_view found = part(bytes, offset, size);
    return found.starts_with(signature) ? found : std::string_view();
}

/// The central directory, from its first entry on; empty if there is none.
std::string_view central_directory(std::string_view archive)
{
    if (archive.size() < end_size)
        return {};
    const std::size_t last = archive.size() - end_size;
    const std::size_t at = archive.rfind(end_signature, last);
    if (at == std::string_view::npos || last - at > longest_comment)
        return {};
    std::uint64_t size = number(archive, at + 12, 4);
    std::uint64_t offset = number(archive, at + 16, 4);
    if (at >= locator64_size) {
        const std::string_view locator = header(archive, at - locator64_size, locator64_size, locator64_signature);
        const std::string_view end64
            = locator.empty() ? locator : header(archive, number(locator, 8, 8), end64_size, end64_signature);
        if (!end64.empty()) {
            size = number(end64, 40, 8);
            offset = number(end64, 48, 8);
        }
    }
    return part(archive, offset, size);
}

struct Place {
    std::uint64_t size;
    std::uint64_t packed_size;
    std::uint64_t offset;
};

/// Numbers that do not fit into 32 bits stand in the extra field of kind 1, those that are needed, in this order.
void take_zip64(std::string_view extra, Place& place)
{
    while (extra.size() >= 4) {
        const std::uint64_t length = number(extra, 2, 2);
        std::string_view field = part(extra, 4, length);
        if (number(extra, 0, 2) == 1) {
            for (std::uint64_t* value : {&place.size, &place.packed_size, &place.offset}) {
                if (*value != in_zip64 || field.size() < 8)
                    continue;
                *value = number(field, 0, 8);
                field.remove_prefix(8);
            }
            return;
        }
        extra.remove_prefix(std::min<std::size_t>(extra.size(), 4 + static_cast<std::size_t>(length)));
    }
}

std::string_view stored_bytes(std::string_view archive, std::string_view entry, std::string_view extra)
{
    constexpr std::uint64_t encrypted = 1;
    Place place = {number(entry, 24, 4), number(entry, 20, 4), number(entry, 42, 4)};
    take_zip64(extra, place);
    const bool plain = number(entry, 10, 2) == 0 && (number(entry, 8, 2) & encrypted) == 0 && place.size == place.packed_size;
    const std::string_view local = header(archive, place.offset, local_size, local_signature);
    if (!plain || local.empty())
        return {};
    return part(archive, place.offset + local_size + number(local, 26, 2) + number(local, 28, 2), place.size);
}

} // namespace

std::vector<ZipEntry> zip_directory(std::string_view archive)
{
    std::vector<ZipEntry> entries;
    std::string_view rest = central_directory(archive);
    while (true) {
        const std::string_view entry = header(rest, 0, central_size, central_signature);
        if (entry.empty())
            return entries;
        const std::uint64_t name_size = number(entry, 28, 2);
        const std::uint64_t extra_size = number(entry, 30, 2);
        const std::uint64_t whole = central_size + name_size + extra_size + number(entry, 32, 2);
        if (part(rest, 0, whole).empty())
            return entries;
        const std::string_view name = part(rest, central_size, name_size);
        entries.push_back({name, stored_bytes(archive, entry, part(rest, central_size + name_size, extra_size))});
        rest.remove_prefix(static_cast<std::size_t>(whole));
    }
}

} // namespace pipebd
