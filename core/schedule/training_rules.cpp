#include "schedule/training_rules.h"

#include "schedule/fault.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace pipebd::schedule {

namespace {

using Indices = std::vector<std::size_t>;
using PieceKey = std::pair<int, int>; // microbatch, view

/// What a device does with one block in a phase.
struct Work {
    Indices teacher; // left empty if the program does not train end to end
    Indices forward;
    Indices backward;
    Indices all_reduce;
    Indices update;
    Indices teacher_update;

    Indices* of(Op op)
    {
        switch (op) {
        case Op::TeacherForward:
            return &teacher;
        case Op::StudentForward:
            return &forward;
        case Op::StudentBackward:
            return &backward;
        case Op::AllReduce:
            return &all_reduce;
        case Op::Update:
            return &update;
        case Op::TeacherUpdate:
            return &teacher_update;
        default:
            return nullptr;
        }
    }
};

bool is_of_work(Op op)
{
    return Work{}.of(op) != nullptr;
}

struct Owner {
    std::size_t phase = 0;
    std::size_t device = 0;
    std::size_t backward = 0; // the first
    std::size_t update = 0;
    std::optional<std::size_t> all_reduce;
};

std::string name(const char* letter, int block)
{
    return letter + std::to_string(block);
}

std::string text_of(Shard shard)
{
    return "part " + std::to_string(shard.index) + " of " + std::to_string(shard.count) + " of the batch";
}

std::string list(const std::vector<int>& devices)
{
    std::string text;
    for (int device : devices)
        text += (text.empty() ? "" : ", ") + std::to_string(device);
    return text;
}

std::string text_of(PieceKey piece, int views)
{
    return "microbatch " + std::to_string(piece.first) + (views > 1 ? ", view " + std::to_string(piece.second) : std::string());
}

/// The rules for one block on one device.
class WorkRules {
public:
    WorkRules(const Program& program, std::size_t phase, std::size_t device, int block, int views, const Work& work)
        : program_(program)
        , phase_(phase)
        , device_(device)
        , block_(block)
        , views_(views)
        , work_(work)
    {
    }

    /// Nothing if the block is not trained here.
    std::optional<Owner> check_student() const
    {
        for (const Indices* trains : {&work_.backward, &work_.forward, &work_.all_reduce})
            if (!trains->empty() && work_.update.empty())
                refuse(trains->front(), "block " + std::to_string(block_) + " is never updated here",
                    "add " + name("U", block_) + " behind it");
        if (work_.update.empty())
            return std::nullopt;
        if (work_.update.size() > 1)
            refuse(work_.update[1], "block " + std::to_string(block_) + " is updated twice per step", "leave one of them out");
        if (work_.backward.empty())
            refuse(work_.update.front(), "its device computes no gradients of block " + std::to_string(block_),
                "add the backward pass " + name("B", block_) + " before it, or leave it out");
        if (work_.all_reduce.size() > 1)
            refuse(work_.all_reduce[1], "the gradients of block " + std::to_string(block_) + " are all-reduced twice",
                "leave one of them out");
        check_batches();
        check_shard();
        check_pieces();
        check_order();
        Owner owner{phase_, device_, work_.backward.front(), work_.update.front(), std::nullopt};
        if (!work_.all_reduce.empty())
            owner.all_reduce = work_.all_reduce.front();
        return owner;
    }

    void check_momentum_teacher(bool end_to_end) const
    {
        if (work_.teacher_update.empty()) {
            if (!work_.teacher.empty())
                refuse(work_.teacher.front(), "this block of the teacher is never updated, but others are",
                    "add " + name("M", block_) + " behind " + name("U", block_) + ", or leave out every M");
            return;
        }
        const std::size_t update = work_.teacher_update.front();
        const std::string student = name("U", block_);
        if (!end_to_end)
            refuse(update, "a teacher can be updated only in end-to-end training", "leave it out");
        if (work_.teacher_update.size() > 1)
            refuse(work_.teacher_update[1], "block " + std::to_string(block_) + " of the teacher is updated twice per step",
                "leave one of them out");
        if (work_.teacher.empty())
            refuse(update, "its device does not run this block of the teacher", "put it where " + name("T", block_) + " is");
        if (work_.update.empty())
            refuse(update, "its device does not train this block of the student", "put it where " + student + " is");
        if (work_.update.front() > update || at(work_.update.front()).ahead != at(update).ahead)
            refuse(update, "it does not follow the update of its block in the same batch", "put it behind " + student);
        const Instruction& first = at(work_.teacher.front());
        for (std::size_t index : work_.teacher) {
            const int lead = at(index).ahead - at(update).ahead;
            if (lead > 1)
                refuse(index, "it runs " + std::to_string(lead) + " batches ahead of the teacher's updates",
                    "a teacher that is updated may run at most 1 batch ahead");
            if (at(index).ahead != first.ahead || (index < update) != (work_.teacher.front() < update))
                refuse(index, "one batch would use two versions of this block of the teacher",
                    "put every " + name("T", block_) + " of a batch on the same side of " + name("M", block_));
        }
    }

private:
    const Instruction& at(std::size_t index) const { return instruction_at(program_, {phase_, device_, index}); }

