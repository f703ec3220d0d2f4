#include "gui/start/start_reading.h"

#include "base/error.h"
#include "experiment/checkpoint_manifest.h"
#include "experiment/run_spec.h"
#include "experiment/stages.h"
#include "gui/kit/error_text.h"
#include "gui/start/experiment_values.h"
#include "store/run_store.h"

#include <algorithm>

namespace pipebd::gui {

namespace {

namespace fs = std::filesystem;
using experiment::Experiment;

std::vector<std::string> toStrings(const QStringList& list)
{
    std::vector<std::string> strings;
    for (const QString& text : list)
        strings.push_back(text.toStdString());
    return strings;
}

std::vector<std::string> settingsOf(const StartRequest& request)
{
    QStringList settings = request.settings;
    if (!request.strategy.isEmpty())
        settings << QStringLiteral("run.strategy=") + request.strategy;
    if (!request.devices.isEmpty())
        settings << QStringLiteral("run.devices=") + request.devices;
    return toStrings(settings);
}

fs::path runFolder(const fs::path& lab, int id)
{
    std::error_code ignored;
    for (const fs::directory_entry& entry : fs::directory_iterator(lab / "runs", ignored))
        if (QString::fromStdString(entry.path().filename().string()).section(QLatin1Char('-'), 0, 0).toInt() == id)
            return entry.path();
    throw Error(Code::NotFound, "there is no run " + std::to_string(id), lab.string(), "see pipebd runs list");
}

experiment::CheckpointManifest chosenManifest(const std::vector<fs::path>& checkpoints, const QString& name, const fs::path& folder)
{
    if (checkpoints.empty())
        throw Error(Code::NotFound, "the run has no checkpoint", folder.string(), "start it again from the beginning");
    if (name == QLatin1String("best"))
        if (const fs::path best = experiment::best_of(checkpoints); !best.empty())
            return experiment::read_manifest(best);
    const auto named = std::find_if(checkpoints.begin(), checkpoints.end(),
        [&](const fs::path& checkpoint) { return checkpoint.filename().string() == name.toStdString(); });
    return experiment::read_manifest(named == checkpoints.end() ? checkpoints.front() : *named);
}

StartReading::Checkpoint described(const fs::path& checkpoint)
{
    StartReading::Checkpoint described{QString::fromStdString(checkpoint.filename().string()), 0};
    try {
        const std::vector<std::int64_t> updates = experiment::read_manifest(checkpoint).updates();
        if (!updates.empty())
            described.steps = *std::min_element(updates.begin(), updates.end());
    } catch (const Error&) {
        described.steps = -1; // it cannot be used; it is said when it is chosen
    }
    return described;
}

void read(const StartRequest& request, const fs::path& lab, StartReading& reading)
{
    const fs::path file = toPath(request.file);
    if (request.resume > 0) {
        const fs::path folder = runFolder(lab, request.resume);
        const std::vector<fs::path> checkpoints = experiment::checkpoints_of(folder);
        for (const fs::path& checkpoint : checkpoints)
            reading.checkpoints.push_back(described(checkpoint));
        const experiment::CheckpointManifest manifest = chosenManifest(checkpoints, request.checkpoint, folder);
        reading.asInFile = request.file.isEmpty() ? manifest.experiment : experiment::read_experiment(file);
    } else {
        reading.asInFile = experiment::read_experiment(file);
    }
    if (!request.devices.isEmpty() && request.devices != QLatin1String("auto"))
        experiment::parse_devices(request.devices.toStdString(), "Devices");
    const std::vector<std::string> settings = settingsOf(request);
    Experiment resolved
        = request.file.isEmpty() ? experiment::changed(*reading.asInFile, settings) : experiment::read_experiment(file, settings);
    for (const experiment::StageKind stage : experiment::stages_of(resolved)) {
        const std::string_view name = to_string(stage);
        reading.stages << QString::fromUtf8(name.data(), static_cast<qsizetype>(name.size()));
    }
    reading.resolved = std::move(resolved);
}

/// The stage of `run` if its experiment has others beside it.
QString stageOf(const store::RunRecord& run, const Experiment& whole)
{
    return experiment::stages_of(whole).size() > 1 ? QString::fromStdString(run.stage) : QString();
}

} // namespace

StartReading readStart(const StartRequest& request, const fs::path& lab)
{
    StartReading reading;
    try {
        read(request, lab, reading);
    } catch (...) {
        reading.problem = currentErrorText();
    }
    return reading;
}

StartRequest requestToRepeat(const store::RunRecord& run)
{
    const store::RunStore store(run.folder / "run.sqlite", store::RunStore::Mode::ReadOnly);
    const fs::path file = run.folder / "experiment.toml";
    const std::string text = store.document("experiment");
    const std::string spec = store.document("spec");
    if (text.empty() || !fs::exists(file))
        throw Error(
            Code::NotFound, "the run has no copy of its experiment file", run.folder.string(), "start the experiment file itself");

    StartRequest request;
    request.file = toQString(file);
    request.strategy = QString::fromStdString(run.strategy);
    QStringList devices;
    for (const std::string& device : run.devices)
        devices << QString::fromStdString(device);
    request.devices = devices.join(QLatin1Char(','));
    request.from = run.weights_from;
    request.resume = run.resumed_from;
    request.checkpoint = QString::fromStdString(run.resumed_checkpoint);

    const Experiment whole = experiment::parse_experiment(text, file.string());
    request.stage = stageOf(run, whole);
    if (spec.empty()) {
        request.settings << QStringLiteral("name=") + QString::fromStdString(run.name);
        return request;
    }
    const Experiment asItWas = experiment::run_spec_from_json(spec, "spec").experiment;
    if (!experiment::distils(asItWas))
        request.strategy.clear(); // on labels it trains without one
    const Experiment before
        = request.stage.isEmpty() ? whole : experiment::of_stage(whole, experiment::parse_stages(run.stage, "stage").front());
    const std::map<QString, QString> values = valuesOf(asItWas);
    for (const std::string& key : experiment::differing_keys(before, asItWas)) {
        const bool hasField = key == "run.strategy" || key == "run.devices";
        const bool ofRunBefore
            = run.weights_from > 0 && (key == "teacher.weights" || key == "student.weights" || key == "student.architecture");
        const QString name = QString::fromStdString(key);
        if (!hasField && !ofRunBefore && !values.at(name).isEmpty())
            request.settings << name + QLatin1Char('=') + values.at(name);
    }
    return request;
}

} // namespace pipebd::gui
