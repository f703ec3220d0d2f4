#include "engine/transport/open_rings.h"

#include <algorithm>
#include <numeric>
#include <poll.h>
#include <sstream>
#include <string>
#include <sys/syscall.h>
#include <unistd.h>
#include <utility>

namespace pipebd::engine {

namespace {

/// What a rank tells the others of itself while they connect: words by name.
class Words {
public:
    void set(const std::string& name, const std::string& word) { text_ << name << ' ' << word << '\n'; }
    std::string text() const { return text_.str(); }

    static std::map<std::string, std::string> read(const std::string& text)
    {
        std::map<std::string, std::string> words;
        std::istringstream stream(text);
        for (std::string name, word; stream >> name >> word;)
            words[name] = word;
        return words;
    }

private:
    std::ostringstream text_;
};

std::string name_of(std::size_t ring, const std::string& part)
{
    return std::to_string(ring) + part;
}
std::string full_name(std::size_t ring, int slot)
{
    return name_of(ring, ".full." + std::to_string(slot));
}
std::string free_name(std::size_t ring, int reader, int slot)
{
    return name_of(ring, ".free." + std::to_string(reader) + "." + std::to_string(slot));
}

/// What the words of all ranks say, by rank.
using Said = std::vector<std::map<std::string, std::string>>;

class Opener {
public:
    Opener(const RingsPlan& plan, SlotDevice& device, Meeting& meeting)
        : plan_(plan)
        , device_(device)
        , meeting_(meeting)
    {
    }

    OpenRings open(const SharedWords& shared, pid_t process)
    {
        Words own;
        own.set("process", std::to_string(process));
        std::size_t words = 0;
        for (std::size_t number = 0; number < plan_.rings.size(); ++number) {
            const RingPlan& plan = plan_.rings[number];
            const std::size_t count = SlotRing::words_for(plan.readers.size());
            add_ring(number, SlotRing(shared.words().subspan(words, count), plan.slots), own);
            words += count;
        }
        Said said;
        for (const std::string& text : meeting_.gather(own.text()))
            said.push_back(Words::read(text));
        for (auto& [number, ring] : open_.rings)
            open_parts(number, ring, said);
        for (auto& words_of_rank : said)
            open_.peers.emplace_back(static_cast<pid_t>(std::stol(words_of_rank.at("process"))));
        meeting_.gather(""); // all have opened what they need
        return std::move(open_);
    }

private:
    int rank() const { return meeting_.rank(); }

    void add_ring(std::size_t number, const SlotRing& turns, Words& words)
    {
        const RingPlan& plan = plan_.rings[number];
        const auto self = std::find(plan.readers.begin(), plan.readers.end(), rank());
        const bool writes = plan.writer == rank();
        if (!writes && self == plan.readers.end())
            return;
        OpenRing ring{turns, plan.writer, plan.slot_bytes, plan.readers, static_cast<std::size_t>(self - plan.readers.begin()),
            nullptr, std::vector<SlotDevice::Event>(static_cast<std::size_t>(plan.slots)), {}};
        ring.free.resize(plan.readers.size());
        if (writes) {
            ring.memory = device_.allocate(plan.slot_bytes * plan.slots);
            words.set(name_of(number, ".memory"), device_.handle_of_memory(ring.memory));
        }
        for (int slot = 0; slot < plan.slots; ++slot) {
            const SlotDevice::Event event = device_.make_shared_event();
            if (writes)
                ring.full[static_cast<std::size_t>(slot)] = event;
            else
                ring.free[ring.self].push_back(event);
            words.set(writes ? full_name(number, slot) : free_name(number, rank(), slot), device_.handle_of_event(event));
        }
        open_.rings.emplace(number, std::move(ring));
    }

    void open_parts(std::size_t number, OpenRing& ring, const Said& said)
    {
        auto word = [&](int of, const std::string& name) { return said[static_cast<std::size_t>(of)].at(name); };
        if (ring.writer != rank())
            ring.memory = device_.open_memory(word(ring.writer, name_of(number, ".memory")));
        for (int slot = 0; slot < plan_.rings[number].slots; ++slot) {
            if (ring.writer != rank()) {
                ring.full[static_cast<std::size_t>(slot)] = device_.open_event(word(ring.writer, full_name(number, slot)));
                continue;
            }
            for (std::size_t i = 0; i < ring.readers.size(); ++i) {
                const int reader = ring.readers[i];
                if (reader != rank())
                    ring.free[i].push_back(device_.open_event(word(reader, free_name(number, reader, slot))));
            }
        }
    }

    const RingsPlan& plan_;
    SlotDevice& device_;
    Meeting& meeting_;
    OpenRings open_;
};

} // namespace

RingsPlan::RingsPlan(const Topology& topology, int ranks, const SlotSettings& settings)
{
    for (const Edge& edge : topology.edges) {
        edges.emplace(edge, rings.size());
        rings.push_back({edge.from, {edge.to}, settings.slots, settings.slot_bytes});
    }
    for (const Ranks& group : topology.groups) {
        gradients.emplace(group, add(group, settings.group_slots, settings.slot_bytes));
        statistics.emplace(group, add(group, settings.group_slots, settings.small_slot_bytes));
    }
    Ranks all(static_cast<std::size_t>(ranks));
    std::iota(all.begin(), all.end(), 0);
    world = add(all, settings.group_slots, settings.small_slot_bytes);
}

std::size_t RingsPlan::add(const Ranks& group, int slots, std::int64_t slot_bytes)
{
    for (int writer : group)
        rings.push_back({writer, group, slots, slot_bytes});
    return rings.size() - group.size();
}

Peer::Peer(pid_t process)
    : descriptor_(static_cast<int>(syscall(SYS_pidfd_open, process, 0)))
{
}

Peer::Peer(Peer&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1))
{
}

Peer::~Peer()
{
    if (descriptor_ >= 0)
        close(descriptor_);
}

bool Peer::has_ended() const
{
    pollfd question{descriptor_, POLLIN, 0};
    return descriptor_ < 0 || poll(&question, 1, 0) > 0;
}

OpenRings open_rings(const RingsPlan& plan, const SharedWords& shared, SlotDevice& device, Meeting& meeting, pid_t process)
{
    return Opener(plan, device, meeting).open(shared, process);
}

} // namespace pipebd::engine
