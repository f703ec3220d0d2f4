#include "base/file.h"

#include "base/error.h"

#include <atomic>
#include <cerrno>
#include <optional>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace pipebd {

namespace {

class Descriptor {
public:
    explicit Descriptor(int number)
        : number_(number)
    {
    }
    Descriptor(Descriptor&& other) noexcept
        : number_(std::exchange(other.number_, -1))
    {
    }
    Descriptor& operator=(Descriptor&&) = delete;
    ~Descriptor()
    {
        if (number_ >= 0)
            ::close(number_);
    }

    int get() const { return number_; }

    int close() { return ::close(std::exchange(number_, -1)); }

private:
    int number_;
};

struct OpenFile {
    Descriptor descriptor;
    std::uintmax_t size;
};

OpenFile open_to_read(const std::filesystem::path& file)
{
    // Without O_NONBLOCK a named pipe would block here until somebody writes to it.
    Descriptor descriptor(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (descriptor.get() < 0)
        throw system_error("cannot open the file", file.native());
    struct stat status { };
    if (::fstat(descriptor.get(), &status) != 0)
        throw system_error("cannot read the file", file.native());
    if (!S_ISREG(status.st_mode))
        throw Error(Code::BadRequest, S_ISDIR(status.st_mode) ? "this is a folder, not a file" : "this is not a regular file",
            file.native(), "name a regular file");
    return {std::move(descriptor), static_cast<std::uintmax_t>(status.st_size)};
}

std::filesystem::path folder_of(const std::filesystem::path& file)
{
    return file.has_parent_path() ? file.parent_path() : ".";
}

void sync(const Descriptor& folder, const std::filesystem::path& path)
{
    // Some network file systems cannot sync folders and say EINVAL; there is nothing more to be had from them.
    if (::fsync(folder.get()) != 0 && errno != EINVAL)
        throw system_error("cannot sync the folder", path.native());
}

Descriptor open_folder(const std::filesystem::path& folder)
{
    Descriptor descriptor(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (descriptor.get() < 0)
        throw system_error("cannot open the folder", folder.native());
    return descriptor;
}

void write_all(const Descriptor& descriptor, std::span<const std::byte> bytes, const std::filesystem::path& file)
{
    while (!bytes.empty()) {
        const ssize_t written = ::write(descriptor.get(), bytes.data(), bytes.size());
        if (written > 0)
            bytes = bytes.subspan(static_cast<std::size_t>(written));
        else if (written < 0 && errno != EINTR)
            throw system_error("cannot write the file", file.native());
    }
}

// A new file beside the one to be replaced; removed again unless it was renamed.
class TemporaryFile {
public:
    explicit TemporaryFile(const std::filesystem::path& target)
        : target_(target)
        , descriptor_(-1)
    {
        static std::atomic<unsigned> counter = 0;
        constexpr int attempts = 1000;
        for (int i = 0; i < attempts; ++i) {
            path_ = folder_of(target) / (".pipebd-" + std::to_string(::getpid()) + "-" + std::to_string(counter++) + ".tmp");
            const int number = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
            if (number >= 0) {
                descriptor_.emplace(number);
                return;
            }
            if (errno != EEXIST)
                break;
        }
        throw system_error("cannot write the file", target.native());
    }
    TemporaryFile(const TemporaryFile&) = delete;
    TemporaryFile& operator=(const TemporaryFile&) = delete;
    ~TemporaryFile()
    {
        if (!renamed_)
            ::unlink(path_.c_str());
    }

    void write(std::span<const std::byte> bytes) { write_all(*descriptor_, bytes, target_); }

    void rename_over_target()
    {
        if (::fsync(descriptor_->get()) != 0 || descriptor_->close() != 0)
            throw system_error("cannot write the file", target_.native());
        if (::rename(path_.c_str(), target_.c_str()) != 0)
            throw system_error("cannot replace the file", target_.native());
        renamed_ = true;
    }

private:
    const std::filesystem::path& target_;
    std::filesystem::path path_;
    std::optional<Descriptor> descriptor_;
    bool renamed_ = false;
};

} // namespace

std::string read_file(const std::filesystem::path& file, std::uintmax_t limit)
{
    const OpenFile open = open_to_read(file);
    const auto too_large = [&] {
        return Error(Code::BadRequest, "the file is larger than " + std::to_string(limit) + " bytes", file.native(),
            "check that this is the file you meant");
    };
    if (open.size > limit)
        throw too_large();

    // Files of /proc say that they are empty, so the size is only a hint.
    std::string contents(static_cast<std::size_t>(open.size) + 1, '\0');
    std::size_t filled = 0;
    while (true) {
        if (filled == contents.size())
            contents.resize(2 * contents.size());
        const ssize_t count = ::read(open.descriptor.get(), contents.data() + filled, contents.size() - filled);
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            throw system_error("cannot read the file", file.native());
        if (count == 0)
            break;
        filled += static_cast<std::size_t>(count);
        if (filled > limit)
            throw too_large();
    }
    contents.resize(filled);
    return contents;
}

void replace_file(const std::filesystem::path& file, std::span<const std::span<const std::byte>> pieces)
{
    const Descriptor folder = open_folder(folder_of(file));
    TemporaryFile temporary(file);
    for (std::span<const std::byte> piece : pieces)
        temporary.write(piece);
    temporary.rename_over_target();
    sync(folder, folder_of(file));
}

void replace_file(const std::filesystem::path& file, std::span<const std::byte> contents)
{
    replace_file(file, std::span(&contents, 1));
}

void replace_file(const std::filesystem::path& file, std::string_view contents)
{
    replace_file(file, std::as_bytes(std::span(contents)));
}

void copy_file(
    const std::filesystem::path& from, const std::filesystem::path& to, const std::function<void(std::span<const std::byte>)>& seen)
{
    const OpenFile source = open_to_read(from);
    Descriptor copy(::open(to.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
    if (copy.get() < 0)
        throw system_error("cannot write the file", to.native());
    std::vector<std::byte> piece(std::size_t{1} << 20);
    while (true) {
        const ssize_t count = ::read(source.descriptor.get(), piece.data(), piece.size());
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            throw system_error("cannot read the file", from.native());
        if (count == 0)
            break;
        const std::span<const std::byte> bytes(piece.data(), static_cast<std::size_t>(count));
        seen(bytes);
        write_all(copy, bytes, to);
    }
    if (::fsync(copy.get()) != 0 || copy.close() != 0)
        throw system_error("cannot write the file", to.native());
}

void sync_folder(const std::filesystem::path& folder)
{
    sync(open_folder(folder), folder);
}

std::filesystem::path nearest_existing(const std::filesystem::path& path)
{
    std::error_code error;
    std::filesystem::path there = std::filesystem::absolute(path, error);
    while (!std::filesystem::exists(there, error) && there.has_relative_path())
        there = there.parent_path();
    return there;
}

MappedFile::MappedFile(const std::filesystem::path& file)
{
    const OpenFile open = open_to_read(file);
    if (open.size == 0)
        return;
    void* address = ::mmap(nullptr, open.size, PROT_READ, MAP_PRIVATE, open.descriptor.get(), 0);
    if (address == MAP_FAILED)
        throw system_error("cannot map the file", file.native());
    data_ = static_cast<const std::byte*>(address);
    size_ = open.size;
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : data_(std::exchange(other.data_, nullptr))
    , size_(std::exchange(other.size_, 0))
{
}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept
{
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
}

MappedFile::~MappedFile()
{
    if (data_ != nullptr)
        ::munmap(const_cast<std::byte*>(data_), size_);
}

} // namespace pipebd
