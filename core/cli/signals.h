// Signals: Ctrl-C, SIGTERM and SIGHUP set a flag that long commands look at, Ctrl-\\ (SIGQUIT) one more: that nothing is to be
// waited for. A closed pipe is an error like others.
#pragma once

#include <atomic>

namespace pipebd::cli {

/// Takes them over for the rest of the process and unblocks them. A SIGHUP that is ignored (nohup) stays so.
/// The flag is set once one of them has come.
const std::atomic<bool>& watch_signals();

/// Set once a SIGQUIT has come, and the other flag with it.
const std::atomic<bool>& at_once();

} // namespace pipebd::cli
