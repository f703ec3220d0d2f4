// The address at which the ranks of several machines meet, looked at before any rank starts.
#pragma once

#include <string>

namespace pipebd::launch {

/// Throws Error{BadRequest} if `master` is no address of a machine or `port` no port; `here`: also if something on this machine
/// has that port already.
void check_master(const std::string& master, int port, bool here);

} // namespace pipebd::launch
