// MacCounter: the multiply-accumulates of what a thread computes, by watching LibTorch's operators.
//
// Convolutions, linear layers, products of matrices and attention count; nothing else does, as is usual. An operator that is made
// of others is counted once, as the outermost one. So built-in and imported models are counted in the same way.
#pragma once

#include <ATen/record_function.h>

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace pipebd::engine {

/// Counts what its own thread computes while it lives. One at a time in a thread.
class MacCounter {
public:
    MacCounter();
    ~MacCounter();
    MacCounter(const MacCounter&) = delete;

    std::int64_t total() const { return total_; }

    /// Of that, what was computed within the user scope of this name (supernet.h).
    std::int64_t within(const std::string& scope) const;

private:
    static std::unique_ptr<at::ObserverContext> begin(const at::RecordFunction& function);
    static void end(const at::RecordFunction& function, at::ObserverContext* context);

    static thread_local MacCounter* counting_;

    at::CallbackHandle handle_;
    std::int64_t total_ = 0;
    std::map<std::string, std::int64_t> by_scope_;
    std::string scope_; // that is open
    int depth_ = 0; // counted operators that are open
};

} // namespace pipebd::engine
