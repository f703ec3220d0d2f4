#include "engine/engine.h"

#include "base/error.h"
#include "base/file.h"
#include "engine/backend.h"
#include "engine/checkpoint.h"
#include "engine/cores.h"
#include "engine/data/sample_stream.h"
#include "engine/deliver.h"
#include "engine/executor.h"
#include "engine/pair_description.h"
#include "engine/profiler.h"
#include "engine/pulse.h"
#include "engine/telemetry.h"
#include "experiment/limits.h"
#include "schedule/strategies.h"

#include <nlohmann/json.hpp>
#include <torch/headeronly/version.h>

#include <algorithm>
#include <chrono>
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
        throw Error(Code::BadRequest, "the machines do not share the run's folder, into which every rank writes its blocks",
            spec.folder.string(), "put it on a file system that all of them mount, or set deliver to false in the spec");
}

/// Writes the blocks this rank answers for; once all ranks have written theirs, rank 0 makes the checkpoint of them.
class Checkpointer {
public:
    Checkpointer(const RunSpec& spec, const Rank& rank, const Models& models, Executor& executor, Reporter& reporter)
        : spec_(spec)
        , rank_(rank)
        , models_(models)
        , executor_(executor)
        , reporter_(reporter)
    {
        for (const schedule::Phase& phase : spec.program.phases) {
            for (int device = spec.program.devices() - 1; device >= 0; --device) {
                for (const schedule::Instruction& instruction : phase.devices[static_cast<std::size_t>(device)].instructions) {
                    if (instruction.op == schedule::Op::Update)
                        owner_[instruction.block] = device; // the lowest one of a group
                }
            }
        }
    }

    /// Collective. Returns the checkpoint's folder on rank 0. If it cannot be saved, every rank throws the same Error, which names
    /// the ranks that failed; nothing is left of it then, and older checkpoints are as they were.
    std::filesystem::path save(std::int64_t round)
    {
        std::filesystem::path folder;
        std::filesystem::path checkpoint;
        together(round, folder, [&] {
            folder = begin_checkpoint(spec_.folder, round);
            for (const auto& [block, owner] : owner_)
                if (owner == rank_.rendezvous.rank)
                    write(folder, block, round);
        });
        together(round, folder, [&] {
            if (rank_.rendezvous.rank != 0)
                return;
            reporter_.heartbeat(round, "checkpoint");
            checkpoint = commit_checkpoint(folder, spec_, round, models_.teacher_sha256);
            Metric metric;
            metric.type = Metric::Type::Checkpoint;
            metric.step = round;
            metric.name = checkpoint.string();
            reporter_.report(std::move(metric));
        });
        return checkpoint;
    }

    /// The same; if it cannot be saved and the experiment says so, this is said and training goes on.
    void save_if_possible(std::int64_t round)
    {
        try {
            save(round);
        } catch (const Error& error) {
            if (spec_.experiment.run.checkpoint_failure != "warn")
                throw;
            if (rank_.rendezvous.rank != 0)
                return;
            Metric metric;
            metric.type = Metric::Type::Log;
            metric.text = std::string("warning: ") + error.what();
            reporter_.report(std::move(metric));
        }
    }

private:
    void write(const std::filesystem::path& folder, int block, std::int64_t round)
    {
        reporter_.heartbeat(round, "checkpoint");
        if (const std::optional<double> loss = executor_.take_loss(block))
            losses_[block] = *loss;
        const auto loss = losses_.find(block);
        write_block(folder, block, *models_.student.at(block), *models_.optimizer.at(block), executor_.updates_of(block),
            loss == losses_.end() ? std::nullopt : std::optional<double>(loss->second));
    }

    /// A part of saving that every rank must have got through before the next begins.
    void together(std::int64_t round, const std::filesystem::path& folder, const std::function<void()>& part)
    {
        std::optional<Error> own;
        try {
            part();
        } catch (const Error& error) {
            own = error;
        }
        const json report = own ? json{to_string(own->code()), own->problem(), own->where(), own->remedy()} : json::array();
        const std::vector<std::string> said = rank_.transport->gather(report.dump(-1, ' ', false, json::error_handler_t::replace));
        std::string failed;
        json first;
        for (std::size_t rank = 0; rank < said.size(); ++rank) {
            const json other = json::parse(said[rank]);
            if (other.empty())
                continue;
            failed += (failed.empty() ? "rank " : ", rank ") + std::to_string(rank);
            if (first.empty())
                first = other;
        }
        if (failed.empty())
            return;
        try {
            rank_.transport->barrier(); // who leaves first may take with it what the others are still reading
        } catch (const Error&) {
            // Then a rank has left that had read it.
        }
        if (rank_.rendezvous.rank == 0)
            abandon_checkpoint(folder);
        throw Error(code_from_string(first[0].get<std::string>()),
            "the checkpoint of round " + std::to_string(round) + " could not be saved by " + failed + " ("
                + first[1].get<std::string>() + ")",
            first[2], first[3].get<std::string>().empty() ? "older checkpoints are as they were" : first[3].get<std::string>());
    }

    const RunSpec& spec_;
    const Rank& rank_;
    const Models& models_;
    Executor& executor_;
    Reporter& reporter_;
    std::map<int, int> owner_;
    std::map<int, double> losses_; // of the blocks that this rank writes
};

/// Fills the students of this rank from the checkpoint that the run goes on from.
void read_checkpoint(const RunSpec& spec, Models& models)
{
    const experiment::CheckpointManifest manifest = experiment::read_manifest(spec.resume);
    if (manifest.updates() != spec.done)
        throw Error(Code::BadRequest, "the checkpoint is not the one that was to be gone on from", spec.resume.string(),
            "start the run again");
    const bool taught = !models.teacher_sha256.empty() && !manifest.teacher_sha256.empty();
    if (taught && models.teacher_sha256 != manifest.teacher_sha256)
        throw Error(Code::BadRequest, "the teacher's weights are not those that the checkpoint was trained with",
            spec.resume.string(), "set weights in [teacher] to the file that was used");
    for (const auto& [block, student] : models.student)
        read_block(spec.resume, manifest, block, *student, *models.optimizer.at(block));
}

} // namespace

void train(const RunSpec& spec, Reporter& reporter)
{
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
    Checkpointer checkpointer(spec, rank, models, executor, reporter);

    const std::int64_t rounds = steps * static_cast<std::int64_t>(spec.program.phases.size());
    std::filesystem::path checkpoint;
    if (spec.deliver && executor.first_round() == rounds)
        checkpoint = checkpointer.save(rounds);
    else if (spec.deliver)
        checkpointer.save_if_possible(executor.first_round()); // so that there is always one
    executor.run([&](std::int64_t round) {
        if (round == rounds && spec.deliver)
            checkpoint = checkpointer.save(round);
        else if (spec.checkpoint_steps > 0 && round % spec.checkpoint_steps == 0)
            checkpointer.save_if_possible(round);
    });
    if (rank.rendezvous.rank == 0 && spec.deliver)
        deliver(spec, *pair, checkpoint, *data, *rank.backend, reporter);
    if (!spec.deliver)
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

void list_pairs(Reporter& reporter)
{
    for (std::string_view name : pair_names()) {
        Metric hello;
        hello.type = Metric::Type::Hello;
        hello.name = name;
        const Pair& pair = find_pair(name);
        const Input input = pair.input();
        hello.text = json{{"blocks", pair.block_names()}, {"input", {{"shape", input.shape}, {"vocabulary", input.vocabulary}}},
            {"classes", pair.classes()}}
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
