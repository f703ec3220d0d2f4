#include "base/error.h"
#include "base/text.h"
#include "schedule/program.h"
#include "schedule/program_words.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <utility>

namespace pipebd::schedule {

namespace {

/// The text and a place in it.
class Cursor {
public:
    Cursor(std::string_view text, std::string_view where)
        : text_(text)
        , where_(where)
    {
    }

    std::size_t place() const { return place_; }
    bool at_end() const { return place_ == text_.size(); }
    char next() const { return at_end() ? '\0' : text_[place_]; }

    /// A place between two words: the end, white space or a comment.
    bool at_break() const
    {
        const char c = next();
        return at_end() || c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '#';
    }

    void skip_spaces()
    {
        while (!at_end() && (next() == ' ' || next() == '\t' || next() == '\r'))
            ++place_;
        if (next() == '#')
            while (!at_end() && next() != '\n')
                ++place_;
    }

    void skip_lines()
    {
        skip_spaces();
        while (accept("\n"))
            skip_spaces();
    }

    bool accept(std::string_view word)
    {
        if (!text_.substr(place_).starts_with(word))
            return false;
        place_ += word.size();
        return true;
    }

    void expect(std::string_view word)
    {
        if (!accept(word))
            fail("\"" + std::string(word) + "\" is expected here");
    }

    int number()
    {
        const std::size_t start = place_;
        int value = 0;
        while (next() >= '0' && next() <= '9') {
            value = value * 10 + (next() - '0');
            if (value > largest_number)
                fail_at(start, "the number is larger than " + std::to_string(largest_number));
            ++place_;
        }
        if (place_ == start)
            fail("a number is expected here");
        return value;
    }

    Shard shard()
    {
        const std::size_t start = place_;
        Shard shard;
        shard.index = number();
        expect("/");
        shard.count = number();
        if (shard.index >= shard.count)
            fail_at(start, "there is no part " + std::to_string(shard.index) + " of " + std::to_string(shard.count));
        return shard;
    }

    void end_of_line()
    {
        skip_spaces();
        if (!at_end() && next() != '\n')
            fail("the line should end here");
    }

    std::string word_here() const
    {
        std::size_t end = place_;
        while (end < text_.size() && end - place_ < 40 && static_cast<unsigned char>(text_[end]) > ' ')
            ++end;
        return in_quotes(text_.substr(place_, end - place_));
    }

    [[noreturn]] void fail(const std::string& what) const { fail_at(place_, what); }

    [[noreturn]] void fail_at(std::size_t place, const std::string& what) const
    {
        const std::string_view before = text_.substr(0, place);
        const auto line = 1 + std::count(before.begin(), before.end(), '\n');
        const std::size_t start = before.rfind('\n');
        const std::size_t column = place - (start == std::string_view::npos ? 0 : start + 1) + 1;
        throw Error(Code::BadRequest, what, std::string(where_) + ':' + std::to_string(line) + ':' + std::to_string(column),
            "docs/formats/program.md describes the text form");
    }

private:
    std::string_view text_;
    std::string_view where_;
    std::size_t place_ = 0;
};

class ProgramReader {
public:
    ProgramReader(std::string_view text, std::string_view where)
        : cursor_(text, where)
    {
    }

    Program read()
    {
        const std::optional<int> blocks = header("blocks");
        const std::optional<int> microbatches = header("microbatches");
        cursor_.skip_lines();
        if (!cursor_.at_end())
            phase_or_phases();
        program_.blocks = checked_count(blocks, blocks_, "blocks");
        program_.microbatches = checked_count(microbatches, microbatches_, "microbatches");
        return std::move(program_);
    }

private:
    /// What is known of an instruction of the current phase only once all its lines are read.
    struct Open {
        std::size_t place = 0;
        bool peer_shard = false; // is that of the peer's line
        bool carried = false; // a Receive: what the matching Send carries
    };

    struct Line {
        Shard shard;
        std::vector<Open> open; // by instruction
    };

    std::optional<int> header(std::string_view word)
    {
        cursor_.skip_lines();
        if (!cursor_.accept(word))
            return std::nullopt;
        cursor_.skip_spaces();
        const int value = cursor_.number();
        cursor_.end_of_line();
        return value;
    }

