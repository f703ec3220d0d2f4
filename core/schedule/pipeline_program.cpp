#include "schedule/generators.h"
#include "schedule/instructions.h"

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

namespace pipebd::schedule {

namespace {

/// One microbatch of one view.
struct Piece {
    int microbatch = 0;
    int view = 0;
};

std::vector<Piece> pieces_of(int first_microbatch, int last_microbatch, int views)
{
    std::vector<Piece> pieces;
    for (int microbatch = first_microbatch; microbatch < last_microbatch; ++microbatch)
        for (int view = 0; view < views; ++view)
            pieces.push_back({microbatch, view});
    return pieces;
}

std::vector<Piece> reversed(std::vector<Piece> pieces)
{
    std::reverse(pieces.begin(), pieces.end());
    return pieces;
}

Instruction of_piece(Op op, int block, Piece piece, int ahead = 0)
{
    Instruction instruction = of_block(op, block);
    instruction.microbatch = piece.microbatch;
    instruction.view = piece.view;
    instruction.ahead = ahead;
    return instruction;
}

/// The instructions of one stage. Receives come at the head of the group that needs them, so that no device that waits for its
/// peer to take something keeps that peer waiting.
class StageProgram {
public:
    StageProgram(const Schedule& schedule, std::size_t stage, Instructions& instructions)
        : pipeline_(schedule.pipeline)
        , stages_(schedule.stages)
        , stage_(stage)
        , self_(schedule.stages[stage])
        , all_(pieces_of(0, schedule.pipeline.microbatches, schedule.pipeline.views))
        , instructions_(instructions)
    {
    }

    void write()
    {
        switch (pipeline_.order) {
        case PipelineOrder::AllForward:
            load(0);
            receive_inputs();
            forward(all_);
            loss(0, 1);
            receive_gradients(reversed(all_));
            backward(reversed(all_));
            break;
        case PipelineOrder::OneForwardOneBackward:
            one_forward_one_backward();
            break;
        case PipelineOrder::TeacherAhead:
            teacher_ahead();
            break;
        }
        for (int block = self_.last - 1; block >= self_.first; --block)
            instructions_.push_back(of_block(Op::Update, block));
        if (pipeline_.teacher == Teacher::Momentum)
            for (int block = self_.last - 1; block >= self_.first; --block)
                instructions_.push_back(of_block(Op::TeacherUpdate, block));
    }

private:
    bool is_first() const { return stage_ == 0; }
    bool is_last() const { return stage_ + 1 == stages_.size(); }

    void one_forward_one_backward()
    {
        const int microbatches = pipeline_.microbatches;
        const int warm_up = std::min(microbatches, static_cast<int>(stages_.size() - 1 - stage_));
        const auto of_microbatch = [&](int microbatch) { return pieces_of(microbatch, microbatch + 1, pipeline_.views); };
        load(0);
        receive_inputs();
        for (int microbatch = 0; microbatch < warm_up; ++microbatch)
            forward(of_microbatch(microbatch));
        for (int microbatch = 0; microbatch < microbatches; ++microbatch) {
            if (microbatch + warm_up < microbatches) {
                forward(of_microbatch(microbatch + warm_up));
                loss(microbatch, microbatches);
            }
            if (microbatch == 0)
                for (int received = 0; received < microbatches; ++received)
                    receive_gradients(reversed(of_microbatch(received)));
            backward(reversed(of_microbatch(microbatch)));
        }
    }

    void teacher_ahead()
    {
        const int ahead = pipeline_.ahead[stage_];
        const auto in_hole = all_.begin() + pipeline_.in_hole[stage_];
        load(ahead);
        for (Piece piece : all_)
            receive(Payload::StudentOutput, piece, 0);
        for (Piece piece : all_)
            student(piece);
        loss(0, 1);
        for (Piece piece : all_)
            receive(Payload::TeacherOutput, piece, is_first() ? 0 : pipeline_.ahead[stage_ - 1]);
        for (auto piece = all_.begin(); piece != in_hole; ++piece)
            teacher(*piece, ahead);
        receive_gradients(reversed(all_));
        backward(reversed(all_));
        for (auto piece = in_hole; piece != all_.end(); ++piece)
            teacher(*piece, ahead);
    }

    void load(int ahead)
    {
        if (is_first())
            instructions_.push_back(of_piece(Op::Load, 0, {}, ahead));
    }

    void loss(int part, int parts)
    {
        if (!is_last())
            return;
        Instruction instruction = of_block(Op::Loss, 0);
        instruction.part = part;
        instruction.parts = parts;
        instructions_.push_back(std::move(instruction));
    }

