// A stand-in for pipebd-engine: the same commands, metrics and rendezvous, no training. It misbehaves as FAKE_ENGINE tells it:
//
//     FAKE_ENGINE="in=train;rank=2;step=5;do=kill:9"
//
//     in     the command this is for (train)                 rank   who does it (-1: all); others what the others do then ("")
//     step   when; -1: before anything else, hello included  do     what, see misbehave(); "a+b": first a, then b
//     pace   milliseconds a step takes (1)                   deaf   1: SIGTERM is ignored
//     steps  instead of the spec's or 8                      notice 0: nobody says that a peer has vanished
//     ms     "dp=30,single/2=20": milliseconds that the slowest rank says a step of each phase takes (10), by strategy or, before
//            that, strategy/ranks
//     drift  so many more in each later run of a lab (0)
//     gentle 1: it says that it trains, and at SIGTERM ends with its step, as if it had saved
//
// Ranks keep a connection to rank 0, by the listening socket that it was given; who sees one close says `error` RankDied and ends.
#include "base/checksum.h"
#include "base/error.h"
#include "base/file.h"
#include "experiment/metrics.h"
#include "experiment/run_spec.h"
#include "schedule/profile.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

using namespace pipebd;
using experiment::Metric;
using Type = Metric::Type;

namespace {

std::string environment(const char* name, const char* otherwise = "")
{
    const char* value = std::getenv(name);
    return value ? value : otherwise;
}

int number(const std::string& text)
{
    return std::atoi(text.c_str());
}

struct Directives {
    std::map<std::string, std::string> values;

    Directives()
    {
        std::istringstream parts(environment("FAKE_ENGINE"));
        for (std::string part; std::getline(parts, part, ';');)
            values[part.substr(0, part.find('='))] = part.substr(part.find('=') + 1);
    }

    /// "b" of key=a=b,c=d for `key` and "a".
    std::string get(const std::string& key, const std::string& name, const std::string& otherwise) const
    {
        std::istringstream pairs(get(key, ""));
        for (std::string pair; std::getline(pairs, pair, ',');)
            if (pair.substr(0, pair.find('=')) == name)
                return pair.substr(pair.find('=') + 1);
        return otherwise;
    }

    std::string get(const std::string& key, const std::string& otherwise) const
    {
        const auto found = values.find(key);
        return found == values.end() ? otherwise : found->second;
    }
};

const Directives directives;
std::string command;
int rank = 0;
int size = 1;

void write_all(int descriptor, const std::string& text)
{
    for (std::size_t done = 0; done < text.size();) {
        const ssize_t count = ::write(descriptor, text.data() + done, text.size() - done);
        if (count < 0 && errno != EINTR)
            ::_exit(1);
        done += count > 0 ? static_cast<std::size_t>(count) : 0;
    }
}

double seconds()
{
    timespec now = {};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    const double zero = std::atof(environment("PIPEBD_CLOCK_ZERO", "0").c_str());
    return (static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec) - zero) * 1e-9;
}

void say(Metric metric)
{
    metric.rank = rank;
    metric.t = seconds();
    write_all(1, to_line(metric) + "\n");
}

void say(Type type, const std::string& text = {})
{
    Metric metric;
    metric.type = type;
    metric.text = text;
    say(metric);
}

[[noreturn]] void fail(Code code, const std::string& what, const std::string& where, int status)
{
    Metric metric;
    metric.type = Type::Error;
    metric.code = to_string(code);
    metric.what = what;
    metric.where = where;
    say(metric);
    ::_exit(status);
}

std::string open_descriptors()
{
    std::string list;
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
        std::error_code ignored;
        const std::string target = std::filesystem::read_symlink(entry.path(), ignored).string();
        if (target.find("/proc/") != 0) // the listing's own
            list += entry.path().filename().string() + " ";
    }
    return list;
}

/// A heartbeat; of one that works, if `what` is empty.
void say_waiting(const std::string& what)
{
    Metric metric;
    metric.type = Type::Heartbeat;
    metric.waiting = what;
    say(metric);
}

/// Says that it works, or what it waits for, for `milliseconds` or, if empty, for ever.
void beat(const std::string& waiting, const std::string& milliseconds)
{
    const double end = seconds() + number(milliseconds) * 1e-3;
    while (milliseconds.empty() || seconds() < end) {
        say_waiting(waiting);
        ::poll(nullptr, 0, 50);
    }
}

