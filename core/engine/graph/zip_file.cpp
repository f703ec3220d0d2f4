#include "engine/graph/zip_file.h"

#include "base/error.h"
#include "base/text.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

namespace pipebd::engine {

namespace {

constexpr std::size_t most_entries = 200'000;
constexpr std::size_t longest_name = 4096;
constexpr std::uint32_t not_here = 0xffffffff; // the value stands in the zip64 field

class ZipReader {
public:
    ZipReader(std::span<const std::byte> bytes, std::string where)
        : bytes_(bytes)
        , where_(std::move(where))
    {
    }

    [[noreturn]] void refuse(const std::string& rule, std::string_view entry = {}) const
    {
        throw Error(Code::Damaged, "the archive cannot be read, " + rule,
            where_ + (entry.empty() ? "" : ", entry " + in_quotes(entry)), "copy or export the file again");
    }

    std::uint64_t size() const { return bytes_.size(); }

    std::span<const std::byte> range(std::uint64_t begin, std::uint64_t length, const char* what) const
    {
        if (begin > size() || length > size() - begin)
            refuse(std::string(what) + " runs past the end of the file");
        return bytes_.subspan(begin, length);
    }

    template <typename T>
    T number(std::uint64_t at, const char* what) const
    {
        T value{};
        std::memcpy(&value, range(at, sizeof value, what).data(), sizeof value); // little-endian, as every machine this runs on
        return value;
    }

private:
    std::span<const std::byte> bytes_;
    std::string where_;
};

struct Directory {
    std::uint64_t begin = 0;
    std::uint64_t size = 0;
    std::uint64_t entries = 0;
};

Directory find_directory(const ZipReader& file)
{
    constexpr std::uint64_t length = 22, longest_comment = 0xffff;
    constexpr std::uint32_t signature = 0x06054b50, signature64 = 0x06064b50, locator = 0x07064b50;
    if (file.size() < length)
        file.refuse("it is too short to be a zip file");
    std::uint64_t end = file.size() - length;
    const std::uint64_t first = end - std::min(end, longest_comment);
    const std::span<const std::byte> last = file.range(first, file.size() - first, "its end");
    while (last[end - first] != std::byte{'P'} || file.number<std::uint32_t>(end, "its end") != signature
        || file.number<std::uint16_t>(end + 20, "its comment") != file.size() - length - end) {
        if (end == first)
            file.refuse("it has no end record: it is incomplete or not a zip file");
        --end;
    }
    Directory directory{.begin = file.number<std::uint32_t>(end + 16, "its end"),
        .size = file.number<std::uint32_t>(end + 12, "its end"),
        .entries = file.number<std::uint16_t>(end + 10, "its end")};
    if (end >= 20 && file.number<std::uint32_t>(end - 20, "its locator") == locator) {
        const auto at = file.number<std::uint64_t>(end - 12, "its locator");
        if (file.number<std::uint32_t>(at, "its zip64 end record") != signature64)
            file.refuse("its zip64 end record is not where it should be");
        directory = {.begin = file.number<std::uint64_t>(at + 48, "its zip64 end record"),
            .size = file.number<std::uint64_t>(at + 40, "its zip64 end record"),
            .entries = file.number<std::uint64_t>(at + 32, "its zip64 end record")};
        end = at;
    }
    file.range(directory.begin, directory.size, "its directory");
    if (directory.begin + directory.size > end)
        file.refuse("its directory runs into its end record");
    if (directory.entries > most_entries)
        file.refuse("it has more than " + std::to_string(most_entries) + " entries");
    return directory;
}

struct Place {
    std::uint64_t begin = 0; // of the local header
    std::uint64_t end = 0; // of the data
};

/// Reads sizes and offset of an entry that are beyond 4 GB from its extra fields.
void read_zip64(
    const ZipReader& file, std::uint64_t at, std::uint64_t end, std::string_view name, std::initializer_list<std::uint64_t*> values)
{
    while (at + 4 <= end) {
        const auto id = file.number<std::uint16_t>(at, "an extra field");
        const auto length = file.number<std::uint16_t>(at + 2, "an extra field");
        at += 4;
        if (length > end - at)
            break;
        if (id == 1) {
            std::uint64_t next = at;
            for (std::uint64_t* value : values) {
                if (*value != not_here)
                    continue;
                if (next + 8 > at + length)
                    file.refuse("its zip64 field is too short", name);
                *value = file.number<std::uint64_t>(next, "a zip64 field");
                next += 8;
            }
            return;
        }
        at += length;
    }
}

/// Where the data of an entry begin, by the header in front of them.
std::uint64_t data_behind(const ZipReader& file, std::uint64_t local, std::string_view name, std::span<const std::byte> name_bytes)
{
    constexpr std::uint64_t local_fixed = 30; // bytes in front of the name
    if (file.number<std::uint32_t>(local, "an entry") != 0x04034b50)
        file.refuse("an entry is not where the directory says", name);
    const std::uint64_t local_name = file.number<std::uint16_t>(local + 26, "an entry");
    const std::uint64_t local_extra = file.number<std::uint16_t>(local + 28, "an entry");
    const auto name_there = file.range(local + local_fixed, local_name, "an entry");
    if (!std::ranges::equal(name_there, name_bytes))
        file.refuse("an entry's name differs from that in the directory", name);
    return local + local_fixed + local_name + local_extra;
}

} // namespace

ZipFile::ZipFile(std::span<const std::byte> bytes, std::string where)
    : where_(std::move(where))
{
    const ZipReader file(bytes, where_);
    const Directory directory = find_directory(file);
    std::vector<std::pair<Place, std::string_view>> places;
    std::uint64_t at = directory.begin;
    const std::uint64_t end = directory.begin + directory.size;
    for (std::uint64_t i = 0; i < directory.entries; ++i) {
        constexpr std::uint64_t fixed = 46;
        if (end - at < fixed || file.number<std::uint32_t>(at, "its directory") != 0x02014b50)
            file.refuse("its directory ends before its " + std::to_string(directory.entries) + " entries");
        const auto flags = file.number<std::uint16_t>(at + 8, "its directory");
        const auto method = file.number<std::uint16_t>(at + 10, "its directory");
        const std::uint64_t name_length = file.number<std::uint16_t>(at + 28, "its directory");
        const std::uint64_t extra_length = file.number<std::uint16_t>(at + 30, "its directory");
        const std::uint64_t comment_length = file.number<std::uint16_t>(at + 32, "its directory");
        std::uint64_t stored = file.number<std::uint32_t>(at + 20, "its directory");
        std::uint64_t size = file.number<std::uint32_t>(at + 24, "its directory");
        std::uint64_t local = file.number<std::uint32_t>(at + 42, "its directory");
        const std::uint64_t after = at + fixed + name_length + extra_length + comment_length;
        if (after > end || name_length > longest_name)
            file.refuse("its directory has a name that is too long");
        const std::span<const std::byte> name_bytes = file.range(at + fixed, name_length, "a name");
        const std::string_view name(reinterpret_cast<const char*>(name_bytes.data()), name_bytes.size());
        read_zip64(file, at + fixed + name_length, after - comment_length, name, {&size, &stored, &local});

        if (flags & 1U)
            file.refuse("an entry is encrypted", name);
        if (method != 0 || stored != size)
            file.refuse("an entry is compressed, which torch.export.save never does", name);
        const std::uint64_t data = data_behind(file, local, name, name_bytes);
        if (data > directory.begin || size > directory.begin - data)
            file.refuse("an entry runs into the directory", name);
        entries_.push_back({.name = std::string(name),
            .data = file.range(data, size, "an entry"),
            .crc32 = file.number<std::uint32_t>(at + 16, "its directory")});
        places.push_back({{local, data + size}, name});
        at = after;
    }
    if (at != end)
        file.refuse("its directory is longer than its entries");

    std::ranges::sort(places, {}, [](const auto& place) { return place.first.begin; });
    for (std::size_t i = 1; i < places.size(); ++i) {
        if (places[i].first.begin < places[i - 1].first.end)
            file.refuse("two entries overlap", places[i].second);
    }
    std::ranges::sort(entries_, {}, &Entry::name);
    for (std::size_t i = 1; i < entries_.size(); ++i) {
        if (entries_[i].name == entries_[i - 1].name)
            file.refuse("two entries have the same name", entries_[i].name);
    }
}

const ZipFile::Entry* ZipFile::find(std::string_view name) const
{
    const auto found
        = std::ranges::lower_bound(entries_, name, {}, [](const Entry& entry) -> std::string_view { return entry.name; });
    return found != entries_.end() && found->name == name ? &*found : nullptr;
}

void ZipFile::check(const Entry& entry) const
{
    if (pipebd::engine::crc32(entry.data) != entry.crc32)
        throw Error(Code::Damaged, "an entry of the archive does not match its checksum",
            where_ + ", entry " + in_quotes(entry.name), "copy or export the file again");
}

std::uint32_t crc32(std::span<const std::byte> bytes)
{
    // Eight bytes at a time, by tables of how a byte acts on the remainder from so many places in front.
    static const auto tables = [] {
        std::array<std::array<std::uint32_t, 256>, 8> made{};
        for (std::uint32_t byte = 0; byte < 256; ++byte) {
            std::uint32_t value = byte;
            for (int bit = 0; bit < 8; ++bit)
                value = (value >> 1) ^ ((value & 1U) != 0 ? 0xedb88320U : 0U);
            made[0][byte] = value;
        }
        for (std::size_t place = 1; place < made.size(); ++place) {
            for (std::size_t byte = 0; byte < 256; ++byte)
                made[place][byte] = (made[place - 1][byte] >> 8) ^ made[0][made[place - 1][byte] & 0xffU];
        }
        return made;
    }();
    std::uint32_t value = 0xffffffff;
    while (bytes.size() >= 8) {
        std::uint64_t word = 0;
        std::memcpy(&word, bytes.data(), sizeof word);
        word ^= value;
        value = 0;
        for (std::size_t place = 0; place < 8; ++place)
            value ^= tables[7 - place][(word >> (8 * place)) & 0xffU];
        bytes = bytes.subspan(8);
    }
    for (std::byte byte : bytes)
        value = (value >> 8) ^ tables[0][(value ^ static_cast<std::uint32_t>(byte)) & 0xffU];
    return ~value;
}

} // namespace pipebd::engine
