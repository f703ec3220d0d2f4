#include "schedule/stages.h"

#include "base/error.h"
#include "base/text.h"
#include "schedule/feasibility.h"

#include <cstddef>

namespace pipebd::schedule {

namespace {

constexpr int number_end = 1'000'000;

class StagesReader {
public:
    StagesReader(std::string_view text, std::string_view where)
        : text_(text)
        , where_(where)
    {
    }

    std::vector<Stage> stages()
    {
        std::vector<Stage> result;
        do
            result.push_back(stage());
        while (take('|'));
        if (at_ < text_.size())
            refuse("unexpected " + in_quotes(text_.substr(at_), 20));
        return result;
    }

private:
    struct Range {
        int first = 0;
        int last = 0; // included
    };

    Stage stage()
    {
        const Range blocks = range("a block such as 0 or 0-2");
        Stage result{blocks.first, blocks.last + 1, {}};
        take_on();
        do {
            const Range devices = range("a device such as 0 or 0-2");
            devices_ += devices.last - devices.first + 1;
            if (devices_ > number_end)
                refuse("too many devices");
            for (int device = devices.first; device <= devices.last; ++device)
                result.devices.push_back(device);
        } while (take(','));
        return result;
    }

    Range range(const char* wanted)
    {
        Range result;
        result.first = result.last = number(wanted);
        if (take('-'))
            result.last = number("the last number");
        if (result.last < result.first)
            refuse(std::to_string(result.first) + "-" + std::to_string(result.last) + " runs backwards");
        return result;
    }

    int number(const char* wanted)
    {
        skip_space();
        const std::size_t begin = at_;
        int value = 0;
        for (; at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9'; ++at_) {
            value = value * 10 + (text_[at_] - '0');
            if (value >= number_end)
                refuse("a number is too large");
        }
        if (at_ == begin)
            refuse(std::string(wanted) + " is missing");
        skip_space();
        return value;
    }

    void take_on()
    {
        if (!text_.substr(at_).starts_with("on"))
            refuse("'on' is missing between blocks and devices");
        at_ += 2;
    }

    bool take(char mark)
    {
        if (at_ >= text_.size() || text_[at_] != mark)
            return false;
        ++at_;
        return true;
    }

    void skip_space()
    {
        while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n' || text_[at_] == '\r'))
            ++at_;
    }

    [[noreturn]] void refuse(const std::string& what) const
    {
        throw Error(Code::BadRequest, "invalid stages: " + what, std::string(where_) + ", column " + std::to_string(at_ + 1),
            "write blocks on devices, such as \"0-2 on 0,1 | 3-5 on 2\"");
    }

    std::string_view text_;
    std::string_view where_;
    std::size_t at_ = 0;
    int devices_ = 0;
};

std::string blocks_text(const Stage& stage)
{
    const std::string first = std::to_string(stage.first);
    return stage.last - stage.first == 1 ? first : first + "-" + std::to_string(stage.last - 1);
}

/// "5,0 on 0 | 4,1 on 1": the blocks of each device in the order in which it trains them.
std::string tasks_of(const Schedule& schedule)
{
    std::string text;
    for (int device = 0; device < schedule.devices; ++device) {
        std::string blocks;
        for (int task : schedule.task_order)
            if (schedule.stages[static_cast<std::size_t>(task)].devices.front() == device)
                blocks += (blocks.empty() ? "" : ",") + std::to_string(task);
        if (!blocks.empty())
            text += (text.empty() ? "" : " | ") + blocks + " on " + std::to_string(device);
    }
    return text;
}

} // namespace

std::string numbers_text(std::span<const int> numbers)
{
    std::string text;
    for (std::size_t i = 0; i < numbers.size();) {
        std::size_t end = i + 1;
        while (end < numbers.size() && numbers[end] == numbers[end - 1] + 1)
            ++end;
        text += (text.empty() ? "" : ",") + std::to_string(numbers[i]);
        if (end - i > 1)
            text += (end - i > 2 ? "-" : ",") + std::to_string(numbers[end - 1]);
        i = end;
    }
    return text;
}

std::string to_text(const Stage& stage)
{
    return (stage.last - stage.first == 1 ? "block " : "blocks ") + blocks_text(stage) + " on " + numbers_text(stage.devices);
}

std::string to_text(std::span<const Stage> stages)
{
    std::string text;
    for (const Stage& stage : stages)
        text += (text.empty() ? "" : " | ") + blocks_text(stage) + " on " + numbers_text(stage.devices);
    return text;
}

std::string placement_text(const Schedule& schedule)
{
    return schedule.task_order.empty() ? to_text(schedule.stages) : tasks_of(schedule);
}

std::vector<Stage> stages_from_text(std::string_view text, std::string_view where)
{
    return StagesReader(text, where).stages();
}

std::string fault_of(std::span<const Stage> stages, int blocks, int devices)
{
    std::vector<bool> taken(static_cast<std::size_t>(devices));
    int next = 0;
    for (const Stage& stage : stages) {
        if (stage.last <= stage.first)
            return "a stage has no block";
        if (stage.devices.empty())
            return "a stage has no device";
        if (stage.first < next)
            return "block " + std::to_string(stage.first) + " follows block " + std::to_string(next - 1);
        if (stage.first > next)
            return "block " + std::to_string(next) + " has no stage; the next stage starts at block " + std::to_string(stage.first);
        if (stage.last > blocks)
            return "there is no block " + std::to_string(stage.last - 1) + ", there are " + counted(blocks, "block");
        next = stage.last;
        for (int device : stage.devices) {
            if (device < 0 || device >= devices)
                return "there is no device " + std::to_string(device) + ", there are " + counted(devices, "device");
            if (taken[static_cast<std::size_t>(device)])
                return "device " + std::to_string(device) + " is named twice";
            taken[static_cast<std::size_t>(device)] = true;
        }
    }
    return next == blocks ? "" : "block " + std::to_string(next) + " has no stage";
}

void check_stages(std::span<const Stage> stages, int blocks, int devices, std::string_view where)
{
    if (std::string fault = fault_of(stages, blocks, devices); !fault.empty())
        throw Error(Code::BadRequest, std::move(fault), std::string(where) + " " + in_quotes(to_text(stages)),
            "give every block to exactly one stage, in order, and every device to at most one");
}

} // namespace pipebd::schedule
