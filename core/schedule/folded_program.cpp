#include "schedule/folded_program.h"

#include "schedule/index.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>
#include <utility>

namespace pipebd::schedule {

namespace {

/// The devices of `folded` that are copies, by their model.
std::map<int, std::vector<int>> copies_of(const FoldedProgram& folded)
{
    std::map<int, std::vector<int>> copies;
    for (int device = 0; device < folded.devices(); ++device)
        if (folded.is_copy(device))
            copies[folded.roles[at(device)].model].push_back(device);
    return copies;
}

int share_of(const Program& program, int device)
{
    for (const Phase& phase : program.phases)
        if (const std::vector<Instruction>& list = phase.devices[at(device)].instructions; !list.empty())
            return list.front().shard.index;
    return 0;
}

/// Into how many parts the instructions of `device` cut the batch; nothing if it has a link, a group without all of `copies`, or
/// more than one share.
std::optional<std::set<int>> cuts_of(const Program& program, int device, const std::vector<int>& copies)
{
    std::set<int> cuts;
    const int share = share_of(program, device);
    for (const Phase& phase : program.phases)
        for (const Instruction& instruction : phase.devices[at(device)].instructions) {
            if (instruction.op == Op::Send || instruction.op == Op::Receive || instruction.shard.index != share)
                return std::nullopt;
            const std::vector<int>& group = instruction.group;
            if (instruction.op == Op::AllReduce
                && (!std::is_sorted(group.begin(), group.end())
                    || !std::includes(group.begin(), group.end(), copies.begin(), copies.end())))
                return std::nullopt;
            cuts.insert(instruction.shard.count);
        }
    return cuts;
}

void write_down(Program& program, Role role, int device)
{
    for (Phase& phase : program.phases) {
        std::vector<Instruction>& instructions = phase.devices[at(device)].instructions;
        instructions = phase.devices[at(role.model)].instructions;
        for (Instruction& instruction : instructions)
            instruction.shard.index = role.share;
    }
}

/// Which copies have the same costs and hold the same.
class Classes {
public:
    Classes(const FoldedProgram& folded, const Costs& costs)
        : roles_(folded.roles)
        , costs_(costs)
    {
        for (const auto& [model, copies] : copies_of(folded))
            sort_out(folded.program, model, copies);
    }

    /// A role for each device; one that is not a copy any more, but was one, is listed in `unfolded`.
    const std::vector<Role>& roles() const { return roles_; }
    const std::vector<int>& unfolded() const { return unfolded_; }

private:
    using Class = std::pair<double, std::vector<int>>; // speed, rows of each cut

    void sort_out(const Program& program, int model, const std::vector<int>& copies)
    {
        const std::optional<std::set<int>> cuts = cuts_of(program, model, copies);
        std::map<Class, int> known; // its model
        if (cuts)
            known.emplace(class_of(model, share_of(program, model), *cuts), model);
        for (int device : copies) {
            Role& role = roles_[at(device)];
            const bool fits = cuts && (cuts->empty() || role.share < *cuts->begin());
            const int found = fits ? known.emplace(class_of(device, role.share, *cuts), device).first->second : device;
            role.model = found;
            if (found == device)
                unfolded_.push_back(device);
        }
    }

    Class class_of(int device, int share, const std::set<int>& cuts) const
    {
        std::vector<int> rows;
        for (int count : cuts)
            rows.push_back(rows_of(Shard{share, count}, costs_.profile().batch).size());
        return {costs_.cluster().devices[at(device)].speed, std::move(rows)};
    }

    std::vector<Role> roles_;
    const Costs& costs_;
    std::vector<int> unfolded_;
};

} // namespace

FoldedProgram::FoldedProgram(Program unfolded)
    : program(std::move(unfolded))
{
    for (int device = 0; device < program.devices(); ++device)
        roles.push_back({device, 0});
}

void fold(FoldedProgram& folded, const Stage& stage)
{
    for (std::size_t share = 1; share < stage.devices.size(); ++share)
        folded.roles[at(stage.devices[share])] = {stage.devices.front(), static_cast<int>(share)};
}

Program unfold(const FoldedProgram& folded)
{
    Program program = folded.program;
    for (int device = 0; device < folded.devices(); ++device)
        if (folded.is_copy(device))
            write_down(program, folded.roles[at(device)], device);
    return program;
}

std::optional<FoldedProgram> refined(const FoldedProgram& folded, const Costs& costs)
{
    const Classes classes(folded, costs);
    if (classes.unfolded().empty())
        return std::nullopt;
    FoldedProgram result;
    result.program = folded.program;
    result.roles = classes.roles();
    for (int device : classes.unfolded())
        write_down(result.program, folded.roles[at(device)], device);
    return result;
}

void for_each(const FoldedProgram& folded, Op op,
    const std::function<void(const Instruction& instruction, const std::vector<int>& shares)>& visit)
{
    std::vector<std::vector<int>> copied(static_cast<std::size_t>(folded.devices())); // shares, by model
    for (int device = 0; device < folded.devices(); ++device)
        if (folded.is_copy(device))
            copied[at(folded.roles[at(device)].model)].push_back(folded.roles[at(device)].share);
    for (const Phase& phase : folded.program.phases)
        for (std::size_t device = 0; device < phase.devices.size(); ++device)
            for (const Instruction& instruction : phase.devices[device].instructions) {
                if (instruction.op != op)
                    continue;
                copied[device].push_back(instruction.shard.index);
                visit(instruction, copied[device]);
                copied[device].pop_back();
            }
}

bool has(const Program& program, Op op)
{
    for (const Phase& phase : program.phases)
        for (const DeviceProgram& device : phase.devices)
            for (const Instruction& instruction : device.instructions)
                if (instruction.op == op)
                    return true;
    return false;
}

} // namespace pipebd::schedule
