// Reads models/model.json of a torch.export archive (schema 8) into a Graph.
#pragma once

#include "engine/graph/bounded_json.h"
#include "engine/graph/graph.h"

namespace pipebd::engine {

/// Whether a member of that name is read at all; the others, much the larger part of a file, need not be kept.
bool is_read(std::string_view key);

/// Every name, number and size is checked, and that no value is used before it is there; that its operators are known is not
/// (operators.h). Throws Error{Newer} for a later schema; {BadRequest} for what cannot be trained here, with the line of Python
/// that helps; {Damaged}.
Graph read_graph(const JsonPlace& model);

/// A tensor's type, sizes, strides and offset, as the archive writes them everywhere. Throws Error{Damaged}, or {BadRequest} for
/// types and layouts that are not known here.
TensorMeta read_meta(const JsonPlace& place, std::string_view batch_symbol);

} // namespace pipebd::engine
