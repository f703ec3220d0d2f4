// Signals: Ctrl-C, SIGTERM and SIGHUP set a flag that long commands look at; a second Ctrl-C or SIGTERM, or Ctrl-\\ (SIGQUIT), sets
// one more: that nothing is to be waited for. A closed pipe is an error like others.
//
// What comes within a tenth of a second of the first is the same request: terminals, `timeout` and job managers send more than one.
// A SIGHUP is never a second one: when an SSH connection ends, the shell and the kernel both send it.
#pragma once

#include <atomic>

namespace pipebd::cli {

/// Takes them over for the rest of the process and unblocks them. A SIGHUP that is ignored (nohup) stays so.
/// The flag is set once one of them has come.
const std::atomic<bool>& watch_signals();

/// Set once a second one or a SIGQUIT has come, and the other flag with it.
const std::atomic<bool>& at_once();

} // namespace pipebd::cli