    [[noreturn]] void refuse(std::size_t index, std::string what, std::string remedy) const
    {
        schedule::refuse(program_, {phase_, device_, index}, std::move(what), std::move(remedy));
    }

    void check_batches() const
    {
        const int ahead = at(work_.backward.front()).ahead;
        const std::string stale = "it would use weights that lack the update of the previous batch";
        for (std::size_t index : work_.forward) {
            if (at(index).ahead > 0)
                refuse(index, "it runs ahead of the step: " + stale, "let it work on the batch of its step");
            if (at(index).ahead != ahead)
                refuse(
                    index, "its backward pass works on a different batch in the same step: " + stale, "give both the same batch");
        }
        for (const Indices* later : {&work_.backward, &work_.all_reduce, &work_.update})
            for (std::size_t index : *later) {
                if (at(index).ahead > 0)
                    refuse(index, "it runs ahead of the step", "let it work on the batch of its step");
                if (at(index).ahead != ahead)
                    refuse(
                        index, "it works on a different batch than the backward passes of its block", "give both the same batch");
            }
    }

    void check_shard() const
    {
        const Shard shard = at(work_.backward.front()).shard;
        for (const Indices* passes : {&work_.backward, &work_.forward})
            for (std::size_t index : *passes)
                if (at(index).shard != shard)
                    refuse(index,
                        "it works on " + text_of(at(index).shard) + ", but the first backward pass of its block on "
                            + text_of(shard),
                        "a device trains a block on a single part of the batch");
    }

    void check_pieces() const
    {
        const auto piece_of = [&](std::size_t index) { return PieceKey{at(index).microbatch, at(index).view}; };
        struct Backward {
            std::size_t first = 0;
            std::set<int> parts;
        };
        std::map<PieceKey, Backward> backward;
        for (std::size_t index : work_.backward) {
            const auto found = backward.emplace(piece_of(index), Backward{index, {}}).first;
            if (at(index).parts != at(found->second.first).parts)
                refuse(index, "the backward passes of a microbatch have different numbers of parts", "give all the same number");
            if (!found->second.parts.insert(at(index).part).second)
                refuse(index, "the same backward pass is done twice per step", "leave one of them out");
        }
        std::set<PieceKey> forward;
        for (std::size_t index : work_.forward) {
            if (!forward.insert(piece_of(index)).second)
                refuse(index, "the same forward pass is done twice per step", "leave one of them out");
            if (!backward.contains(piece_of(index)))
                refuse(index, "its backward pass is missing", "add " + name("B", block_) + " of the same piece");
        }
        for (const auto& [piece, passes] : backward) {
            const int parts = at(passes.first).parts;
            if (passes.parts.size() < static_cast<std::size_t>(parts))
                refuse(passes.first,
                    "the backward pass of " + text_of(piece, views_) + " has " + std::to_string(passes.parts.size()) + " of its "
                        + std::to_string(parts) + " parts",
                    "add the parts that are missing");
        }
        for (int microbatch = 0; microbatch < program_.microbatches; ++microbatch)
            for (int view = 0; view < views_; ++view)
                if (!backward.contains({microbatch, view}))
                    refuse(work_.update.front(), "the gradients are missing for " + text_of(PieceKey{microbatch, view}, views_),
                        "add the forward and the backward pass of that piece");
    }

