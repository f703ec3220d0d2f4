// What the user named: if the system refuses it, the request was wrong.
#pragma once

#include "base/error.h"

namespace pipebd::cli {

/// Calls `use`; an Error{System} (no permission, a name too long) becomes Error{BadRequest}.
template <typename Use>
auto named_by_user(const Use& use)
{
    try {
        return use();
    } catch (const Error& error) {
        if (error.code() != Code::System)
            throw;
        throw Error(Code::BadRequest, error.problem(), error.where(), error.remedy().empty() ? "check the path" : error.remedy());
    }
}

} // namespace pipebd::cli
