#include "launch/machine_board.h"

#include "base/file.h"

#include <nlohmann/json.hpp>

#include <utility>

namespace pipebd::launch {

namespace {

using SortedJson = nlohmann::json;
using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

constexpr auto beat_period = 1s;
constexpr auto silence_limit = 60s; // many times what a network file system takes to show a file's new contents
constexpr std::uintmax_t longest_file = 1 << 16;

Error named(const Error& error, int machine)
{
    return {error.code(), "machine " + std::to_string(machine) + ": " + error.problem(), error.where(), error.remedy()};
}

constexpr std::string_view gently = "gently";
constexpr std::string_view at_once = "at once";

MachineState state_from(const SortedJson& json)
{
    MachineState state;
    state.done = json.at("done").get<int>();
    state.beat = json.at("beat").get<std::int64_t>();
    state.finished = json.at("finished").get<bool>();
    if (const auto failure = json.find("failure"); failure != json.end()) {
        state.failure = Error(code_from_string(failure->at("code").get<std::string>()), failure->at("what").get<std::string>(),
            failure->at("where").get<std::string>(), failure->at("remedy").get<std::string>());
        state.may_be_consequence = failure->at("may_be_consequence").get<bool>();
    }
    if (const auto stop = json.find("stop"); stop != json.end())
        state.stop = *stop == at_once ? Stop::AtOnce : Stop::Gently;
    return state;
}

} // namespace

MachineBoard::MachineBoard(std::filesystem::path folder, int machine, int machines)
    : folder_(std::move(folder))
    , machine_(machine)
    , machines_(machines)
{
    if (std::filesystem::exists(file_of(machine)))
        throw Error(Code::BadRequest, "the share of machine " + std::to_string(machine) + " was already launched",
            file_of(machine).string(), "prepare the run again in a new folder; each machine needs its own number (--node-rank)");
    write();
}

std::filesystem::path MachineBoard::file_of(int machine) const
{
    return folder_ / ("machine-" + std::to_string(machine) + ".json");
}

void MachineBoard::write()
{
    ++own_.beat;
    SortedJson json = {{"format", "pipebd.machine/1"}, {"machine", machine_}, {"done", own_.done}, {"beat", own_.beat},
        {"finished", own_.finished}};
    if (own_.failure)
        json["failure"] = {{"code", to_string(own_.failure->code())}, {"what", own_.failure->problem()},
            {"where", own_.failure->where()}, {"remedy", own_.failure->remedy()}, {"may_be_consequence", own_.may_be_consequence}};
    if (own_.stop != Stop::No)
        json["stop"] = own_.stop == Stop::AtOnce ? at_once : gently;
    replace_file(file_of(machine_), json.dump(-1, ' ', false, SortedJson::error_handler_t::replace) + "\n");
    written_ = Clock::now();
}

void MachineBoard::beat()
{
    if (Clock::now() - written_ >= beat_period)
        write();
}

void MachineBoard::stage_ended()
{
    ++own_.done;
    write();
}

void MachineBoard::finish()
{
    own_.finished = true;
    write();
}

void MachineBoard::fail(const Error& error, bool may_be_consequence)
{
    own_.failure = error;
    own_.may_be_consequence = may_be_consequence;
    write();
}

void MachineBoard::stop(Stop how)
{
    if (how <= own_.stop)
        return;
    own_.stop = how;
    write();
}

std::optional<MachineState> MachineBoard::state_of(int machine) const
{
    try {
        return state_from(SortedJson::parse(read_file(file_of(machine), longest_file)));
    } catch (const Error&) {
        return std::nullopt; // not there yet
    } catch (const SortedJson::exception&) {
        return std::nullopt;
    }
}

std::vector<int> MachineBoard::missing() const
{
    std::vector<int> missing;
    for (int machine = 0; machine < machines_; ++machine)
        if (machine != machine_ && !state_of(machine))
            missing.push_back(machine);
    return missing;
}

std::optional<Error> MachineBoard::failure_elsewhere(bool causes_only) const
{
    std::optional<Error> consequence;
    for (int machine = 0; machine < machines_; ++machine) {
        if (machine == machine_)
            continue;
        const std::optional<MachineState> state = state_of(machine);
        if (!state || !state->failure)
            continue;
        if (!state->may_be_consequence)
            return named(*state->failure, machine);
        consequence = named(*state->failure, machine);
    }
    return causes_only ? std::nullopt : consequence;
}

std::optional<MachineBoard::Stopping> MachineBoard::stop_elsewhere() const
{
    Stopping most;
    for (int machine = 0; machine < machines_; ++machine) {
        if (machine == machine_)
            continue;
        const std::optional<MachineState> state = state_of(machine);
        if (state && state->stop > most.how)
            most = {.machine = machine, .how = state->stop};
    }
    return most.how == Stop::No ? std::nullopt : std::optional(most);
}

void MachineBoard::watch(int machine)
{
    const std::optional<MachineState> state = state_of(machine);
    const Clock::time_point now = Clock::now();
    Heard& heard = heard_.try_emplace(machine, Heard{.beat = 0, .when = now}).first->second;
    if (state && (state->beat != heard.beat || state->finished))
        heard = {.beat = state->beat, .when = now};
    if (now - heard.when >= silence_limit)
        throw Error(Code::TimedOut,
            "machine " + std::to_string(machine) + " has sent no sign of life for " + std::to_string(silence_limit / 1s) + " s",
            file_of(machine).string(), "check whether its pipebd launch is still running");
}

} // namespace pipebd::launch