    int checked_count(std::optional<int> written, int used, const std::string& what) const
    {
        if (written && *written < used)
            cursor_.fail("there are " + std::to_string(*written) + ' ' + what + ", but one with the number "
                + std::to_string(used - 1) + " is named");
        return written.value_or(used);
    }

    void phase_or_phases()
    {
        if (!cursor_.accept("phase")) {
            phase();
        } else {
            do {
                cursor_.skip_spaces();
                const std::size_t place = cursor_.place();
                if (static_cast<std::size_t>(cursor_.number()) != program_.phases.size())
                    cursor_.fail_at(place, "phase " + std::to_string(program_.phases.size()) + " is expected here");
                cursor_.end_of_line();
                phase();
            } while (cursor_.accept("phase"));
        }
        if (!cursor_.at_end())
            cursor_.fail("a line begins with \"device\" or \"phase\", not with " + cursor_.word_here());
    }

    void phase()
    {
        program_.phases.emplace_back();
        lines_.clear();
        cursor_.skip_lines();
        const std::size_t place = cursor_.place();
        while (cursor_.accept("device")) {
            device_line();
            cursor_.skip_lines();
        }
        if (program_.phases.back().devices.empty())
            cursor_.fail("a line \"device 0: ...\" is expected here");
        if (program_.phases.back().devices.size() != program_.phases.front().devices.size())
            cursor_.fail_at(place, "every phase needs a line for each of the " + std::to_string(program_.devices()) + " devices");
        resolve();
    }

    void device_line()
    {
        std::vector<DeviceProgram>& devices = program_.phases.back().devices;
        cursor_.skip_spaces();
        const std::size_t place = cursor_.place();
        if (static_cast<std::size_t>(cursor_.number()) != devices.size())
            cursor_.fail_at(place, "device " + std::to_string(devices.size()) + " is expected here");
        cursor_.skip_spaces();
        Line line;
        if (cursor_.accept("shard")) {
            cursor_.skip_spaces();
            line.shard = cursor_.shard();
            cursor_.skip_spaces();
        }
        cursor_.expect(":");
        devices.emplace_back();
        last_teacher_.reset();
        for (cursor_.skip_spaces(); !cursor_.at_end() && cursor_.next() != '\n'; cursor_.skip_spaces()) {
            Open open;
            const Instruction read = instruction(line.shard, open);
            if (!cursor_.at_break())
                cursor_.fail("an instruction should end here, not continue with " + cursor_.word_here());
            if (has_block(read.op))
                blocks_ = std::max(blocks_, read.block + 1);
            microbatches_ = std::max(microbatches_, read.microbatch + 1);
            if (read.op == Op::TeacherForward)
                last_teacher_ = read;
            devices.back().instructions.push_back(read);
            line.open.push_back(open);
        }
        lines_.push_back(std::move(line));
    }

    Instruction instruction(Shard shard, Open& open)
    {
        open.place = cursor_.place();
        Instruction result;
        result.shard = shard;
        const Word* word = nullptr;
        for (const Word& known : words)
            if (cursor_.accept(known.text)) {
                word = &known;
                break;
            }
        if (!word)
            cursor_.fail("unknown instruction " + cursor_.word_here());
        result.op = word->op;
        if (result.op == Op::Send || result.op == Op::Receive) {
            transfer(result, open);
        } else {
            if (word->names_block)
                result.block = cursor_.number();
            if (result.op == Op::AllReduce)
                group(result);
            piece(result);
        }
        if (cursor_.accept(":"))
            result.shard = cursor_.shard();
        return result;
    }

    void piece(Instruction& result)
    {
        if (cursor_.accept("."))
            result.microbatch = cursor_.number();
        if (cursor_.accept("v"))
            result.view = cursor_.number();
        const bool in_parts
            = result.op == Op::StudentBackward || result.op == Op::Send || result.op == Op::Receive || result.op == Op::Loss;
        if (in_parts && cursor_.accept("(")) {
            const Shard part = cursor_.shard();
            result.part = part.index;
            result.parts = part.count;
            cursor_.expect(")");
        }
        if (cursor_.accept("+"))
            result.ahead = cursor_.number();
        else if (cursor_.accept("-"))
            result.ahead = -cursor_.number();
    }

