// The pair that an experiment names: built in, or imported into the lab.
#pragma once

#include "base/error.h"
#include "cli/context.h"
#include "launch/engine_queries.h"

#include <filesystem>
#include <string>
#include <vector>

namespace pipebd::cli {

/// Where the imported pair of this name lies; empty if there is none, then the name is that of a built-in one.
std::filesystem::path pair_folder(const store::Lab& lab, const std::string& name);

/// Throws Error{NotFound} that lists the pairs there are if `name` is that of none; else does nothing.
void require_known_pair(const Context& context, const store::Lab& lab, const std::string& name);

/// Asks the engine something about the pair `name`, which lies in the folder that `ask` is given. A pair that the engine does not
/// know is the error of require_known_pair().
template <typename Ask>
auto with_pair(const Context& context, const store::Lab& lab, const std::string& name, const Ask& ask)
{
    try {
        return ask(pair_folder(lab, name));
    } catch (const Error& error) {
        if (error.code() == Code::NotFound)
            require_known_pair(context, lab, name);
        throw;
    }
}

/// launch::check() of this experiment.
launch::Checked check_work(const Context& context, const store::Lab& lab, const experiment::Experiment& experiment,
    const std::vector<experiment::Device>& devices);

} // namespace pipebd::cli
