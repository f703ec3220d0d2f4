#include "cli/print_run.h"

#include "base/text.h"
#include "base/units.h"
#include "cli/table.h"

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

} // namespace

std::string devices_text(const store::RunRecord& run)
{
    std::string text;
    for (const std::string& device : run.devices)
        text += (text.empty() ? "" : ",") + device;
    return printable(text);
}

std::string run_text(const store::RunRecord& run)
{
    std::string text
        = "run " + std::to_string(run.id) + " (" + printable(run.name) + ") " + std::string(to_string(run.state)) + "\n";
    text += line("pair", printable(run.pair));
    text += line("strategy", printable(run.strategy) + " on " + devices_text(run));
    if (!run.started.empty())
        text += line("started", run.started);
    if (!run.finished.empty())
        text += line("ended", run.finished);
    text += line("steps", std::to_string(run.steps_done) + " of " + std::to_string(run.steps));
    text += line("throughput", fixed(run.throughput, 1) + " samples/s");
    text += line("step", step_text(run));
    text += loss_text(run);
    if (run.accuracy >= 0)
        text += line("accuracy", percent(run.accuracy) + " on the test split");
    text += failure_text(run);
    text += line("folder", printable(run.folder.string()));
    return text;
}

} // namespace pipebd::cli
