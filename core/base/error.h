// Error: the one exception of the project.
//
// Foreign exceptions (c10, SQLite, toml++, nlohmann) are turned into it at the edge of the folder that
// uses the library, nowhere else. `main` and the window's event boundary print or show it once.
#pragma once

#include <exception>
#include <string>
#include <string_view>

namespace pipebd {

enum class Code {
    BadRequest, // what the user asked for cannot be: option, experiment, profile, model
    NotFound, // a file, run, pair or device that was named is not there
    Damaged, // a file is cut off, inconsistent, or does not match its checksum
    Newer, // written by a later version of this program
    NotADatabase, // not a database, or not one of ours
    Locked, // another process holds it
    RankDied, // a rank ended before its work was done
    TimedOut, // no progress within the limit
    Protocol, // a rank printed what is no metric
    NotFinite, // NaN or infinity in an activation, loss or gradient
    OutOfMemory,
    DiskFull,
    Cancelled,
    System, // the operating system refused
    Internal, // a fault of this program
};

/// "BadRequest" and so on; stable, written to databases and metrics.
std::string_view to_string(Code code);

/// The inverse of to_string; Code::Internal for a name that is not known.
Code code_from_string(std::string_view name);

class Error : public std::exception {
public:
    /// `what` happened, `where` (file and line, key, rank), and how to put it right (`remedy`; may be empty).
    Error(Code code, std::string what, std::string where, std::string remedy = {});

    Code code() const noexcept { return code_; }
    const std::string& problem() const noexcept { return what_; }
    const std::string& where() const noexcept { return where_; }
    const std::string& remedy() const noexcept { return remedy_; }

    /// One line, "WHAT: WHERE; HOW TO PUT IT RIGHT"; line breaks and control characters are replaced.
    const char* what() const noexcept override { return line_.c_str(); }

private:
    Code code_;
    std::string what_;
    std::string where_;
    std::string remedy_;
    std::string line_;
};

/// Error{DiskFull}, {NotFound}, {OutOfMemory} or {System} for the current `errno` (or the one given), with its text.
Error system_error(std::string_view action, std::string_view where, int error_number = 0);

} // namespace pipebd