    void group(Instruction& result)
    {
        cursor_.expect("{");
        const std::size_t place = cursor_.place();
        do
            result.group.push_back(cursor_.number());
        while (cursor_.accept(","));
        cursor_.expect("}");
        if (std::adjacent_find(result.group.begin(), result.group.end(), std::greater_equal<>()) != result.group.end())
            cursor_.fail_at(place, "the devices of a group are listed in ascending order, each once");
        const int self = static_cast<int>(program_.phases.back().devices.size()) - 1;
        if (!std::binary_search(result.group.begin(), result.group.end(), self))
            cursor_.fail_at(place, "device " + std::to_string(self) + " is not in its own group");
    }

    void transfer(Instruction& result, Open& open)
    {
        if (cursor_.accept("[")) {
            const auto letter = std::find_if(payload_letters.begin(), payload_letters.end(),
                [&](const PayloadLetter& known) { return cursor_.accept(std::string_view(&known.letter, 1)); });
            if (letter == payload_letters.end())
                cursor_.fail("T, F or G is expected here: the teacher's output, the student's output or the gradient of a block");
            result.payload = letter->payload;
            result.block = cursor_.number();
            piece(result);
            cursor_.expect("]");
        } else if (result.op == Op::Receive) {
            open.carried = true;
        } else {
            if (!last_teacher_)
                cursor_.fail("what is sent? No T precedes it on this line; name it like send[T0]>1");
            const Shard shard = result.shard;
            result = *last_teacher_;
            result.op = Op::Send;
            result.shard = shard;
        }
        cursor_.expect(result.op == Op::Send ? ">" : "<");
        result.peer = cursor_.number();
        if (cursor_.accept("@"))
            result.peer_shard = cursor_.shard();
        else
            open.peer_shard = true;
    }

    /// Fills in what the other lines of the phase tell.
    void resolve()
    {
        std::vector<DeviceProgram>& devices = program_.phases.back().devices;
        std::map<std::pair<int, int>, std::vector<Instruction>> sends;
        for (std::size_t device = 0; device < devices.size(); ++device)
            for (std::size_t i = 0; i < devices[device].instructions.size(); ++i) {
                const Open& open = lines_[device].open[i];
                Instruction& instruction = devices[device].instructions[i];
                check_devices(instruction, static_cast<int>(device), open);
                if (open.peer_shard)
                    instruction.peer_shard = lines_[static_cast<std::size_t>(instruction.peer)].shard;
                if (instruction.op == Op::Send)
                    sends[{static_cast<int>(device), instruction.peer}].push_back(instruction);
            }
        for (std::size_t device = 0; device < devices.size(); ++device) {
            std::map<int, std::size_t> received;
            for (std::size_t i = 0; i < devices[device].instructions.size(); ++i) {
                Instruction& instruction = devices[device].instructions[i];
                if (instruction.op != Op::Receive)
                    continue;
                const std::size_t index = received[instruction.peer]++;
                if (lines_[device].open[i].carried)
                    take_over(instruction, sends[{instruction.peer, static_cast<int>(device)}], index, lines_[device].open[i]);
            }
        }
    }

    void check_devices(const Instruction& instruction, int device, const Open& open) const
    {
        const int devices = static_cast<int>(lines_.size());
        const auto require = [&](int other) {
            if (other >= devices)
                cursor_.fail_at(open.place, "there is no device " + std::to_string(other));
        };
        if (instruction.op == Op::Send || instruction.op == Op::Receive) {
            require(instruction.peer);
            if (instruction.peer == device)
                cursor_.fail_at(open.place, "a device cannot send to itself");
        }
        if (!instruction.group.empty())
            require(instruction.group.back());
    }

    void take_over(Instruction& receive, const std::vector<Instruction>& sends, std::size_t index, const Open& open)
    {
        if (index >= sends.size())
            cursor_.fail_at(open.place, "device " + std::to_string(receive.peer) + " has no Send for this Receive");
        const Instruction& send = sends[index];
        receive.payload = send.payload;
        receive.block = send.block;
        receive.microbatch = send.microbatch;
        receive.view = send.view;
        receive.part = send.part;
        receive.parts = send.parts;
        receive.ahead = send.ahead;
    }

    Cursor cursor_;
    Program program_;
    std::vector<Line> lines_; // of the current phase, by device
    std::optional<Instruction> last_teacher_; // of the current line
    int blocks_ = 0;
    int microbatches_ = 1;
};

} // namespace

Program from_text(std::string_view text, std::string_view where)
{
    return ProgramReader(text, where).read();
}

} // namespace pipebd::schedule
