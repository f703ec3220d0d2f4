// pipebd: the command line of the workbench. Exit status: 0 done, 1 failed, 2 the request was wrong.
#include "base/error.h"
#include "base/foreign_error.h"
#include "base/text.h"
#include "cli/command_line.h"
#include "cli/signals.h"

#include <cstdio>
#include <iostream>

namespace {

using pipebd::Code;
using pipebd::Error;

constexpr std::size_t longest_message = 2000;

/// What is found in what the user named is 2; what goes wrong in the doing is 1.
int status_for(Code code)
{
    switch (code) {
    case Code::BadRequest:
    case Code::NotFound:
    case Code::Damaged:
    case Code::Newer:
    case Code::NotADatabase:
    case Code::Locked:
        return 2;
    default:
        return 1;
    }
}

int report(const Error& error)
{
    std::cout.flush();
    const std::string line = "pipebd: error: " + pipebd::printable(error.what(), longest_message) + "\n";
    std::fputs(line.c_str(), stderr);
    return status_for(error.code());
}

int run(int argc, char** argv)
{
    pipebd::cli::Context context{.lab = {}, .json = false, .quiet = false, .cancel = pipebd::cli::watch_signals()};
    const pipebd::cli::Action action = pipebd::cli::parse_command_line(argc, argv, context);
    const int status = action(context);
    if (!std::cout.flush())
        throw Error(Code::System, "the output could not be written", "standard output");
    return status;
}

} // namespace

int main(int argc, char** argv)
{
    try {
        return run(argc, argv);
    } catch (const std::exception& error) {
        return report(pipebd::error_from(error, "pipebd"));
    }
}
