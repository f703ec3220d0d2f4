#include "engine/transport/c10d_errors.h"

#include "base/error.h"
#include "base/foreign_error.h"

#include <c10/util/Exception.h>

namespace pipebd::engine {

std::exception_ptr connection_error(const std::string& doing)
{
    try {
        throw;
    } catch (const Error&) {
        return std::current_exception();
    } catch (const c10::Error& error) {
        std::string text = error.what_without_backtrace();
        bool late = text.find("imed out") != std::string::npos || text.find("imeout") != std::string::npos;
        return std::make_exception_ptr(Error(late ? Code::TimedOut : Code::RankDied,
            "the connection between ranks broke (" + foreign_reason(text) + ")", doing, "find the rank that ended first"));
    } catch (const std::exception& error) {
        return std::make_exception_ptr(Error(Code::RankDied,
            "the connection between ranks broke (" + foreign_reason(error.what()) + ")", doing, "find the rank that ended first"));
    }
}

} // namespace pipebd::engine
