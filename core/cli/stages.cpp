#include "cli/stages.h"

#include "base/error.h"
#include "base/text.h"
#include "cli/arguments.h"
#include "cli/table.h"
#include "store/run_details.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

namespace pipebd::cli {

namespace {

using experiment::StageKind;
using store::RunRecord;

/// The stage whose results `stage` begins with.
StageKind before(StageKind stage)
{
    return stage == StageKind::Finetune ? StageKind::Distil : StageKind::Teacher;
}

std::string place_of(const RunRecord& run)
{
    return "--from " + std::to_string(run.id);
}

/// "12.3M"
std::string short_count(double count)
{
    constexpr std::array<const char*, 4> units = {"", "k", "M", "G"};
    std::size_t unit = 0;
    for (; count >= 1000 && unit + 1 < units.size(); ++unit)
        count /= 1000;
    char text[32];
    std::snprintf(text, sizeof text, "%.4g%s", count, units[unit]);
    return text;
}

/// A network and what is said of it: `prefix` is "teacher_" for the teacher that a run learned from.
struct Line {
    std::string network;
    int run = 0;
    const std::map<std::string, double>* evaluation = nullptr;
    std::string accuracy; // the name of its top-1 accuracy
    std::string prefix;
};

std::vector<std::string> row_of(const Line& line)
{
    const auto value = [&](const std::string& name, auto text) {
        const auto found = line.evaluation->find(name);
        return found == line.evaluation->end() ? std::string("-") : text(found->second);
    };
    return {line.network, std::to_string(line.run), value(line.accuracy, percent), value(line.accuracy + "_top5", percent),
        value(line.prefix + "macs", short_count), value(line.prefix + "parameters", short_count)};
}

} // namespace

std::vector<StageKind> stages_to_run(const experiment::Experiment& experiment, const std::string& named)
{
    const std::vector<StageKind> all = experiment::stages_of(experiment);
    if (named.empty())
        return all;
    const std::vector<StageKind> chosen = experiment::parse_stages(named, "--stage " + named);
    for (const StageKind stage : chosen) {
        if (std::find(all.begin(), all.end(), stage) != all.end())
            continue;
        const std::string name(to_string(stage));
        throw Error(Code::BadRequest, "the experiment has no stage " + name, "--stage " + named,
            stage == StageKind::Distil ? "leave train.network as it is by default"
                                       : "describe it in [stage." + name + "], such as --set stage." + name + ".epochs=4");
    }
    return chosen;
}

RunRecord run_before(const store::Lab& lab, const std::string& id, StageKind stage)
{
    RunRecord run = lab.run(run_id_from(id, "pipebd run EXPERIMENT --stage STAGE --from RUN"));
    if (stage == StageKind::Teacher)
        throw Error(Code::BadRequest, "a teacher does not start from another run's weights", place_of(run), "leave it out");
    if (run.state != store::RunState::Finished)
        throw Error(Code::BadRequest, "the run is " + std::string(to_string(run.state)) + ", not finished", place_of(run),
            is_final(run.state) ? "resume it first: pipebd run --resume " + std::to_string(run.id) : "wait until it ends");
    const std::string expected(to_string(before(stage)));
    if (run.stage != expected)
        throw Error(Code::BadRequest,
            "the stage " + std::string(to_string(stage)) + " follows the stage " + expected + ", which this run is not",
            place_of(run), "give a run of that stage; pipebd runs show prints the stage of a run");
    return run;
}

experiment::Experiment with_results(experiment::Experiment experiment, const RunRecord& run)
{
    const std::filesystem::path weights = std::filesystem::absolute(run.folder / "student.safetensors");
    const std::filesystem::path architecture = std::filesystem::absolute(run.folder / "architecture.json");
    if (!std::filesystem::exists(weights))
        throw Error(Code::NotFound, "the run left no weights", "run " + std::to_string(run.id), "start it again");
    if (distils(experiment)) {
        experiment.teacher.weights = weights.string();
        return experiment;
    }
    experiment.student.weights = weights.string();
    experiment.student.architecture = std::filesystem::exists(architecture) ? architecture.string() : "";
    return experiment;
}

experiment::Experiment before_results(experiment::Experiment experiment)
{
    if (distils(experiment))
        experiment.teacher.weights.clear();
    else
        experiment.student = {};
    return experiment;
}

void require_weights(const experiment::Experiment& experiment, StageKind stage)
{
    const bool waits_for_teacher = stage == StageKind::Distil && experiment.stage.teacher != experiment::Stage{};
    const bool waits = waits_for_teacher ? experiment.teacher.weights.empty()
                                         : stage == StageKind::Finetune && experiment.student.weights.empty();
    if (waits)
        throw Error(Code::BadRequest, "the run that the stage starts from is missing", "--stage " + std::string(to_string(stage)),
            "give the run of the stage " + std::string(to_string(before(stage))) + " with --from RUN, or run that stage too");
}

std::vector<RunRecord> life_of(const store::Lab& lab, const RunRecord& run)
{
    std::vector<RunRecord> life = {run};
    while (life.size() < 3 && life.back().weights_from > 0) {
        try {
            life.push_back(lab.run(life.back().weights_from));
        } catch (const Error&) {
            break;
        }
    }
    std::reverse(life.begin(), life.end());
    return life;
}

std::string life_text(const std::vector<RunRecord>& life)
{
    std::vector<std::map<std::string, double>> evaluations;
    for (const RunRecord& run : life)
        evaluations.push_back(store::details_of(run).evaluation);
    std::vector<Line> lines;
    for (std::size_t i = 0; i < life.size(); ++i) {
        const auto& [run, evaluation] = std::tie(life[i], evaluations[i]);
        const bool distilled = run.stage == to_string(StageKind::Distil);
        if (distilled && lines.empty())
            lines.push_back({"teacher", run.id, &evaluation, "teacher_accuracy", "teacher_"});
        const bool finetuned = run.stage == to_string(StageKind::Finetune);
        lines.push_back({distilled ? "distilled student"
                : finetuned        ? "fine-tuned student"
                                   : "teacher",
            run.id, &evaluation, "test_accuracy", ""});
    }
    Table table({"network", ">run", ">top-1", ">top-5", ">MACs", ">parameters"});
    for (const Line& line : lines)
        table.add(row_of(line));
    return table.text();
}

} // namespace pipebd::cli
