#include "schedule/program.h"
#include "schedule/program_words.h"

#include <algorithm>
#include <map>
#include <utility>

namespace pipebd::schedule {

namespace {

/// What a reader knows already where an instruction stands, and so need not be written.
struct Known {
    Shard shard; // of the line
    Shard peer_shard; // of the peer's line
    bool carried = false; // what a Send or Receive carries
};

std::string to_text(Shard shard)
{
    return std::to_string(shard.index) + '/' + std::to_string(shard.count);
}

void write_piece(std::string& text, const Instruction& instruction)
{
    if (instruction.microbatch != 0)
        text += '.' + std::to_string(instruction.microbatch);
    if (instruction.view != 0)
        text += 'v' + std::to_string(instruction.view);
    if (instruction.part != 0 || instruction.parts != 1)
        text += '(' + to_text(Shard{instruction.part, instruction.parts}) + ')';
    if (instruction.ahead != 0)
        text += (instruction.ahead > 0 ? "+" : "") + std::to_string(instruction.ahead);
}

void write_shard(std::string& text, Shard shard, const Known& known)
{
    if (shard != known.shard)
        text += ':' + to_text(shard);
}

void write_transfer(std::string& text, const Instruction& instruction, const Known& known)
{
    if (!known.carried) {
        text += '[';
        for (const auto& [payload, letter] : payload_letters)
            if (payload == instruction.payload)
                text += letter;
        text += std::to_string(instruction.block);
        write_piece(text, instruction);
        text += ']';
    }
    text += (instruction.op == Op::Send ? '>' : '<') + std::to_string(instruction.peer);
    if (instruction.peer_shard != known.peer_shard)
        text += '@' + to_text(instruction.peer_shard);
    write_shard(text, instruction.shard, known);
}

void write(std::string& text, const Instruction& instruction, const Known& known)
{
    for (const Word& word : words)
        if (word.op == instruction.op)
            text += word.text;
    if (instruction.op == Op::Send || instruction.op == Op::Receive) {
        write_transfer(text, instruction, known);
        return;
    }
    if (has_block(instruction.op))
        text += std::to_string(instruction.block);
    if (instruction.op == Op::AllReduce) {
        text += '{';
        for (std::size_t i = 0; i < instruction.group.size(); ++i)
            text += (i == 0 ? "" : ",") + std::to_string(instruction.group[i]);
        text += '}';
    }
    write_piece(text, instruction);
    write_shard(text, instruction.shard, known);
}

/// The shard most instructions of the line have; it stands in the head of the line.
Shard shard_of_line(const DeviceProgram& device)
{
    std::map<Shard, int> count;
    for (const Instruction& instruction : device.instructions)
        ++count[instruction.shard];
    Shard most;
    int times = 0;
    for (const auto& [shard, n] : count)
        if (n > times) {
            most = shard;
            times = n;
        }
    return most;
}

// Intake, teacher's work and student's work are set apart by two spaces.
enum class Group { Intake, Teacher, Student };

Group group_of(const Instruction& instruction)
{
    switch (instruction.op) {
    case Op::Load:
    case Op::Receive:
        return Group::Intake;
    case Op::TeacherForward:
        return Group::Teacher;
    case Op::Send:
        return instruction.payload == Payload::TeacherOutput ? Group::Teacher : Group::Student;
    default:
        return Group::Student;
    }
}

class PhaseWriter {
public:
    explicit PhaseWriter(const Phase& phase)
        : phase_(phase)
    {
        for (std::size_t device = 0; device < phase.devices.size(); ++device) {
            shards_.push_back(shard_of_line(phase.devices[device]));
            for (const Instruction& instruction : phase.devices[device].instructions)
                if (instruction.op == Op::Send)
                    sends_[{static_cast<int>(device), instruction.peer}].push_back(&instruction);
        }
    }

    void write_device(std::string& text, int device)
    {
        const Shard shard = shards_[static_cast<std::size_t>(device)];
        text += "device " + std::to_string(device) + (shard == Shard{} ? "" : " shard " + to_text(shard)) + ':';
        const Instruction* last_teacher = nullptr;
        std::map<int, std::size_t> received;
        const Instruction* before = nullptr;
        for (const Instruction& instruction : phase_.devices[static_cast<std::size_t>(device)].instructions) {
            Known known{shard, {}, false};
            if (instruction.op == Op::Send || instruction.op == Op::Receive) {
                if (instruction.peer >= 0 && static_cast<std::size_t>(instruction.peer) < shards_.size())
                    known.peer_shard = shards_[static_cast<std::size_t>(instruction.peer)];
                const Instruction* like
                    = instruction.op == Op::Send ? last_teacher : sent(instruction.peer, device, received[instruction.peer]++);
                known.carried = like && carry_the_same(*like, instruction);
            }
            text += before && group_of(*before) != group_of(instruction) ? "  " : " ";
            write(text, instruction, known);
            if (instruction.op == Op::TeacherForward)
                last_teacher = &instruction;
            before = &instruction;
        }
        text += '\n';
    }

private:
    const Instruction* sent(int from, int to, std::size_t index) const
    {
        const auto found = sends_.find({from, to});
        return found != sends_.end() && index < found->second.size() ? found->second[index] : nullptr;
    }

    const Phase& phase_;
    std::vector<Shard> shards_; // by device
    std::map<std::pair<int, int>, std::vector<const Instruction*>> sends_;
};

} // namespace

std::string to_text(const Instruction& instruction)
{
    std::string text;
    write(text, instruction, {});
    return text;
}

std::string to_text(const Program& program)
{
    int blocks = 0;
    int microbatches = 1;
    for (const Phase& phase : program.phases)
        for (const DeviceProgram& device : phase.devices)
            for (const Instruction& instruction : device.instructions) {
                if (has_block(instruction.op))
                    blocks = std::max(blocks, instruction.block + 1);
                microbatches = std::max(microbatches, instruction.microbatch + 1);
            }

    std::string text;
    if (program.blocks != blocks)
        text += "blocks " + std::to_string(program.blocks) + '\n';
    if (program.microbatches != microbatches)
        text += "microbatches " + std::to_string(program.microbatches) + '\n';
    for (std::size_t phase = 0; phase < program.phases.size(); ++phase) {
        if (program.phases.size() > 1)
            text += "phase " + std::to_string(phase) + '\n';
        PhaseWriter writer(program.phases[phase]);
        for (std::size_t device = 0; device < program.phases[phase].devices.size(); ++device)
            writer.write_device(text, static_cast<int>(device));
    }
    return text;
}

} // namespace pipebd::schedule
