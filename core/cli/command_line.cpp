#include "cli/command_line.h"

#include "base/error.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/parsed.h"

#include <CLI/CLI.hpp>

#include <cstdio>
#include <memory>

namespace pipebd::cli {

namespace {

constexpr const char* devices_help = "cpu,cpu@4 or cuda:0,cuda:1 or auto (all GPUs; without a GPU, one cpu rank per core)";

constexpr const char* placement_help = "blocks on devices by hand, such as \"0-2 on 0,1 | 3-5 on 2\"";

void add_settings(CLI::App& command, std::vector<std::string>& settings)
{
    command.add_option("--set", settings, "override a setting of the experiment, such as train.steps=20; may be repeated")
        ->type_name("KEY=VALUE")
        ->allow_extra_args(false);
}

void add_profile(CLI::App& app, Parsed& parsed)
{
    ProfileOptions& options = parsed.profile;
    CLI::App* command = add_command(app, "profile", "measure what each block of an experiment costs, and store it", parsed,
        [&options](const Context& context) { return measure_profile(context, options); });
    command->add_option("experiment", options.experiment, "an experiment file")->type_name("EXPERIMENT");
    command->add_option("--devices", options.devices, devices_help)->type_name("LIST");
    command->add_option("--sizes", options.sizes, "also measure these batch sizes, such as 8,16,128")->type_name("LIST");
    add_settings(*command, options.settings);
}

void add_profiles(CLI::App& app, Parsed& parsed)
{
    CLI::App* profiles = add_command(app, "profiles", "the profiles stored in the lab", parsed, list_profiles);
    profiles->require_subcommand(0, 1);
    StoredProfileOptions& options = parsed.stored_profile;
    add_command(*profiles, "list", "list all profiles: what each was measured for, and when", parsed, list_profiles);
    CLI::App* show = add_command(*profiles, "show", "show one profile, one row per block; with --json as pipebd.profile/1", parsed,
        [&options](const Context& context) { return show_profile(context, options.id); });
    CLI::App* import = add_command(*profiles, "import", "store a profile that was measured elsewhere", parsed,
        [&options](const Context& context) { return import_profile(context, options.file); });
    CLI::App* exports = add_command(*profiles, "export", "write a profile to a file (pipebd.profile/1)", parsed,
        [&options](const Context& context) { return export_profile(context, options); });
    CLI::App* remove = add_command(*profiles, "delete", "delete a profile", parsed,
        [&options](const Context& context) { return delete_profile(context, options.id); });
    for (CLI::App* command : {show, exports, remove})
        command->add_option("id", options.id, "the id shown by pipebd profiles list")->type_name("ID");
    for (CLI::App* command : {import, exports})
        command->add_option("file", options.file, "a profile file (pipebd.profile/1)")->type_name("FILE");
}

void add_plan(CLI::App& app, Parsed& parsed)
{
    PlanOptions& options = parsed.plan;
    CLI::App* command = add_command(app, "plan", "compare strategies by simulation, from measured block times", parsed,
        [&options](const Context& context) { return plan(context, options); });
    command->add_option("experiment", options.experiment, "an experiment file")->type_name("EXPERIMENT")->group(optional_group);
    CLI::Option* profile
        = command
              ->add_option("--profile", options.profile,
                  "use a profile instead of an experiment: a file (pipebd.profile/1), or the id of a stored profile")
              ->type_name("FILE");
    command
        ->add_flag("--measure", options.measure,
            "measure on exactly these devices, even if a profile is stored or there are more of them than this computer has")
        ->excludes(profile);
    command
        ->add_option(
            "--devices", options.devices, "a number of devices, a list (" + std::string(devices_help) + "), or a cluster file")
        ->type_name("G|LIST|CLUSTER.toml");
    command->add_option("--strategies", options.strategies, "only these, such as dp,tr+dpu; or blockwise, end-to-end, all")
        ->type_name("NAMES");
    command->add_option("--stages", options.placement, placement_help)->type_name("STAGES");
    command->add_option("--memory-limit", options.memory_limit, "memory limit of each device, such as 11GiB")->type_name("BYTES");
    command->add_flag("--program", options.program, "print the instructions of each strategy");
    command->add_option("--trace", options.trace, "write the predicted timelines as Chrome trace JSON (ui.perfetto.dev opens it)")
        ->type_name("FILE");
    command->add_option("--search", options.search, "exact, or exhaustive to evaluate every candidate")->type_name("HOW");
    command->add_option("--ranked", options.ranked, "list the K best candidates of an exhaustive search")->type_name("K");
    const char* const pipelines = "End-to-end strategies (default: found by search)";
    command->add_option("--microbatches", options.microbatches, "microbatches per batch")->type_name("M")->group(pipelines);
    command->add_option("--backward-split", options.backward_split, "parts per backward pass")->type_name("R")->group(pipelines);
    command->add_option("--views", options.views, "views per sample: 1 or 2")->type_name("V")->group(pipelines);
    command->add_option("--teacher", options.teacher, "kind of teacher: frozen or momentum")->type_name("KIND")->group(pipelines);
    const char* const what_if = "What if";
    command->add_option("--scale-device", options.scale_device, "each device is FACTOR times as fast")
        ->type_name("FACTOR")
        ->group(what_if);
    command->add_option("--link", options.link, "each link has this bandwidth, such as 25GB/s")
        ->type_name("BYTES/s")
        ->group(what_if);
    command->add_option("--batch", options.batch, "use another global batch size; times are interpolated")
        ->type_name("B")
        ->group(what_if);
    command->add_option("--samples", options.samples, "samples per epoch, to predict the time of an epoch")
        ->type_name("N")
        ->group(what_if);
    add_settings(*command, options.settings);
}

void add_run(CLI::App& app, Parsed& parsed)
{
    RunOptions& options = parsed.run;
    CLI::App* command
        = add_command(app, "run", "train", parsed, [&options](const Context& context) { return run(context, options); });
    command->add_option("experiment", options.experiment, "an experiment file; not needed with --resume")
        ->type_name("EXPERIMENT")
        ->group(optional_group);
    command->add_option("--strategy", options.strategy, "strategy, such as tr+dpu; auto: the fastest by prediction")
        ->type_name("NAME");
    command->add_option("--stages", options.placement, placement_help)->type_name("STAGES");
    command->add_option("--devices", options.devices, devices_help)->type_name("LIST");
    command->add_option("--out", options.out, "also write the results to this folder")->type_name("DIR");
    CLI::Option* profile
        = command
              ->add_option("--profile", options.profile,
                  "plan from this profile instead of measuring: a file (pipebd.profile/1), or the id of a stored profile")
              ->type_name("FILE");
    command->add_flag("--profile-again", options.profile_again, "measure even if a profile is stored")->excludes(profile);
    command->add_option("--resume", options.resume, "resume this run from a checkpoint; strategy and devices may change")
        ->type_name("RUN");
    command
        ->add_option("--checkpoint", options.checkpoint,
            "the checkpoint to resume from: best, or a name such as round-000000120; default: the newest")
        ->type_name("NAME");
    command->add_flag(
        "--check", options.check, "start nothing: check that pair, data, weights and devices fit, and print the number of steps");
    const char* const stages = "Stages";
    command
        ->add_option("--stage", options.stages,
            "run only these stages: teacher, distil, finetune; default: all that the experiment has, in order")
        ->type_name("STAGES")
        ->group(stages);
    command->add_option("--from", options.from, "the run whose results the first stage starts from")
        ->type_name("RUN")
        ->group(stages);
    const char* const machines = "Several machines";
    command
        ->add_option("--prepare", options.prepare,
            "start nothing: write all stages to this folder, and print the command that each machine runs")
        ->type_name("DIR")
        ->group(machines);
    command->add_option("--machines", options.machines, "number of machines, each with the devices given")
        ->type_name("M")
        ->group(machines);
    add_settings(*command, options.settings);
}

void add_launch(CLI::App& app, Parsed& parsed)
{
    LaunchOptions& options = parsed.launch;
    CLI::App* command = add_command(app, "launch", "run this machine's share of a prepared run", parsed,
        [&options](const Context& context) { return launch_share(context, options); });
    command->add_option("folder", options.folder, "the prepared folder, shared by all machines")->type_name("DIR");
    command->add_option("--node-rank", options.machine, "number of this machine, from 0")->type_name("K")->capture_default_str();
    command->add_option("--master-addr", options.master, "address of machine 0; not needed for a single machine")
        ->type_name("HOST");
    command->add_option("--master-port", options.port, "port on machine 0 where the ranks meet")
        ->type_name("PORT")
        ->capture_default_str();
    command->add_option("--wait", options.wait, "seconds to wait for the launchers of the other machines")
        ->type_name("SECONDS")
        ->capture_default_str();
}

void add_verify(CLI::App& app, Parsed& parsed)
{
    VerifyOptions& options = parsed.verify;
    CLI::App* command = add_command(app, "verify", "prove that every strategy trains the same weights as one device", parsed,
        [&options](const Context& context) { return verify(context, options); });
    command->add_option("experiment", options.experiment, "an experiment file")->type_name("EXPERIMENT");
    command->add_option("--devices", options.devices, devices_help)->type_name("LIST");
    command->add_option("--strategies", options.strategies, "only these, such as dp,tr+dpu")->type_name("NAMES");
    command->add_option("--steps", options.steps, "number of training steps")->type_name("N");
    command->add_option("--dtype", options.dtype, "float64 (rounding hides nothing), float32 or bfloat16")->type_name("DTYPE");
    command
        ->add_option("--tolerance", options.tolerance,
            "largest difference allowed where a batch is split, relative to a block's largest weight")
        ->type_name("SHARE");
    command
        ->add_option("--profile", options.profile,
            "plan from this profile instead of measuring: a file (pipebd.profile/1), or the id of a stored profile")
        ->type_name("FILE");
    add_settings(*command, options.settings);
}

void add_bench(CLI::App& app, Parsed& parsed)
{
    BenchOptions& options = parsed.bench;
    CLI::App* command = add_command(app, "bench", "measure strategies side by side on the same batches", parsed,
        [&options](const Context& context) { return bench(context, options); });
    command->add_option("experiment", options.experiment, "an experiment file")->type_name("EXPERIMENT");
    command->add_option("--devices", options.devices, devices_help)->type_name("LIST");
    command->add_option("--strategies", options.strategies, "only these, such as dp,tr+dpu")->type_name("NAMES");
    command->add_option("--rounds", options.rounds, "number of rounds; each strategy takes one turn per round (5)")->type_name("N");
    command->add_option("--steps", options.steps, "steps per turn; the first fifth is not counted")->type_name("N");
    command
        ->add_option("--profile", options.profile,
            "plan from this profile instead of measuring: a file (pipebd.profile/1), or the id of a stored profile")
        ->type_name("FILE");
    add_settings(*command, options.settings);
}

void add_doctor(CLI::App& app, Parsed& parsed)
{
    DoctorOptions& options = parsed.doctor;
    CLI::App* command = add_command(app, "doctor", "show devices and versions, and check the lab", parsed,
        [&options](const Context& context) { return doctor(context, options); });
    command->add_flag("--repair", options.repair, "save what is readable of damaged runs; the damaged databases are kept");
}

void add_pairs(CLI::App& app, Parsed& parsed)
{
    CLI::App* pairs = add_command(app, "pairs", "teacher-student pairs", parsed, list_pairs);
    pairs->require_subcommand(0, 1);
    add_command(*pairs, "list", "list all pairs", parsed, list_pairs);
    const std::string& name = parsed.pair;
    add_command(*pairs, "show", "show a pair's blocks, shapes, parameters and multiply-accumulates", parsed,
        [&name](const Context& context) { return show_pair(context, name); })
        ->add_option("name", parsed.pair, "the pair's name")
        ->type_name("NAME");
    ImportPairOptions& options = parsed.import_pair;
    CLI::App* import = add_command(*pairs, "import", "make a pair from two models of your own", parsed,
        [&options](const Context& context) { return import_pair(context, options); });
    import->add_option("--teacher", options.teacher, "the teacher, a model written by torch.export.save")
        ->type_name("T.pt2")
        ->group(required_group);
    import->add_option("--student", options.student, "the student, likewise")->type_name("S.pt2")->group(required_group);
    import
        ->add_option(
            "--teacher-blocks", options.teacher_blocks, "where to cut the teacher, such as features.0-3,features.4-6+classifier")
        ->type_name("LIST");
    import->add_option("--student-blocks", options.student_blocks, "where to cut the student")->type_name("LIST");
    import->add_option("--name", options.name, "the name that experiments use for the pair")->type_name("NAME")->group(required_group);
    import->add_flag("--end-to-end", options.end_to_end, "allow block shapes to differ (for end-to-end strategies only)");
    import
        ->add_option("--test-data", options.test_data,
            "experiment file: test how well the teacher classifies its test data")
        ->type_name("EXPERIMENT");
    const char* const script = "TorchScript";
    import->add_flag("--trust", options.trust, "allow TorchScript files, which are programs, to be run")->group(script);
    import
        ->add_option("--input", options.input,
            "shape of one sample, such as 3x224x224, or 128 for tokens; needed if neither file contains it")
        ->type_name("SHAPE")
        ->group(script);
    import->add_option("--vocabulary", options.vocabulary, "vocabulary size")->type_name("N")->group(script);
    CLI::App* remove = add_command(*pairs, "delete", "delete an imported pair", parsed,
        [&name](const Context& context) { return delete_pair(context, name); });
    remove->add_option("name", parsed.pair, "the pair's name")->type_name("NAME");
}

/// An option that is given nothing would be taken for one that is not given.
void refuse_empty_values(const CLI::App& app)
{
    for (const CLI::Option* option : app.get_options())
        for (const std::string& value : option->results())
            if (value.empty())
                throw Error(Code::BadRequest, option->get_name() + " is empty", command_of(app),
                    "give " + option->get_type_name() + ", or leave it out");
    for (const CLI::App* command : app.get_subcommands())
        refuse_empty_values(*command);
}

ProgressStyle progress_style(const Parsed& parsed)
{
    if (parsed.progress != "text" && parsed.progress != "lines")
        throw Error(Code::BadRequest, "unknown form of progress " + in_quotes(parsed.progress), "--progress", "give text or lines");
    return parsed.progress == "lines" ? ProgressStyle::Lines : parsed.quiet ? ProgressStyle::None : ProgressStyle::Text;
}

} // namespace

CLI::App* add_command(CLI::App& app, const char* name, const char* help, Parsed& parsed, Action action)
{
    CLI::App* command = app.add_subcommand(name, help);
    command->final_callback([&parsed, action = std::move(action)] {
        if (!parsed.action)
            parsed.action = action;
    });
    return command;
}

Action parse_command_line(int argc, const char* const* argv, Context& context)
{
    const auto parsed = std::make_shared<Parsed>();
    CLI::App app("Plan, run and watch teacher-student training on several devices.", "pipebd");
    app.fallthrough();
    app.formatter(std::make_shared<HelpFormatter>());
    app.add_option("--lab", parsed->lab, "folder of runs and profiles (default: PIPEBD_LAB, else the XDG data folder)")
        ->type_name("DIR");
    app.add_flag("--json", parsed->json, "print JSON");
    app.add_flag("--quiet", parsed->quiet, "print errors only");
    app.add_option(
           "--progress", parsed->progress, "progress on standard error: text, or lines (one JSON object per line, for programs)")
        ->type_name("HOW");
    app.set_version_flag("--version", "pipebd " PIPEBD_VERSION);
    add_doctor(app, *parsed);
    add_pairs(app, *parsed);
    add_profile(app, *parsed);
    add_profiles(app, *parsed);
    add_plan(app, *parsed);
    add_run(app, *parsed);
    add_launch(app, *parsed);
    add_verify(app, *parsed);
    add_bench(app, *parsed);
    add_runs(app, *parsed);

    try {
        app.parse(argc, argv);
    } catch (const CLI::Success& request) { // --help, --version
        app.exit(request);
        return [](const Context&) { return 0; };
    } catch (const CLI::ParseError& error) {
        throw error_from(error, app);
    }
    refuse_empty_values(app);
    if (!parsed->action)
        throw Error(Code::BadRequest, "no command", "pipebd",
            "name one of doctor, pairs, profile, profiles, plan, run, launch, verify, bench, runs; see pipebd --help");
    context.lab = parsed->lab;
    context.json = parsed->json;
    context.quiet = parsed->quiet;
    context.progress = progress_style(*parsed);
    return [parsed](const Context& given) { return parsed->action(given); };
}

} // namespace pipebd::cli
