#include "base/error.h"
#include "base/units.h"
#include "cli/commands.h"
#include "launch/engine_queries.h"
#include "launch/supervisor.h"

#include <nlohmann/json.hpp>

#include <functional>
#include <iostream>

namespace pipebd::cli {

namespace {

using Json = nlohmann::ordered_json;

/// What was looked at, and what is wrong.
struct Findings {
    Json json = Json::object();
    std::string text;
    bool sound = true;

    void add(const std::string& name, const std::string& value)
    {
        json[name] = value;
        text += name + std::string(name.size() < 10 ? 10 - name.size() : 1, ' ') + value + "\n";
    }

    void broken(const std::string& name, const std::string& why)
    {
        sound = false;
        json["problems"].push_back(why);
        text += name + std::string(name.size() < 10 ? 10 - name.size() : 1, ' ') + "broken: " + why + "\n";
    }

    void look(const std::string& name, const std::function<void()>& at)
    {
        try {
            at();
        } catch (const Error& error) {
            if (error.code() == Code::Cancelled)
                throw;
            broken(name, error.what());
        }
    }
};

/// As lists of devices name it.
std::string id_of(const launch::EngineDevice& device)
{
    return device.kind == experiment::Device::Kind::Cpu ? "cpu" : "cuda:" + std::to_string(device.index);
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

void look_at_lab(Findings& findings, const Context& context)
{
    const store::Lab lab = context.open_lab();
    findings.add("lab", lab.folder().string());
    findings.json["runs"] = lab.runs().size();
    findings.text += "runs      " + std::to_string(lab.runs().size()) + "\n";
    const std::string state = lab.check();
    if (state == "ok")
        findings.add("library", state);
    else
        findings.broken("library", state);
}

} // namespace

int doctor(const Context& context)
{
    Findings findings;
    findings.add("pipebd", PIPEBD_VERSION);
    findings.add("SQLite", store::sqlite_version());
    findings.look("engine", [&] { look_at_engine(findings, context); });
    findings.look("lab", [&] { look_at_lab(findings, context); });
    findings.json["sound"] = findings.sound;
    if (context.json)
        std::cout << findings.json.dump(2, ' ', false, Json::error_handler_t::replace) << "\n";
    else if (!context.quiet || !findings.sound)
        std::cout << findings.text << (findings.sound ? "all is well\n" : "something is broken\n");
    return findings.sound ? 0 : 1;
}

} // namespace pipebd::cli
