#include "engine/report/pulse.h"

#include <ATen/record_function.h>

namespace pipebd::engine {

namespace {

thread_local Reporter* beating = nullptr;

std::unique_ptr<at::ObserverContext> beat(const at::RecordFunction&)
{
    if (beating != nullptr)
        beating->pulse();
    return nullptr;
}

} // namespace

Pulse::Pulse(Reporter& reporter)
{
    beating = &reporter;
    handle_ = at::addThreadLocalCallback(at::RecordFunctionCallback(&beat).scopes({at::RecordScope::FUNCTION}));
}

Pulse::~Pulse()
{
    at::removeCallback(handle_);
    beating = nullptr;
}

} // namespace pipebd::engine
