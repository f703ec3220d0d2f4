#include "launch/accounting.h"

#include <charconv>
#include <fstream>
#include <iterator>
#include <string>
#include <system_error>

namespace pipebd::launch {

namespace {

namespace fs = std::filesystem;

/// "PID (NAME) STATE ...", where the name may hold anything.
char state_in(const fs::path& file)
{
    std::ifstream stream(file);
    const std::string text((std::istreambuf_iterator<char>(stream)), {});
    const std::size_t name_end = text.rfind(") ");
    return name_end == std::string::npos || name_end + 2 >= text.size() ? '\0' : text[name_end + 2];
}

ThreadAccount read_thread(const fs::path& folder)
{
    ThreadAccount account;
    account.state = state_in(folder / "stat");
    std::int64_t ran = 0;
    std::int64_t kept = 0;
    if (std::ifstream(folder / "schedstat") >> ran >> kept) {
        account.ran = std::chrono::nanoseconds(ran);
        account.kept = std::chrono::nanoseconds(kept);
    }
    return account;
}

} // namespace

ProcessAccount account_of(int pid, const fs::path& proc)
{
    ProcessAccount accounts;
    std::error_code gone;
    fs::directory_iterator thread(proc / std::to_string(pid) / "task", gone);
    for (; !gone && thread != fs::directory_iterator(); thread.increment(gone)) {
        const std::string name = thread->path().filename().string();
        int number = 0;
        const auto [end, failure] = std::from_chars(name.data(), name.data() + name.size(), number);
        if (failure == std::errc() && end == name.data() + name.size())
            accounts[number] = read_thread(thread->path());
    }
    return accounts;
}

} // namespace pipebd::launch
