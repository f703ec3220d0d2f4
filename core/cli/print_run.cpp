#include "cli/print_run.h"

#include "base/text.h"
#include "base/units.h"
#include "cli/table.h"
#include "store/resumption.h"

#include <algorithm>
#include <cstdio>

namespace pipebd::cli {

namespace {

std::string line(const std::string& name, const std::string& value)
{
    return "  " + name + std::string(name.size() < 12 ? 12 - name.size() : 1, ' ') + value + "\n";
}

std::string step_text(const store::RunRecord& run)
{
    std::string text = run.measured_step > 0 ? format_milliseconds(run.measured_step) + " measured" : "not measured";
    if (run.predicted_step > 0)
        text += ", " + format_milliseconds(run.predicted_step) + " predicted";
    if (run.predicted_step <= 0 || run.measured_step <= 0)
        return text;
    return text + " (" + signed_percent(run.predicted_step / run.measured_step - 1) + ")";
}

std::string short_number(double number)
{
    char text[32];
    std::snprintf(text, sizeof text, "%.4g", number);
    return text;
}

std::string loss_text(const store::RunRecord& run)
{
    std::string text;
    const std::size_t blocks = std::min(run.first_loss.size(), run.final_loss.size());
    for (std::size_t block = 0; block < blocks; ++block)
        text += line(blocks == 1 ? "loss" : "loss " + std::to_string(block),
            short_number(run.first_loss[block]) + " -> " + short_number(run.final_loss[block]));
    return text;
}

std::string memory_text(const store::RunDetails& details)
{
    std::string text;
    for (std::size_t rank = 0; rank < details.peak_memory.size(); ++rank)
        text += line("memory " + std::to_string(rank),
            format_bytes(details.peak_memory[rank]) + " at most"
                + (rank < details.planned_memory.size() ? ", " + format_bytes(details.planned_memory[rank]) + " planned" : ""));
    return text;
}

/// Summed over devices, so that kinds add up to the work of a step; the step itself is that of the slowest device.
std::string kinds_text(const store::RunRecord& run, const std::vector<schedule::KindTime>& kinds)
{
    if (kinds.empty())
        return {};
    const auto time = [](const std::optional<double>& number) { return number ? fixed(*number, 2) : std::string("-"); };
    Table table({"ms per step, all devices", ">predicted", ">measured", ">error"});
    const auto add = [&](std::string_view kind, const schedule::KindTime& row) {
        table.add({std::string(kind), time(row.predicted), time(row.measured), row.error() ? signed_percent(*row.error()) : "-"});
    };
    for (const schedule::KindTime& kind : kinds)
        add(kind.kind, kind);
    if (run.measured_step > 0)
        add("step, slowest device", {"", run.predicted_step, run.measured_step});
    return "\n" + table.text();
}

std::string failure_text(const store::RunRecord& run)
{
    std::string text;
    if (!run.error.empty())
        text += line("error", printable(run.error));
    if (run.culprit >= 0)
        text += line("rank", std::to_string(run.culprit));
    if (!run.last_lines.empty())
        text += "  its last lines:\n";
    for (const std::string& said : run.last_lines)
        text += "    " + printable(said) + "\n";
    return text;
}

std::string accuracy_text(const store::RunRecord& run, const store::RunDetails& details)
{
    if (run.accuracy < 0)
        return {};
    const auto top5 = details.evaluation.find("test_accuracy_top5");
    return line("accuracy",
        percent(run.accuracy) + " on the test split"
            + (top5 == details.evaluation.end() ? "" : ", " + percent(top5->second) + " top 5"));
}

} // namespace

std::string devices_text(const store::RunRecord& run)
{
    std::string text;
    for (const std::string& device : run.devices)
        text += (text.empty() ? "" : ",") + device;
    return printable(text);
}

std::string run_text(const store::RunRecord& run, const store::RunDetails& details, const store::Annotation& annotation)
{
    std::string text
        = "run " + std::to_string(run.id) + " (" + printable(run.name) + ") " + std::string(to_string(run.state)) + "\n";
    if (!annotation.deleted.empty())
        text += line("deleted", annotation.deleted);
    if (!annotation.tags.empty())
        text += line("tags", joined(annotation.tags));
    if (!annotation.note.empty())
        text += line("note", printable(annotation.note));
    text += line("pair", printable(run.pair));
    text += line("strategy", printable(run.strategy) + " on " + devices_text(run));
    if (!run.stage.empty())
        text += line("stage",
            printable(run.stage)
                + (run.weights_from > 0 ? ", starting from the results of run " + std::to_string(run.weights_from) : ""));
    if (run.resumed_from > 0)
        text += line("resumed", "from run " + std::to_string(run.resumed_from) + ", " + printable(run.resumed_checkpoint));
    if (!run.started.empty())
        text += line("started", run.started);
    if (!run.finished.empty())
        text += line("ended", run.finished);
    text += line("steps", std::to_string(run.steps_done) + " of " + std::to_string(run.steps));
    if (const std::optional<store::Resumption> kept = store::resumption_of(run))
        text += line("to resume", to_string(*kept) + ": pipebd run --resume " + std::to_string(run.id));
    text += line("throughput", fixed(run.throughput, 1) + " samples/s");
    text += line("step", step_text(run));
    text += loss_text(run);
    text += accuracy_text(run, details);
    text += memory_text(details);
    text += failure_text(run);
    text += line("folder", printable(run.folder.string()));
    return text + kinds_text(run, details.kinds);
}

} // namespace pipebd::cli
