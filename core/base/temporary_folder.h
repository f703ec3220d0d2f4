// TemporaryFolder: a folder among the system's temporary files, gone with its scope; with its process at the latest when the next
// one is made.
#pragma once

#include <filesystem>

namespace pipebd {

class TemporaryFolder {
public:
    /// Throws Error{DiskFull} or {System} if it cannot be made.
    TemporaryFolder();
    ~TemporaryFolder();
    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;

    const std::filesystem::path& path() const { return path_; }

private:
    std::filesystem::path path_;
    int lock_ = -1; // held for as long as the folder is in use
};

} // namespace pipebd
