#include "base/error.h"
#include "base/text.h"
#include "base/units.h"
#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/named.h"
#include "cli/progress_line.h"
#include "cli/table.h"
#include "launch/engine_queries.h"
#include "launch/pair_import.h"

#include <nlohmann/json.hpp>

#include <charconv>
#include <cmath>
#include <iostream>
#include <optional>
#include <sstream>

namespace pipebd::cli {

namespace {

using Json = nlohmann::ordered_json;

std::string table_of(const launch::ImportedPair& imported)
{
    Table table({"block", "teacher", "student", ">output", ">teacher parameters", ">student parameters", "gradients"});
    std::string frozen;
    for (std::size_t i = 0; i < imported.blocks.size(); ++i) {
        const launch::ImportedBlock& block = imported.blocks[i];
        const std::size_t none = block.without_gradient.size();
        const std::size_t all = none + static_cast<std::size_t>(block.gradient_tensors);
        table.add({std::to_string(i), printable(block.name), printable(block.student_modules), shape_text(block.output_shape),
            std::to_string(block.teacher_parameters), std::to_string(block.student_parameters),
            none == 0 ? "all " + std::to_string(all) : std::to_string(block.gradient_tensors) + " of " + std::to_string(all)});
        for (const std::string& name : block.without_gradient)
            frozen += "no gradient reaches " + printable(name) + " of the student's block " + std::to_string(i) + "\n";
    }
    return table.text() + frozen;
}

/// Enough to tell two apart by eye.
std::string short_checksum(const std::string& sha256)
{
    return sha256.substr(0, 12);
}

/// Whether so many right answers could be guessed: within three standard deviations of guessing, or fewer.
bool is_chance(const launch::Evaluated& teacher)
{
    const auto samples = static_cast<double>(teacher.samples);
    const double chance = 1.0 / teacher.classes;
    return static_cast<double>(teacher.correct) <= samples * chance + 3 * std::sqrt(samples * chance * (1 - chance));
}

std::string evaluation_text(const launch::Evaluated& teacher)
{
    const auto share = [](double part) { return fixed(part * 100, part < 0.01 ? 2 : part < 0.1 ? 1 : 0) + " %"; };
    const std::string chance = share(1.0 / teacher.classes);
    const std::string text = "the teacher classifies " + std::to_string(teacher.correct) + " of " + std::to_string(teacher.samples)
        + " test samples right, ";
    return is_chance(teacher)
        ? text + "no better than chance (" + chance + "): are its weights random?"
        : text + share(static_cast<double>(teacher.correct) / static_cast<double>(teacher.samples)) + "; chance is " + chance;
}

/// The experiment `file` with the pair `name` in place of its own, and that pair's own weights.
experiment::Experiment test_of(const std::string& file, const std::string& name)
{
    experiment::Experiment experiment = experiment_from(file, {}, "pipebd pairs import --test-data EXPERIMENT");
    experiment.pair = name;
    experiment.teacher.weights.clear();
    return experiment;
}

Json json_of(const launch::ImportedPair& imported, const std::optional<launch::Evaluated>& teacher)
{
    Json blocks = Json::array();
    for (const launch::ImportedBlock& block : imported.blocks)
        blocks.push_back({{"name", block.name}, {"student_modules", block.student_modules}, {"output_shape", block.output_shape},
            {"teacher_parameters", block.teacher_parameters}, {"student_parameters", block.student_parameters},
            {"gradient_tensors", block.gradient_tensors}, {"without_gradient", block.without_gradient}});
    Json json = {{"name", imported.stored.name}, {"folder", imported.stored.folder.string()}, {"sha256", imported.stored.sha256},
        {"weights", {{"teacher", imported.teacher_weights}, {"student", imported.student_weights}}},
        {"pair", Json::parse(imported.description)}, {"blocks", std::move(blocks)}};
    if (teacher)
        json["teacher_test"] = {{"correct", teacher->correct}, {"samples", teacher->samples}, {"classes", teacher->classes},
            {"better_than_chance", !is_chance(*teacher)}};
    return json;
}

/// "3x224x224"
std::vector<std::int64_t> shape_from(const std::string& text)
{
    constexpr std::int64_t largest = 1 << 20;
    constexpr std::size_t most_dimensions = 4;
    std::vector<std::int64_t> shape;
    std::istringstream parts(text);
    for (std::string part; std::getline(parts, part, 'x');) {
        std::int64_t size = 0;
        const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), size);
        const bool fits = error == std::errc{} && end == part.data() + part.size() && size >= 1 && size <= largest;
        if (!fits || shape.size() == most_dimensions)
            throw Error(
                Code::BadRequest, in_quotes(text) + " is not the shape of a sample", "--input", "give one such as 3x224x224");
        shape.push_back(size);
    }
    return shape;
}

/// `value`, of the command `pipebd pairs COMMAND`, if it was given.
std::string required(const std::string& value, const std::string& option, const std::string& command, const std::string& what)
{
    if (value.empty())
        throw Error(Code::BadRequest, option + " is missing", "pipebd pairs " + command, "give " + what);
    return value;
}

} // namespace

int import_pair(const Context& context, const ImportPairOptions& options)
{
    launch::PairImport import;
    import.teacher = {required(options.teacher, "--teacher", "import", "the teacher's model file"), options.teacher_blocks};
    import.student = {required(options.student, "--student", "import", "the student's model file"), options.student_blocks};
    import.name = required(options.name, "--name", "import", "the pair a name");
    import.trust = options.trust;
    import.end_to_end = options.end_to_end;
    import.input = shape_from(options.input);
    import.vocabulary = options.vocabulary;
    if (options.vocabulary < 0)
        throw Error(Code::BadRequest, "the vocabulary size is out of range", "--vocabulary", "give the number of different tokens");
    for (const launch::EnginePair& pair : launch::engine_pairs(context.cancel))
        if (pair.name == import.name)
            throw Error(
                Code::BadRequest, "a built-in pair already has this name", "--name " + in_quotes(import.name), "choose another");

    std::optional<experiment::Experiment> test;
    if (!options.test_data.empty())
        test = test_of(options.test_data, import.name);

    store::Lab lab = context.writable_lab();
    ProgressLine line(context.progress);
    line.note("opening and testing the models");
    const launch::ImportedPair imported = named_by_user([&] { return launch::import_pair(lab, import, context.cancel); });
    line.clear();
    if (!context.json && !context.quiet)
        std::cout << table_of(imported) << "SHA-256 of the weights: teacher " << short_checksum(imported.teacher_weights)
                  << ", student " << short_checksum(imported.student_weights) << "\nimported; in an experiment: pair = \""
                  << printable(imported.stored.name) << "\"\n"
                  << std::flush;
    std::optional<launch::Evaluated> teacher;
    if (test) {
        line.note("trying the teacher on the test data");
        teacher = launch::evaluate_teacher({*test, imported.stored.folder}, context.cancel);
        line.clear();
    }
    if (context.json)
        std::cout << json_of(imported, teacher).dump(2, ' ', false, Json::error_handler_t::replace) << "\n";
    else if (teacher && is_chance(*teacher))
        std::cerr << "pipebd: warning: " << evaluation_text(*teacher) << "\n";
    else if (teacher && !context.quiet)
        std::cout << evaluation_text(*teacher) << "\n";
    return 0;
}

int delete_pair(const Context& context, const std::string& name)
{
    store::Lab lab = context.existing_lab();
    lab.delete_pair(required(name, "the pair's name", "delete", "one; pipebd pairs list shows them"));
    return 0;
}

} // namespace pipebd::cli
