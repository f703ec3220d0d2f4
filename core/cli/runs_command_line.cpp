#include "cli/parsed.h"

namespace pipebd::cli {

namespace {

CLI::Option* add_id(CLI::App& command, std::string& id)
{
    return command.add_option("id", id, "number of the run")->type_name("ID");
}

CLI::Option* add_ids(CLI::App& command, std::vector<std::string>& ids)
{
    return command.add_option("ids", ids, "numbers of the runs")->type_name("ID");
}

void add_list(CLI::App& runs, Parsed& parsed)
{
    ListRunsOptions& options = parsed.runs.list;
    CLI::App* list = add_command(runs, "list", "list the runs of the lab, newest first", parsed,
        [&options](const Context& context) { return list_runs(context, options); });
    list->add_option(
            "words", options.words, "only runs that contain all of these words in name, pair, strategy, devices, tags or note")
        ->type_name("WORD")
        ->group(optional_group);
    list->add_option("--tag", options.tags, "only runs that have this tag; may be repeated")
        ->type_name("TAG")
        ->allow_extra_args(false);
    list->add_option("--state", options.states, "only runs in these states: queued, running, finished, failed, cancelled, lost")
        ->type_name("STATES")
        ->allow_extra_args(false);
    list->add_option("--strategy", options.strategy, "only runs under this strategy")->type_name("NAME");
    list->add_option("--pair", options.pair, "only runs of this pair")->type_name("NAME");
    CLI::Option* deleted = list->add_flag("--deleted", options.deleted, "only deleted runs, which can be restored or purged");
    list->add_flag("--all", options.all, "include deleted runs")->excludes(deleted);
    list->add_option("--csv", options.csv, "write the list to a file instead")->type_name("FILE");
}

void add_compare(CLI::App& runs, Parsed& parsed)
{
    CompareOptions& options = parsed.runs.compare;
    CLI::App* compare = add_command(runs, "compare", "show results and settings of runs side by side", parsed,
        [&options](const Context& context) { return compare_runs(context, options); });
    add_ids(*compare, options.ids);
    compare->add_flag("--differences-only", options.differences_only, "show only settings that differ");
    compare->add_option("--csv", options.csv, "write the tables to a file")->type_name("FILE");
    compare->add_option("--html", options.html, "write a report with charts as one HTML file")->type_name("FILE");
}

void add_export(CLI::App& runs, Parsed& parsed)
{
    ExportOptions& options = parsed.runs.exported;
    CLI::App* command = add_command(runs, "export", "export a run for other programs, or for another lab", parsed,
        [&options](const Context& context) { return export_run(context, options); });
    add_id(*command, options.id);
    command
        ->add_option("--trace", options.trace,
            "write the predicted and the measured timeline as Chrome trace JSON (ui.perfetto.dev opens it)")
        ->type_name("FILE");
    command->add_option("--csv", options.csv, "write all curves, one line per sample")->type_name("FILE");
    command->add_option("--metrics", options.metrics, "write settings, results and all curves as JSON (pipebd.metrics/1)")
        ->type_name("FILE");
    command->add_option("--folder", options.folder, "copy the whole run into this folder, such as the runs folder of another lab")
        ->type_name("DIR");
}

void add_import(CLI::App& runs, Parsed& parsed)
{
    ImportOptions& options = parsed.runs.import;
    CLI::App* import = add_command(runs, "import", "make a run from metrics that ranks wrote (--metrics)", parsed,
        [&options](const Context& context) { return import_run(context, options); });
    import->add_option("folder", options.folder, "folder with spec.json and rank-0.jsonl, ...")->type_name("DIR");
    import->add_option("--name", options.name, "name of the run, instead of the experiment's")->type_name("NAME");
}

void add_annotations(CLI::App& runs, Parsed& parsed)
{
    TagOptions& tags = parsed.runs.tag;
    CLI::App* tag = add_command(runs, "tag", "add tags to runs, or remove them", parsed,
        [&tags](const Context& context) { return tag_runs(context, tags); });
    add_ids(*tag, tags.ids);
    tag->add_option("--add", tags.add, "tags to add, such as good,paper")->type_name("TAGS")->allow_extra_args(false);
    tag->add_option("--remove", tags.remove, "tags to remove")->type_name("TAGS")->allow_extra_args(false);

    NoteOptions& written = parsed.runs.note;
    CLI::App* note = add_command(runs, "note", "set the note of a run, replacing the old one", parsed,
        [&written](const Context& context) { return note_run(context, written); });
    add_id(*note, written.id);
    note->add_option("text", written.words, "the note")->type_name("TEXT")->group(optional_group);
    note->add_flag("--clear", written.clear, "remove the note");
}

void add_deletion(CLI::App& runs, Parsed& parsed)
{
    std::vector<std::string>& ids = parsed.runs.ids;
    add_ids(*add_command(runs, "delete", "hide runs; they are kept until they are purged", parsed,
                [&ids](const Context& context) { return delete_runs(context, ids); }),
        ids);
    add_ids(*add_command(runs, "restore", "bring deleted runs back", parsed,
                [&ids](const Context& context) { return restore_runs(context, ids); }),
        ids);
    PurgeOptions& options = parsed.runs.purge;
    CLI::App* purge = add_command(runs, "purge", "remove deleted runs and their files permanently", parsed,
        [&options](const Context& context) { return purge_runs(context, options); });
    CLI::Option* named = add_ids(*purge, options.ids)->group(optional_group);
    purge->add_flag("--all-deleted", options.all_deleted, "all deleted runs")->excludes(named);
}

} // namespace

void add_runs(CLI::App& app, Parsed& parsed)
{
    const ListRunsOptions& list = parsed.runs.list;
    CLI::App* runs = add_command(app, "runs", "list, compare, annotate, export, delete and stop runs", parsed,
        [&list](const Context& context) { return list_runs(context, list); });
    runs->require_subcommand(0, 1);
    add_list(*runs, parsed);
    std::string& id = parsed.runs.id;
    add_id(
        *add_command(*runs, "show", "show one run", parsed, [&id](const Context& context) { return show_run(context, id); }), id);
    add_compare(*runs, parsed);
    add_annotations(*runs, parsed);
    StopOptions& stopped = parsed.runs.stop;
    CLI::App* stop = add_command(*runs, "stop", "stop a run at the end of its step, with a checkpoint to resume it from", parsed,
        [&stopped](const Context& context) { return stop_run(context, stopped); });
    add_id(*stop, stopped.id);
    stop->add_flag("--now", stopped.now, "stop at once, without a new checkpoint");
    add_export(*runs, parsed);
    add_import(*runs, parsed);
    add_deletion(*runs, parsed);
}

} // namespace pipebd::cli
