#include "fake_answers.h"

#include "base/error.h"
#include "experiment/experiment.h"
#include "store/lab.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <thread>

using namespace pipebd;

namespace {

using Json = nlohmann::ordered_json;

std::string variable(const char* name, const std::string& otherwise = {})
{
    const char* text = std::getenv(name);
    return text ? text : otherwise;
}

std::string option(const std::vector<std::string>& arguments, const std::string& name, const std::string& otherwise = {})
{
    const auto found = std::find(arguments.begin(), arguments.end(), name);
    return found == arguments.end() || found + 1 == arguments.end() ? otherwise : *(found + 1);
}

bool begins(const std::vector<std::string>& arguments, const std::vector<std::string>& words)
{
    return arguments.size() >= words.size() && std::equal(words.begin(), words.end(), arguments.begin());
}

void sleep_long()
{
    std::this_thread::sleep_for(std::chrono::hours(1));
}

std::vector<std::string> imported_pairs(const std::string& lab)
{
    std::vector<std::string> names;
    std::ifstream file(lab + "/fake-pairs");
    for (std::string line; std::getline(file, line);)
        names.push_back(line);
    return names;
}

void keep_pairs(const std::string& lab, const std::vector<std::string>& names)
{
    std::ofstream file(lab + "/fake-pairs");
    for (const std::string& name : names)
        file << name << '\n';
}

int blocks_of(const std::string& pair)
{
    return pair == "many-blocks" ? 16 : pair == "end-to-end" ? 3 : 6;
}

Json entry(const std::string& name, bool imported)
{
    Json blocks = Json::array();
    for (int block = 0; block < blocks_of(name); ++block)
        blocks.push_back("stage" + std::to_string(block));
    return {{"name", name}, {"imported", imported}, {"blocks", blocks}, {"input", {1, 32, 32}}, {"vocabulary", 0}, {"classes", 10}};
}

Json same(std::int64_t count)
{
    return {{"smallest", count}, {"mean", count}, {"largest", count}};
}

Json description(const std::string& name)
{
    Json blocks = Json::array();
    for (int block = 0; block < blocks_of(name); ++block) {
        const std::int64_t macs = 6'000'000 + 500'000 * block;
        const Json output = {16 + 8 * block, 8, 8};
        const Json student_output = name == "end-to-end" ? Json{8, 8, 8} : output;
        blocks.push_back({{"name", "stage" + std::to_string(block)},
            {"teacher",
                {{"output", output}, {"parameters", 6000 + block}, {"bytes", 24000}, {"macs", same(macs)},
                    {"parameters_used", same(6000)}}},
            {"student",
                {{"output", student_output}, {"parameters", 40000}, {"bytes", 160000},
                    {"macs", {{"smallest", macs / 5}, {"mean", macs}, {"largest", 2 * macs}}},
                    {"parameters_used", {{"smallest", 1000}, {"mean", 6000}, {"largest", 12000}}},
                    {"cells", {{{"name", "cells.0"}, {"candidates", {{{"name", "a"}}, {{"name", "b"}}}}}}}}}});
    }
    return {{"format", "pipebd.pair-description/1"}, {"name", name}, {"input", {{"shape", {1, 32, 32}}, {"vocabulary", 0}}},
        {"classes", 10}, {"blocks", blocks}};
}

int list_pairs(const std::string& lab)
{
    Json list = {entry("nas-digits", false), entry("many-blocks", false), entry("end-to-end", false)};
    for (const std::string& name : imported_pairs(lab))
        list.push_back(entry(name, true));
    std::cout << list.dump() << std::endl;
    return 0;
}

void progress(double fraction, const std::string& doing)
{
    std::cerr << Json{{"progress", fraction}, {"doing", doing}}.dump() << std::endl;
    std::this_thread::sleep_for(std::chrono::milliseconds(std::stoi(variable("FAKE_MILLISECONDS", "1"))));
}

int import_pair(const std::vector<std::string>& arguments, const std::string& lab)
{
    const std::string name = option(arguments, "--name");
    std::cerr << Json{{"note", "opening and testing the models"}}.dump() << std::endl;
    progress(0.5, "student");
    if (name == "uncut")
        throw Error(Code::BadRequest, "the teacher gives [batch, 8, 32, 32], the student [batch, 4, 32, 32]", "block 0, '0'",
            "cut where both have the same shape, or import the pair with --end-to-end, for end-to-end strategies only");
    std::vector<std::string> names = imported_pairs(lab);
    names.push_back(name);
    keep_pairs(lab, names);
    const Json block = {{"name", "stem"}, {"student_modules", "body.0"}, {"output_shape", {6, 6, 6}}, {"teacher_parameters", 180},
        {"student_parameters", 90}, {"gradient_tensors", 3}, {"without_gradient", {"body.0.scale"}}};
    std::cout << Json{{"name", name}, {"folder", lab + "/pairs/0001"}, {"sha256", "ab12"}, {"blocks", {block, block}}}.dump()
              << std::endl;
    return 0;
}

int delete_pair(const std::string& name, const std::string& lab)
{
    std::vector<std::string> names = imported_pairs(lab);
    if (std::erase(names, name) == 0)
        throw Error(Code::NotFound, "there is no imported pair '" + name + "'", lab);
    keep_pairs(lab, names);
    return 0;
}

schedule::Profile profile_for(const experiment::Experiment& experiment)
{
    schedule::Profile profile;
    profile.pair = experiment.pair;
    profile.device = "Stand-in";
    profile.batch = experiment.data.batch;
    for (const int samples : {profile.batch / 2, profile.batch})
        profile.load[samples] = 0.1;
    for (int block = 0; block < 6; ++block) {
        schedule::BlockProfile& made = profile.blocks.emplace_back();
        made.name = "stage" + std::to_string(block);
        for (const auto& [samples, time] : profile.load) {
            made.teacher_forward[samples] = 0.1 * samples + block;
            made.student_forward[samples] = 0.2 * samples + block;
            made.student_backward[samples] = 0.4 * samples + block;
            made.spread["student_forward"][samples] = 0.2;
        }
        made.update = 0.3;
        made.output_bytes = made.activation_bytes = 4096;
        made.teacher_bytes = made.student_bytes = made.gradient_bytes = made.optimizer_bytes = 1 << 20;
    }
    return profile;
}

int measure(const std::vector<std::string>& arguments, const std::string& lab)
{
    std::vector<std::string> settings;
    if (const std::string setting = option(arguments, "--set"); !setting.empty())
        settings.push_back(setting);
    const experiment::Experiment experiment = experiment::read_experiment(arguments.at(1), settings);
    for (int step = 0; step < 4; ++step)
        progress(0.25 * step, "stage" + std::to_string(step) + ", 64 samples");
    const schedule::Profile profile = profile_for(experiment);
    store::Lab(lab).save_profile(
        {experiment.pair, profile.batch, profile.dtype, option(arguments, "--devices", "cpu"), "sgd, here"}, profile);
    std::cout << schedule::to_json(profile) << std::endl;
    return 0;
}

} // namespace

