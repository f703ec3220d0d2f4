#include "base/temporary_folder.h"

#include "base/error.h"

#include <stdlib.h>

#include <string>
#include <system_error>

namespace pipebd {

TemporaryFolder::TemporaryFolder()
{
    std::string name = std::filesystem::temp_directory_path() / "pipebd-XXXXXX";
    if (::mkdtemp(name.data()) == nullptr)
        throw system_error("cannot make a temporary folder", name);
    path_ = name;
}

TemporaryFolder::~TemporaryFolder()
{
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
}

} // namespace pipebd
