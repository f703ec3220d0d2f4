#include "cli/used_pair.h"

#include "base/text.h"

#include <algorithm>

namespace pipebd::cli {

namespace {

std::string listed(std::vector<std::string> names)
{
    for (std::string& name : names)
        name = printable(name, 80);
    return joined(names);
}

} // namespace

std::filesystem::path pair_folder(const store::Lab& lab, const std::string& name)
{
    const std::optional<store::StoredPair> imported = lab.pair(name);
    return imported ? imported->folder : std::filesystem::path();
}

void require_known_pair(const Context& context, const store::Lab& lab, const std::string& name)
{
    std::vector<std::string> built_in;
    for (const launch::EnginePair& pair : launch::engine_pairs(context.cancel))
        built_in.push_back(pair.name);
    std::vector<std::string> imported;
    for (const store::StoredPair& pair : lab.pairs())
        imported.push_back(pair.name);
    for (const std::vector<std::string>* known : {&built_in, &imported})
        if (std::find(known->begin(), known->end(), name) != known->end())
            return;
    throw Error(Code::NotFound, "there is no such pair", in_quotes(name),
        "built in: " + listed(built_in) + (imported.empty() ? "; imported: none" : "; imported: " + listed(imported)));
}

launch::Checked check_work(const Context& context, const store::Lab& lab, const experiment::Experiment& experiment,
    const std::vector<experiment::Device>& devices)
{
    return with_pair(context, lab, experiment.pair, [&](const std::filesystem::path& folder) {
        return launch::check({experiment, folder}, devices, context.cancel);
    });
}

} // namespace pipebd::cli
