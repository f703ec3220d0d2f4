#include "schedule/row_coverage.h"

#include "schedule/fault.h"

#include <algorithm>
#include <map>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace pipebd::schedule {

namespace {

constexpr std::size_t most_pieces = 1024; // of one value and microbatch on a device

bool has_rows(const Value& value)
{
    return value.kind != Value::Kind::BlockGradients && value.kind != Value::Kind::SummedGradients;
}

std::string samples(Rows rows)
{
    return rows.size() == 1 ? "sample " + std::to_string(rows.begin)
                            : "samples " + std::to_string(rows.begin) + " to " + std::to_string(rows.end - 1);
}

class DeviceRows {
public:
    DeviceRows(const Program& program, std::size_t phase, std::size_t device, int batch, const Training& training)
        : program_(program)
        , phase_(phase)
        , device_(device)
        , batch_(batch)
        , training_(training)
        , instructions_(program.phases[phase].devices[device].instructions)
    {
    }

    /// Batches that its Receives hold beyond `buffers`.
    std::int64_t check(int buffers)
    {
        for (const Instruction& instruction : instructions_)
            rows_.push_back(schedule::rows_of(instruction, batch_, program_.microbatches));
        check_what_is_made();
        const DataFlow flow(program_, phase_, device_, training_);
        std::vector<int> held(instructions_.size());
        for (std::size_t index = 0; index < instructions_.size(); ++index) {
            for (std::size_t source : sources_of(flow, index))
                held[source] = std::max(held[source], instructions_[source].ahead - instructions_[index].ahead);
            for (const Need& need : needed_by(instructions_[index], training_))
                if (has_rows(need.value))
                    check_need(flow, index, need);
        }
        std::int64_t more = 0;
        for (std::size_t index = 0; index < instructions_.size(); ++index)
            if (instructions_[index].op == Op::Receive)
                more += std::max(0, held[index] - buffers);
        return more;
    }

private:
    [[noreturn]] void refuse(std::size_t index, std::string what, std::string remedy) const
    {
        schedule::refuse(program_, {phase_, device_, index}, std::move(what), std::move(remedy));
    }

    std::string words(const Value& value) const { return describe(value, training_.views); }

    /// That nothing is made twice, nor in more pieces than can be dealt with.
    void check_what_is_made() const
    {
        std::vector<std::tuple<Value, int, std::size_t>> made; // begins at row
        std::map<std::pair<Value, int>, std::size_t> pieces; // by microbatch
        for (std::size_t index = 0; index < instructions_.size(); ++index) {
            for (const Value& value : made_by(instructions_[index], training_)) {
                if (!has_rows(value))
                    continue;
                made.emplace_back(value, rows_[index].begin, index);
                if (instructions_.size() > most_pieces && instructions_[index].op != Op::Loss
                    && ++pieces[{value, instructions_[index].microbatch}] > most_pieces)
                    refuse(index, "its device has more than " + std::to_string(most_pieces) + " pieces of " + words(value),
                        "use fewer of them");
            }
        }
        std::sort(made.begin(), made.end());
        for (std::size_t i = 1; i < made.size(); ++i) {
            const auto& [value, begin, index] = made[i];
            const std::size_t before = std::get<2>(made[i - 1]);
            const Rows both = intersection(rows_[before], rows_[index]);
            if (std::get<0>(made[i - 1]) == value && both.size() > 0) {
                const auto [first, second] = std::minmax(before, index);
                refuse(second,
                    to_text(instructions_[first]) + " brings " + words(value) + " for " + samples(both)
                        + ", which are already there",
                    "leave one of them out, or divide the samples between them");
            }
        }
    }

    std::vector<std::size_t> sources_of(const DataFlow& flow, std::size_t index) const
    {
        try {
            return flow.sources(index);
        } catch (const Error& error) {
            refuse(index, error.problem(), "put the instruction that makes or receives it before this one");
        }
    }

    void check_need(const DataFlow& flow, std::size_t index, const Need& need) const
    {
        std::vector<Rows> brought;
        for (std::size_t source : flow.sources(index, need))
            brought.push_back(rows_[source]);
        if (brought.empty() && need.value.kind == Value::Kind::Labels)
            refuse(index, "without a teacher it needs the labels, which no earlier instruction on its device loads",
                "put a Load before it");
        std::sort(brought.begin(), brought.end());
        int covered = rows_[index].begin;
        for (Rows rows : brought)
            if (rows.begin <= covered)
                covered = std::max(covered, rows.end);
        if (covered >= rows_[index].end)
            return;
        int end = rows_[index].end; // where the next piece begins
        for (Rows rows : brought)
            if (rows.begin > covered)
                end = std::min(end, rows.begin);
        refuse(index,
            "it works on " + samples(rows_[index]) + ", but " + words(need.value) + " is missing for " + samples({covered, end}),
            "make or receive it for all samples before this instruction");
    }

    const Program& program_;
    std::size_t phase_;
    std::size_t device_;
    int batch_;
    const Training& training_;
    const std::vector<Instruction>& instructions_;
    std::vector<Rows> rows_;
};

} // namespace

std::int64_t check_rows(const Program& program, std::size_t phase, const Training& training, int batch, int buffers)
{
    std::int64_t more = 0;
    for (std::size_t device = 0; device < program.phases[phase].devices.size(); ++device)
        more += DeviceRows(program, phase, device, batch, training).check(buffers);
    return more;
}

} // namespace pipebd::schedule
