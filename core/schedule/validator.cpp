#include "schedule/validator.h"

#include "schedule/fault.h"
#include "schedule/program_words.h"
#include "schedule/row_coverage.h"
#include "schedule/simulator.h"
#include "schedule/training_rules.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace pipebd::schedule {

namespace {

constexpr int buffers = 2; // as the executor has
constexpr int largest_batch = 100'000'000;
constexpr int largest_ahead = 1000;
constexpr int most_devices = 4096;
constexpr int most_microbatches = 4096;
constexpr std::int64_t most_work = 10'000'000; // instructions to simulate in a phase

bool is_part(int index, int count)
{
    return index >= 0 && index < count;
}

bool transfers(const Instruction& instruction)
{
    return instruction.op == Op::Send || instruction.op == Op::Receive;
}

bool is_pass(const Instruction& instruction)
{
    return instruction.op == Op::TeacherForward || instruction.op == Op::StudentForward || instruction.op == Op::StudentBackward;
}

void check_program(const Program& program, int batch)
{
    if (batch < 1 || batch > largest_batch)
        refuse("a batch of " + std::to_string(batch) + " samples is not possible",
            "a batch has 1 to " + std::to_string(largest_batch) + " samples");
    if (program.devices() < 1)
        refuse("there is nothing to do", "list at least one device");
    if (program.devices() > most_devices)
        refuse("there are " + std::to_string(program.devices()) + " devices", "use at most " + std::to_string(most_devices));
    for (const Phase& phase : program.phases)
        if (static_cast<int>(phase.devices.size()) != program.devices())
            refuse("its phases differ in their number of devices", "list every device in every phase");
    if (program.blocks < 1)
        refuse("there is no block to train", "name at least one");
    if (program.microbatches < 1 || program.microbatches > std::min(batch, most_microbatches))
        refuse("a batch of " + std::to_string(batch) + " samples cannot be cut into " + std::to_string(program.microbatches)
                + " microbatches",
            "use 1 to " + std::to_string(std::min(batch, most_microbatches)));
}

void check_piece(const Program& program, const Instruction& instruction, Place at)
{
    if (!is_part(instruction.microbatch, program.microbatches))
        refuse(program, at, "there is no microbatch " + std::to_string(instruction.microbatch),
            "there are " + std::to_string(program.microbatches));
    if (!is_part(instruction.view, 2))
        refuse(program, at, "there is no view " + std::to_string(instruction.view), "views are 0 and 1");
    if (!is_part(instruction.part, instruction.parts))
        refuse(program, at, "there is no part " + std::to_string(instruction.part) + " of " + std::to_string(instruction.parts),
            "parts are counted from 0");
    if (!is_pass(instruction) && !transfers(instruction) && (instruction.microbatch != 0 || instruction.view != 0))
        refuse(program, at, "it covers all microbatches and views, not a single one", "leave the microbatch and the view out");
    const bool in_parts = instruction.op == Op::StudentBackward || instruction.op == Op::Loss || transfers(instruction);
    if (!in_parts && instruction.parts != 1)
        refuse(program, at, "it cannot be done in parts", "leave the part out");
    if (instruction.op == Op::Loss && instruction.parts != 1 && instruction.parts != program.microbatches)
        refuse(program, at, "the loss covers the whole batch, or one of " + std::to_string(program.microbatches) + " microbatches",
            "give it as many parts as there are microbatches, or none");
}

void check_ends(const Program& program, const Instruction& instruction, Place at)
{
    const int devices = program.devices();
    const int self = static_cast<int>(at.device);
    if (transfers(instruction) && (!is_part(instruction.peer, devices) || instruction.peer == self))
        refuse(program, at, "its peer is not one of the other devices", "name one of the other devices");
    const std::vector<int>& group = instruction.group;
    if (instruction.op == Op::AllReduce) {
        const bool ascends = std::adjacent_find(group.begin(), group.end(), std::greater_equal<>()) == group.end();
        if (!ascends || !std::binary_search(group.begin(), group.end(), self) || group.front() < 0 || group.back() >= devices)
            refuse(program, at, "its group is not a list of devices that includes this one",
                "list the devices of the group in ascending order");
    } else if (!group.empty())
        refuse(program, at, "it has no group", "only an all-reduce has one");
}

void check_samples(const Program& program, const Instruction& instruction, Place at, int batch)
{
    if (!is_part(instruction.shard.index, instruction.shard.count)
        || (transfers(instruction) && !is_part(instruction.peer_shard.index, instruction.peer_shard.count)))
        refuse(program, at, "it works on a part of the batch that does not exist", "count parts from 0");
    if (instruction.op != Op::Load && instruction.op != Op::Loss && !is_pass(instruction) && !transfers(instruction))
        return;
    if (rows_of(instruction, batch, program.microbatches).size() > 0)
        return;
    if (transfers(instruction))
        refuse(program, at,
            "it moves nothing: no sample of a batch of " + std::to_string(batch) + " is both its own and its peer's",
            "leave it and its counterpart out");
    refuse(program, at, "no sample of a batch of " + std::to_string(batch) + " is left for it",
        "use fewer shards, microbatches or parts, or a larger batch");
}

void check_instruction(const Program& program, Place at, int batch)
{
    const Instruction& instruction = instruction_at(program, at);
    if (instruction.op < Op::Load || instruction.op > Op::Barrier)
        throw Error(Code::BadRequest, "unknown instruction", "program", "create the program again");
    if (has_block(instruction.op) && !is_part(instruction.block, program.blocks))
        refuse(program, at, "there is no block " + std::to_string(instruction.block),
            "blocks are 0 to " + std::to_string(program.blocks - 1));
    check_piece(program, instruction, at);
    check_ends(program, instruction, at);
    if (instruction.ahead < -largest_ahead || instruction.ahead > largest_ahead)
        refuse(program, at, "it is too many batches away from its step", "use at most " + std::to_string(largest_ahead));
    if (instruction.op == Op::Barrier && instruction.ahead != 0)
        refuse(program, at, "a barrier belongs to its own step", "leave the number of batches out");
    check_samples(program, instruction, at, batch);
}

/// That the k-th Receive of a link is about the same as its k-th Send.
void check_links(const Program& program, std::size_t phase)
{
    std::map<Edge, std::vector<Place>> sends;
    std::map<Edge, std::size_t> received;
    const std::vector<DeviceProgram>& devices = program.phases[phase].devices;
    for (std::size_t device = 0; device < devices.size(); ++device)
        for (std::size_t index = 0; index < devices[device].instructions.size(); ++index)
            if (const Instruction& send = devices[device].instructions[index]; send.op == Op::Send)
                sends[edge_of(send, static_cast<int>(device))].push_back({phase, device, index});
    for (std::size_t device = 0; device < devices.size(); ++device)
        for (std::size_t index = 0; index < devices[device].instructions.size(); ++index) {
            const Instruction& receive = devices[device].instructions[index];
            if (receive.op != Op::Receive)
                continue;
            const Edge link = edge_of(receive, static_cast<int>(device));
            const std::vector<Place>& sent = sends[link];
            const std::size_t k = received[link]++;
            const Place at{phase, device, index};
            if (k >= sent.size())
                refuse(
                    program, at, "device " + std::to_string(receive.peer) + " has no Send for it", "add the Send, or leave it out");
            const Instruction& send = instruction_at(program, sent[k]);
            if (!carry_the_same(send, receive) || send.shard != receive.peer_shard || send.peer_shard != receive.shard)
                refuse(program, at, "at this place device " + std::to_string(receive.peer) + " has " + to_text(send),
                    "let both ends list the same pieces in the same order");
        }
    for (const auto& [link, sent] : sends)
        if (const std::size_t k = received[link]; k < sent.size())
            refuse(program, sent[k], "device " + std::to_string(link.to) + " has no Receive for it",
                "add the Receive, or leave it out");
}

/// After so many steps no new way to wait for each other can come up: every wait for a buffer has come up with batches of the
/// largest and the smallest `ahead`, and each Receive that holds `more` batches than there are buffers puts its sender back by
/// that.
std::int64_t steps_that_tell(const Phase& phase, std::int64_t more)
{
    int most = 0;
    int least = 0;
    for (const DeviceProgram& device : phase.devices)
        for (const Instruction& instruction : device.instructions) {
            most = std::max(most, instruction.ahead);
            least = std::min(least, instruction.ahead);
        }
    return buffers + 2 + most - least + more;
}

void check_size(const Phase& phase, std::int64_t steps)
{
    std::int64_t instructions = 0;
    std::set<std::vector<int>> groups;
    for (const DeviceProgram& device : phase.devices)
        for (const Instruction& instruction : device.instructions) {
            ++instructions;
            if (instruction.op == Op::AllReduce)
                groups.insert(instruction.group);
        }
    if (instructions * steps + static_cast<std::int64_t>(groups.size() * phase.devices.size()) > most_work)
        refuse("it is too large to be checked: " + std::to_string(instructions) + " instructions, of which " + std::to_string(steps)
                + " steps differ",
            "run less far ahead, or use fewer devices and microbatches");
}

/// Devices wait for each other in a phase as they would if the program had no other.
void check_waits(const Program& program, std::size_t phase, const Profile& costless, std::int64_t more)
{
    const std::int64_t steps = steps_that_tell(program.phases[phase], more);
    check_size(program.phases[phase], steps);
    const Program alone{program.blocks, program.microbatches, {program.phases[phase]}};
    try {
        simulate(alone, costless, {.steps = static_cast<int>(steps), .buffers = buffers, .timeline = false});
    } catch (const Error& error) {
        const std::string where = program.phases.size() > 1 ? "phase " + std::to_string(phase) + ", " : std::string();
        throw Error(error.code(), error.problem(), where + error.where(),
            "list transfers and all-reduces on all devices that take part, in the same order, and before anything that waits for "
            "their "
            "result");
    }
}

} // namespace

void validate(const Program& program, int batch)
{
    check_program(program, batch);
    for (std::size_t phase = 0; phase < program.phases.size(); ++phase)
        for (std::size_t device = 0; device < program.phases[phase].devices.size(); ++device)
            for (std::size_t index = 0; index < program.phases[phase].devices[device].instructions.size(); ++index)
                check_instruction(program, {phase, device, index}, batch);
    const std::vector<Training> trainings = trainings_of(program);
    check_training(program, trainings.front());

    for (std::size_t phase = 0; phase < program.phases.size(); ++phase) {
        check_links(program, phase);
        const std::int64_t more = check_rows(program, phase, trainings[phase], batch, buffers);
        check_waits(program, phase, costless(program.blocks, batch), more);
    }
}

} // namespace pipebd::schedule
