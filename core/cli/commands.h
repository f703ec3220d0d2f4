// The commands of pipebd. Each returns the exit status (0 done, 1 failed) and throws Error for what cannot be done.
#pragma once

#include "cli/context.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace pipebd::cli {

struct ProfileOptions {
    std::string experiment;
    std::string devices; // empty: the experiment's
    std::string sizes; // a list of further batch sizes
    std::vector<std::string> settings;
};

struct StoredProfileOptions {
    std::string id;
    std::string file; // to read or to write
};

struct PlanOptions {
    std::string experiment;
    std::string profile; // a file or an id, instead of an experiment
    std::string devices; // a list, a number, a cluster file, "auto"; empty: the experiment's
    std::string strategies;
    std::string placement; // stages in text form, beside what is searched
    std::string memory_limit;
    std::vector<std::string> settings;
    bool program = false;
    bool measure = false; // on exactly these devices, whatever is stored
    std::string trace; // the file to write
    std::string search = "exact"; // or "exhaustive"
    int ranked = 0; // so many of the best candidates
    std::optional<int> microbatches;
    std::optional<int> backward_split;
    std::optional<int> views;
    std::string teacher; // "frozen", "momentum"; empty: not given
    std::optional<double> scale_device; // what if
    std::string link;
    std::optional<int> batch;
    std::optional<std::int64_t> samples;
};

struct RunOptions {
    std::string experiment;
    std::string strategy; // empty: the experiment's
    std::string placement; // stages in text form; empty: the experiment's
    std::string devices;
    std::vector<std::string> settings;
    std::string out;
    std::string profile; // a file; empty: the stored profile, or measured
    bool profile_again = false;
    std::string resume; // the number of a run
    std::string checkpoint; // of that run; empty: the newest
    std::string stages; // a list; empty: all that the experiment has, or those from that of the run to go on from
    std::string from; // the number of the run whose results the first of them begins with
    std::string prepare; // a folder: write what others need to start the ranks, instead of starting them
    int machines = 1; // each with these devices
    bool check = false; // start nothing: say whether it could be started
};

struct LaunchOptions {
    std::string folder; // that was prepared
    int machine = 0;
    std::string master;
    int port = 29500;
    int wait = 900; // seconds, for the other machines
};

struct ImportOptions {
    std::string folder;
    std::string name; // empty: the experiment's
};

struct ImportPairOptions {
    std::string teacher; // model files
    std::string student;
    std::string teacher_blocks; // empty: each direct child
    std::string student_blocks;
    std::string name;
    bool trust = false;
    bool end_to_end = false;
    std::string input; // of one sample: "3x224x224", or "128" tokens; empty: as the files say
    std::int64_t vocabulary = 0;
    std::string test_data; // an experiment file, whose test data the teacher is tried on; empty: it is not
};

struct VerifyOptions {
    std::string experiment;
    std::string devices;
    std::string strategies; // empty: every one that trains block by block
    std::vector<std::string> settings;
    std::string profile; // a file
    std::string dtype = "float64";
    std::int64_t steps = 3;
    std::optional<double> tolerance; // of a block's largest weight, where a batch is split; not given: by dtype
};

struct ExportOptions {
    std::string id;
    std::string trace; // files to write; empty: not that
    std::string csv;
    std::string metrics;
    std::string folder; // that the run's folder is copied to
};

struct ListRunsOptions {
    std::vector<std::string> words; // each stands somewhere in a run
    std::vector<std::string> tags; // it has all of them
    std::vector<std::string> states; // lists; one of them; empty: any
    std::string strategy;
    std::string pair;
    bool deleted = false; // only those
    bool all = false; // those, too
    std::string csv; // a file
};

struct TagOptions {
    std::vector<std::string> ids;
    std::vector<std::string> add; // lists
    std::vector<std::string> remove;
};

struct NoteOptions {
    std::string id;
    std::vector<std::string> words;
    bool clear = false;
};

struct PurgeOptions {
    std::vector<std::string> ids;
    bool all_deleted = false;
};

struct CompareOptions {
    std::vector<std::string> ids;
    bool differences_only = false;
    std::string csv; // files
    std::string html;
};

struct BenchOptions {
    std::string experiment;
    std::string devices;
    std::string strategies; // empty: every one that trains block by block
    std::vector<std::string> settings;
    std::string profile; // a file
    int rounds = 5;
    std::optional<std::int64_t> steps; // of each turn; not given: by the predicted steps
};

struct DoctorOptions {
    bool repair = false;
};

struct StopOptions {
    std::string id;
    bool now = false; // its ranks are killed, not asked
};

int doctor(const Context& context, const DoctorOptions& options);
int list_pairs(const Context& context);
int show_pair(const Context& context, const std::string& name);
int import_pair(const Context& context, const ImportPairOptions& options);
int delete_pair(const Context& context, const std::string& name);
int measure_profile(const Context& context, const ProfileOptions& options);
int list_profiles(const Context& context);
int show_profile(const Context& context, const std::string& id);
int import_profile(const Context& context, const std::string& file);
int export_profile(const Context& context, const StoredProfileOptions& options);
int delete_profile(const Context& context, const std::string& id);
int plan(const Context& context, const PlanOptions& options);
int run(const Context& context, const RunOptions& options);
int launch_share(const Context& context, const LaunchOptions& options);
int verify(const Context& context, const VerifyOptions& options);
int bench(const Context& context, const BenchOptions& options);
int list_runs(const Context& context, const ListRunsOptions& options);
int show_run(const Context& context, const std::string& id);
int export_run(const Context& context, const ExportOptions& options);
int import_run(const Context& context, const ImportOptions& options);
int stop_run(const Context& context, const StopOptions& options);
int compare_runs(const Context& context, const CompareOptions& options);
int tag_runs(const Context& context, const TagOptions& options);
int note_run(const Context& context, const NoteOptions& options);
int delete_runs(const Context& context, const std::vector<std::string>& ids);
int restore_runs(const Context& context, const std::vector<std::string>& ids);
int purge_runs(const Context& context, const PurgeOptions& options);

} // namespace pipebd::cli