/// Wants to compute, on a processor that another process takes for so long.
void starve(int milliseconds)
{
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(::sched_getcpu(), &one);
    ::sched_setaffinity(0, sizeof one, &one);
    const pid_t other = ::fork();
    if (other == 0) {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (const double end = seconds() + milliseconds * 1e-3; seconds() < end;) { }
        ::_exit(0);
    }
    ::setpriority(PRIO_PROCESS, 0, 19);
    while (::waitpid(other, nullptr, WNOHANG) == 0) { }
    ::setpriority(PRIO_PROCESS, 0, 0); // if that is permitted
}

/// What a rank is told to do instead of its work; what comes back goes on with it.
void misbehave(const std::string& what)
{
    const std::string name = what.substr(0, what.find(':'));
    const std::string argument = what.find(':') == std::string::npos ? "" : what.substr(what.find(':') + 1);
    if (name == "kill" || name == "stop") {
        say(Type::Log, "now");
        ::kill(::getpid(), name == "stop" ? SIGSTOP : number(argument));
    } else if (name == "exit") {
        write_all(2, "about to end\n");
        say(Type::Log, "now");
        ::_exit(number(argument));
    } else if (name == "hang") {
        while (true)
            ::pause();
    } else if (name == "error") {
        fail(code_from_string(argument), "told to fail", "rank " + std::to_string(rank), 1);
    } else if (name == "garbage") {
        write_all(1, "NCCL INFO this is no metric\n");
    } else if (name == "half") {
        write_all(1, R"({"v":1,"type":"st)");
        ::_exit(0);
    } else if (name == "endless") {
        while (true)
            write_all(1, std::string(65536, 'x'));
    } else if (name == "flood") {
        Metric metric;
        metric.type = Type::Heartbeat;
        std::string lines;
        for (int i = 0; i < 1000; ++i)
            lines += to_line(metric) + "\n";
        while (true)
            write_all(1, lines);
    } else if (name == "parts") { // of a text without end
        Metric metric;
        metric.type = Type::Profile;
        metric.text = std::string(100'000, 'x');
        metric.parts = 1 << 30;
        for (;; ++metric.part)
            write_all(1, to_line(metric) + "\n");
    } else if (name == "chatter") {
        for (int i = 0; i < number(argument); ++i)
            write_all(2, "line " + std::to_string(i) + " " + std::string(200, '.') + "\n");
    } else if (name == "beat" || name == "wait") {
        beat(name == "beat" ? "" : "rank 0", argument);
    } else if (name == "pause") {
        ::poll(nullptr, 0, number(argument));
    } else if (name == "starve") {
        starve(number(argument));
    } else if (name == "limits") {
        const auto limit = [](auto resource) {
            rlimit found = {};
            ::getrlimit(resource, &found);
            return std::to_string(found.rlim_cur);
        };
        fail(Code::BadRequest,
            "cpu " + limit(RLIMIT_CPU) + ", file " + limit(RLIMIT_FSIZE) + ", core " + limit(RLIMIT_CORE) + ", space "
                + limit(RLIMIT_AS),
            "limits", 2);
    } else if (name == "grandchild") {
        if (::fork() == 0) { // keeps the pipes open after its parent's end
            ::prctl(PR_SET_PDEATHSIG, 0);
            ::alarm(20);
            while (true)
                ::pause();
        }
    }
}

void misbehave_if_told(int step)
{
    const int who = number(directives.get("rank", "-1"));
    if (directives.get("in", "train") != command || number(directives.get("step", "0")) != step)
        return;
    std::string act;
    for (std::istringstream acts(directives.get(who < 0 || who == rank ? "do" : "others", "")); std::getline(acts, act, '+');)
        misbehave(act);
}

/// The connections between rank 0 and the others.
class Peers {
public:
    void meet()
    {
        if (rank == 0) {
            const int listener = number(environment("PIPEBD_LISTEN_FD", "-1"));
            for (int peer = 1; peer < size; ++peer)
                connections_.push_back(::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC));
            return;
        }
        sockaddr_in address = {};
        address.sin_family = AF_INET;
        address.sin_port = htons(static_cast<std::uint16_t>(number(environment("MASTER_PORT"))));
        ::inet_pton(AF_INET, environment("MASTER_ADDR").c_str(), &address.sin_addr);
        connections_.push_back(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        if (::connect(connections_.front(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
            fail(Code::RankDied, "rank 0 is not there", "rank " + std::to_string(rank), 1);
    }

    /// Sees whether one has vanished.
    void look()
    {
        for (std::size_t i = 0; i < connections_.size(); ++i) {
            char byte = 0;
            const ssize_t count = ::recv(connections_[i], &byte, 1, MSG_DONTWAIT | MSG_PEEK);
            if (count == 0 || (count < 0 && errno != EAGAIN))
                mourn(rank == 0 ? static_cast<int>(i) + 1 : 0);
        }
    }

    /// Until all are here.
    void barrier()
    {
        const auto wait_for = [this](std::size_t i) {
            pollfd heard = {.fd = connections_[i], .events = POLLIN, .revents = 0};
            while (::poll(&heard, 1, 50) == 0)
                say_waiting("barrier");
            char byte = 0;
            if (::recv(connections_[i], &byte, 1, 0) != 1)
                mourn(rank == 0 ? static_cast<int>(i) + 1 : 0);
        };
        if (rank != 0)
            ::send(connections_[0], "b", 1, MSG_NOSIGNAL);
        for (std::size_t i = 0; i < connections_.size(); ++i)
            wait_for(i);
        if (rank == 0)
            for (int connection : connections_)
                ::send(connection, "b", 1, MSG_NOSIGNAL);
    }

private:
    void mourn(int peer)
    {
        if (directives.get("notice", "1") == "1")
            fail(Code::RankDied, "rank " + std::to_string(peer) + " has vanished", "rank " + std::to_string(rank), 1);
    }

    std::vector<int> connections_;
};

void say_hello(std::int64_t steps, const std::string& name, const std::string& text)
{
    Metric metric;
    metric.type = Type::Hello;
    metric.step = steps;
    metric.name = name;
    metric.bytes = ::getpid(); // by which a test sees who is left
    metric.text = text;
    say(metric);
}

/// Instruction `i` of step `s` takes half a millisecond from 100 s + i on.
void say_spans(int step, int phase, const schedule::Program& program)
{
    if (program.phases.empty())
        return;
    const std::vector<schedule::Instruction>& instructions
        = program.phases[static_cast<std::size_t>(phase)].devices[static_cast<std::size_t>(rank)].instructions;
    for (int i = 0; i < static_cast<int>(instructions.size()); ++i) {
        Metric metric;
        metric.type = Type::Span;
        metric.step = step;
        metric.phase = phase;
        metric.index = i;
        metric.start = 100.0 * step + i;
        metric.end = metric.start + 0.5;
        say(metric);
    }
}

/// What the slowest rank says that a step takes.
double told_milliseconds(const experiment::RunSpec& spec)
{
    const std::string& strategy = spec.experiment.run.strategy;
    const std::string ms = directives.get("ms", strategy + "/" + std::to_string(size), directives.get("ms", strategy, "10"));
    const int run = number(spec.folder.filename().string()); // "0007-digits"
    return number(ms) + run * number(directives.get("drift", "0"));
}

volatile std::sig_atomic_t told_to_stop = 0;

/// Milliseconds pass; says at once at the end of which round it will stop once it has been told to.
void pass(int milliseconds, std::int64_t round)
{
    static bool said = false;
    for (const double end = seconds() + milliseconds * 1e-3; seconds() < end;) {
        ::poll(nullptr, 0, std::max(1, std::min(10, static_cast<int>((end - seconds()) * 1000))));
        if (told_to_stop == 0 || said)
            continue;
        said = true;
        Metric metric;
        metric.type = Type::Doing;
        metric.name = "stopping";
        metric.step = round;
        say(metric);
    }
}

void become_gentle()
{
    struct sigaction action = {};
    action.sa_handler = [](int) { told_to_stop = 1; };
    ::sigaction(SIGTERM, &action, nullptr);
    Metric metric;
    metric.type = Type::Doing;
    metric.name = "training";
    say(metric);
}

/// Only the last rank takes `milliseconds`, the others two less.
void work(int step, int phase, std::int64_t round, int blocks, const schedule::Program& program, double milliseconds)
{
    pass(number(directives.get("pace", "1")), round);
    Metric metric;
    metric.step = step;
    metric.phase = phase;
    if (rank == 0) {
        for (int block = 0; block < blocks; ++block) {
            metric.type = Type::Loss;
            metric.block = block;
            metric.value = (block + 1.0) / (step + 1.0);
            say(metric);
        }
        metric.block = -1;
    }
    say_spans(step, phase, program);
    metric.type = Type::Memory;
    metric.bytes = 1000 + rank;
    metric.peak_bytes = 2000 + rank;
    say(metric);
    metric.bytes = metric.peak_bytes = 0;
    metric.type = Type::Step;
    metric.samples = 64;
    metric.ms = rank == size - 1 ? milliseconds : milliseconds - 2;
    say(metric);
}

void deliver(const std::filesystem::path& folder)
{
    if (rank != 0)
        return;
    if (!folder.empty())
        replace_file(folder / "student.safetensors", "weights");
    Metric metric;
    metric.type = Type::Eval;
    metric.name = "test_accuracy";
    metric.value = 0.75;
    say(metric);
}

/// As a real one would when it opens an imported pair.
void open_pair(const experiment::RunSpec& spec)
{
    if (!spec.pair_folder.empty() && !std::filesystem::exists(spec.pair_folder / "pair.json"))
        fail(Code::NotFound, "there is no pair", spec.pair_folder.string(), 2);
    if (spec.pair_folder.empty() && spec.experiment.pair != "nas-digits")
        fail(Code::NotFound, "there is no such pair", spec.experiment.pair, 2);
}

void train(const std::string& spec_file)
{
    int steps = number(directives.get("steps", "8"));
    int phases = 1;
    int blocks = 2;
    schedule::Program program;
    double milliseconds = 10;
    bool delivers = true;
    std::filesystem::path folder;
    if (!spec_file.empty()) {
        const experiment::RunSpec spec = experiment::run_spec_from_json(read_file(spec_file), spec_file);
        open_pair(spec);
        if (spec.experiment.train.steps && !directives.values.contains("steps"))
            steps = static_cast<int>(*spec.experiment.train.steps);
        phases = static_cast<int>(spec.program.phases.size());
        blocks = spec.program.blocks;
        program = spec.program;
        milliseconds = told_milliseconds(spec);
        delivers = spec.deliver;
        folder = spec.folder;
    }
    misbehave_if_told(-1);
    say_hello(0, "fake", open_descriptors());
    Peers peers;
    peers.meet();
    say(Type::Met);
    if (directives.get("gentle", "0") == "1")
        become_gentle();
    for (int phase = 0; phase < phases; ++phase)
        for (int step = 0; step < steps; ++step) {
            misbehave_if_told(phase * steps + step);
            peers.look();
            work(step, phase, std::int64_t{phase} * steps + step + 1, blocks, program, milliseconds);
            if (told_to_stop != 0) {
                say(Type::Bye);
                return;
            }
        }
    peers.barrier();
    if (delivers)
        deliver(folder);
    say(Type::Bye);
}

schedule::Profile measured(const experiment::RunSpec& spec)
{
    schedule::Profile profile;
    profile.pair = spec.experiment.pair;
    profile.device = "fake";
    profile.batch = spec.experiment.data.batch;
    profile.blocks.resize(3);
    for (int g = 1; g <= static_cast<int>(spec.devices.size()); ++g) {
        const int n = schedule::shard_size(profile.batch, g);
        profile.load[n] = 0.01 * n;
        for (schedule::BlockProfile& block : profile.blocks) {
            block.teacher_forward[n] = 0.01 * n;
            block.student_forward[n] = 0.02 * n;
            block.student_backward[n] = 0.04 * n;
            if (g > 1)
                block.all_reduce[g] = 0.1 * g;
        }
    }
    for (const std::int64_t n : spec.profile_sizes) {
        profile.load[static_cast<int>(n)] = 0.01 * static_cast<double>(n);
        for (schedule::BlockProfile& block : profile.blocks)
            for (schedule::TimeBySamples* times : {&block.teacher_forward, &block.student_forward, &block.student_backward})
                (*times)[static_cast<int>(n)] = 0.01 * static_cast<double>(n);
    }
    for (std::size_t i = 0; i < profile.blocks.size(); ++i) {
        profile.blocks[i].name = "block" + std::to_string(i);
        profile.blocks[i].activation_bytes = 1000000;
    }
    return profile;
}

void measure(const std::string& spec_file)
{
    const experiment::RunSpec spec = experiment::run_spec_from_json(read_file(spec_file), spec_file);
    open_pair(spec);
    say_hello(0, "fake", "{}");
    Peers peers;
    peers.meet();
    Metric progress;
    progress.type = Type::Progress;
    progress.text = "block0";
    progress.value = 0.5;
    say(progress);
    misbehave_if_told(0);
    if (rank == 0)
        say(Type::Profile, to_json(measured(spec)));
    peers.barrier();
    say(Type::Bye);
}

void check(const std::string& spec_file)
{
    const experiment::RunSpec spec = experiment::run_spec_from_json(read_file(spec_file), spec_file);
    misbehave_if_told(0);
    open_pair(spec);
    say_hello(spec.experiment.train.steps.value_or(8), "",
        R"({"blocks":["block0","block1","block2"],"train_samples":1000,"test_samples":100})");
}

/// A model is a file that says "model", and nothing else is.
void import(const std::string& request_file)
{
    say_hello(0, "fake", "{}");
    misbehave_if_told(0);
    const auto request = nlohmann::json::parse(read_file(request_file));
    nlohmann::json pair = {{"format", "pipebd.pair/1"}, {"name", request.at("name")}, {"classes", 10},
        {"input", {{"shape", {3, 8, 8}}, {"vocabulary", 0}}}, {"block_names", {"features"}}};
    for (const char* network : {"teacher", "student"}) {
        const std::string file = request.at(network).at("file");
        if (read_file(file) != "model")
            fail(Code::BadRequest, "this is no model", file, 2);
        if (sha256(read_file(file)) != request.at(network).at("sha256"))
            fail(Code::Damaged, "not the file that was copied", file, 2);
        pair[network] = {{"file", std::string(network) + ".pt2"}, {"sha256", request.at(network).at("sha256")},
            {"blocks", request.at(network).at("blocks")}};
    }
    const nlohmann::json block = {{"name", "features"}, {"student_modules", "body"}, {"output_shape", {8, 4, 4}},
        {"teacher_parameters", 1200}, {"student_parameters", 300}, {"gradient_tensors", 2}, {"without_gradient", {"body.unused"}}};
    Metric metric;
    metric.type = Type::Pair;
    metric.text = directives.get("answer",
        nlohmann::json{{"format", "pipebd.import/1"}, {"pair", pair},
            {"weights", {{"teacher", std::string(64, 'a')}, {"student", std::string(64, 'b')}}}, {"blocks", {block}}}
            .dump());
    say(metric);
}

} // namespace

int main(int argc, char** argv)
{
    command = argc > 1 ? argv[1] : "";
    rank = number(environment("RANK", "0"));
    size = number(environment("WORLD_SIZE", "1"));
    if (directives.get("deaf", "0") == "1")
        ::signal(SIGTERM, SIG_IGN);
    const std::string spec = argc > 3 ? argv[3] : "";
    if (command == "train") {
        train(spec);
    } else if (command == "profile") {
        measure(spec);
    } else if (command == "check") {
        check(spec);
    } else if (command == "import") {
        import(spec);
    } else if (command == "evaluate") {
        misbehave_if_told(0);
        say_hello(0, "", directives.get("evaluated", R"({"correct":90,"test_samples":100,"classes":10})"));
    } else if (command == "devices") {
        misbehave_if_told(0);
        say_hello(0, "fake cpu", R"({"kind":"cpu","index":0,"count":2,"libtorch":"0.0","telemetry":"no GPU telemetry: fake"})");
    } else if (command == "pairs") {
        say_hello(
            0, "nas-digits", R"({"blocks":["block0","block1","block2"],"input":{"shape":[1,32,32],"vocabulary":0},"classes":10})");
    } else if (command == "pair") {
        say_hello(0, argc > 2 ? argv[2] : "",
            R"({"format":"pipebd.pair/1","input":{"shape":[1,32,32],"vocabulary":0},"classes":10,"blocks":[{"name":"block0",)"
            R"("teacher":{"output":[8,4,4],"parameters":1500000,"bytes":6000000,)"
            R"("macs":{"smallest":2000000,"mean":2000000,"largest":2000000}},)"
            R"("student":{"output":[8,4,4],"parameters":20,"bytes":80,"macs":{"smallest":0,"mean":1500,"largest":3000000}}}]})");
    }
    return 0;
}
