// Validator: whether a program trains correctly, asked before anything runs it.
//
// A program that passes updates every block once a step, with the gradients of the whole batch, as training on a single device
// does; and it never waits for ever.
//
// - Structure: phases of the same devices; blocks, shards, microbatches, views (0 and 1), parts, peers and groups that exist; no
//   instruction that works on no sample, no transfer that moves none.
// - Links: the Receives of a link are its Sends, in the same order, about the same piece of the same batch.
// - Inputs: what an instruction needs is on its device before it, for every sample that it works on, and each sample once. The
//   loss of a program without a teacher needs the labels, which a Load brings.
// - Training: each block is updated once a step by each of its owners, in one phase, after its backward passes over all
//   microbatches, views and parts. The owners' shards are all parts of the batch, each once; several owners all-reduce the
//   gradients over exactly themselves before the update.
// - Weights: a batch's student forward uses the weights after the update of the batch before: forward, backward, all-reduce and
//   update of a block have the same `ahead`, and none is ahead of the step.
// - Momentum teacher, end to end only: TeacherUpdate once a block, after its Update, wherever that teacher's block runs. All of a
//   batch passes the same version of a block, at most one batch older than the student's. A frozen teacher may run ahead by any
//   number.
// - Barriers: as many in every device that has something to do in the phase.
// - No deadlock, with two buffers a link (simulator.h): Sends do not wait for their Receives, but for room. Whether the program
//   would also run with Sends that wait until their Receive is posted is not asked.
//
// A Receive that nothing needs and a teacher's output that nobody uses are no faults. The shard of an AllReduce, Update,
// TeacherUpdate or Barrier means nothing.
#pragma once

#include "schedule/program.h"

namespace pipebd::schedule {

/// Throws Error{BadRequest} whose place is the offending instruction ("device 1: T2", as place_of gives it) if `program` cannot
/// train correctly on batches of `batch` samples; the place is "program" where an instruction is missing that no other points at,
/// and where the program as a whole is too large: more than 4096 devices or microbatches, or more than 10,000,000 instructions to
/// simulate in one phase. Any program is answered, whatever its fields.
void validate(const Program& program, int batch);

} // namespace pipebd::schedule
