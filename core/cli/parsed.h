// The command line while it is read; for command_line.cpp and what it is made of.
#pragma once

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
};

/// The command line while it is read: CLI11 writes the options here, the callback of the command that was named sets the action.
struct Parsed {
    std::string lab;
    bool json = false;
    bool quiet = false;
    ProfileOptions profile;
    PlanOptions plan;
    RunOptions run;
    VerifyOptions verify;
    BenchOptions bench;
    ImportPairOptions import_pair;
    std::string pair;
    RunsParsed runs;
    Action action;
};

/// A subcommand of `app` that does `action`.
CLI::App* add_command(CLI::App& app, const char* name, const char* help, Parsed& parsed, Action action);

/// `pipebd runs` with all that it has.
void add_runs(CLI::App& app, Parsed& parsed);

} // namespace pipebd::cli
