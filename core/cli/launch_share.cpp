#include "base/error.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/prepare.h"
#include "cli/progress_line.h"
#include "cli/signals.h"
#include "launch/share.h"

#include <iostream>

namespace pipebd::cli {

int launch_share(const Context& context, const LaunchOptions& options)
{
    if (options.folder.empty())
        throw Error(
            Code::BadRequest, "no folder given", "pipebd launch DIR", "give the folder that was given to pipebd run --prepare");
    if (options.wait < 1)
        throw Error(Code::BadRequest, "not a number of seconds", "--wait " + std::to_string(options.wait), "give 1 or more");
    ProgressLine line(context.progress);
    launch::Share share;
    share.folder = options.folder;
    share.machine = options.machine;
    share.master = options.master;
    share.port = options.port;
    share.wait = std::chrono::seconds(options.wait);
    share.at_once = &at_once();
    const launch::ShareEnd end = launch::run_share(
        share, [&](const std::string& note) { line.note(printable(note)); }, context.cancel);
    if (end.cancelled) {
        std::cerr << "pipebd: error: cancelled: " << printable(options.folder) << "\n";
        if (end.saved)
            std::cerr << "pipebd: to resume from step " << *end.saved << ": pipebd runs import " << shell_word(options.folder)
                      << ", then pipebd run --resume with the number of the run\n";
        return 1;
    }
    if (!context.quiet && !context.json)
        std::cout << "Machine " << options.machine << " has done its share.\n";
    return 0;
}

} // namespace pipebd::cli
