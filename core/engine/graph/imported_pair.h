// Imported pair: a teacher and a student that users exported from Python with torch.export, trained here.
#pragma once

#include "engine/models/block.h"

#include <filesystem>
#include <memory>

namespace pipebd::engine {

/// The pair that was imported into `folder`. Initial weights of both networks are those in the files, whatever the seed. Throws
/// Error{NotFound} if there is no pair.json; {Damaged} if a file is not the one that was imported (SHA-256) or breaks a rule of its
/// format; {Newer}.
std::shared_ptr<const Pair> open_imported_pair(const std::filesystem::path& folder);

} // namespace pipebd::engine
