#include "cli/doctor_lab.h"

#include "base/text.h"
#include "experiment/checkpoint_manifest.h"
#include "store/leftovers.h"
#include "store/repair.h"
#include "store/run_damage.h"

#include <algorithm>
#include <filesystem>

namespace pipebd::cli {

namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

std::string name_of(const store::RunRecord& run)
{
    return "run " + std::to_string(run.id);
}

/// What is kept in files of their own, whatever became of the database.
std::string what_is_whole(const store::RunRecord& run)
{
    std::vector<std::string> whole;
    if (fs::exists(run.folder / "student.safetensors"))
        whole.emplace_back("the trained student");
    std::size_t sound = 0;
    for (const fs::path& checkpoint : experiment::checkpoints_of(run.folder)) {
        try {
            experiment::check_blocks(checkpoint, experiment::read_manifest(checkpoint));
            ++sound;
        } catch (const Error&) {
            // It is not counted.
        }
    }
    if (sound > 0)
        whole.push_back(std::to_string(sound) + (sound == 1 ? " checkpoint" : " checkpoints"));
    return whole.empty() ? std::string() : "; intact files: " + joined(whole);
}

void repair_and_tell(Findings& findings, const store::RunRecord& run)
{
    findings.look(name_of(run), [&] {
        const store::Repair repair = store::repair_run(run);
        std::string text = "repaired: saved " + joined(repair.saved);
        if (!repair.lost.empty())
            text += "; lost " + joined(repair.lost);
        text += "; the damaged database is " + repair.damaged.string() + what_is_whole(run);
        findings.json["repaired"].push_back(
            {{"run", run.id}, {"saved", repair.saved}, {"lost", repair.lost}, {"damaged", repair.damaged.string()}});
        findings.say(name_of(run), text);
    });
}

void look_at_runs(Findings& findings, const std::vector<store::RunRecord>& runs, bool repair)
{
    findings.json["damaged_runs"] = Json::array();
    for (const store::RunRecord& run : runs) {
        const std::string damage = store::damage_of(run);
        if (damage.empty())
            continue;
        findings.json["damaged_runs"].push_back(run.id);
        if (repair)
            repair_and_tell(findings, run);
        else
            findings.broken(name_of(run),
                "its database is damaged: " + damage + ": " + run.folder.string()
                    + "; restore it from a copy, or save what can be read with `pipebd doctor --repair`" + what_is_whole(run));
    }
}

} // namespace

void look_at_lab(Findings& findings, const store::Lab& lab, bool repair)
{
    if (!lab.exists()) {
        findings.json["lab"] = lab.folder().string();
        findings.json["runs"] = 0;
        findings.say("lab", lab.folder().string() + " (does not exist yet: the first run creates it)");
        return;
    }
    findings.json["lab"] = lab.folder().string();
    findings.json["read_only"] = !lab.can_be_written();
    findings.say("lab", lab.folder().string() + (lab.can_be_written() ? "" : " (read-only)"));
    const std::vector<store::RunRecord> runs = lab.runs();
    findings.json["runs"] = runs.size();
    findings.say("runs", std::to_string(runs.size()));
    if (lab.can_be_written()) {
        if (const std::size_t removed = store::remove_leftovers(runs); removed > 0) {
            findings.json["leftovers_removed"] = removed;
            findings.say("removed", std::to_string(removed) + " unfinished checkpoints of killed runs");
        }
    }
    const std::string state = lab.check();
    if (state == "ok")
        findings.add("library", state);
    else
        findings.broken("library", state);
    look_at_runs(findings, runs, repair);
}

} // namespace pipebd::cli
