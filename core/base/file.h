// Files: reading whole files and replacing them so that no reader and no crash ever sees half of one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>

namespace pipebd {

/// The whole file. Throws Error{NotFound} or {System}; Error{BadRequest} if it is larger than `limit` bytes or no regular file.
std::string read_file(const std::filesystem::path& file, std::uintmax_t limit = std::uintmax_t{1} << 30);

/// Writes beside `file`, syncs, renames over it and syncs the folder: after a crash or a power loss the file is the old one or the
/// new one. Throws Error{NotFound} if its folder is not there, else Error{DiskFull} or {System}; the old file is then as it was and
/// nothing is left beside it. The one exception: if syncing the folder fails, the new file is there but a power loss may undo it.
void replace_file(const std::filesystem::path& file, std::span<const std::byte> contents);
void replace_file(const std::filesystem::path& file, std::string_view contents);

/// The same; the contents are the `pieces`, one after another.
void replace_file(const std::filesystem::path& file, std::span<const std::span<const std::byte>> pieces);

/// Makes `to`, which must not be there yet, of what `from` holds, a piece at a time, and syncs it; `seen` is given every piece.
/// Throws like read_file and replace_file; half of a file may then be there.
void copy_file(const std::filesystem::path& from, const std::filesystem::path& to,
    const std::function<void(std::span<const std::byte>)>& seen);

/// Makes the entries of `folder` durable.
void sync_folder(const std::filesystem::path& folder);

/// `path` itself if it is there, else the nearest folder above it that is.
std::filesystem::path nearest_existing(const std::filesystem::path& path);

/// A read-only mapping of a file; empty files map to an empty span. Move-only; throws like read_file.
/// The file must not be shortened while it is mapped (replace_file never does that).
class MappedFile {
public:
    explicit MappedFile(const std::filesystem::path& file);
    MappedFile(MappedFile&& other) noexcept;
    MappedFile& operator=(MappedFile&& other) noexcept;
    ~MappedFile();

    std::span<const std::byte> bytes() const { return {data_, size_}; }

private:
    const std::byte* data_ = nullptr;
    std::size_t size_ = 0;
};

} // namespace pipebd
