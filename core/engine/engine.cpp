#include "engine/engine.h"

#include "base/error.h"
#include "base/file.h"
#include "engine/data/sample_stream.h"
#include "engine/deliver.h"
#include "engine/device/backend.h"
#include "engine/device/cores.h"
#include "engine/models/pair_description.h"
#include "engine/pairs.h"
#include "engine/profiler.h"
#include "engine/report/pulse.h"
#include "engine/report/telemetry.h"
#include "engine/training/checkpoint.h"
#include "engine/training/checkpoint_rhythm.h"
#include "engine/training/checkpointer.h"
#include "engine/training/evaluate.h"
#include "engine/training/executor.h"
#include "engine/training/stop_watch.h"
#include "experiment/limits.h"
#include "schedule/strategies.h"

#include <nlohmann/json.hpp>
#include <torch/headeronly/version.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <optional>
#include <set>
#include <unistd.h>

namespace pipebd::engine {

using experiment::Metric;
using experiment::RunSpec;
using nlohmann::json;

namespace {

std::shared_ptr<const Pair> pair_of(const RunSpec& spec)
{
    return open_pair(spec.experiment.pair, spec.pair_folder);
}

std::unique_ptr<DataSet> data_for(const Pair& pair, const RunSpec& spec, Reporter& reporter)
{
    const auto warn = [&reporter](const std::string& text) {
        Metric metric;
        metric.type = Metric::Type::Log;
        metric.text = "warning: " + text;
        reporter.report(std::move(metric));
    };
    return open_data(spec.experiment, pair.input(), pair.classes(),
        {.threads = reading_threads(spec), .warn = warn, .progress = [&reporter] { reporter.pulse(); }});
}

/// What a rank says of itself: version, host, and the time of day at its zero of time.
std::string versions()
{
    char host[256] = {};
    gethostname(host, sizeof host - 1);
    const std::chrono::duration<double> now = std::chrono::system_clock::now().time_since_epoch();
    return json{{"libtorch", TORCH_VERSION}, {"host", host}, {"started", now.count() - run_milliseconds() * 1e-3}}.dump(
        -1, ' ', false, json::error_handler_t::replace);
}

/// CUDA registers itself with LibTorch when its module is loaded, which must come before any other call of LibTorch.
void load_modules(const RunSpec& spec)
{
    // Loading a kernel at its first use may wait for the device, on which a gradient's receive may be waiting for that very kernel.
    if (spec.program.end_to_end())
        setenv("CUDA_MODULE_LOADING", "EAGER", 0);
    for (const experiment::Device& device : spec.devices) {
        if (device.kind == experiment::Device::Kind::Cuda)
            gpu_count();
    }
}

void say_hello(Backend& backend, std::int64_t steps, std::string text, Reporter& reporter)
{
    Metric hello;
    hello.type = Metric::Type::Hello;
    hello.step = steps;
    hello.name = backend.name();
    hello.bytes = backend.memory_bytes();
    hello.text = std::move(text);
    reporter.report(std::move(hello));
}

void say_bye(Reporter& reporter)
{
    Metric bye;
    bye.type = Metric::Type::Bye;
    reporter.report(std::move(bye));
    reporter.flush();
}

void say_met(Reporter& reporter)
{
    Metric met;
    met.type = Metric::Type::Met;
    reporter.report(std::move(met));
}

void say_stopped(std::int64_t round, Reporter& reporter)
{
    Metric doing;
    doing.type = Metric::Type::Doing;
    doing.name = "stopping";
    doing.step = round;
    reporter.report(std::move(doing));
}

/// One rank of a job: its place, its device, its connections.
struct Rank {
    Rendezvous rendezvous;
    std::unique_ptr<Backend> backend;
    std::unique_ptr<Transport> transport;

