#include "cli/resume.h"

#include "base/checksum.h"
#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "cli/arguments.h"
#include "experiment/run_spec.h"
#include "store/run_store.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace pipebd::cli {

namespace {

namespace fs = std::filesystem;

Error finished(const ResumePoint& point, std::string_view next)
{
    const std::string id = std::to_string(point.run);
    const std::vector<std::int64_t> updates = point.manifest.updates();
    const std::int64_t steps = *std::max_element(updates.begin(), updates.end());
    std::string remedy = "to train it longer: pipebd run --resume " + id + " --set train.steps=" + std::to_string(2 * steps)
        + "; to run it again with changes: pipebd run " + point.experiment_file.string() + " --set KEY=VALUE";
    if (!next.empty())
        remedy = "to continue with the next stage, add --stage " + std::string(next) + " --from " + id + " instead; " + remedy;
    return {Code::BadRequest, "run " + id + " has finished all of its steps", "--resume " + id, remedy};
}

experiment::CheckpointManifest checked_manifest(const fs::path& checkpoint)
{
    experiment::CheckpointManifest manifest = experiment::read_manifest(checkpoint);
    experiment::check_blocks(checkpoint, manifest);
    return manifest;
}

bool is_sound(const fs::path& checkpoint)
{
    try {
        checked_manifest(checkpoint);
        return true;
    } catch (const Error&) {
        return false;
    }
}

fs::path named(const std::vector<fs::path>& checkpoints, const std::string& name, const std::string& place)
{
    if (name.empty())
        return checkpoints.front();
    if (name == "best") {
        const fs::path best = experiment::best_of(checkpoints);
        return best.empty() ? checkpoints.front() : best;
    }
    std::int64_t round = -1;
    std::from_chars(name.data(), name.data() + name.size(), round);
    std::string known;
    for (const fs::path& checkpoint : checkpoints) {
        const std::string its_name = checkpoint.filename().string();
        if (its_name == name || (round >= 0 && its_name == experiment::checkpoint_name(round)))
            return checkpoint;
        known += ", " + its_name;
    }
    throw Error(Code::NotFound, "there is no checkpoint " + in_quotes(name), place, "choose one of: best" + known);
}

/// What to do instead of a checkpoint that cannot be used.
std::string another(const std::vector<fs::path>& checkpoints, const fs::path& unusable)
{
    for (const fs::path& checkpoint : checkpoints)
        if (checkpoint != unusable && is_sound(checkpoint))
            return "resume from the newest intact one: --checkpoint " + checkpoint.filename().string();
    return "no other checkpoint is intact: start the run again";
}

} // namespace

namespace {

launch::Inputs inputs_of(const store::RunRecord& run)
{
    try {
        return launch::inputs_from_json(
            store::RunStore(run.folder / "run.sqlite", store::RunStore::Mode::ReadOnly).document(launch::inputs_document));
    } catch (const Error&) {
        return {};
    }
}

/// The file of that name in the folder of a run of this lab; empty if there is none.
fs::path left_by(const store::Lab& lab, int run, const fs::path& name)
{
    try {
        const fs::path file = lab.run(run).folder / name.filename();
        return fs::exists(file) ? file : fs::path();
    } catch (const Error& error) {
        if (error.code() == Code::NotFound)
            return {};
        throw;
    }
}

/// Data elsewhere are the same if what is in them is.
void check_same_data(const std::string& path, const ResumePoint& point)
{
    const std::string place = "--set data.path=" + path;
    const auto recorded = point.inputs.find("data.path");
    if (recorded == point.inputs.end())
        throw Error(Code::BadRequest,
            "run " + std::to_string(point.run) + " recorded no checksum of its data, so moved data cannot be recognised", place,
            "put the data back where they were: " + point.manifest.experiment.data.path);
    if (const std::string digest = launch::digest_of_data(path); digest != recorded->second)
        throw Error(Code::BadRequest,
            "these are not the data that run " + std::to_string(point.run) + " was trained on: SHA-256 " + digest + " instead of "
                + recorded->second,
            place, "give a copy of the same files");
}

} // namespace

ResumePoint resume_point(const store::Lab& lab, const std::string& id, const std::string& name)
{
    const store::RunRecord run = lab.run(run_id_from(id, "pipebd run --resume RUN"));
    const std::string place = "run " + std::to_string(run.id);
    if (!store::is_final(run.state))
        throw Error(Code::BadRequest, "the run has not ended", place, "stop it first: pipebd runs stop " + std::to_string(run.id));
    const std::vector<fs::path> checkpoints = experiment::checkpoints_of(run.folder);
    if (checkpoints.empty())
        throw Error(Code::NotFound, "the run has no checkpoint", place,
            run.resumed_from > 0 ? "resume the earlier run instead: pipebd run --resume " + std::to_string(run.resumed_from)
                                 : "start it again");

    ResumePoint point;
    point.run = run.id;
    point.checkpoint = named(checkpoints, name, place);
    try {
        point.manifest = checked_manifest(point.checkpoint);
    } catch (const Error& error) {
        throw Error(error.code(), error.problem(), error.where(), another(checkpoints, point.checkpoint));
    }
    point.experiment_file = run.folder / "experiment.toml";
    point.experiment_text = read_file(point.experiment_file);
    const fs::path spec_file = run.folder / "spec.json";
    const std::string spec = read_file(spec_file);
    point.pair_folder = experiment::run_spec_from_json(spec, spec_file.string()).pair_folder;
    point.resumption = store::resumption_from(run, spec, point.checkpoint, point.manifest);
    point.is_finished = run.state == store::RunState::Finished;
    point.stage = experiment::stage_of(point.manifest.experiment);
    point.weights_from = run.weights_from;
    point.inputs = inputs_of(run);
    return point;
}