    void check_order() const
    {
        const std::size_t update = work_.update.front();
        for (std::size_t index : work_.backward) {
            if (!work_.all_reduce.empty() && index > work_.all_reduce.front())
                refuse(work_.all_reduce.front(), "it precedes a backward pass of its block", "put it behind " + to_text(at(index)));
            if (index > update)
                refuse(update, "it precedes a backward pass of its block", "put it behind " + to_text(at(index)));
        }
        if (!work_.all_reduce.empty() && work_.all_reduce.front() > update)
            refuse(update, "it precedes the all-reduce of its gradients", "put it behind " + to_text(at(work_.all_reduce.front())));
    }

    const Program& program_;
    std::size_t phase_;
    std::size_t device_;
    int block_;
    int views_;
    const Work& work_;
};

/// The rules for the owners of one block, in the order of phases and devices.
void check_owners(const Program& program, int block, const std::vector<Owner>& owners)
{
    const std::string the_block = "block " + std::to_string(block);
    const auto place = [](const Owner& owner, std::size_t index) { return Place{owner.phase, owner.device, index}; };
    if (owners.empty())
        refuse("no device trains " + the_block, "give it a forward pass, a backward pass and an update on some device");
    std::vector<int> devices;
    for (const Owner& owner : owners) {
        if (owner.phase != owners.front().phase)
            refuse(program, place(owner, owner.update),
                the_block + " is already trained in phase " + std::to_string(owners.front().phase),
                "train each block in one phase");
        devices.push_back(static_cast<int>(owner.device));
    }
    std::set<int> shards;
    for (const Owner& owner : owners) {
        const Shard shard = instruction_at(program, place(owner, owner.backward)).shard;
        if (static_cast<std::size_t>(shard.count) != owners.size())
            refuse(program, place(owner, owner.backward),
                "it works on " + text_of(shard) + ", but the number of devices that train " + the_block + " is "
                    + std::to_string(owners.size()),
                "cut the batch into as many parts as devices train the block");
        if (!shards.insert(shard.index).second)
            refuse(program, place(owner, owner.backward), "another device trains " + the_block + " on " + text_of(shard) + ", too",
                "give each device its own part");
        if (!owner.all_reduce) {
            if (owners.size() > 1)
                refuse(program, place(owner, owner.update),
                    "the gradients are not all-reduced before it over devices " + list(devices),
                    "add A" + std::to_string(block) + " over these devices before it");
            continue;
        }
        if (instruction_at(program, place(owner, *owner.all_reduce)).group != devices)
            refuse(program, place(owner, *owner.all_reduce),
                "devices that train " + the_block + ": " + list(devices) + ", but its group is different",
                "use these devices as its group");
    }
}

} // namespace

void check_training(const Program& program, const Training& training)
{
    const int views = training.views;
    const bool end_to_end = training.end_to_end;
    std::vector<std::vector<Owner>> owners(static_cast<std::size_t>(program.blocks));
    struct Taught {
        std::size_t phase;
        std::size_t device;
        int block;
        Work work;
    };
    std::vector<Taught> teachers; // looked at only if any of them is updated
    bool momentum = false;
    for (std::size_t phase = 0; phase < program.phases.size(); ++phase)
        for (std::size_t device = 0; device < program.phases[phase].devices.size(); ++device) {
            std::map<int, Work> works;
            const std::vector<Instruction>& instructions = program.phases[phase].devices[device].instructions;
            for (std::size_t index = 0; index < instructions.size(); ++index)
                if (const Op op = instructions[index].op; op != Op::TeacherForward || end_to_end)
                    if (is_of_work(op))
                        works[instructions[index].block].of(op)->push_back(index);
            for (auto& [block, work] : works) {
                const WorkRules rules(program, phase, device, block, views, work);
                if (const auto owner = rules.check_student())
                    owners[static_cast<std::size_t>(block)].push_back(*owner);
                momentum = momentum || !work.teacher_update.empty();
                if (!work.teacher_update.empty() || (end_to_end && !work.teacher.empty()))
                    teachers.push_back({phase, device, block, std::move(work)});
            }
        }
    for (std::size_t block = 0; block < owners.size(); ++block)
        check_owners(program, static_cast<int>(block), owners[block]);
    if (momentum)
        for (const Taught& teacher : teachers)
            WorkRules(program, teacher.phase, teacher.device, teacher.block, views, teacher.work)
                .check_momentum_teacher(end_to_end);
}

} // namespace pipebd::schedule
