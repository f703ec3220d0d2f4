#include "base/safetensors.h"

#include "base/error.h"
#include "base/safetensors_header.h"
#include "base/text.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <tuple>
#include <utility>

namespace pipebd {

namespace {

constexpr std::size_t length_bytes = 8;
constexpr std::uint64_t longest_header = 100'000'000;

struct DTypeRow {
    DType dtype;
    std::string_view name;
    std::size_t bytes;
};

constexpr std::array<DTypeRow, 10> dtypes = {{
    {DType::Bool, "BOOL", 1},
    {DType::U8, "U8", 1},
    {DType::I8, "I8", 1},
    {DType::I16, "I16", 2},
    {DType::I32, "I32", 4},
    {DType::I64, "I64", 8},
    {DType::F16, "F16", 2},
    {DType::BF16, "BF16", 2},
    {DType::F32, "F32", 4},
    {DType::F64, "F64", 8},
}};

const DTypeRow& row_of(DType dtype)
{
    for (const DTypeRow& row : dtypes)
        if (row.dtype == dtype)
            return row;
    throw Error(Code::Internal, "unknown dtype", std::to_string(static_cast<int>(dtype)));
}

// Nothing if a size is negative or the product does not fit in 64 bits.
std::optional<std::uint64_t> bytes_of(DType dtype, const std::vector<std::int64_t>& shape)
{
    std::uint64_t bytes = size_in_bytes(dtype);
    bool overflow = false;
    for (std::int64_t size : shape) {
        if (size < 0)
            return std::nullopt;
        if (size == 0)
            return 0;
        overflow = overflow || __builtin_mul_overflow(bytes, static_cast<std::uint64_t>(size), &bytes);
    }
    return overflow ? std::nullopt : std::optional(bytes);
}

void check_entry(const safetensors::Entry& entry, std::uint64_t data_size, std::string_view where)
{
    const auto range = [&] { return "[" + std::to_string(entry.begin) + ", " + std::to_string(entry.end) + ")"; };
    if (entry.begin > entry.end)
        throw safetensors::damaged("the end of its data lies before the start " + range(), where, entry.name);
    if (entry.end > data_size)
        throw safetensors::damaged(
            "its data " + range() + " runs past the end of the file, which has " + std::to_string(data_size) + " bytes of data",
            where, entry.name);
    const auto bytes = bytes_of(entry.dtype, entry.shape);
    if (!bytes)
        throw safetensors::damaged("its shape overflows 64 bits", where, entry.name);
    if (*bytes != entry.end - entry.begin)
        throw safetensors::damaged(
            "its shape needs " + std::to_string(*bytes) + " bytes but its data has " + std::to_string(entry.end - entry.begin),
            where, entry.name);
}

void check_names(const std::vector<safetensors::Entry>& entries, std::string_view where)
{
    std::vector<const std::string*> names;
    names.reserve(entries.size());
    for (const safetensors::Entry& entry : entries)
        names.push_back(&entry.name);
    std::sort(names.begin(), names.end(), [](const auto* a, const auto* b) { return *a < *b; });
    const auto twice = std::adjacent_find(names.begin(), names.end(), [](const auto* a, const auto* b) { return *a == *b; });
    if (twice != names.end())
        throw safetensors::damaged("two tensors have the same name", where, **twice);
}

// The data must be covered from its first byte to its last, once. Expects the entries by their place in it.
void check_coverage(const std::vector<safetensors::Entry>& entries, std::uint64_t data_size, std::string_view where)
{
    std::uint64_t covered = 0;
    for (const safetensors::Entry& entry : entries) {
        if (entry.begin < covered)
            throw safetensors::damaged("its data overlaps that of another tensor", where, entry.name);
        if (entry.begin > covered)
            throw safetensors::damaged(
                "there is a gap of " + std::to_string(entry.begin - covered) + " bytes before its data", where, entry.name);
        covered = entry.end;
    }
    if (covered != data_size)
        throw safetensors::damaged(std::to_string(data_size - covered) + " bytes at the end belong to no tensor", where);
}

Error cannot_write(const std::string& what, const std::filesystem::path& file, std::string_view tensor)
{
    return {Code::BadRequest, "cannot write safetensors: " + what, file.native() + ", tensor " + in_quotes(tensor),
        "give every tensor a unique name in UTF-8 and as many bytes as its shape needs"};
}

std::string header_of(
    const std::vector<TensorView>& tensors, const std::map<std::string, std::string>& metadata, const std::filesystem::path& file)
{
    nlohmann::ordered_json header = nlohmann::ordered_json::object();
    if (!metadata.empty())
        header[safetensors::metadata_key] = metadata;
    std::uint64_t offset = 0;
    for (const TensorView& tensor : tensors) {
        if (!is_utf8(tensor.name) || tensor.name == safetensors::metadata_key)
            throw cannot_write("not a valid name for a tensor", file, tensor.name);
        header[tensor.name] = {
            {"dtype", to_string(tensor.dtype)}, {"shape", tensor.shape}, {"data_offsets", {offset, offset + tensor.data.size()}}};
        offset += tensor.data.size();
    }
    std::string text;
    try {
        text = header.dump();
    } catch (const nlohmann::json::exception&) {
        throw Error(Code::BadRequest, "cannot write safetensors: the metadata is not UTF-8", file.native(), "write it in UTF-8");
    }
    text.append((length_bytes - text.size() % length_bytes) % length_bytes, ' ');
    if (text.size() > longest_header)
        throw Error(Code::BadRequest, "cannot write safetensors: the header would be longer than 100 MB", file.native(),
            "write fewer tensors or less metadata");
    std::string length;
    for (std::size_t i = 0; i < length_bytes; ++i)
        length += static_cast<char>(text.size() >> (8 * i) & 0xff);
    return length + text;
}

} // namespace

std::string_view to_string(DType dtype)
{
    return row_of(dtype).name;
}

std::size_t size_in_bytes(DType dtype)
{
    return row_of(dtype).bytes;
}

SafetensorsFile::SafetensorsFile(const std::filesystem::path& file)
    : where_(file.native())
    , file_(file)
{
    parse(file_->bytes());
}

SafetensorsFile::SafetensorsFile(std::span<const std::byte> bytes, std::string where)
    : where_(std::move(where))
{
    parse(bytes);
}

void SafetensorsFile::parse(std::span<const std::byte> bytes)
{
    if (bytes.size() < length_bytes)
        throw safetensors::damaged("the file is too short for the length of a header", where_);
    std::uint64_t header_size = 0;
    for (std::size_t i = 0; i < length_bytes; ++i)
        header_size |= std::to_integer<std::uint64_t>(bytes[i]) << (8 * i);
    if (header_size > longest_header)
        throw safetensors::damaged("the header is longer than 100 MB", where_);
    if (header_size > bytes.size() - length_bytes)
        throw safetensors::damaged("the header runs past the end of the file", where_);

    const std::span<const std::byte> header_bytes = bytes.subspan(length_bytes, header_size);
    const std::span<const std::byte> data = bytes.subspan(length_bytes + header_size);
    safetensors::Header header
        = safetensors::read_header({reinterpret_cast<const char*>(header_bytes.data()), header_bytes.size()}, where_);

    for (const safetensors::Entry& entry : header.entries)
        check_entry(entry, data.size(), where_);
    check_names(header.entries, where_);
    std::sort(header.entries.begin(), header.entries.end(), [](const safetensors::Entry& a, const safetensors::Entry& b) {
        return std::tie(a.begin, a.end, a.name) < std::tie(b.begin, b.end, b.name);
    });
    check_coverage(header.entries, data.size(), where_);

    metadata_ = std::move(header.metadata);
    tensors_.reserve(header.entries.size());
    for (safetensors::Entry& entry : header.entries)
        tensors_.push_back(
            {std::move(entry.name), entry.dtype, std::move(entry.shape), data.subspan(entry.begin, entry.end - entry.begin)});
}

const TensorView* SafetensorsFile::find(std::string_view name) const
{
    const auto found
        = std::find_if(tensors_.begin(), tensors_.end(), [&](const TensorView& tensor) { return tensor.name == name; });
    return found == tensors_.end() ? nullptr : &*found;
}

void write_safetensors(
    const std::filesystem::path& file, std::vector<TensorView> tensors, const std::map<std::string, std::string>& metadata)
{
    std::sort(tensors.begin(), tensors.end(), [](const TensorView& a, const TensorView& b) {
        const auto alignment = [](const TensorView& tensor) { return size_in_bytes(tensor.dtype); };
        return std::pair(alignment(b), std::string_view(a.name)) < std::pair(alignment(a), std::string_view(b.name));
    });
    for (std::size_t i = 0; i < tensors.size(); ++i) {
        const TensorView& tensor = tensors[i];
        if (bytes_of(tensor.dtype, tensor.shape) != tensor.data.size())
            throw cannot_write("the size of its data does not match its shape", file, tensor.name);
        for (std::size_t j = i + 1; j < tensors.size(); ++j)
            if (tensors[j].name == tensor.name)
                throw cannot_write("two tensors have the same name", file, tensor.name);
    }

    const std::string header = header_of(tensors, metadata, file);
    std::vector<std::span<const std::byte>> pieces{std::as_bytes(std::span(header))};
    for (const TensorView& tensor : tensors)
        pieces.push_back(tensor.data);
    replace_file(file, std::span<const std::span<const std::byte>>(pieces));
}

} // namespace pipebd
