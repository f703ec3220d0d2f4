#include "launch/engine_queries.h"

#include "base/file.h"
#include "base/temporary_folder.h"
#include "base/text.h"
#include "experiment/limits.h"
#include "experiment/run_spec.h"
#include "launch/supervisor.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdlib>
#include <thread>

namespace pipebd::launch {

namespace {

using namespace std::chrono_literals;
using experiment::Device;
using experiment::Metric;
using nlohmann::json;

std::filesystem::path write_spec(const TemporaryFolder& folder, const Work& work, const std::vector<Device>& devices,
    const std::vector<std::int64_t>& profile_sizes = {})
{
    experiment::RunSpec spec;
    spec.experiment = work.experiment;
    spec.pair_folder = work.pair_folder;
    spec.devices = devices;
    spec.profile_sizes = profile_sizes;
    spec.folder = folder.path();
    const std::filesystem::path file = folder.path() / "spec.json";
    replace_file(file, experiment::to_json(spec));
    return file;
}

void run_to_end(const Job& job, const Listener& listener, const std::atomic<bool>& cancel, const std::string& what)
{
    const Outcome outcome = run(job, listener, cancel);
    if (outcome.kind == Outcome::Kind::Cancelled)
        throw Error(Code::Cancelled, what + " was cancelled", "by a signal");
    if (outcome.kind == Outcome::Kind::Finished)
        return;
    const Error& error = *outcome.error;
    if (error.code() != Code::RankDied || outcome.last_lines.empty())
        throw error;
    throw Error(error.code(), what + " failed: " + error.problem(), error.where(),
        "its last output was " + in_quotes(outcome.last_lines.back(), 500));
}

/// `start_limit`: until the engine has answered; it may read much before.
std::vector<Metric> answers(
    std::vector<std::string> arguments, const std::atomic<bool>& cancel, std::chrono::milliseconds start_limit = Job().start_limit)
{
    const std::string what = "pipebd-engine " + arguments.front();
    Job job;
    job.engine = engine_program();
    job.arguments = std::move(arguments);
    job.question = true;
    job.start_limit = start_limit;
    std::vector<Metric> hellos;
    Listener listener;
    listener.metric = [&](const Metric& metric) {
        if (metric.type == Metric::Type::Hello)
            hellos.push_back(metric);
    };
    run_to_end(job, listener, cancel, what);
    if (hellos.empty())
        throw Error(Code::Protocol, "the engine gave no answer", what, mend_engine);
    return hellos;
}

json details(const Metric& hello)
{
    json parsed = json::parse(hello.text, nullptr, false);
    if (!parsed.is_object())
        throw Error(Code::Protocol, "unexpected answer from the engine", in_quotes(hello.text), mend_engine);
    return parsed;
}

/// The value of `key` if it is there and of the right type.
template <typename Value>
Value value_or(const json& object, const char* key, Value otherwise)
{
    try {
        return object.value(key, otherwise);
    } catch (const json::exception&) {
        return otherwise;
    }
}

EngineDevice device_from(const Metric& hello)
{
    const json text = details(hello);
    EngineDevice device;
    device.kind = value_or<std::string>(text, "kind", "cpu") == "cuda" ? Device::Kind::Cuda : Device::Kind::Cpu;
    device.index = value_or(text, "index", 0);
    device.cores = device.kind == Device::Kind::Cpu ? value_or(text, "count", 0) : 0;
    device.name = hello.name;
    device.bytes = hello.bytes;
    device.libtorch = value_or<std::string>(text, "libtorch", {});
    device.telemetry = printable(value_or<std::string>(text, "telemetry", "no GPU telemetry"));
    return device;
}

EnginePair pair_from(const std::string& name, const json& text)
{
    const json input = value_or(text, "input", json::object());
    return {.name = name,
        .blocks = {},
        .input = value_or(input, "shape", std::vector<std::int64_t>()),
        .vocabulary = value_or(input, "vocabulary", std::int64_t{0}),
        .classes = value_or(text, "classes", 0)};
}

BlockDescription block_from(const json& block)
{
    const json macs = value_or(block, "macs", json::object());
    const auto number = [](const json& object, const char* key) { return value_or(object, key, std::int64_t{0}); };
    return {.output = value_or(block, "output", std::vector<std::int64_t>()),
        .parameters = number(block, "parameters"),
        .bytes = number(block, "bytes"),
        .macs = {number(macs, "smallest"), number(macs, "mean"), number(macs, "largest")}};
}

} // namespace

std::vector<EngineDevice> engine_devices(const std::atomic<bool>& cancel)
{
    std::vector<EngineDevice> devices;
    for (const Metric& hello : answers({"devices"}, cancel))
        devices.push_back(device_from(hello));
    return devices;
}

std::vector<Device> every_device(const std::vector<EngineDevice>& devices)
{
    std::vector<Device> all;
    int cores = 0;
    for (const EngineDevice& device : devices)
        if (device.kind == Device::Kind::Cuda)
            all.push_back({.kind = Device::Kind::Cuda, .index = device.index, .threads = 1});
        else
            cores = device.cores;
    if (cores <= 0)
        cores = std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
    if (all.empty())
        all.resize(static_cast<std::size_t>(cores));
    return all;
}

std::vector<EnginePair> engine_pairs(const std::atomic<bool>& cancel)
{
    std::vector<EnginePair> pairs;
    for (const Metric& hello : answers({"pairs"}, cancel)) {
        const json text = details(hello);
        pairs.push_back(pair_from(hello.name, text));
        pairs.back().blocks = value_or(text, "blocks", std::vector<std::string>());
        pairs.back().end_to_end_only = value_or(text, "end_to_end_only", false);
    }
    return pairs;
}

PairDescription describe_pair(const std::string& name, const std::filesystem::path& folder, const std::atomic<bool>& cancel)
{
    std::vector<std::string> arguments{"pair", name};
    if (!folder.empty())
        arguments.push_back(folder.string());
    const Metric hello = answers(arguments, cancel).front();
    const json text = details(hello);
    PairDescription description;
    description.pair = pair_from(hello.name, text);
    description.json = hello.text;
    for (const json& block : value_or(text, "blocks", json::array())) {
        description.pair.blocks.push_back(value_or<std::string>(block, "name", {}));
        description.teacher.push_back(block_from(value_or(block, "teacher", json::object())));
        description.student.push_back(block_from(value_or(block, "student", json::object())));
    }
    return description;
}

Checked check(const Work& work, const std::vector<Device>& devices, const std::atomic<bool>& cancel)
{
    const TemporaryFolder folder;
    const std::filesystem::path spec = write_spec(folder, work, devices);
    const std::vector<Metric> hellos
        = answers({"check", "--spec", spec.string()}, cancel, experiment::join_limit(work.experiment.run));
    const json text = details(hellos.front());
    Checked checked;
    checked.steps = hellos.front().step;
    checked.blocks = value_or(text, "blocks", checked.blocks);
    checked.train_samples = value_or(text, "train_samples", checked.train_samples);
    checked.test_samples = value_or(text, "test_samples", checked.test_samples);
    if (checked.blocks.empty() || checked.steps <= 0)
        throw Error(Code::Protocol, "the engine's answer has no blocks or no steps", in_quotes(hellos.front().text), mend_engine);
    return checked;
}

Evaluated evaluate_teacher(const Work& work, const std::atomic<bool>& cancel)
{
    const TemporaryFolder folder;
    const std::filesystem::path spec = write_spec(folder, work, {Device{}});
    const Metric hello
        = answers({"evaluate", "--spec", spec.string()}, cancel, experiment::join_limit(work.experiment.run)).front();
    const json text = details(hello);
    Evaluated evaluated;
    evaluated.correct = value_or(text, "correct", evaluated.correct);
    evaluated.samples = value_or(text, "test_samples", evaluated.samples);
    evaluated.classes = value_or(text, "classes", evaluated.classes);
    if (evaluated.samples <= 0 || evaluated.classes <= 0)
        throw Error(Code::Protocol, "the engine names no samples or no classes", in_quotes(hello.text), mend_engine);
    return evaluated;
}

void require_alike(const std::vector<Device>& devices)
{
    const auto other = std::find_if(devices.begin(), devices.end(),
        [&](const Device& device) { return device.kind != devices.front().kind || device.threads != devices.front().threads; });
    if (other != devices.end())
        throw Error(Code::BadRequest, "devices of different kinds cannot be profiled together",
            to_string(devices.front()) + " and " + to_string(*other), "name devices of one kind");
}

schedule::Profile measure(const Work& work, const std::vector<Device>& devices, const std::vector<std::int64_t>& further,
    const std::function<void(const std::string&, double)>& progress, const std::atomic<bool>& cancel)
{
    require_alike(devices);
    const TemporaryFolder folder;
    Job job;
    job.engine = engine_program();
    job.arguments = {"profile", "--spec", write_spec(folder, work, devices, further).string()};
    job.ranks = static_cast<int>(devices.size());
    for (const Device& device : devices)
        job.threads.push_back(device.threads);
    const experiment::Run& limits = work.experiment.run;
    job.heartbeat_limit = std::max<std::chrono::milliseconds>(60s, experiment::silence_limit(limits)); // of long instructions, too
    job.start_limit = experiment::join_limit(limits);
    job.stall_limit = std::max(job.heartbeat_limit, experiment::stall_limit(limits));

    std::string profile;
    Listener listener;
    listener.metric = [&](const Metric& metric) {
        if (metric.type == Metric::Type::Profile && metric.rank == 0)
            profile = metric.text;
        if (metric.type == Metric::Type::Progress && metric.rank == 0 && progress)
            progress(printable(metric.text, 200), std::clamp(metric.value, 0.0, 1.0));
    };
    run_to_end(job, listener, cancel, "profiling");
    if (profile.empty())
        throw Error(Code::Protocol, "the engine ended without a profile", "rank 0", mend_engine);
    return schedule::profile_from_json(profile, "the engine's profile");
}

} // namespace pipebd::launch
