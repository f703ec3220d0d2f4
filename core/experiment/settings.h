// Settings: the values that were given for the keys of an experiment, each with its place. What TOML, JSON and the command line
// have in common; for this folder only.
#pragma once

#include "base/error.h"
#include "experiment/experiment.h"

#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace pipebd::experiment {

/// A value that no key can have, such as a list.
struct Unsuitable {
    std::string kind; // "a list"
};

using Value = std::variant<std::string, bool, std::int64_t, std::uint64_t, double, Unsuitable>;

struct Given {
    Value value;
    std::string place; // "digits.toml:12", "--set train.steps=20"
    std::string raw; // a setting's right side as it was typed; a text may stand there without quotes
    int order = 0; // later ones are greater
    bool is_setting = false;
};

/// By dotted key, "train.steps".
using Settings = std::map<std::string, Given, std::less<>>;

/// Dotted, in the order of docs/formats/experiment.md.
const std::vector<std::string_view>& known_keys();

/// "data", "train", ...
const std::vector<std::string_view>& known_sections();

/// Error{BadRequest} that says what was probably meant, and which keys there are beside it.
Error unknown_key(std::string_view key, std::string place);

/// Defaults where nothing is given. Throws Error{BadRequest} at the place of the first value that cannot be; unknown keys must have
/// been refused before. `where` is the place of what is missing.
Experiment make_experiment(const Settings& settings, std::string_view default_name, std::string_view where);

/// Reads TOML and lays `overrides` ("train.steps=20") over it. Throws Error{BadRequest} for what is not TOML, unknown keys, and two
/// keys that exclude each other; of those, an override drops the one in the text.
Settings settings_from_toml(std::string_view toml, std::string_view where, std::span<const std::string> overrides);

/// Lays "train.steps=20" and the like over `settings`, under the same rules.
void lay_over(Settings& settings, std::span<const std::string> overrides);

} // namespace pipebd::experiment
