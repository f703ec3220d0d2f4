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

enum class Kind { Data, TeacherOutput, StudentOutput, StudentGradient, Nothing };

constexpr std::size_t most_pieces = 1024; // of one kind, block, microbatch and view on a device

struct Product {
    Kind kind = Kind::Nothing;
    int block = 0;
    int view = 0;
    auto operator<=>(const Product&) const = default;
};

Kind kind_of(Payload payload)
{
    switch (payload) {
    case Payload::TeacherOutput:
        return Kind::TeacherOutput;
    case Payload::StudentOutput:
        return Kind::StudentOutput;
    case Payload::StudentGradient:
        break;
    }
    return Kind::StudentGradient;
}

std::string describe(const Product& product, int views)
{
    const std::string of = " of block " + std::to_string(product.block);
    const std::string view = views > 1 ? ", view " + std::to_string(product.view) : std::string();
    switch (product.kind) {
    case Kind::TeacherOutput:
        return "the teacher's output" + of + view;
    case Kind::StudentOutput:
        return "the student's output" + of + view;
    case Kind::StudentGradient:
        return "the gradient of the student's output" + of + view;
    default:
        return "the data";
    }
}

std::string samples(Rows rows)
{
    return rows.size() == 1 ? "sample " + std::to_string(rows.begin)
                            : "samples " + std::to_string(rows.begin) + " to " + std::to_string(rows.end - 1);
}

class DeviceRows {
public:
    DeviceRows(const Program& program, std::size_t phase, std::size_t device, int batch, int views, Training training)
        : program_(program)
        , phase_(phase)
        , device_(device)
        , batch_(batch)
        , views_(views)
        , training_(training)
        , instructions_(program.phases[phase].devices[device].instructions)
    {
    }

