// Context: what every command is given: the options that all have in common, and the flag that a signal sets.
#pragma once

#include "cli/named.h"
#include "store/lab.h"

#include <atomic>
#include <filesystem>

namespace pipebd::cli {

struct Context {
    std::filesystem::path lab; // empty: the default one
    bool json = false;
    bool quiet = false;
    const std::atomic<bool>& cancel;

    store::Lab open_lab() const
    {
        return named_by_user([this] { return store::Lab(lab.empty() ? store::default_lab() : lab); });
    }
};

} // namespace pipebd::cli
