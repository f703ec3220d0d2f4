#include "cli/prepare.h"

#include "base/error.h"
#include "launch/run_json.h"

#include <algorithm>
#include <iostream>
#include <utility>

namespace pipebd::cli {

void check_preparation(const RunOptions& options)
{
    constexpr int most_machines = 1024;
    if (options.machines < 1 || options.machines > most_machines)
        throw Error(Code::BadRequest, "this number of machines is not possible", "--machines " + std::to_string(options.machines),
            "give a number from 1 to " + std::to_string(most_machines));
    if (options.machines > 1 && options.prepare.empty())
        throw Error(Code::BadRequest, "pipebd run starts ranks only on this machine",
            "--machines " + std::to_string(options.machines), "add --prepare DIR, then run pipebd launch on each machine");
    if (options.prepare.empty())
        return;
    if (!options.out.empty())
        throw Error(Code::BadRequest, "a prepared run writes its results to the folder of --prepare", "--out " + options.out,
            "leave it out");
    const std::filesystem::path folder = options.prepare;
    if (std::filesystem::exists(folder / "spec.json") || launch::is_prepared(folder))
        throw Error(
            Code::BadRequest, "this folder already holds a prepared run", "--prepare " + options.prepare, "name a new folder");
}

void check_ranks(int ranks, int machines)
{
    if (machines > 1 && ranks == 1)
        throw Error(Code::BadRequest, "the schedule uses a single device", "--machines " + std::to_string(machines),
            "use a strategy for several devices, such as auto, or leave out --machines");
}

std::string shell_word(const std::string& text)
{
    const std::string plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=./:,@%";
    if (!text.empty() && text.find_first_not_of(plain) == std::string::npos)
        return text;
    std::string quoted = "'";
    for (const char character : text)
        quoted += character == '\'' ? std::string("'\\''") : std::string(1, character);
    return quoted + "'";
}

Preparation::Preparation(std::filesystem::path folder, std::size_t stages, int machines)
    : folder_(std::move(folder))
    , stages_(stages)
    , machines_(machines)
{
}

experiment::Experiment Preparation::with_coming_results(experiment::Experiment experiment) const
{
    if (prepared_.stages.empty())
        return experiment;
    const std::filesystem::path before = folder_ / prepared_.stages.back().folder;
    const std::string weights = (before / "student.safetensors").string();
    if (distils(experiment)) {
        experiment.teacher.weights = weights;
        return experiment;
    }
    experiment.student.weights = weights;
    experiment.student.architecture = (before / "architecture.json").string();
    return experiment;
}

void Preparation::add(const std::string& stage, const launch::TrainingRequest& request, int per_machine)
{
    const std::string folder = stages_ == 1 ? "." : std::to_string(prepared_.stages.size() + 1) + "-" + stage;
    const int ranks = static_cast<int>(request.devices.size());
    if (stage == to_string(experiment::StageKind::Distil))
        check_ranks(ranks, machines_);
    std::error_code error;
    std::filesystem::create_directories(folder_ / folder, error);
    if (error)
        throw system_error("cannot create the folder of a stage", (folder_ / folder).string(), error.value());
    launch::prepare(request, stages_ == 1 ? folder_ : folder_ / folder);
    prepared_.stages.push_back({.stage = stage, .folder = folder, .ranks = launch::spread(ranks, per_machine, machines_)});
}

std::vector<std::string> Preparation::launch_lines() const
{
    std::vector<std::string> lines;
    for (int machine = 0; machine < machines_; ++machine)
        lines.push_back("pipebd launch " + shell_word(folder_.string())
            + (machines_ > 1 ? " --node-rank " + std::to_string(machine) + " --master-addr HOST" : ""));
    return lines;
}

std::vector<std::string> Preparation::torchrun_lines() const
{
    std::vector<std::string> lines;
    for (const launch::PreparedStage& stage : prepared_.stages) {
        const std::filesystem::path folder = stages_ == 1 ? folder_ : folder_ / stage.folder;
        const auto machines = std::count_if(stage.ranks.begin(), stage.ranks.end(), [](int ranks) { return ranks > 0; });
        for (std::size_t machine = 0; machine < static_cast<std::size_t>(machines); ++machine)
            lines.push_back("torchrun --no-python --nnodes " + std::to_string(machines) + " --node-rank " + std::to_string(machine)
                + " --nproc-per-node " + std::to_string(stage.ranks[machine]) + " --master-addr "
                + (machines > 1 ? "HOST" : "127.0.0.1") + " --master-port 29500 pipebd-engine train --spec "
                + shell_word((folder / "spec.json").string()) + " --metrics " + shell_word(folder.string()) + " > /dev/null");
    }
    return lines;
}

void Preparation::finish(const Context& context) const
{
    launch::write_prepared(prepared_, folder_);
    if (context.json) {
        std::cout << launch::prepared_to_json(
            (folder_ / prepared_.stages.front().folder / "spec.json").lexically_normal(), torchrun_lines(), launch_lines())
                  << "\n";
        return;
    }
    if (context.quiet)
        return;
    std::cout << (machines_ > 1 ? "Run one of these on each machine (HOST: an address of the first; all share the folder):\n"
                                : "Start it with:\n");
    for (const std::string& line : launch_lines())
        std::cout << "    " << line << "\n";
    std::cout << "or with torchrun, stage by stage:\n";
    for (const std::string& line : torchrun_lines())
        std::cout << "    " << line << "\n";
    std::cout << "When all have ended:\n    pipebd runs import " << shell_word(folder_.string()) << "\n";
}

} // namespace pipebd::cli
