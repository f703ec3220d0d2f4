#include "engine/training/stop_agreement.h"

#include "schedule/resume.h"

#include <algorithm>
#include <string>
#include <utility>

namespace pipebd::engine {

namespace {

const std::string asked_name = "stop";

std::string name_of(int rank)
{
    return "stop/" + std::to_string(rank);
}

} // namespace

StopAgreement::StopAgreement(int rank, std::vector<int> members, std::int64_t round)
    : rank_(rank)
    , members_(std::move(members))
    , round_(round + 1)
{
}

bool StopAgreement::is_asked_on(Board& board)
{
    return board.find(asked_name).has_value();
}

void StopAgreement::look(Board& board)
{
    if (agreed_)
        return;
    if (!asked_)
        asked_ = is_asked_on(board);
    if (!asked_)
        return;
    if (!announced_) {
        board.post(asked_name, "");
        board.post(name_of(rank_), std::to_string(round_));
        announced_ = true;
    }
    for (const int member : members_) {
        if (heard_.contains(member))
            continue;
        if (const std::optional<std::string> said = board.find(name_of(member)))
            heard_[member] = std::stoll(*said);
    }
    if (heard_.size() < members_.size())
        return;
    const auto latest
        = std::max_element(heard_.begin(), heard_.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
    agreed_ = latest->second;
}

StopAgreement::Answer StopAgreement::at_end_of(std::int64_t round)
{
    if (asked_ && !agreed_)
        return Answer::Wait;
    if (agreed_ && round >= *agreed_)
        return Answer::Stop;
    round_ = round + 1;
    return Answer::GoOn;
}

std::vector<int> members_of(const schedule::Program& program, int rank)
{
    const std::vector<std::vector<int>> groups = schedule::devices_that_exchange(program);
    const auto own = std::find_if(groups.begin(), groups.end(),
        [&](const std::vector<int>& group) { return std::find(group.begin(), group.end(), rank) != group.end(); });
    return own == groups.end() ? std::vector<int>{rank} : *own;
}

} // namespace pipebd::engine
