#include "launch/pair_import.h"

#include "base/checksum.h"
#include "base/error.h"
#include "base/file.h"
#include "base/temporary_folder.h"
#include "base/text.h"
#include "launch/supervisor.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <thread>

namespace pipebd::launch {

namespace {

namespace fs = std::filesystem;
using experiment::Metric;
using Json = nlohmann::ordered_json;

constexpr std::size_t longest_name = 200; // as in an experiment

void check_name(const store::Lab& lab, const std::string& name)
{
    if (name.empty() || name.size() > longest_name || !is_utf8(name))
        throw Error(Code::BadRequest, "not a valid name for a pair", "--name " + in_quotes(name),
            "give 1 to " + std::to_string(longest_name) + " bytes in UTF-8");
    if (lab.pair(name))
        throw Error(Code::BadRequest, "a pair of this name already exists", "--name " + in_quotes(name),
            "choose another name, or delete that pair: pipebd pairs delete");
}

/// A model file in the draft, as the engine is told of it.
struct Copied {
    fs::path file;
    std::string sha256;
};

Copied copy(const fs::path& from, const fs::path& to, const std::atomic<bool>& cancel)
{
    Sha256 checksum;
    copy_file(from, to, [&](std::span<const std::byte> piece) {
        if (cancel)
            throw Error(Code::Cancelled, "the import was cancelled", "by a signal");
        checksum.update(piece);
    });
    return {to, checksum.finish()};
}

Json request_of(const PairImport::Network& network, const Copied& copied)
{
    return {{"file", copied.file.native()}, {"sha256", copied.sha256}, {"blocks", network.blocks}};
}

/// The files are the copies in the draft: errors name those that the user gave.
class Names {
public:
    void add(const fs::path& copy, const fs::path& given) { names_.emplace_back(copy.native(), given.native()); }

    std::string in(std::string text) const
    {
        for (const auto& [copy, given] : names_)
            for (std::size_t at = text.find(copy); at != std::string::npos; at = text.find(copy, at + given.size()))
                text.replace(at, copy.size(), given);
        return text;
    }

private:
    std::vector<std::pair<std::string, std::string>> names_;
};

/// What became of the engine, in words.
Error failure_of(const Outcome& outcome, const PairImport& import, const Names& names)
{
    const Error& error = *outcome.error;
    constexpr std::string_view rank = "rank 0 ";
    if (!error.problem().starts_with(rank)) // it said so itself
        return {error.code(), names.in(error.problem()), names.in(error.where()), names.in(error.remedy())};
    const std::string last
        = outcome.last_lines.empty() ? "" : "; its last output was " + in_quotes(names.in(outcome.last_lines.back()), 300);
    return {error.code(), "the engine that opened the models " + error.problem().substr(rank.size()),
        import.teacher.file.native() + " and " + import.student.file.native(),
        "one of them is damaged, never ends, or needs more memory or time than an import may use: check what it does, or export "
        "it again"
            + last};
}

Json answer_of(const fs::path& request, const PairImport& import, const Names& names, const ImportLimits& limits,
    std::uint64_t bytes, const std::atomic<bool>& cancel)
{
    const std::chrono::milliseconds time = import.trust ? limits.time_of_programs : limits.time;
    Job job;
    job.engine = engine_program();
    job.arguments = {"import", "--request", request.string()};
    job.question = true;
    job.time_limit = time;
    job.start_limit = job.heartbeat_limit = std::min(time, limits.silence);
    constexpr std::uint64_t copies_of_a_file = 16; // weights, gradients and activations of batches of two and three
    const auto cores = static_cast<std::int64_t>(std::max(1u, std::thread::hardware_concurrency()));
    job.limits = Limits{.address_space = limits.address_space + copies_of_a_file * bytes,
        .cpu = std::chrono::ceil<std::chrono::seconds>(time * cores),
        .file_size = 0};

    std::string text;
    Listener listener;
    listener.metric = [&](const Metric& metric) {
        if (metric.type == Metric::Type::Pair)
            text = metric.text;
    };
    const Outcome outcome = run(job, listener, cancel);
    if (outcome.kind == Outcome::Kind::Cancelled)
        throw Error(Code::Cancelled, "the import was cancelled", "by a signal");
    if (outcome.kind == Outcome::Kind::Failed)
        throw failure_of(outcome, import, names);
    Json answer = Json::parse(text, nullptr, false);
    if (!answer.is_object() || answer.value("format", Json()) != "pipebd.import/1")
        throw Error(Code::Protocol, "unexpected answer from the engine", in_quotes(text), mend_engine);
    return answer;
}

std::vector<ImportedBlock> blocks_of(const Json& answer)
{
    std::vector<ImportedBlock> blocks;
    for (const Json& block : answer.at("blocks"))
        blocks.push_back({.name = block.at("name").get<std::string>(),
            .student_modules = block.at("student_modules").get<std::string>(),
            .output_shape = block.at("output_shape").get<std::vector<std::int64_t>>(),
            .teacher_parameters = block.at("teacher_parameters").get<std::int64_t>(),
            .student_parameters = block.at("student_parameters").get<std::int64_t>(),
            .gradient_tensors = block.at("gradient_tensors").get<std::int64_t>(),
            .without_gradient = block.at("without_gradient").get<std::vector<std::string>>()});
    return blocks;
}

/// Gives a copy the name by which pair.json knows it.
void rename_copy(const fs::path& copy, const Json& network)
{
    const fs::path name = network.at("file").get<std::string>();
    if (name != name.filename() || name.stem() != copy.filename())
        throw Error(Code::Protocol, "the engine's answer names an impossible file", in_quotes(name.native()), mend_engine);
    fs::rename(copy, copy.parent_path() / name);
}

} // namespace

ImportedPair import_pair(store::Lab& lab, const PairImport& import, const std::atomic<bool>& cancel, const ImportLimits& limits)
{
    check_name(lab, import.name);
    store::PairDraft draft = lab.draft_pair();
    const Copied teacher = copy(import.teacher.file, draft.folder() / "teacher", cancel);
    const Copied student = copy(import.student.file, draft.folder() / "student", cancel);
    Names names;
    names.add(teacher.file, import.teacher.file);
    names.add(student.file, import.student.file);

    const TemporaryFolder folder;
    const fs::path request = folder.path() / "request.json";
    replace_file(request,
        Json{{"format", "pipebd.import-request/1"}, {"name", import.name}, {"trust", import.trust},
            {"end_to_end", import.end_to_end}, {"input", import.input}, {"vocabulary", import.vocabulary},
            {"teacher", request_of(import.teacher, teacher)}, {"student", request_of(import.student, student)}}
                .dump(2, ' ', false, Json::error_handler_t::replace)
            + "\n");
    const Json answer
        = answer_of(request, import, names, limits, fs::file_size(teacher.file) + fs::file_size(student.file), cancel);

    ImportedPair imported;
    try {
        imported.blocks = blocks_of(answer);
        imported.teacher_weights = answer.at("weights").at("teacher").get<std::string>();
        imported.student_weights = answer.at("weights").at("student").get<std::string>();
        rename_copy(teacher.file, answer.at("pair").at("teacher"));
        rename_copy(student.file, answer.at("pair").at("student"));
        imported.description = answer.at("pair").dump(2) + "\n";
    } catch (const Json::exception&) {
        throw Error(Code::Protocol, "unexpected answer from the engine", in_quotes(answer.dump(), 500), mend_engine);
    }
    replace_file(draft.folder() / "pair.json", imported.description);
    imported.stored = lab.keep_pair(import.name, std::move(draft));
    return imported;
}

} // namespace pipebd::launch
