// The commands of pipebd. Each returns the exit status (0 done, 1 failed) and throws Error for what cannot be done.
#pragma once

#include "cli/context.h"

#include <string>
#include <vector>

namespace pipebd::cli {

struct ProfileOptions {
    std::string experiment;
    std::string devices; // empty: the experiment's
    std::vector<std::string> settings;
};

struct PlanOptions {
    std::string experiment;
    std::string profile; // a file, instead of an experiment
    std::string devices; // a list, a number, "auto"; empty: the experiment's
    std::string strategies;
    std::string memory_limit;
    std::vector<std::string> settings;
    bool program = false;
};

struct RunOptions {
    std::string experiment;
    std::string strategy; // empty: the experiment's
    std::string devices;
    std::vector<std::string> settings;
    std::string out;
    bool profile_again = false;
};

int doctor(const Context& context);
int list_pairs(const Context& context);
int measure_profile(const Context& context, const ProfileOptions& options);
int plan(const Context& context, const PlanOptions& options);
int run(const Context& context, const RunOptions& options);
int list_runs(const Context& context);
int show_run(const Context& context, const std::string& id);
int stop_run(const Context& context, const std::string& id);

} // namespace pipebd::cli
