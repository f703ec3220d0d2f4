// Context: what every command is given: the options that all have in common, and the flag that a signal sets.
#pragma once

#include "cli/named.h"
#include "store/lab.h"

#include <atomic>
#include <filesystem>

namespace pipebd::cli {

/// How progress is told on standard error.
enum class ProgressStyle {
    None,
    Text, // for people
    Lines, // for programs: one JSON object a line
};

struct Context {
    std::filesystem::path lab; // empty: the default one
    bool json = false;
    bool quiet = false;
    ProgressStyle progress = ProgressStyle::Text;
    const std::atomic<bool>& cancel;

    store::Lab open_lab() const
    {
        return named_by_user([this] { return store::Lab(lab.empty() ? store::default_lab() : lab); });
    }
};

} // namespace pipebd::cli
