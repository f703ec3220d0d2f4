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

    /// For what makes results: a lab that is not there is made.
    store::Lab open_lab() const { return lab_in(store::Lab::Mode::Make); }

    /// For results that would be lost if the lab did not take them. Throws as Lab::require_writable() before any work is done.
    store::Lab writable_lab() const
    {
        store::Lab lab = open_lab();
        lab.require_writable();
        return lab;
    }

    /// For what tells about results that are not made: a lab that is not there is empty, and is not made.
    store::Lab coming_lab() const { return lab_in(store::Lab::Mode::ExistingOrEmpty); }

    /// For everything else. Throws Error{NotFound} if the lab that --lab names does not exist; without --lab, one that does not
    /// exist yet is empty.
    store::Lab existing_lab() const { return lab_in(lab.empty() ? store::Lab::Mode::ExistingOrEmpty : store::Lab::Mode::Existing); }

private:
    store::Lab lab_in(store::Lab::Mode mode) const
    {
        return named_by_user([&] { return store::Lab(lab.empty() ? store::default_lab() : lab, mode); });
    }
};

} // namespace pipebd::cli
