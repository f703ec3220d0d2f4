#include "cli/run_filter.h"

#include "base/text.h"
#include "cli/arguments.h"

#include <algorithm>
#include <array>

namespace pipebd::cli {

namespace {

using store::RunState;

constexpr std::array states
    = {RunState::Queued, RunState::Running, RunState::Finished, RunState::Failed, RunState::Cancelled, RunState::Lost};

RunState state_from(const std::string& text)
{
    std::vector<std::string_view> names;
    for (const RunState state : states) {
        if (to_string(state) == text)
            return state;
        names.push_back(to_string(state));
    }
    throw Error(Code::BadRequest, in_quotes(text) + " is not a state of a run", "--state", "known are " + joined(names));
}

/// ASCII letters alike, great or small.
std::string folded(std::string text)
{
    for (char& character : text)
        if (character >= 'A' && character <= 'Z')
            character = static_cast<char>(character - 'A' + 'a');
    return text;
}

std::string searched(const store::RunRecord& run, const store::Annotation& annotation)
{
    std::string text = run.name + "\n" + run.pair + "\n" + run.strategy + "\n" + run.stage + "\n" + annotation.note;
    for (const std::string& device : run.devices)
        text += "\n" + device;
    for (const std::string& tag : annotation.tags)
        text += "\n" + tag;
    return folded(text);
}

} // namespace

RunFilter::RunFilter(const ListRunsOptions& options)
    : options_(options)
{
    for (const std::string& list : options.states)
        for (const std::string& name : parts_of(list))
            states_.insert(state_from(name));
}

bool RunFilter::takes(const store::RunRecord& run, const store::Annotation& annotation) const
{
    if (!options_.all && options_.deleted == annotation.deleted.empty())
        return false;
    if (!states_.empty() && !states_.contains(run.state))
        return false;
    if ((!options_.strategy.empty() && run.strategy != options_.strategy) || (!options_.pair.empty() && run.pair != options_.pair))
        return false;
    const auto has = [&](const std::string& tag) { return std::ranges::find(annotation.tags, tag) != annotation.tags.end(); };
    if (!std::ranges::all_of(options_.tags, has))
        return false;
    const std::string text = searched(run, annotation);
    return std::ranges::all_of(
        options_.words, [&](const std::string& word) { return text.find(folded(word)) != std::string::npos; });
}

} // namespace pipebd::cli