    Rank() = default;
    Rank(Rank&&) = default;
    /// Connections are taken down by leave() alone: after a failure that would wait for peers that are gone.
    ~Rank() { static_cast<void>(transport.release()); }
    void leave(Reporter& reporter)
    {
        reporter.on_heartbeat({}); // it tells the transport
        transport.reset();
    }
};

Rank join(const RunSpec& spec, const Topology& topology, std::int64_t steps, Reporter& reporter)
{
    Rank rank;
    rank.rendezvous = Rendezvous::from_environment();
    reporter.set_rank(rank.rendezvous.rank);
    if (rank.rendezvous.size != static_cast<int>(spec.devices.size()))
        throw Error(Code::BadRequest,
            "there are " + std::to_string(rank.rendezvous.size) + " ranks for " + std::to_string(spec.devices.size()) + " devices",
            "WORLD_SIZE", "start one rank for each device");
    rank.backend = make_backend(spec.devices[static_cast<std::size_t>(rank.rendezvous.rank)]);
    say_hello(*rank.backend, steps, versions(), reporter);
    rank.rendezvous.waiting = [&reporter](const std::string& doing) { reporter.waiting(doing); };
    rank.rendezvous.join_limit = experiment::join_limit(spec.experiment.run);
    rank.rendezvous.limits = {experiment::silence_limit(spec.experiment.run), experiment::stall_limit(spec.experiment.run)};
    rank.transport = rank.backend->connect(rank.rendezvous, topology);
    rank.transport->while_waiting(rank.rendezvous.waiting);
    reporter.on_heartbeat([transport = rank.transport.get()](bool worked) { transport->reported(worked); });
    say_met(reporter);
    return rank;
}

/// Every rank writes its blocks into the run's folder, and rank 0 puts them together: over several machines they must share it.
/// Collective. Throws Error{BadRequest} on the ranks that do not see what rank 0 has put there.
void require_shared_folder(const RunSpec& spec, const Rank& rank)
{
    const bool writes = spec.deliver || spec.checkpoint_steps > 0;
    if (rank.rendezvous.one_machine || !writes)
        return;
    const std::filesystem::path mark = spec.folder / (".of-rank-0-" + rank.rendezvous.attempt);
    if (rank.rendezvous.rank == 0) {
        std::error_code failure;
        std::filesystem::create_directories(spec.folder, failure); // if it cannot be made, the mark says why
        replace_file(mark, std::string_view());
    }
    rank.transport->barrier();
    const bool seen = std::filesystem::exists(mark);
    rank.transport->barrier();
    std::error_code ignored;
    if (rank.rendezvous.rank == 0)
        std::filesystem::remove(mark, ignored);
    if (!seen)
        throw Error(Code::BadRequest, "the machines do not share the run's folder, where every rank writes its blocks",
            spec.folder.string(), "put it on a file system that all of them mount, or set deliver to false in the spec");
}

/// Of a run that begins after round `first`.
CheckpointRhythm rhythm_of(const RunSpec& spec, std::int64_t first)
{
    const double minutes = experiment::minutes_to_measure(spec);
    return minutes > 0 ? CheckpointRhythm::about_every(minutes, first) : CheckpointRhythm::every(spec.checkpoint_steps);
}

/// Trains from the first step that is not done to the last, with checkpoints on the way where results are delivered. Returns the
/// last one, on rank 0; nothing if the run was stopped: what it has come to is then saved.
std::optional<std::filesystem::path> take_steps(const RunSpec& spec, std::int64_t steps, Executor& executor,
    Checkpointer& checkpointer, StopWatch& watch, Transport& transport, Reporter& reporter)
{
    const std::int64_t rounds = steps * static_cast<std::int64_t>(spec.program.phases.size());
    const std::int64_t first = executor.first_round();
    CheckpointRhythm rhythm = rhythm_of(spec, first);
    Checkpointer::Saved saved;
    const auto save = [&](std::int64_t round) {
        const bool may_fail = !spec.deliver || round < rounds;
        saved = checkpointer.save(round, watch.is_asked(), may_fail);
    };
    if (spec.deliver) { // else there is nothing to keep, and a stop may be a sudden one
        save(first); // so that there is always one
        watch.begin(transport.board(), StopAgreement(transport.rank(), members_of(spec.program, transport.rank()), first));
    }
    executor.run([&](std::int64_t round) {
        const bool is_last = spec.deliver && round == rounds;
        if (std::optional<double> milliseconds = rhythm.measured(round, std::chrono::steady_clock::now())) {
            saved = checkpointer.agree(round, watch.is_asked(), *milliseconds);
            rhythm.agree(round, *milliseconds);
        }
        if (!saved.stops && (is_last || rhythm.is_due(round)))
            save(round);
        if (!saved.stops && spec.deliver
            && watch.stops_after(round, [&reporter] { reporter.waiting("waiting for the step at which the others stop"); }))
            saved = checkpointer.save(round, true, false);
        if (saved.stops)
            executor.stop();
    });
    const bool stops = watch.end() || saved.stops; // the last checkpoint may have been on its way
    return stops ? std::nullopt : std::optional(saved.folder);
}

/// Fills the students of this rank from the checkpoint that the run goes on from.
void read_checkpoint(const RunSpec& spec, Models& models)
{
    const experiment::CheckpointManifest manifest = experiment::read_manifest(spec.resume);
    if (manifest.updates() != spec.done)
        throw Error(Code::BadRequest, "this is not the checkpoint to resume from", spec.resume.string(), "start the run again");
    const bool taught = !models.teacher_sha256.empty() && !manifest.teacher_sha256.empty();
    if (taught && models.teacher_sha256 != manifest.teacher_sha256)
        throw Error(Code::BadRequest, "the teacher's weights differ from those that the checkpoint was trained with",
            spec.resume.string(), "set weights in [teacher] to the file that was used");
    for (const auto& [block, student] : models.student)
        read_block(spec.resume, manifest, block, *student, *models.optimizer.at(block));
}

} // namespace

void train(const RunSpec& spec, Reporter& reporter)
{
    StopWatch watch(reporter);
    load_modules(spec);
    Pulse pulse(reporter);
    const std::shared_ptr<const Pair> pair = pair_of(spec);
    std::unique_ptr<DataSet> data = data_for(*pair, spec, reporter);
    std::int64_t steps = steps_of(spec.experiment, data->size(DataSet::Split::Train));
    Rank rank = join(spec, topology_of(spec.program), steps, reporter);
    require_shared_folder(spec, rank);
    Models models = Models::make(spec.experiment, *pair, spec.program, rank.rendezvous.rank, rank.backend->device());
    if (!spec.resume.empty())
        read_checkpoint(spec, models);
    Executor executor({spec, *pair, *data, *rank.backend, *rank.transport, reporter, models}, steps);
    Checkpointer checkpointer({spec, models, executor, *rank.transport, reporter});
    const std::optional<std::filesystem::path> checkpoint
        = take_steps(spec, steps, executor, checkpointer, watch, *rank.transport, reporter);
    if (!checkpoint) {
        say_stopped(checkpointer.newest(), reporter);
        checkpointer.leave_together();
        say_bye(reporter);
        return; // peers may have posted what nobody will take: connections end with the process
    }
    if (rank.rendezvous.rank == 0 && spec.deliver)
        deliver(spec, *pair, *checkpoint, *data, *rank.backend, reporter);
    else if (spec.deliver)
        checkpointer.leave_together(); // rank 0 may have stopped, after the last checkpoint
    else
        rank.transport->barrier(); // who leaves takes connections down that others may still need
    say_bye(reporter);
    rank.leave(reporter);
}

void profile(const RunSpec& spec, Reporter& reporter)
{
    load_modules(spec);
    Pulse pulse(reporter);
    const std::shared_ptr<const Pair> pair = pair_of(spec);
    std::unique_ptr<DataSet> data = data_for(*pair, spec, reporter);
    Rank rank = join(spec, profiling_topology(static_cast<int>(spec.devices.size())), 0, reporter);
    schedule::Profile measured
        = measure_profile(spec.experiment, *pair, *data, *rank.backend, *rank.transport, reporter, spec.profile_sizes);
    if (rank.rendezvous.rank == 0) {
        Metric metric;
        metric.type = Metric::Type::Profile;
        metric.text = to_json(measured);
        reporter.report(std::move(metric));
    }
    say_bye(reporter);
    rank.leave(reporter);
}

void check(const RunSpec& spec, Reporter& reporter)
{
    load_modules(spec);
    Pulse pulse(reporter);
    const std::shared_ptr<const Pair> pair = pair_of(spec);
    std::unique_ptr<DataSet> data = data_for(*pair, spec, reporter);
    std::int64_t train_samples = data->size(DataSet::Split::Train);
    std::int64_t steps = steps_of(spec.experiment, train_samples);
    std::vector<std::string> names = pair->block_names();
    std::string weights;
    if (distils(spec.experiment) && !schedule::is_end_to_end(spec.experiment.run.strategy))
        require_same_outputs(*pair);
    if (distils(spec.experiment)) {
        TeacherWeights teacher(spec.experiment, *pair);
        for (int block = 0; block < static_cast<int>(names.size()); ++block)
            teacher.load_into(*pair->make_teacher(block, 0));
        weights = teacher.sha256();
    }
    check_derivation(spec.experiment, *pair);
    if (!spec.experiment.student.weights.empty() || !spec.experiment.student.architecture.empty()) {
        for (int block = 0; block < static_cast<int>(names.size()); ++block)
            make_student(spec.experiment, *pair, block);
    }
    for (const experiment::Device& device : spec.devices) {
        if (device.kind != spec.devices.front().kind)
            throw Error(
                Code::BadRequest, "CPU and GPU ranks cannot work together", to_string(spec.devices), "name devices of one kind");
        if (device.kind == experiment::Device::Kind::Cuda && device.index >= gpu_count())
            make_backend(device); // says what is wrong
    }
    Metric hello;
    hello.type = Metric::Type::Hello;
    hello.step = steps;
    hello.text = json{{"blocks", names}, {"train_samples", train_samples}, {"test_samples", data->size(DataSet::Split::Test)},
        {"teacher_sha256", weights}, {"libtorch", TORCH_VERSION}}
                     .dump();
    reporter.report(std::move(hello));
    say_bye(reporter);
}

void evaluate(const RunSpec& spec, Reporter& reporter)
{
    load_modules(spec);
    Pulse pulse(reporter);
    const std::shared_ptr<const Pair> pair = pair_of(spec);
    const std::unique_ptr<DataSet> data = data_for(*pair, spec, reporter);
    const TeacherWeights weights(spec.experiment, *pair);
    std::vector<std::unique_ptr<Block>> teacher;
    std::vector<Block*> blocks;
    for (int block = 0; block < static_cast<int>(pair->block_names().size()); ++block) {
        teacher.push_back(pair->make_teacher(block, spec.experiment.seed));
        weights.load_into(*teacher.back());
        freeze(*teacher.back());
        blocks.push_back(teacher.back().get());
    }
    const auto heartbeat = [&reporter](double) { reporter.heartbeat(0, "evaluating the teacher"); };
    const Accuracy accuracy = test_accuracy(blocks, *data, at::kCPU, heartbeat);
    const std::int64_t samples = data->size(DataSet::Split::Test);
    Metric hello;
    hello.type = Metric::Type::Hello;
    hello.text = json{{"correct", std::llround(accuracy.top1 * static_cast<double>(samples))}, {"test_samples", samples},
        {"classes", data->classes()}}
                     .dump();
    reporter.report(std::move(hello));
    say_bye(reporter);
}

void list_pairs(Reporter& reporter)
{
    for (std::string_view name : pair_names()) {
        Metric hello;
        hello.type = Metric::Type::Hello;
        hello.name = name;
        const Pair& pair = find_pair(name);
        const Input input = pair.input();
        hello.text = json{{"blocks", pair.block_names()}, {"input", {{"shape", input.shape}, {"vocabulary", input.vocabulary}}},
            {"classes", pair.classes()}, {"end_to_end_only", is_end_to_end_only(name)}}
                         .dump();
        reporter.report(std::move(hello));
    }
    say_bye(reporter);
}

void show_pair(std::string_view name, const std::filesystem::path& folder, Reporter& reporter)
{
    const std::shared_ptr<const Pair> pair = open_pair(name, folder);
    Metric hello;
    hello.type = Metric::Type::Hello;
    hello.name = pair->name();
    hello.text = describe_pair(*pair);
    reporter.report(std::move(hello));
    say_bye(reporter);
}

void list_devices(Reporter& reporter)
{
    Telemetry telemetry;
    auto describe = [&](const experiment::Device& device, int count) {
        std::unique_ptr<Backend> backend = make_backend(device);
        bool cpu = device.kind == experiment::Device::Kind::Cpu;
        say_hello(*backend, 0,
            json{{"kind", cpu ? "cpu" : "cuda"}, {"index", device.index}, {"count", count}, {"libtorch", TORCH_VERSION},
                {"telemetry", telemetry.text()}}
                .dump(),
            reporter);
    };
    int gpus = gpu_count(); // before anything else of LibTorch, so that CUDA is registered
    describe({experiment::Device::Kind::Cpu, 0, 1}, usable_cores());
    for (int index = 0; index < gpus; ++index)
        describe({experiment::Device::Kind::Cuda, index, 1}, gpus);
    say_bye(reporter);
}

} // namespace pipebd::engine