std::string input_of(const store::Lab& lab, const ResumePoint& point, const std::string& key, const std::string& was)
{
    if (was.empty())
        return was;
    const auto recorded = point.inputs.find(key);
    const bool is_recorded = recorded != point.inputs.end();
    const bool is_there = fs::exists(was);
    const fs::path here = point.weights_from > 0 ? left_by(lab, point.weights_from, was) : fs::path();
    if (!here.empty() && (is_recorded ? sha256_of_file(here) == recorded->second : !is_there))
        return here.string();
    const bool other_run = is_recorded && point.weights_from > 0; // what is there may be another lab by now
    if (is_there && (!other_run || sha256_of_file(was) == recorded->second))
        return was;
    const std::string place = key + " of run " + std::to_string(point.run) + ": " + was;
    const std::string remedy = "give the file with --set " + key + "=FILE";
    if (here.empty() && !is_there)
        throw Error(
            Code::NotFound, "the file that the run started from no longer exists", place, "copy the lab as a whole, or " + remedy);
    throw Error(Code::BadRequest,
        "run " + std::to_string(point.weights_from) + " of this lab is not the one that the run started from: SHA-256 "
            + sha256_of_file(here.empty() ? fs::path(was) : here) + " instead of " + recorded->second,
        place, remedy);
}

void check_same_training(const experiment::Experiment& experiment, const ResumePoint& point)
{
    // Weights are compared by what is in them, by the engine.
    constexpr std::array<std::string_view, 22> may_differ
        = {"name", "data.broken_limit", "data.workers", "train.epochs", "train.steps", "teacher.weights", "student.weights",
            "student.architecture", "derive.macs", "derive.parameters", "derive.samples", "derive.calibration", "run.strategy",
            "run.stages", "run.devices", "run.checkpoint_minutes", "run.checkpoint_steps", "run.checkpoint_keep",
            "run.checkpoint_failure", "run.timeout", "run.join_timeout", "run.stop_grace"};
    for (const std::string& key : experiment::differing_keys(experiment, point.manifest.experiment)) {
        if (key == "data.path" && experiment.data.source == point.manifest.experiment.data.source) {
            check_same_data(experiment.data.path, point);
            continue;
        }
        if (key.starts_with("derive.") && point.stage != experiment::StageKind::Distil)
            throw Error(Code::BadRequest, "run " + std::to_string(point.run) + " derives no student, so " + key + " cannot be set",
                "--resume", "resume the run that distilled the supernet, or leave it out");
        if (std::find(may_differ.begin(), may_differ.end(), key) == may_differ.end())
            throw Error(Code::BadRequest, key + " differs from what run " + std::to_string(point.run) + " was trained with",
                "--resume", "leave it unchanged; only strategy, devices, checkpoints, length and [derive] may change");
    }
}

void check_unfinished(const experiment::Experiment& experiment, const ResumePoint& point, std::string_view next)
{
    if (!point.is_finished || point.resumption.from < point.resumption.of)
        return;
    for (const std::string& key : experiment::differing_keys(experiment, point.manifest.experiment))
        if (key == "train.steps" || key == "train.epochs" || key.starts_with("derive."))
            return;
    throw finished(point, next);
}

void check_same_pair(const std::filesystem::path& folder, const ResumePoint& point)
{
    // Numbers of pairs are never given twice; the lab itself may have been moved.
    if (folder.filename() != point.pair_folder.filename())
        throw Error(Code::BadRequest,
            "the pair " + in_quotes(point.manifest.experiment.pair) + " is not the one that run " + std::to_string(point.run)
                + " was trained with: that pair was deleted and another imported under its name",
            "--resume", "start the run again");
}

launch::TrainingRequest::Resumed resumed_from(const ResumePoint& point, std::int64_t steps)
{
    launch::TrainingRequest::Resumed resumed{.run = point.run, .checkpoint = point.checkpoint, .done = point.manifest.updates()};
    const std::int64_t most = *std::max_element(resumed.done.begin(), resumed.done.end());
    if (most > steps)
        throw Error(Code::BadRequest,
            "the checkpoint has " + std::to_string(most) + " steps, more than the " + std::to_string(steps) + " requested",
            point.checkpoint.string(), "give at least --set train.steps=" + std::to_string(most));
    return resumed;
}

} // namespace pipebd::cli
