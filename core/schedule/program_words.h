// The words of a program's text form, shared by what writes and what reads it.
#pragma once

#include "schedule/program.h"

#include <array>
#include <string_view>

namespace pipebd::schedule {

struct Word {
    Op op;
    std::string_view text;
    bool names_block; // right behind the word
};

// No word is the beginning of a later one.
inline constexpr std::array<Word, 11> words{{
    {Op::Load, "load", false},
    {Op::Loss, "loss", false},
    {Op::Barrier, "barrier", false},
    {Op::Receive, "recv", false},
    {Op::Send, "send", false},
    {Op::TeacherForward, "T", true},
    {Op::StudentForward, "F", true},
    {Op::StudentBackward, "B", true},
    {Op::AllReduce, "A", true},
    {Op::Update, "U", true},
    {Op::TeacherUpdate, "M", true},
}};

struct PayloadLetter {
    Payload payload;
    char letter;
};

inline constexpr std::array<PayloadLetter, 3> payload_letters{{
    {Payload::TeacherOutput, 'T'},
    {Payload::StudentOutput, 'F'},
    {Payload::StudentGradient, 'G'},
}};

inline constexpr int largest_number = 999'999;

/// Whether block means something for `op`.
constexpr bool has_block(Op op)
{
    return op != Op::Load && op != Op::Loss && op != Op::Barrier;
}

/// Whether both are about the same piece of the same batch: payload, block, microbatch, view, part, ahead.
constexpr bool carry_the_same(const Instruction& a, const Instruction& b)
{
    return a.payload == b.payload && a.block == b.block && a.microbatch == b.microbatch && a.view == b.view && a.part == b.part
        && a.parts == b.parts && a.ahead == b.ahead;
}

} // namespace pipebd::schedule
