#include "launch/loopback_socket.h"

#include "base/error.h"

#include <cerrno>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace pipebd::launch {

namespace {

constexpr const char* place = "127.0.0.1";

/// A listening socket, or -1 with errno.
int listen_on_loopback(sockaddr_in& address)
{
    const int made = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (made < 0)
        return -1;
    const int descriptor = ::fcntl(made, F_DUPFD_CLOEXEC, 3);
    ::close(made);
    if (descriptor < 0)
        return -1;

    socklen_t size = sizeof address;
    address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = ::htonl(INADDR_LOOPBACK);
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    if (::bind(descriptor, generic, size) == 0 && ::listen(descriptor, SOMAXCONN) == 0
        && ::getsockname(descriptor, generic, &size) == 0)
        return descriptor;
    const int error = errno;
    ::close(descriptor);
    errno = error;
    return -1;
}

/// Whether there is a way to the address: a socket can be bound even while the interface is down. Nothing is sent.
bool is_reachable(const sockaddr_in& address)
{
    const int descriptor = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    const bool reachable = ::connect(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
    const int error = errno;
    ::close(descriptor);
    errno = error;
    return reachable;
}

} // namespace

LoopbackSocket::LoopbackSocket()
{
    sockaddr_in address;
    descriptor_ = listen_on_loopback(address);
    if (descriptor_ < 0 || !is_reachable(address)) {
        const Error reason = system_error("no port is free for the ranks to meet", place);
        if (descriptor_ >= 0)
            ::close(descriptor_);
        throw Error(Code::System, reason.problem(), place, "check that the loopback interface is up and has free ports");
    }
    port_ = ::ntohs(address.sin_port);
}

LoopbackSocket::~LoopbackSocket()
{
    ::close(descriptor_);
}

} // namespace pipebd::launch
