#include "store/run_record.h"

#include "base/error.h"

#include <unistd.h>

#include <array>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <sstream>
#include <utility>

namespace pipebd::store {
namespace {

constexpr std::array state_names{
    std::pair{RunState::Queued, std::string_view("queued")},
    std::pair{RunState::Running, std::string_view("running")},
    std::pair{RunState::Finished, std::string_view("finished")},
    std::pair{RunState::Failed, std::string_view("failed")},
    std::pair{RunState::Cancelled, std::string_view("cancelled")},
    std::pair{RunState::Lost, std::string_view("lost")},
};

std::string boot_id()
{
    std::string id;
    std::getline(std::ifstream("/proc/sys/kernel/random/boot_id"), id);
    return id;
}

std::string host_name()
{
    std::array<char, 256> name{};
    return gethostname(name.data(), name.size() - 1) == 0 ? std::string(name.data()) : std::string();
}

struct ProcessStatus {
    char state = 0; // 0: there is no such process
    std::uint64_t start_time = 0;
};

ProcessStatus status_of(int pid)
{
    std::string line;
    std::getline(std::ifstream("/proc/" + std::to_string(pid) + "/stat"), line);
    const std::size_t name_end = line.rfind(')'); // the name may hold anything, brackets and spaces too
    if (name_end == std::string::npos)
        return {};
    constexpr int fields_between = 18; // from field 3, the state, to field 22
    std::istringstream fields(line.substr(name_end + 1));
    ProcessStatus status;
    std::string skipped;
    fields >> status.state;
    for (int field = 0; field < fields_between; ++field)
        fields >> skipped;
    fields >> status.start_time;
    return fields ? status : ProcessStatus{};
}

} // namespace

std::string_view to_string(RunState state)
{
    for (const auto& [known, name] : state_names)
        if (known == state)
            return name;
    return "unknown";
}

RunState run_state_from_string(std::string_view name)
{
    for (const auto& [state, known] : state_names)
        if (known == name)
            return state;
    throw Error(Code::Damaged, "not a state of a run", "\"" + std::string(name) + "\"",
        "use one of queued, running, finished, failed, cancelled, lost");
}

bool is_final(RunState state)
{
    return state != RunState::Queued && state != RunState::Running;
}

ProcessIdentity this_process()
{
    const int pid = getpid();
    return {pid, status_of(pid).start_time, boot_id(), host_name()};
}

bool is_alive(const ProcessIdentity& process)
{
    if (process.pid <= 0 || process.host != host_name() || process.boot_id != boot_id())
        return false;
    const ProcessStatus status = status_of(process.pid);
    const bool ended = status.state == 0 || status.state == 'Z' || status.state == 'X' || status.state == 'x';
    return !ended && status.start_time == process.start_time;
}

std::string utc_text(std::chrono::system_clock::time_point time)
{
    using namespace std::chrono;
    const auto since_epoch = floor<milliseconds>(time.time_since_epoch());
    const std::time_t whole = floor<seconds>(since_epoch).count();
    std::tm parts = {};
    gmtime_r(&whole, &parts);
    std::array<char, 32> date{};
    std::strftime(date.data(), date.size(), "%Y-%m-%dT%H:%M:%S", &parts);
    std::array<char, 8> fraction{};
    std::snprintf(
        fraction.data(), fraction.size(), ".%03dZ", static_cast<int>((since_epoch - floor<seconds>(since_epoch)).count()));
    return std::string(date.data()) + fraction.data();
}

} // namespace pipebd::store
