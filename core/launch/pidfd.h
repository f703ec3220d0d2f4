// pidfd_open() and pidfd_send_signal(): a process held by descriptor, which cannot become another process.
#pragma once

#include <csignal>

#include <sys/types.h>

extern "C" {
#include <sys/pidfd.h> // that of glibc 2.36 does not say extern "C"
}
