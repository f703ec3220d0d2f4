#include "launch/master_address.h"

#include "base/error.h"
#include "base/text.h"

#include <cerrno>
#include <memory>

#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace pipebd::launch {

namespace {

bool is_in_use(int port)
{
    const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (socket < 0)
        return false;
    const int reuse = 1; // what the ranks of a stage before have left does not count
    ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &reuse, sizeof reuse);
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_ANY);
    const bool used = ::bind(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 && errno == EADDRINUSE;
    ::close(socket);
    return used;
}

} // namespace

void check_master(const std::string& master, int port, bool here)
{
    constexpr int last_port = 65535;
    const std::string where = "--master-port " + std::to_string(port);
    if (port < 1 || port > last_port)
        throw Error(Code::BadRequest, "not a port", where, "give a number from 1 to 65535");
    if (master.empty())
        throw Error(Code::BadRequest, "the address where the machines meet is missing", "pipebd launch",
            "give an address of machine 0 with --master-addr HOST");
    addrinfo hints = {};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    if (::getaddrinfo(master.c_str(), nullptr, &hints, &found) != 0)
        throw Error(Code::BadRequest, "cannot resolve this host name", "--master-addr " + printable(master),
            "give an address of machine 0 that all machines can reach");
    ::freeaddrinfo(found);
    if (here && is_in_use(port))
        throw Error(Code::BadRequest, "another program on this machine uses the port", where,
            "choose another one, the same on every machine");
}

} // namespace pipebd::launch
