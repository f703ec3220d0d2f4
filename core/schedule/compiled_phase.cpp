#include "schedule/compiled_phase.h"

#include "base/error.h"
#include "schedule/data_flow.h"
#include "schedule/program_words.h"

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

namespace pipebd::schedule {

namespace {

[[noreturn]] void cannot_run(const std::string& what, const std::string& place)
{
    throw Error(Code::BadRequest, what, place, "correct the program");
}

class Compiler {
public:
    Compiler(const Program& program, std::size_t phase, const Costs& costs, std::span<const Role> roles)
        : program_(program)
        , phase_(phase)
        , costs_(costs)
        , roles_(roles)
    {
        result_.devices.resize(program.phases[phase].devices.size());
    }

    CompiledPhase run(const Training& training)
    {
        result_.training = training;
        for (std::size_t device = 0; device < result_.devices.size(); ++device)
            for (std::size_t index = 0; index < instructions(device).size(); ++index)
                add(device, index);
        for (std::size_t device = 0; device < result_.devices.size(); ++device)
            add_needs(device);
        check_links();
        check_groups();
        return std::move(result_);
    }

private:
    using Place = std::pair<std::size_t, std::size_t>; // device, index

    struct Ends {
        std::vector<Place> sends;
        std::vector<Place> receives;
    };

    const std::vector<Instruction>& instructions(std::size_t device) const
    {
        return program_.phases[phase_].devices[device].instructions;
    }

    std::string place(Place at) const { return place_of(program_, phase_, at.first, at.second); }

    void add(std::size_t device, std::size_t index)
    {
        const Instruction& instruction = instructions(device)[index];
        check_fields(instruction, {device, index});
        CompiledDevice& compiled = result_.devices[device];
        CompiledInstruction made;
        made.op = instruction.op;
        if (instruction.op == Op::AllReduce || instruction.op == Op::Barrier)
            add_group(made, instruction, {device, index});
        made.duration = costs_.of(instruction, static_cast<int>(device), program_.microbatches);
        made.ahead = instruction.ahead;
        result_.most_ahead = std::max(result_.most_ahead, instruction.ahead);
        result_.least_ahead = std::min(result_.least_ahead, instruction.ahead);
        if (instruction.op == Op::Send || instruction.op == Op::Receive)
            add_transfer(made, instruction, {device, index});
        if (instruction.op == Op::Receive || instruction.op == Op::AllReduce) {
            made.bringer = static_cast<int>(compiled.bringers.size());
            compiled.bringers.push_back(made.channel);
        }
        compiled.instructions.push_back(made);
    }

    void check_fields(const Instruction& instruction, Place at) const
    {
        if (has_block(instruction.op) && (instruction.block < 0 || instruction.block >= std::min(costs_.blocks(), program_.blocks)))
            cannot_run(
                "there is no block " + std::to_string(instruction.block) + ", the profile has " + std::to_string(costs_.blocks()),
                place(at));
        const auto is_part = [](int index, int count) { return index >= 0 && index < count; };
        if (!is_part(instruction.shard.index, instruction.shard.count)
            || !is_part(instruction.peer_shard.index, instruction.peer_shard.count) || !is_part(instruction.part, instruction.parts)
            || !is_part(instruction.microbatch, program_.microbatches))
            cannot_run("it works on a part of the batch that does not exist", place(at));
        if (instruction.op == Op::Loss && instruction.parts != 1 && instruction.parts != program_.microbatches)
            cannot_run(
                "the loss covers the whole batch or one of " + std::to_string(program_.microbatches) + " microbatches", place(at));
        const int devices = program_.devices();
        const bool transfers = instruction.op == Op::Send || instruction.op == Op::Receive;
        if (transfers && (!is_part(instruction.peer, devices) || instruction.peer == static_cast<int>(at.first)))
            cannot_run("its peer is not one of the other devices", place(at));
    }

    void add_transfer(CompiledInstruction& made, const Instruction& instruction, Place at)
    {
        const bool sends = instruction.op == Op::Send;
        const Edge edge = edge_of(instruction, static_cast<int>(at.first));
        const auto [link, is_new] = links_.emplace(edge, static_cast<int>(result_.links.size()));
        if (is_new) {
            result_.links.push_back({edge.from, edge.to, 0, 0});
            ends_.emplace_back();
        }
        made.channel = link->second;
        result_.links[static_cast<std::size_t>(made.channel)].work += made.duration;
        Ends& both = ends_[static_cast<std::size_t>(made.channel)];
        (sends ? both.sends : both.receives).push_back(at);
        const Content content{instruction.payload, instruction.block, instruction.microbatch, instruction.view, instruction.part,
            instruction.parts, sends ? instruction.shard : instruction.peer_shard,
            sends ? instruction.peer_shard : instruction.shard};
        made.content = contents_.emplace(content, static_cast<int>(contents_.size())).first->second;
    }

    /// Whether another device of `group` is the model of `device`.
    bool stands_for(const std::vector<int>& group, int device) const
    {
        const int model = roles_.empty() ? device : roles_[static_cast<std::size_t>(device)].model;
        return model != device && std::find(group.begin(), group.end(), model) != group.end();
    }

