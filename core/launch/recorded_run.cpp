#include "launch/recorded_run.h"

#include "base/file.h"
#include "experiment/stages.h"

#include <algorithm>

namespace pipebd::launch {

namespace {

using store::RunRecord;
using store::RunState;

RunRecord queued_record(const TrainingRequest& request, const store::Lab::NewRun& run)
{
    RunRecord record;
    record.id = run.id;
    record.name = request.experiment.name;
    record.pair = request.experiment.pair;
    record.strategy = request.planned.schedule.strategy;
    for (const experiment::Device& device : request.devices)
        record.devices.push_back(to_string(device));
    record.created = store::utc_text();
    record.steps = request.steps * static_cast<std::int64_t>(request.planned.program.phases.size());
    record.predicted_step = request.planned.simulation.step;
    record.supervisor = store::this_process();
    record.stage = to_string(experiment::stage_of(request.experiment));
    record.weights_from = request.weights_from;
    if (request.resumed) {
        record.resumed_from = request.resumed->run;
        record.resumed_checkpoint = request.resumed->checkpoint.filename().string();
    }
    record.folder = run.folder;
    return record;
}

} // namespace

std::string file_of_document(const std::string& name)
{
    if (name == "experiment")
        return "experiment.toml";
    return name == "spec" || name == "profile" || name == "plan" ? name + ".json" : "";
}

void copy_student(const std::filesystem::path& from, const std::filesystem::path& to)
{
    for (const char* name : {"student.safetensors", "architecture.json", "supernet.safetensors"}) {
        const std::filesystem::path file = from / name;
        if (std::filesystem::exists(file))
            replace_file(to / name, MappedFile(file).bytes());
    }
}

RecordedRun::RecordedRun(const TrainingRequest& request, experiment::RunSpec spec, const store::Lab::NewRun& run,
    std::chrono::steady_clock::time_point zero)
    : spec_(std::move(spec))
    , lock_(run.folder)
    , store_(run.folder / "run.sqlite", store::RunStore::Mode::Writer)
    , record_(queued_record(request, run))
    , measurements_(spec_.program, request.steps, request.experiment.data.batch,
          phase_shares(request.planned.simulation.timeline, spec_.program.phases.size()), spec_.done)
    , recorder_(store_, measurements_, run.folder / "log.txt", zero)
{
    store_.save(record_);
}

void RecordedRun::begin(const Documents& documents, const std::string& started)
{
    for (const char* name : {"experiment", "spec"})
        if (const auto found = documents.find(name); found != documents.end())
            replace_file(record_.folder / file_of_document(name), found->second);
    for (const auto& [name, text] : documents)
        store_.save_document(name, text);
    record_.started = started;
    record_.state = RunState::Running;
    store_.save(record_);
}

void RecordedRun::flush()
{
    measure();
    recorder_.flush(record_);
}

void RecordedRun::measure()
{
    record_.steps_done = measurements_.steps_done();
    record_.throughput = measurements_.throughput();
    record_.measured_step = measurements_.step();
    record_.first_loss = measurements_.first_loss();
    record_.final_loss = measurements_.final_loss();
    record_.accuracy = measurements_.accuracy();
}

void RecordedRun::end_as(const Outcome& outcome, const std::string& finished)
{
    for (const std::string& consequence : outcome.consequences)
        log(-1, "as a consequence: " + consequence);
    switch (outcome.kind) {
    case Outcome::Kind::Finished:
        end(RunState::Finished, finished);
        break;
    case Outcome::Kind::Cancelled:
        log(-1, "cancelled");
        if (outcome.error) {
            record_.error = outcome.error->what();
            log(-1, record_.error);
        }
        end(RunState::Cancelled, finished);
        break;
    case Outcome::Kind::Failed:
        record_.culprit = outcome.culprit;
        record_.last_lines = outcome.last_lines;
        end_failed(*outcome.error, finished);
        break;
    }
}

void RecordedRun::end_failed(const Error& error, const std::string& finished)
{
    record_.error = error.what();
    log(-1, record_.error);
    end(RunState::Failed, finished);
}

void RecordedRun::end_lost(const Error& error, const std::string& finished)
{
    record_.error = error.what();
    log(-1, record_.error);
    end(RunState::Lost, finished);
}

void RecordedRun::end(RunState state, const std::string& finished)
{
    measure();
    recorder_.flush(record_, true);
    record_.state = state;
    record_.finished = std::max(finished, record_.started);
    store_.save(record_);
    store_.finish();
}

} // namespace pipebd::launch
