#include "engine/transport/transport.h"

#include "base/error.h"

#include <array>
#include <charconv>
#include <cstdlib>
#include <memory>
#include <set>

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace pipebd::engine {

namespace {

int number_from(const char* variable, int low, int high, std::optional<int> fallback = {})
{
    const char* text = std::getenv(variable);
    if (text == nullptr) {
        if (fallback)
            return *fallback;
        throw Error(Code::BadRequest, "a rank must know its number", std::string("the environment lacks ") + variable,
            "start it with `pipebd run` or torchrun");
    }
    std::string_view view(text);
    int value = 0;
    auto [end, failure] = std::from_chars(view.data(), view.data() + view.size(), value);
    if (failure != std::errc() || end != view.data() + view.size() || value < low || value > high)
        throw Error(Code::BadRequest,
            "'" + std::string(view) + "' is not a number from " + std::to_string(low) + " to " + std::to_string(high),
            std::string("environment variable ") + variable, "start the rank with `pipebd run` or torchrun");
    return value;
}

bool is_loopback(const std::string& address)
{
    return address == "localhost" || address == "::1" || address.starts_with("127.") || address.starts_with("::ffff:127.");
}

/// Where a packet to `master` would leave from; empty if it would not leave. Sends nothing.
std::string source_address(const addrinfo& master)
{
    const int descriptor = ::socket(master.ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (descriptor < 0)
        return {};
    sockaddr_storage source = {};
    socklen_t size = sizeof source;
    std::array<char, NI_MAXHOST> text = {};
    const bool found = ::connect(descriptor, master.ai_addr, master.ai_addrlen) == 0
        && ::getsockname(descriptor, reinterpret_cast<sockaddr*>(&source), &size) == 0
        && ::getnameinfo(
               reinterpret_cast<sockaddr*>(&source), size, text.data(), text.size(), nullptr, 0, NI_NUMERICHOST | NI_NUMERICSERV)
            == 0;
    ::close(descriptor);
    return found ? text.data() : std::string();
}

class NoTransport final : public Transport {
public:
    int rank() const override { return 0; }
    int size() const override { return 1; }
    std::unique_ptr<Pending> send(const at::Tensor&, const Edge&) override { fail(); }
    std::unique_ptr<Pending> receive(const at::Tensor&, const Edge&) override { fail(); }
    std::unique_ptr<Pending> all_reduce(const at::Tensor&, const std::vector<int>&) override { fail(); }
    Group* group(const std::vector<int>&) override { return nullptr; }
    void barrier() override { }
    std::vector<std::string> gather(const std::string& text) override { return {text}; }
    Board& board() override { return board_; }

private:
    [[noreturn]] static void fail() { throw Error(Code::Internal, "a single rank has no peers", "transport"); }

    OwnBoard board_;
};

} // namespace

Rendezvous Rendezvous::from_environment()
{
    Rendezvous rendezvous;
    rendezvous.size = number_from("WORLD_SIZE", 1, 1 << 20);
    rendezvous.rank = number_from("RANK", 0, rendezvous.size - 1);
    rendezvous.local_rank = number_from("LOCAL_RANK", 0, rendezvous.size - 1, rendezvous.rank);
    if (rendezvous.size == 1)
        return rendezvous;
    const char* address = std::getenv("MASTER_ADDR");
    rendezvous.address = address == nullptr ? "127.0.0.1" : address;
    const bool loopback = is_loopback(rendezvous.address);
    const int here = number_from("LOCAL_WORLD_SIZE", 1, rendezvous.size, loopback ? rendezvous.size : 1);
    rendezvous.one_machine = here == rendezvous.size;
    if (loopback && !rendezvous.one_machine)
        throw Error(Code::BadRequest, "other machines cannot reach '" + rendezvous.address + "'",
            "environment variable MASTER_ADDR", "give torchrun an address of the first machine, by --master-addr");
    rendezvous.port = static_cast<std::uint16_t>(number_from("MASTER_PORT", 1, 65535));
    if (rendezvous.rank == 0 && std::getenv("PIPEBD_LISTEN_FD") != nullptr)
        rendezvous.listen_descriptor = number_from("PIPEBD_LISTEN_FD", 3, 1 << 20);
    const char* agent = std::getenv("TORCHELASTIC_USE_AGENT_STORE");
    rendezvous.serve = agent == nullptr || std::string_view(agent) != "True";
    const char* attempt = std::getenv("TORCHELASTIC_RESTART_COUNT");
    rendezvous.attempt = attempt == nullptr ? "0" : attempt;
    rendezvous.supervised = std::getenv("PIPEBD_SUPERVISED") != nullptr;
    return rendezvous;
}

std::string to_string(const Edge& edge)
{
    return "rank " + std::to_string(edge.from) + " to rank " + std::to_string(edge.to);
}

at::Tensor in_memory_order(const at::Tensor& tensor)
{
    if (tensor.is_contiguous())
        return tensor;
    if (tensor.dim() == 4 && tensor.is_contiguous(at::MemoryFormat::ChannelsLast))
        return tensor.permute({0, 2, 3, 1});
    throw Error(Code::Internal, "only dense tensors can be sent", "transport");
}

std::string address_towards_master(const Rendezvous& rendezvous)
{
    const std::string where = "MASTER_ADDR " + rendezvous.address;
    const std::string remedy = "give torchrun an address of the first machine by --master-addr, or name the network interface in "
                               "GLOO_SOCKET_IFNAME";
    addrinfo hints = {};
    hints.ai_socktype = SOCK_DGRAM;
    addrinfo* found = nullptr;
    const std::string port = std::to_string(rendezvous.port);
    const int failure = ::getaddrinfo(rendezvous.address.c_str(), port.c_str(), &hints, &found);
    if (failure != 0)
        throw Error(
            Code::BadRequest, std::string("cannot resolve the first machine (") + ::gai_strerror(failure) + ")", where, remedy);
    const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> addresses(found, &::freeaddrinfo);
    std::string source;
    for (const addrinfo* address = found; address != nullptr && source.empty(); address = address->ai_next)
        source = source_address(*address);
    if (source.empty())
        throw Error(Code::BadRequest, "there is no route to the first machine", where, remedy);
    if (is_loopback(source))
        throw Error(Code::BadRequest, "the address is this machine's loopback interface, which others cannot reach", where, remedy);
    return source;
}

Topology topology_of(const schedule::Program& program)
{
    std::set<Edge> edges;
    std::set<std::vector<int>> groups;
    for (const schedule::Phase& phase : program.phases) {
        for (int device = 0; device < program.devices(); ++device) {
            for (const schedule::Instruction& instruction : phase.devices[static_cast<std::size_t>(device)].instructions) {
                if (instruction.op == schedule::Op::Send || instruction.op == schedule::Op::Receive)
                    edges.insert(edge_of(instruction, device));
                else if (instruction.op == schedule::Op::AllReduce && instruction.group.size() > 1)
                    groups.insert(instruction.group);
            }
        }
    }
    return {{edges.begin(), edges.end()}, {groups.begin(), groups.end()}};
}

std::unique_ptr<Transport> no_transport()
{
    return std::make_unique<NoTransport>();
}

} // namespace pipebd::engine
