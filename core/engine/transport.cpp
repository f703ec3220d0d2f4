#include "engine/transport.h"

#include "base/error.h"

#include <charconv>
#include <cstdlib>
#include <set>

namespace pipebd::engine {

namespace {

int number_from(const char* variable, int low, int high, std::optional<int> fallback = {})
{
    const char* text = std::getenv(variable);
    if (text == nullptr) {
        if (fallback)
            return *fallback;
        throw Error(Code::BadRequest, "a rank needs to know its place", std::string("the environment lacks ") + variable,
            "start it with `pipebd run` or torchrun");
    }
    std::string_view view(text);
    int value = 0;
    auto [end, failure] = std::from_chars(view.data(), view.data() + view.size(), value);
    if (failure != std::errc() || end != view.data() + view.size() || value < low || value > high)
        throw Error(Code::BadRequest,
            "'" + std::string(view) + "' is no number from " + std::to_string(low) + " to " + std::to_string(high),
            std::string("environment variable ") + variable, "start the rank with `pipebd run` or torchrun");
    return value;
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

private:
    [[noreturn]] static void fail() { throw Error(Code::Internal, "a single rank has nobody to talk to", "transport"); }
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
    rendezvous.port = static_cast<std::uint16_t>(number_from("MASTER_PORT", 1, 65535));
    if (rendezvous.rank == 0 && std::getenv("PIPEBD_LISTEN_FD") != nullptr)
        rendezvous.listen_descriptor = number_from("PIPEBD_LISTEN_FD", 3, 1 << 20);
    const char* agent = std::getenv("TORCHELASTIC_USE_AGENT_STORE");
    rendezvous.serve = agent == nullptr || std::string_view(agent) != "True";
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
    throw Error(Code::Internal, "a tensor that is not dense cannot travel", "transport");
}

Topology topology_of(const schedule::Program& program)
{
    std::set<Edge> edges;
    std::set<std::vector<int>> groups;
    for (const schedule::Phase& phase : program.phases) {
        for (int device = 0; device < program.devices(); ++device) {
            for (const schedule::Instruction& instruction : phase.devices[static_cast<std::size_t>(device)].instructions) {
                if (instruction.op == schedule::Op::Send)
                    edges.insert({device, instruction.peer, instruction.payload});
                else if (instruction.op == schedule::Op::Receive)
                    edges.insert({instruction.peer, device, instruction.payload});
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
