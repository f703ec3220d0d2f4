#include "base/text.h"
#include "cli/arguments.h"
#include "cli/commands.h"

#include <nlohmann/json.hpp>

#include <iostream>

namespace pipebd::cli {

namespace {

using Json = nlohmann::ordered_json;

void print(const Json& json)
{
    std::cout << json.dump(2, ' ', false, Json::error_handler_t::replace) << "\n";
}

/// Changes every one, but only if all are there; then says how they are now.
template <typename Change>
int annotate(const Context& context, const std::vector<int>& ids, Change change)
{
    store::Lab lab = context.existing_lab();
    for (const int id : ids)
        lab.annotation(id);
    Json json = Json::array();
    for (const int id : ids) {
        change(lab, id);
        const store::Annotation now = lab.annotation(id);
        json.push_back(
            {{"id", id}, {"tags", now.tags}, {"note", now.note}, {"deleted", now.deleted.empty() ? Json() : Json(now.deleted)}});
        if (!context.json && !context.quiet)
            std::cout << "run " << id << ": " << (now.tags.empty() ? "no tags" : joined(now.tags))
                      << (now.note.empty() ? "" : "; note: " + printable(now.note))
                      << (now.deleted.empty() ? "" : "; deleted " + now.deleted) << "\n";
    }
    if (context.json)
        print(json);
    return 0;
}

std::vector<std::string> all_parts(const std::vector<std::string>& lists)
{
    std::vector<std::string> parts;
    for (const std::string& list : lists)
        for (std::string& part : parts_of(list))
            parts.push_back(std::move(part));
    return parts;
}

std::vector<int> deleted_runs(const store::Lab& lab)
{
    std::vector<int> ids;
    for (const auto& [id, annotation] : lab.annotations())
        if (!annotation.deleted.empty())
            ids.push_back(id);
    return ids;
}

} // namespace

int tag_runs(const Context& context, const TagOptions& options)
{
    const char* const usage = "pipebd runs tag ID --add good,paper";
    const std::vector<int> ids = run_ids_from(options.ids, usage);
    const std::vector<std::string> add = all_parts(options.add);
    const std::vector<std::string> remove = all_parts(options.remove);
    if (add.empty() && remove.empty())
        throw Error(Code::BadRequest, "no tag given", usage, "give --add TAGS or --remove TAGS");
    return annotate(context, ids, [&](store::Lab& lab, int id) { lab.change_tags(id, add, remove); });
}

int note_run(const Context& context, const NoteOptions& options)
{
    const char* const usage = "pipebd runs note ID TEXT";
    const int id = run_id_from(options.id, usage);
    if (options.words.empty() != options.clear)
        throw Error(Code::BadRequest, options.clear ? "a note and --clear exclude each other" : "no note given", usage,
            "give the text, or --clear to remove the note");
    std::string note;
    for (const std::string& word : options.words)
        note += (note.empty() ? "" : " ") + word;
    return annotate(context, {id}, [&](store::Lab& lab, int run) { lab.set_note(run, note); });
}

int delete_runs(const Context& context, const std::vector<std::string>& ids)
{
    return annotate(context, run_ids_from(ids, "pipebd runs delete ID"), [](store::Lab& lab, int id) { lab.delete_run(id); });
}

int restore_runs(const Context& context, const std::vector<std::string>& ids)
{
    return annotate(context, run_ids_from(ids, "pipebd runs restore ID"), [](store::Lab& lab, int id) { lab.restore_run(id); });
}

int purge_runs(const Context& context, const PurgeOptions& options)
{
    store::Lab lab = context.existing_lab();
    const std::vector<int> ids = options.all_deleted ? deleted_runs(lab) : run_ids_from(options.ids, "pipebd runs purge ID");
    std::vector<store::RunRecord> runs;
    for (const int id : ids)
        runs.push_back(lab.run(id));
    Json json = Json::array();
    for (const store::RunRecord& run : runs) {
        lab.purge_run(run.id);
        json.push_back({{"id", run.id}, {"name", run.name}, {"folder", run.folder.string()}});
        if (!context.json && !context.quiet)
            std::cout << "run " << run.id << " (" << printable(run.name) << ") removed: " << printable(run.folder.string()) << "\n";
    }
    if (context.json)
        print(json);
    else if (runs.empty() && !context.quiet)
        std::cout << "there are no deleted runs\n";
    return 0;
}

} // namespace pipebd::cli
