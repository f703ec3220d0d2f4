// The command line while it is read; for command_line.cpp and what it is made of.
#pragma once

#include "base/error.h"
#include "cli/command_line.h"
#include "cli/commands.h"

#include <CLI/CLI.hpp>

#include <string>
#include <vector>

namespace pipebd::cli {

struct RunsParsed {
    std::string id;
    std::vector<std::string> ids;
    ListRunsOptions list;
    ExportOptions exported;
    ImportOptions import;
    CompareOptions compare;
    TagOptions tag;
    NoteOptions note;
    PurgeOptions purge;
    StopOptions stop;
};

/// The command line while it is read: CLI11 writes the options here, the callback of the command that was named sets the action.
struct Parsed {
    std::string lab;
    bool json = false;
    bool quiet = false;
    std::string progress = "text";
    DoctorOptions doctor;
    ProfileOptions profile;
    StoredProfileOptions stored_profile;
    PlanOptions plan;
    RunOptions run;
    LaunchOptions launch;
    VerifyOptions verify;
    BenchOptions bench;
    ImportPairOptions import_pair;
    std::string pair;
    RunsParsed runs;
    Action action;
};

/// A subcommand of `app` that does `action`.
CLI::App* add_command(CLI::App& app, const char* name, const char* help, Parsed& parsed, Action action);

/// Groups of arguments, as --help heads them. Arguments by place are required unless they are in the second; options only in the
/// first.
inline constexpr const char* required_group = "Required";
inline constexpr const char* optional_group = "Optional";

/// "Usage: pipebd pairs import --teacher T.pt2 --name NAME [OPTIONS]": brackets are around what may be left out, nothing else.
class HelpFormatter final : public CLI::Formatter {
public:
    std::string make_usage(const CLI::App* app, std::string name) const override;
};

/// What CLI11 refuses, in words of this program.
Error error_from(const CLI::ParseError& error, const CLI::App& app);

/// "pipebd runs show".
std::string command_of(const CLI::App& app);

/// `pipebd runs` with all that it has.
void add_runs(CLI::App& app, Parsed& parsed);

} // namespace pipebd::cli