    /// Batches that its Receives hold beyond `buffers`.
    std::int64_t check(int buffers)
    {
        for (const Instruction& instruction : instructions_)
            rows_.push_back(schedule::rows_of(instruction, batch_, program_.microbatches));
        check_products();
        const DataFlow flow(program_, phase_, device_, training_);
        std::vector<int> held(instructions_.size());
        for (std::size_t index = 0; index < instructions_.size(); ++index) {
            const std::vector<std::size_t> sources = sources_of(flow, index);
            for (std::size_t source : sources)
                held[source] = std::max(held[source], instructions_[source].ahead - instructions_[index].ahead);
            check_inputs(index, sources);
            if (instructions_[index].op == Op::Loss)
                check_loss(flow, index, sources);
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

    Product product_of(std::size_t index) const
    {
        const Instruction& made = instructions_[index];
        switch (made.op) {
        case Op::Load:
            return {Kind::Data, 0, 0};
        case Op::Receive:
            return {kind_of(made.payload), made.block, made.view};
        case Op::TeacherForward:
            return {Kind::TeacherOutput, made.block, made.view};
        case Op::StudentForward:
            return {Kind::StudentOutput, made.block, made.view};
        case Op::StudentBackward:
            return training_.end_to_end ? Product{Kind::StudentGradient, made.block - 1, made.view} : Product{};
        case Op::Loss:
            return {Kind::StudentGradient, program_.blocks - 1, 0};
        default:
            return {};
        }
    }

    void check_products() const
    {
        std::vector<std::tuple<Product, int, std::size_t>> made; // begins at row
        std::map<std::pair<Product, int>, std::size_t> pieces; // by microbatch
        for (std::size_t index = 0; index < instructions_.size(); ++index) {
            const Product product = product_of(index);
            if (product.kind == Kind::Nothing)
                continue;
            made.emplace_back(product, rows_[index].begin, index);
            if (instructions_.size() > most_pieces && instructions_[index].op != Op::Loss
                && ++pieces[{product, instructions_[index].microbatch}] > most_pieces)
                refuse(index, "its device has more than " + std::to_string(most_pieces) + " pieces of " + describe(product, views_),
                    "use fewer of them");
        }
        std::sort(made.begin(), made.end());
        for (std::size_t i = 1; i < made.size(); ++i) {
            const auto& [product, begin, index] = made[i];
            const std::size_t before = std::get<2>(made[i - 1]);
            const Rows both = intersection(rows_[before], rows_[index]);
            if (std::get<0>(made[i - 1]) == product && both.size() > 0) {
                const auto [first, second] = std::minmax(before, index);
                refuse(second,
                    to_text(instructions_[first]) + " brings " + describe(product, views_) + " for " + samples(both) + " already",
                    "leave one of them out, or let them share the samples");
            }
        }
    }

    std::vector<std::size_t> sources_of(const DataFlow& flow, std::size_t index) const
    {
        try {
            return flow.sources(index);
        } catch (const Error& error) {
            refuse(index, error.problem(), "put what makes or receives it before this instruction");
        }
    }

    void check_inputs(std::size_t index, const std::vector<std::size_t>& sources)
    {
        const Op op = instructions_[index].op;
        if (op == Op::AllReduce || op == Op::Update)
            return;
        brought_.clear();
        for (std::size_t source : sources)
            brought_.emplace_back(product_of(source), rows_[source]);
        std::sort(brought_.begin(), brought_.end());
        for (std::size_t i = 0; i < brought_.size();) {
            const Product product = brought_[i].first;
            int covered = rows_[index].begin;
            for (; i < brought_.size() && brought_[i].first == product; ++i)
                if (brought_[i].second.begin <= covered)
                    covered = std::max(covered, brought_[i].second.end);
            if (covered < rows_[index].end)
                incomplete(index, product, covered);
        }
    }

    [[noreturn]] void incomplete(std::size_t index, const Product& product, int covered) const
    {
        int end = rows_[index].end; // where the next piece begins
        for (const auto& [brought, rows] : brought_)
            if (brought == product && rows.begin > covered)
                end = std::min(end, rows.begin);
        refuse(index,
            "it works on " + samples(rows_[index]) + ", but " + describe(product, views_) + " is not there for "
                + samples({covered, end}),
            "make or receive it for all of them before this instruction");
    }

    void check_loss(const DataFlow& flow, std::size_t index, const std::vector<std::size_t>& sources)
    {
        for (Kind kind : {Kind::StudentOutput, Kind::TeacherOutput})
            for (int view = 0; view < views_ && (kind == Kind::StudentOutput || training_.taught); ++view) {
                const Product needed{kind, program_.blocks - 1, view};
                if (std::none_of(
                        sources.begin(), sources.end(), [&](std::size_t source) { return product_of(source) == needed; })) {
                    brought_.clear();
                    incomplete(index, needed, rows_[index].begin);
                }
            }
        if (training_.taught)
            return;
        std::vector<std::size_t> labels;
        for (std::size_t load = 0; load < instructions_.size(); ++load)
            if (instructions_[load].op == Op::Load && flow.precedes(load, index))
                labels.push_back(load);
        if (labels.empty())
            refuse(index, "without a teacher it needs the labels, which nothing before it on its device loads",
                "put a Load before it");
        check_inputs(index, labels);
    }

    const Program& program_;
    std::size_t phase_;
    std::size_t device_;
    int batch_;
    int views_;
    Training training_;
    const std::vector<Instruction>& instructions_;
    std::vector<Rows> rows_;
    std::vector<std::pair<Product, Rows>> brought_; // to the instruction at hand
};

} // namespace

std::int64_t check_rows(const Program& program, std::size_t phase, Training training, int views, int batch, int buffers)
{
    std::int64_t more = 0;
    for (std::size_t device = 0; device < program.phases[phase].devices.size(); ++device)
        more += DeviceRows(program, phase, device, batch, views, training).check(buffers);
    return more;
}

} // namespace pipebd::schedule
