#include "base/error.h"
#include "base/file.h"
#include "base/units.h"
#include "cli/commands.h"
#include "cli/doctor_lab.h"
#include "cli/findings.h"
#include "cli/prepare.h"
#include "launch/engine_queries.h"
#include "launch/machine_memory.h"
#include "launch/supervisor.h"

#include <nlohmann/json.hpp>

#include <array>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <iostream>
#include <memory>
#include <optional>

namespace pipebd::cli {

namespace {

using Json = nlohmann::ordered_json;

/// As lists of devices name it.
std::string id_of(const launch::EngineDevice& device)
{
    return to_string(experiment::Device{.kind = device.kind, .index = device.index});
}

Json json_of(const launch::EngineDevice& device)
{
    Json json = {{"id", id_of(device)}, {"name", device.name}, {"memory_bytes", device.bytes}};
    if (device.kind == experiment::Device::Kind::Cpu)
        json["cores"] = device.cores;
    return json;
}

std::string described(const launch::EngineDevice& device)
{
    const bool cpu = device.kind == experiment::Device::Kind::Cpu;
    const std::string name = id_of(device);
    const std::string cores = cpu && device.cores > 0 ? ", " + std::to_string(device.cores) + " cores" : "";
    return name + " (" + device.name + cores + ", " + format_bytes(device.bytes) + ")";
}

void look_at_engine(Findings& findings, const Context& context)
{
    findings.add("engine", launch::engine_program().string());
    findings.json["devices"] = Json::array();
    bool versions_shown = false;
    for (const launch::EngineDevice& device : launch::engine_devices(context.cancel)) {
        if (!versions_shown) {
            findings.add("LibTorch", device.libtorch);
            findings.add("telemetry", device.telemetry);
        }
        versions_shown = true;
        findings.json["devices"].push_back(json_of(device));
        findings.text += "device    " + described(device) + "\n";
    }
}

/// What a program beside this one prints of its version; empty if it is not there or says nothing.
std::string version_of(const std::filesystem::path& program)
{
    if (!std::filesystem::exists(program))
        return {};
    const std::string command = "QT_QPA_PLATFORM=offscreen " + shell_word(program.string()) + " --version 2>/dev/null";
    const std::unique_ptr<FILE, int (*)(FILE*)> pipe(::popen(command.c_str(), "re"), &::pclose);
    std::array<char, 256> line = {};
    if (!pipe || std::fgets(line.data(), line.size(), pipe.get()) == nullptr)
        return {};
    const std::string text = line.data();
    const std::string words = text.substr(0, text.find('\n'));
    return words.substr(words.find(' ') == std::string::npos ? 0 : words.find(' ') + 1);
}

void look_at_workbench(Findings& findings)
{
    std::error_code none;
    const std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe", none);
    if (const std::string version = version_of(self.parent_path() / "pipebd-workbench"); !version.empty())
        findings.add("workbench", version);
}

void look_at_machine(Findings& findings, const Context& context)
{
    const std::string driver = launch::nvidia_driver();
    findings.json["nvidia_driver"] = driver.empty() ? Json() : Json(driver);
    findings.say("driver", driver.empty() ? "no NVIDIA driver" : "NVIDIA " + driver);
    const launch::MachineMemory memory = launch::machine_memory();
    findings.json["memory"] = {{"bytes", memory.total}, {"available_bytes", memory.available}};
    findings.say("memory",
        format_bytes(memory.available) + " free of " + format_bytes(memory.total)
            + (memory.of_group ? " that this control group may use" : ""));
    std::error_code problem;
    const auto place = nearest_existing(context.lab.empty() ? store::default_lab() : context.lab);
    if (const auto space = std::filesystem::space(place, problem); !problem) {
        findings.json["disk"] = {{"bytes", space.capacity}, {"available_bytes", space.available}};
        findings.say("disk",
            format_bytes(static_cast<std::int64_t>(space.available)) + " free of "
                + format_bytes(static_cast<std::int64_t>(space.capacity)) + " where the lab is");
    }
}

/// The lab, or what is wrong with it: a finding. Throws Error{NotFound} for a mistyped one.
struct OpenedLab {
    std::optional<store::Lab> lab;
    std::exception_ptr problem;

    explicit OpenedLab(const Context& context)
    {
        try {
            lab.emplace(context.existing_lab());
        } catch (const Error& error) {
            if (error.code() == Code::NotFound)
                throw;
            problem = std::current_exception();
        }
    }

    const store::Lab& get() const
    {
        if (problem)
            std::rethrow_exception(problem);
        return *lab;
    }
};

} // namespace

int doctor(const Context& context, const DoctorOptions& options)
{
    const OpenedLab opened(context);
    Findings findings;
    findings.add("pipebd", PIPEBD_VERSION);
    look_at_workbench(findings);
    findings.add("SQLite", store::sqlite_version());
    findings.look("engine", [&] { look_at_engine(findings, context); });
    look_at_machine(findings, context);
    findings.look("lab", [&] { look_at_lab(findings, opened.get(), options.repair); });
    findings.json["sound"] = findings.sound;
    if (context.json)
        std::cout << findings.json.dump(2, ' ', false, Json::error_handler_t::replace) << "\n";
    else if (!context.quiet || !findings.sound)
        std::cout << findings.text << (findings.sound ? "all is well\n" : "something is wrong\n");
    return findings.sound ? 0 : 1;
}

} // namespace pipebd::cli