    void add_group(CompiledInstruction& made, const Instruction& instruction, Place at)
    {
        const auto [group, is_new] = groups_.try_emplace(instruction.group, static_cast<int>(result_.groups.size()));
        if (is_new) {
            CompiledGroup compiled;
            for (std::size_t device = 0; instruction.op == Op::Barrier && device < result_.devices.size(); ++device)
                if (!instructions(device).empty())
                    compiled.devices.push_back(static_cast<int>(device));
            for (int device : instruction.group) {
                if (device < 0 || device >= program_.devices())
                    cannot_run("its group is not a list of devices that includes this one", place(at));
                if (!stands_for(instruction.group, device))
                    compiled.devices.push_back(device);
            }
            std::map<int, int>& numbers = member_numbers_.emplace_back();
            for (int device : compiled.devices)
                numbers.emplace(device, static_cast<int>(numbers.size()));
            result_.groups.push_back(std::move(compiled));
            members_.emplace_back();
        }
        made.channel = group->second;
        const auto channel = static_cast<std::size_t>(made.channel);
        const auto member = member_numbers_[channel].find(static_cast<int>(at.first));
        if (member == member_numbers_[channel].end())
            cannot_run("its group is not a list of devices that includes this one", place(at));
        made.member = member->second;
        made.content = instruction.op == Op::Barrier ? -1 : instruction.block;
        members_[channel][at.first].push_back(at);
    }

    void add_needs(std::size_t device)
    {
        const DataFlow flow(program_, phase_, device, result_.training);
        CompiledDevice& compiled = result_.devices[device];
        std::vector<std::size_t> last_use(compiled.bringers.size()); // + 1; in CompiledDevice::needs
        std::vector<std::size_t> last_user(compiled.bringers.size());
        for (std::size_t index = 0; index < compiled.instructions.size(); ++index) {
            CompiledInstruction& instruction = compiled.instructions[index];
            instruction.needs_begin = compiled.needs.size();
            for (std::size_t source : flow.sources(index)) {
                compiled.sources.push_back(source);
                const int bringer = compiled.instructions[source].bringer;
                if (bringer < 0)
                    continue;
                const auto b = static_cast<std::size_t>(bringer);
                compiled.needs.push_back({bringer, false});
                if (last_use[b] == 0 || flow.precedes(last_user[b], index)) {
                    last_use[b] = compiled.needs.size();
                    last_user[b] = index;
                }
            }
            instruction.needs_end = compiled.needs.size();
            compiled.sources_end.push_back(compiled.sources.size());
        }
        for (CompiledInstruction& instruction : compiled.instructions)
            if (instruction.bringer >= 0)
                instruction.unused = last_use[static_cast<std::size_t>(instruction.bringer)] == 0;
        for (std::size_t use : last_use)
            if (use != 0)
                compiled.needs[use - 1].last_use = true;
    }

    void check_links()
    {
        for (std::size_t link = 0; link < ends_.size(); ++link) {
            const auto& [sends, receives] = ends_[link];
            if (sends.size() > receives.size())
                cannot_run(
                    "this Send has no Receive on device " + std::to_string(result_.links[link].to), place(sends[receives.size()]));
            if (receives.size() > sends.size())
                cannot_run("this Receive has no Send on device " + std::to_string(result_.links[link].from),
                    place(receives[sends.size()]));
            result_.links[link].transfers = static_cast<int>(sends.size());
        }
    }

    void check_groups()
    {
        for (std::size_t group = 0; group < members_.size(); ++group) {
            const std::map<std::size_t, std::vector<Place>>& members = members_[group];
            const auto most = std::max_element(
                members.begin(), members.end(), [](const auto& a, const auto& b) { return a.second.size() < b.second.size(); });
            for (int device : result_.groups[group].devices) {
                const auto found = members.find(static_cast<std::size_t>(device));
                const std::size_t count = found == members.end() ? 0 : found->second.size();
                if (count < most->second.size())
                    cannot_run("device " + std::to_string(device) + " never reaches this", place(most->second[count]));
            }
            result_.groups[group].operations = static_cast<int>(most->second.size());
        }
    }

    using Content = std::tuple<Payload, int, int, int, int, int, Shard, Shard>;

    const Program& program_;
    std::size_t phase_;
    const Costs& costs_;
    std::span<const Role> roles_;
    CompiledPhase result_;
    std::map<Edge, int> links_;
    std::vector<Ends> ends_; // by link
    std::map<std::vector<int>, int> groups_;
    std::vector<std::map<std::size_t, std::vector<Place>>> members_; // by group, by device
    std::vector<std::map<int, int>> member_numbers_; // by group: of each device
    std::map<Content, int> contents_;
};

} // namespace

CompiledPhase compile(
    const Program& program, std::size_t phase, const Costs& costs, const Training& training, std::span<const Role> roles)
{
    return Compiler(program, phase, costs, roles).run(training);
}

std::string place_of(const Program& program, std::size_t phase, std::size_t device, std::size_t index)
{
    return (program.phases.size() > 1 ? "phase " + std::to_string(phase) + ", " : std::string()) + "device "
        + std::to_string(device) + ": " + to_text(program.phases[phase].devices[device].instructions[index]);
}

} // namespace pipebd::schedule
