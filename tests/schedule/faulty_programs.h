// Programs that cannot train, and the error line that says why.
#pragma once

namespace pipebd::schedule::test {

struct FaultyProgram {
    const char* name;
    int batch;
    const char* text;
    const char* line;
};

inline constexpr FaultyProgram faulty_programs[]{
    {"a Send without its Receive", 4,
        "device 0: load T0 send>1 F0 B0 U0\n"
        "device 1: load T0 T1 F1 B1 U1",
        "device 1 has no Receive for it: device 0: send[T0]>1; add the Receive, or leave it out"},
    {"a Receive without its Send", 4,
        "device 0: load T0 F0 B0 U0\n"
        "device 1: recv[T0]<0 T1 F1 B1 U1",
        "device 0 has no Send for it: device 1: recv[T0]<0; add the Send, or leave it out"},
    {"a link out of order", 4,
        "device 0: load T0 T1 send[T0]>1 send[T1]>1 F0 B0 U0\n"
        "device 1: recv[T1]<0 recv[T0]<0 T2 F1 B1 U1 F2 B2 U2",
        "at this place device 0 has send[T0]>1: device 1: recv[T1]<0; let both ends list the same pieces in the same order"},
    {"another batch on a link", 4,
        "device 0: load T0 send>1 F0 B0 U0\n"
        "device 1: recv[T0+1]<0 T1+1 F1 B1 U1",
        "at this place device 0 has send[T0]>1: device 1: recv[T0+1]<0; let both ends list the same pieces in the same order"},
    {"no input", 4, "device 0: load F0 B0 U0",
        "it waits for the teacher's output of block 0, which no earlier instruction on its device makes or receives: device 0: F0; "
        "put the instruction that makes or receives it before this one"},
    {"a Send before what it sends", 4,
        "device 0: load send[T0]>1 T0 F0 B0 U0\n"
        "device 1: recv<0 T1 F1 B1 U1",
        "it waits for the teacher's output of block 0, which no earlier instruction on its device makes or receives: device 0: "
        "send[T0]>1; put the instruction that makes or receives it before this one"},
    {"a Send of samples that are elsewhere", 7,
        "device 0 shard 0/2: load T0 send[T0]>2:0/1 F0 B0 A0{0,1} U0\n"
        "device 1 shard 1/2: load T0 F0 B0 A0{0,1} U0\n"
        "device 2: recv[T0]<0@0/1 T1 F1 B1 U1",
        "it works on samples 0 to 6, but the teacher's output of block 0 is missing for samples 4 to 6: device 0: send[T0]>2; "
        "make or receive it for all samples before this instruction"},
    {"pieces that leave samples out", 7,
        "device 0 shard 0/2: load T0 send>2 send>3 F0 B0 A0{0,1} U0\n"
        "device 1 shard 1/2: load T0 send>4 F0 B0 A0{0,1} U0\n"
        "device 2 shard 0/3: recv<0 T1 F1 B1 A1{2,3,4} U1\n"
        "device 3 shard 1/3: recv<0 T1 F1 B1 A1{2,3,4} U1\n"
        "device 4 shard 2/3: recv<1 T1 F1 B1 A1{2,3,4} U1",
        "it works on samples 3 to 4, but the teacher's output of block 0 is missing for sample 4: device 3: T1:1/3; make or "
        "receive it for all samples before this instruction"},
    {"pieces that overlap", 4,
        "device 0: load T0 send>2 F0 B0 U0\n"
        "device 1: load T0 send>2\n"
        "device 2: recv<0 recv<1 T1 F1 B1 U1",
        "recv[T0]<0 brings the teacher's output of block 0 for samples 0 to 3, which are already there: device 2: recv[T0]<1; "
        "leave one of them out, or divide the samples between them"},
    {"a piece made twice", 4, "device 0: load T0 T0 F0 B0 U0",
        "T0 brings the teacher's output of block 0 for samples 0 to 3, which are already there: device 0: T0; leave one of them "
        "out, or divide the samples between them"},
    {"a piece that moves nothing", 7,
        "device 0 shard 0/2: load T0 send>3 F0 B0 A0{0,1} U0\n"
        "device 1 shard 1/2: load T0 send>2 send>3 F0 B0 A0{0,1} U0\n"
        "device 2 shard 0/2: recv<1 T1 F1 B1 A1{2,3} U1\n"
        "device 3 shard 1/2: recv<0 recv<1 T1 F1 B1 A1{2,3} U1",
        "it moves nothing: no sample of a batch of 7 is both its own and its peer's: device 0: send[T0]>3@1/2:0/2; leave it and "
        "its counterpart out"},
    {"a loss of part of the batch", 4,
        "microbatches 2\n"
        "device 0: load F0.0 loss F0.1 B0.0 B0.1 U0",
        "it waits for the student's output of block 0, microbatch 1, which no earlier instruction on its device makes or receives: "
        "device 0: loss; put the instruction that makes or receives it before this one"},
    {"a loss without labels", 4,
        "device 0: load F0 send[F0]>1 recv[G0]<1 B0 U0\n"
        "device 1: recv<0 F1 loss B1 send[G0]>0 U1",
        "without a teacher it needs the labels, which no earlier instruction on its device loads: device 1: loss; put a Load "
        "before it"},
    {"a loss of one view", 4, "device 0: load T0 T0v1 F0 loss F0v1 B0 B0v1 U0",
        "it works on samples 0 to 3, but the student's output of block 0, view 1 is missing for samples 0 to 3: device 0: loss; "
        "make or receive it for all samples before this instruction"},
    {"a backward in half", 4, "device 0: load T0 F0 B0(0/2) U0",
        "the backward pass of microbatch 0 has 1 of its 2 parts: device 0: B0(0/2); add the parts that are missing"},
    {"a microbatch not trained", 4,
        "microbatches 2\n"
        "device 0: load T0.0 F0.0 B0.0 U0",
        "the gradients are missing for microbatch 1: device 0: U0; add the forward and the backward pass of that piece"},
    {"a view not trained", 4, "device 0: load T0 T0v1 F0 B0 T1 F1 B1 T1v1 F1v1 B1v1 U0 U1",
        "the gradients are missing for microbatch 0, view 1: device 0: U0; add the forward and the backward pass of that "
        "piece"},
    {"devices that wait for each other", 4,
        "device 0: load T0 F0 B0 barrier send[T0]>1 U0\n"
        "device 1: recv<0 T1 F1 B1 barrier U1",
        "the program deadlocks: it waits for a device that never reaches it (step 0): device 0: barrier; list transfers and "
        "all-reduces on all devices that take part, in the same order, and before anything that waits for their result"},
    {"a gradient that needs what is sent after it", 4,
        "device 0: load T0 send>1 F0 recv[G0]<1 B0 send[F0]>1 U0\n"
        "device 1: recv<0 T1 recv[F0]<0 F1 loss B1 send[G0]>0 U1",
        "the program deadlocks: it waits for something that device 1 never sends (step 0): device 0: B0; list transfers and "
        "all-reduces on all devices that take part, in the same order, and before anything that waits for their result"},
    {"a forward pass alone", 4, "device 0: load T0 F0 B0 U0 T1 F1",
        "block 1 is never updated here: device 0: F1; add U1 behind it"},
    {"a backward pass without update", 4, "device 0: load T0 F0 B0",
        "block 0 is never updated here: device 0: B0; add U0 behind it"},
    {"an update without gradients", 4, "device 0: load T0 F0 B0 U0 U1",
        "its device computes no gradients of block 1: device 0: U1; add the backward pass B1 before it, or leave it out"},
    {"an update before its gradients", 4, "device 0: load T0 F0 U0 B0",
        "it precedes a backward pass of its block: device 0: U0; put it behind B0"},
    {"two updates", 4, "device 0: load T0 F0 B0 U0 U0", "block 0 is updated twice per step: device 0: U0; leave one of them out"},
    {"two backward passes", 4, "device 0: load T0 F0 B0 B0 U0",
        "the same backward pass is done twice per step: device 0: B0; leave one of them out"},
    {"no all-reduce", 4,
        "device 0 shard 0/2: load T0 F0 B0 U0\n"
        "device 1 shard 1/2: load T0 F0 B0 U0",
        "the gradients are not all-reduced before it over devices 0, 1: device 0: U0:0/2; add A0 over these devices before it"},
    {"an all-reduce over others too", 4,
        "device 0 shard 0/2: load T0 F0 B0 A0{0,1,2} U0\n"
        "device 1 shard 1/2: load T0 F0 B0 A0{0,1,2} U0\n"
        "device 2: load T0 T1 F1 B1 A1{2} U1",
        "devices that train block 0: 0, 1, but its group is different: device 0: A0{0,1,2}:0/2; use these devices as its group"},
    {"an all-reduce after the update", 4,
        "device 0 shard 0/2: load T0 F0 B0 U0 A0{0,1}\n"
        "device 1 shard 1/2: load T0 F0 B0 A0{0,1} U0",
        "it precedes the all-reduce of its gradients: device 0: U0:0/2; put it behind A0{0,1}:0/2"},
    {"an all-reduce before the backward pass", 4,
        "device 0 shard 0/2: load T0 F0 A0{0,1} B0 U0\n"
        "device 1 shard 1/2: load T0 F0 B0 A0{0,1} U0",
        "it precedes a backward pass of its block: device 0: A0{0,1}:0/2; put it behind B0:0/2"},
    {"all-reduces in another order", 4,
        "device 0 shard 0/2: load T0 F0 B0 T1 F1 B1 A0{0,1} A1{0,1} U0 U1\n"
        "device 1 shard 1/2: load T0 F0 B0 T1 F1 B1 A1{0,1} A0{0,1} U0 U1",
        "the program deadlocks: another device of the group reduces another block at this point (step 0): device 1: "
        "A1{0,1}:1/2; list transfers and all-reduces on all devices that take part, in the same order, and before anything that "
        "waits for their result"},
    {"the same shard twice", 4,
        "device 0 shard 0/2: load T0 F0 B0 A0{0,1} U0\n"
        "device 1 shard 0/2: load T0 F0 B0 A0{0,1} U0",
        "another device trains block 0 on part 0 of 2 of the batch, too: device 1: B0:0/2; give each device its own part"},
    {"a shard that nobody trains", 4,
        "device 0 shard 0/2: load T0 F0 B0 U0\n"
        "device 1:",
        "it works on part 0 of 2 of the batch, but the number of devices that train block 0 is 1: device 0: B0:0/2; cut the batch "
        "into as many parts as devices train the block"},
    {"two shards on a device", 4, "device 0: load T0 F0:0/2 F0:1/2 B0:0/2 B0:1/2 U0",
        "it works on part 1 of 2 of the batch, but the first backward pass of its block on part 0 of 2 of the batch: device 0: "
        "B0:1/2; "
        "a device trains a block on a single part of the batch"},
    {"a block trained by two apart", 4,
        "device 0: load T0 F0 B0 U0\n"
        "device 1: load T0 F0 B0 U0",
        "it works on part 0 of 1 of the batch, but the number of devices that train block 0 is 2: device 0: B0; cut the batch into "
        "as many parts as devices train the block"},
    {"a block trained in two phases", 4,
        "phase 0\n"
        "device 0: load T0 F0 B0 U0\n"
        "phase 1\n"
        "device 0: load T0 F0 B0 U0",
        "block 0 is already trained in phase 0: phase 1, device 0: U0; train each block in one phase"},
    {"a block left out", 4,
        "blocks 2\n"
        "device 0: load T0 F0 B0 U0",
        "no device trains block 1: program; give it a forward pass, a backward pass and an update on some device"},
    {"a teacher that follows block by block", 4, "device 0: load T0 F0 B0 U0 M0",
        "a teacher can be updated only in end-to-end training: device 0: M0; leave it out"},
    {"a teacher that follows before the student", 4, "device 0: load T0 F0 loss B0 M0 U0",
        "it does not follow the update of its block in the same batch: device 0: M0; put it behind U0"},
    {"a teacher that follows twice", 4, "device 0: load T0 F0 loss B0 U0 M0 M0",
        "block 0 of the teacher is updated twice per step: device 0: M0; leave one of them out"},
    {"a teacher that follows in part", 4, "device 0: load T0 T1 F0 F1 loss B1 U1 M1 B0 U0",
        "this block of the teacher is never updated, but others are: device 0: T0; add M0 behind U0, or leave out every M"},
    {"a teacher that is not there", 4, "device 0: load F0 loss B0 U0 M0",
        "its device does not run this block of the teacher: device 0: M0; put it where T0 is"},
    {"a teacher apart from its student", 4,
        "device 0: load T0 send>1 M0 \n"
        "device 1: load F0 recv<0 loss B0 U0",
        "its device does not train this block of the student: device 0: M0; put it where U0 is"},
    {"a momentum teacher too far ahead", 4, "device 0: load+2 T0+2 F0 loss B0 U0 M0",
        "it runs 2 batches ahead of the teacher's updates: device 0: T0+2; a teacher that is updated may run at most 1 batch "
        "ahead"},
    {"two versions of a teacher", 4,
        "microbatches 2\n"
        "device 0: load+1 F0.0 F0.1 T0.0+1 loss B0.0 B0.1 U0 M0 T0.1+1",
        "one batch would use two versions of this block of the teacher: device 0: T0.1+1; put every T0 of a batch on the same "
        "side of M0"},
    {"half a barrier", 4,
        "device 0: load T0 F0 B0 barrier U0\n"
        "device 1: load T0 T1 F1 B1 U1",
        "device 1 never reaches this: device 0: barrier; list transfers and all-reduces on all devices that take part, in the same "
        "order, and before anything that waits for their result"},
    {"a student ahead", 4, "device 0: load+1 T0+1 F0+1 B0+1 U0+1",
        "it runs ahead of the step: it would use weights that lack the update of the previous batch: device 0: F0+1; let it work "
        "on "
        "the batch of its step"},
    {"stale weights", 4, "device 0: load T0 F0 B0-1 U0-1",
        "its backward pass works on a different batch in the same step: it would use weights that lack the update of the previous "
        "batch: "
        "device 0: F0; give both the same batch"},
    {"an update of another batch", 4, "device 0: load T0 F0 B0 U0-1",
        "it works on a different batch than the backward passes of its block: device 0: U0-1; give both the same batch"},
    {"a microbatch of the update", 4,
        "microbatches 2\n"
        "device 0: load T0.0 F0.0 B0.0 T0.1 F0.1 B0.1 U0.1",
        "it covers all microbatches and views, not a single one: device 0: U0.1; leave the microbatch and the view out"},
    {"a third view", 4, "device 0: load T0 F0 B0 U0 F0v2", "there is no view 2: device 0: F0v2; views are 0 and 1"},
    {"a loss in other parts", 4, "device 0: load F0 loss(0/2) B0 U0",
        "the loss covers the whole batch, or one of 1 microbatches: device 0: loss(0/2); give it as many parts as there are "
        "microbatches, or none"},
    {"more microbatches than samples", 2,
        "microbatches 3\n"
        "device 0: load T0 F0 B0 U0",
        "a batch of 2 samples cannot be cut into 3 microbatches: program; use 1 to 2"},
    {"an empty shard", 2, "device 0 shard 2/3: load T0 F0 B0 U0",
        "no sample of a batch of 2 is left for it: device 0: load:2/3; use fewer shards, microbatches or parts, or a larger batch"},
    {"an empty part", 2,
        "microbatches 2\n"
        "device 0: load T0.0 F0.0 B0.0(1/2) B0.0(0/2) T0.1 F0.1 B0.1 U0",
        "no sample of a batch of 2 is left for it: device 0: B0(1/2); use fewer shards, microbatches or parts, or a larger batch"},
    {"a barrier of the next batch", 4, "device 0: load T0 F0 B0 barrier+1 U0",
        "a barrier belongs to its own step: device 0: barrier+1; leave the number of batches out"},
    {"too far ahead", 4, "device 0: load+2000 T0 F0 B0 U0",
        "it is too many batches away from its step: device 0: load+2000; use at most 1000"},
    {"nothing", 4, "", "there is nothing to do: program; list at least one device"},
    {"no block", 4, "device 0: load", "there is no block to train: program; name at least one"},
    {"no sample", 0, "device 0: load T0 F0 B0 U0",
        "a batch of 0 samples is not possible: program; a batch has 1 to 100000000 samples"},
};

} // namespace pipebd::schedule::test