    void receive(Payload payload, Piece piece, int ahead)
    {
        if (!is_first())
            transfer(Op::Receive, payload, self_.first - 1, piece, stage_ - 1, ahead);
    }

    void receive_inputs()
    {
        for (Piece piece : all_) {
            receive(Payload::TeacherOutput, piece, 0);
            receive(Payload::StudentOutput, piece, 0);
        }
    }

    void receive_gradients(const std::vector<Piece>& pieces)
    {
        if (is_last())
            return;
        for (Piece piece : pieces)
            for (int part = 0; part < pipeline_.backward_split; ++part) {
                transfer(Op::Receive, Payload::StudentGradient, self_.last - 1, piece, stage_ + 1, 0);
                set_part(part);
            }
    }

    void forward(const std::vector<Piece>& pieces)
    {
        for (Piece piece : pieces) {
            teacher(piece, 0);
            student(piece);
        }
    }

    void teacher(Piece piece, int ahead) { pass(Op::TeacherForward, Payload::TeacherOutput, piece, ahead); }
    void student(Piece piece) { pass(Op::StudentForward, Payload::StudentOutput, piece, 0); }

    void pass(Op op, Payload payload, Piece piece, int ahead)
    {
        for (int block = self_.first; block < self_.last; ++block)
            instructions_.push_back(of_piece(op, block, piece, ahead));
        if (!is_last())
            transfer(Op::Send, payload, self_.last - 1, piece, stage_ + 1, ahead);
    }

    void backward(const std::vector<Piece>& pieces)
    {
        for (Piece piece : pieces)
            for (int part = 0; part < pipeline_.backward_split; ++part) {
                for (int block = self_.last - 1; block >= self_.first; --block) {
                    instructions_.push_back(of_piece(Op::StudentBackward, block, piece));
                    set_part(part);
                }
                if (!is_first()) {
                    transfer(Op::Send, Payload::StudentGradient, self_.first - 1, piece, stage_ - 1, 0);
                    set_part(part);
                }
            }
    }

    void transfer(Op op, Payload payload, int block, Piece piece, std::size_t other, int ahead)
    {
        Instruction instruction = of_piece(op, block, piece, ahead);
        instruction.payload = payload;
        instruction.peer = stages_[other].devices.front();
        instructions_.push_back(std::move(instruction));
    }

    /// Of the last instruction.
    void set_part(int part)
    {
        instructions_.back().part = part;
        instructions_.back().parts = pipeline_.backward_split;
    }

    const Pipeline& pipeline_;
    const std::vector<Stage>& stages_;
    std::size_t stage_;
    const Stage& self_;
    std::vector<Piece> all_;
    Instructions& instructions_;
};

} // namespace

FoldedProgram replicated_program(const Schedule& schedule)
{
    FoldedProgram folded = empty_program(schedule.blocks, schedule.devices, 1);
    const Stage& stage = schedule.stages.front();
    const std::vector<int>& group = stage.devices;
    const int views = schedule.pipeline.views;
    const Shard shard{0, static_cast<int>(group.size())};
    Instructions& instructions = instructions_of(folded.program, 0, group.front());
    const auto add = [&](Op op, int block, int view = 0) {
        instructions.push_back(of_block(op, block, shard));
        instructions.back().view = view;
    };
    add(Op::Load, 0);
    for (Op op : {Op::TeacherForward, Op::StudentForward})
        for (int view = 0; view < views; ++view)
            for (int block = 0; block < schedule.blocks; ++block)
                add(op, block, view);
    add(Op::Loss, 0);
    for (int block = schedule.blocks - 1; block >= 0; --block) {
        for (int view = views - 1; view >= 0; --view)
            add(Op::StudentBackward, block, view);
        if (group.size() > 1)
            instructions.push_back(all_reduce(block, shard, group));
    }
    for (int block = schedule.blocks - 1; block >= 0; --block)
        add(Op::Update, block);
    if (schedule.pipeline.teacher == Teacher::Momentum)
        for (int block = schedule.blocks - 1; block >= 0; --block)
            add(Op::TeacherUpdate, block);
    fold(folded, stage);
    return folded;
}

FoldedProgram pipeline_program(const Schedule& schedule)
{
    Program program = empty_program(schedule.blocks, schedule.devices, 1);
    program.microbatches = schedule.pipeline.microbatches;
    for (std::size_t stage = 0; stage < schedule.stages.size(); ++stage)
        StageProgram(schedule, stage, instructions_of(program, 0, schedule.stages[stage].devices.front())).write();
    return program;
}

} // namespace pipebd::schedule
