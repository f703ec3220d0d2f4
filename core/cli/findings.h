// Findings: what `pipebd doctor` has looked at, and what is wrong, for people and as JSON.
#pragma once

#include "base/error.h"

#include <nlohmann/json.hpp>

#include <functional>
#include <string>

namespace pipebd::cli {

struct Findings {
    nlohmann::ordered_json json = nlohmann::ordered_json::object();
    std::string text;
    bool sound = true;

    void add(const std::string& name, const std::string& value)
    {
        json[name] = value;
        say(name, value);
    }

    /// For people alone.
    void say(const std::string& name, const std::string& value)
    {
        constexpr std::size_t column = 10;
        text += name + std::string(name.size() < column ? column - name.size() : 1, ' ') + value + "\n";
    }

    void broken(const std::string& name, const std::string& why)
    {
        sound = false;
        json["problems"].push_back(why);
        say(name, "broken: " + why);
    }

    /// What `at` throws is broken; a signal ends the command.
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

} // namespace pipebd::cli
