// The tables of the profile page: the stored profiles, and the figures of those that are shown.
#pragma once

#include "gui/kit/rows_model.h"
#include "gui/profile/profile_chart.h"

namespace pipebd::gui {

std::vector<Column> storedProfileColumns();
Row rowOf(const store::StoredProfile& stored);

/// The charts' twin: a row for each profile, batch size and block.
std::vector<Column> figureColumns();
std::vector<Row> figureRows(const std::vector<ShownProfile>& profiles);

} // namespace pipebd::gui