void misbehave(const std::vector<std::string>& arguments)
{
    const std::string mode = variable("FAKE_MODE");
    std::string command = arguments.empty() ? "" : arguments[0];
    if (command == "pairs" && arguments.size() > 1)
        command += ' ' + arguments[1];
    if (mode.empty() || (!variable("FAKE_COMMAND").empty() && variable("FAKE_COMMAND") != command))
        return;
    if (mode == "garbage") {
        std::cout << "\x01\xff nothing like an answer {{{" << std::endl;
        std::cerr << "{\"progress\": \"much\", \xff\xfe" << std::endl;
    } else if (mode == "half") {
        std::cout << "[{\"name\": \"nas-" << std::flush;
        std::cerr << "{\"progress\":0.5,\"doi" << std::flush;
    } else if (mode == "endless") {
        const std::string part(1 << 16, 'x');
        for (int i = 0; i < 1024; ++i)
            std::cerr << part << std::flush;
        sleep_long();
    } else if (mode == "flood") {
        for (int i = 0; i < 2'000'000; ++i)
            std::cerr << "{\"progress\":0.5,\"doing\":\"" << i << "\"}\n";
        sleep_long();
    } else if (mode == "stall") {
        sleep_long();
    } else if (mode == "signal") {
        std::raise(SIGKILL);
    } else if (mode == "error") {
        throw Error(Code::System, "the engine is not well", "pipebd-engine", "give it a rest");
    }
    std::exit(0);
}

int answer(const std::vector<std::string>& arguments)
{
    const std::string lab = option(arguments, "--lab");
    if (begins(arguments, {"pairs", "list"}) || begins(arguments, {"pairs", "--json"}))
        return list_pairs(lab);
    if (begins(arguments, {"pairs", "show"})) {
        std::cout << description(arguments.back()).dump() << std::endl;
        return 0;
    }
    if (begins(arguments, {"pairs", "import"}))
        return import_pair(arguments, lab);
    if (begins(arguments, {"pairs", "delete"}))
        return delete_pair(arguments.back(), lab);
    if (begins(arguments, {"profile"}))
        return measure(arguments, lab);
    if (begins(arguments, {"doctor"})) {
        if (!variable("FAKE_DOCTOR").empty())
            sleep_long();
        std::cout << R"({"pipebd": "0.1.0", "LibTorch": "2.11.0", "devices": [)"
                  << R"({"id": "cpu", "name": "Some CPU", "memory_bytes": 33285996544, "cores": 8},)"
                  << R"({"id": "cuda:0", "name": "Some GPU", "memory_bytes": 150110011392},)"
                  << R"({"id": "cuda:1", "name": "Some GPU", "memory_bytes": 150110011392}], "sound": true})" << std::endl;
        return 0;
    }
    return -1;
}
