#include "store/annotations.h"

#include "base/error.h"
#include "base/text.h"

namespace pipebd::store {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t longest_tag = 100; // bytes

Error no_tag(const std::string& tag, const char* why)
{
    return {Code::BadRequest, std::string("not a valid tag (") + why + ")", in_quotes(tag), "choose a short word"};
}

void bind_text(SQLite::Statement& statement, int run, const std::string& text)
{
    statement.bind(1, run);
    statement.bind(2, text);
}

} // namespace

void check_tag(const std::string& tag)
{
    if (tag.empty())
        throw no_tag(tag, "it is empty");
    if (tag.size() > longest_tag)
        throw no_tag(tag, "it is longer than 100 bytes");
    if (!is_utf8(tag) || printable(tag) != tag)
        throw no_tag(tag, "it has characters that cannot be shown");
    if (tag.find(',') != std::string::npos)
        throw no_tag(tag, "commas separate tags");
    if (trimmed(tag) != tag)
        throw no_tag(tag, "it begins or ends with a space");
}

Annotations::Annotations(SQLite::Database& library)
    : library_(library)
{
}

std::map<int, Annotation> Annotations::all(const fs::path& runs) const
{
    std::map<int, Annotation> annotations;
    SQLite::Statement rows(library_, "SELECT run, folder, note, deleted FROM annotation");
    while (rows.executeStep()) {
        std::error_code none;
        if (fs::is_directory(runs / rows.getColumn(1).getString(), none))
            annotations[rows.getColumn(0).getInt()]
                = {.tags = {}, .note = rows.getColumn(2).getString(), .deleted = rows.getColumn(3).getString()};
    }
    SQLite::Statement tags(library_, "SELECT run, tag FROM tag ORDER BY run, tag");
    while (tags.executeStep())
        if (const auto found = annotations.find(tags.getColumn(0).getInt()); found != annotations.end())
            found->second.tags.push_back(tags.getColumn(1).getString());
    return annotations;
}

Annotation Annotations::of(int run, const std::string& folder) const
{
    Annotation annotation;
    SQLite::Statement row(library_, "SELECT note, deleted FROM annotation WHERE run = ? AND folder = ?");
    bind_text(row, run, folder);
    if (!row.executeStep())
        return annotation;
    annotation.note = row.getColumn(0).getString();
    annotation.deleted = row.getColumn(1).getString();
    SQLite::Statement tags(library_, "SELECT tag FROM tag WHERE run = ? ORDER BY tag");
    tags.bind(1, run);
    while (tags.executeStep())
        annotation.tags.push_back(tags.getColumn(0).getString());
    return annotation;
}

void Annotations::set_note(int run, const std::string& folder, const std::string& note)
{
    make_row(run, folder);
    SQLite::Statement update(library_, "UPDATE annotation SET note = ?2 WHERE run = ?1");
    bind_text(update, run, note);
    update.exec();
}

void Annotations::set_deleted(int run, const std::string& folder, const std::string& deleted)
{
    make_row(run, folder);
    SQLite::Statement update(library_, "UPDATE annotation SET deleted = ?2 WHERE run = ?1");
    bind_text(update, run, deleted);
    update.exec();
}

void Annotations::set_tags(int run, const std::string& folder, std::span<const std::string> tags)
{
    make_row(run, folder);
    SQLite::Statement clear(library_, "DELETE FROM tag WHERE run = ?");
    clear.bind(1, run);
    clear.exec();
    SQLite::Statement insert(library_, "INSERT OR IGNORE INTO tag (run, tag) VALUES (?, ?)");
    for (const std::string& tag : tags) {
        bind_text(insert, run, tag);
        insert.exec();
        insert.reset();
    }
}

void Annotations::remove(int run)
{
    SQLite::Statement remove(library_, "DELETE FROM annotation WHERE run = ?");
    remove.bind(1, run);
    remove.exec();
}

/// Drops a row of another folder that had this number.
void Annotations::make_row(int run, const std::string& folder)
{
    SQLite::Statement drop(library_, "DELETE FROM annotation WHERE run = ? AND folder <> ?");
    bind_text(drop, run, folder);
    drop.exec();
    SQLite::Statement insert(library_, "INSERT OR IGNORE INTO annotation (run, folder, note, deleted) VALUES (?, ?, '', '')");
    bind_text(insert, run, folder);
    insert.exec();
}

} // namespace pipebd::store
