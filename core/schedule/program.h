// Program: what every device does in one training step, as data.
//
// The same program is simulated (simulator.h), executed (engine/executor.h) and drawn. A strategy is a generator of programs
// (strategies.h); nothing that runs a program knows strategies.
//
// A program is a sequence of phases. A phase is run for all training steps before the next one begins (data-parallel blockwise
// training has a phase a block); devices pass from phase to phase on their own. In a phase each device repeats its list of
// instructions, once a step. Receive, Send and AllReduce are asynchronous: posted in order, waited for by the first instruction
// that needs what they bring.
//
// An instruction with ahead = a works in step s on the batch of step s + a. So that every batch gets all of its work, a phase
// begins at step -a for the largest a of any device, and an instruction whose batch is none of the phase's is left out.
//
// Text form, one line a device (docs/formats/program.md); to_text and from_text are inverse:
//
//     device 0: load  T0 send>1  F0 B0 U0
//     device 1: recv<0  T1  F1 B1 U1
//
// A program that has a Loss instruction trains end to end: StudentForward takes the student's output of the block before.
// Without one it trains blockwise: StudentForward takes the teacher's output of the block before and includes the block's loss.
#pragma once

#include <compare>
#include <string>
#include <string_view>
#include <vector>

namespace pipebd::schedule {

enum class Op {
    Load, // the data batch (and labels) of this shard, all microbatches and views, onto the device
    Receive, // `payload` of `block` from `peer`
    Send, // `payload` of `block` to `peer`
    TeacherForward, // of `block`
    StudentForward, // of `block`
    Loss, // end to end: of the whole batch, or, in as many parts as there are microbatches, of one; where the last block is
    StudentBackward, // of `block`
    AllReduce, // of the gradients of `block`, over `group`
    Update, // optimizer step of `block`
    TeacherUpdate, // momentum teacher: of `block`
    Barrier, // over all devices
};

/// What a Send or Receive carries, always of one block: its teacher's output, its student's output, or the gradient of the loss
/// with respect to its student's output.
enum class Payload { TeacherOutput, StudentOutput, StudentGradient };

/// Part `index` of `count` nearly equal contiguous parts of the batch; the first `batch % count` parts are one sample longer.
struct Shard {
    int index = 0;
    int count = 1;
    auto operator<=>(const Shard&) const = default;
};

/// Samples [begin, end) of the global batch.
struct Rows {
    int begin = 0;
    int end = 0;
    int size() const { return end > begin ? end - begin : 0; }
    auto operator<=>(const Rows&) const = default;
};

Rows rows_of(Shard shard, int batch);
Rows intersection(Rows a, Rows b);

struct Instruction {
    Op op = Op::Load;
    int block = 0; // not for Load, Loss, Barrier
    Payload payload = Payload::TeacherOutput; // Send, Receive
    int peer = -1; // Send, Receive: the device at the other end
    Shard shard; // the rows this device works on
    Shard peer_shard; // Send, Receive: the rows the peer works on; what moves is the intersection
    std::vector<int> group; // AllReduce: all devices of it, this one too, ascending
    int microbatch = 0; // of the shard's rows, 0 <= microbatch < Program::microbatches
    int view = 0; // two-view training: 0 or 1
    int part = 0; // StudentBackward in `parts` parts of the microbatch: which; and of the gradients that are sent and
    int parts = 1; // received. Loss: `part` is the microbatch if there are several parts
    int ahead = 0; // works on the batch of step + ahead

    bool operator==(const Instruction&) const = default;
};

/// What `instruction` works on, of a batch of `batch` samples. Send, Receive: what moves. Load: the whole shard.
Rows rows_of(const Instruction& instruction, int batch, int microbatches);

/// A link: all that one device sends to another of one kind of payload, in order.
struct Edge {
    int from = 0;
    int to = 0;
    Payload payload = Payload::TeacherOutput;
    auto operator<=>(const Edge&) const = default;
};

/// That of a Send or Receive of `device`.
Edge edge_of(const Instruction& transfer, int device);

/// Batches that a link holds at each end, where nobody says otherwise: what a receiver has room for, and what a sender keeps until
/// it has left.
inline constexpr int default_buffers = 2;

struct DeviceProgram {
    std::vector<Instruction> instructions; // empty: the device has nothing to do in this phase
    bool operator==(const DeviceProgram&) const = default;
};

struct Phase {
    std::vector<DeviceProgram> devices; // as many in every phase
    bool operator==(const Phase&) const = default;
};

struct Program {
    int blocks = 0;
    int microbatches = 1;
    std::vector<Phase> phases;

    int devices() const { return phases.empty() ? 0 : static_cast<int>(phases.front().devices.size()); }
    bool end_to_end() const; // has a Loss
    bool operator==(const Program&) const = default;
};

/// One instruction, e.g. "T0", "send[T0]>1", "A3{0,1}", "B2.1(0/2):1/4+1"; complete, whatever stands before it.
std::string to_text(const Instruction& instruction);

/// The inverse of from_text for every program that from_text can give: fields that an instruction has no use for at their defaults,
/// peers and groups among the devices, numbers below 1,000,000.
std::string to_text(const Program& program);

/// Throws Error{BadRequest} with `where`, line and column for anything that is not a program in text form. Whether the program
/// makes sense (every Receive has its Send, no deadlock) is not asked here. Nothing but white space and comments is the empty
/// program.
Program from_text(std::string_view text, std::string_view where = "program");

} // namespace pipebd::schedule
