// Stages: their text form, and what makes them a way to cut a network.
#pragma once

#include "schedule/schedule.h"

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace pipebd::schedule {

/// "3", "0,1", "0-7", "0-2,5".
std::string numbers_text(std::span<const int> numbers);

/// "blocks 3-5 on 2", "block 3 on 0,1".
std::string to_text(const Stage& stage);

/// "0-2 on 0,1 | 3-5 on 2": blocks on devices, stage by stage.
std::string to_text(std::span<const Stage> stages);

/// Which blocks a feasible schedule trains where: its stages, or of tasks the blocks of each device in the order in which it trains
/// them: "5,0 on 0 | 4,1 on 1".
std::string placement_text(const Schedule& schedule);

/// The inverse of to_text for stages that have blocks and devices, with numbers below 1,000,000; white space is free. Throws
/// Error{BadRequest} with `where` and the column for anything else. Whether they fit a network is not asked here.
std::vector<Stage> stages_from_text(std::string_view text, std::string_view where);

/// Why `stages` cannot train `blocks` blocks on `devices` devices, in one line; empty if they can: each follows the one before,
/// every block has a stage, every stage a block and devices that there are and that no other has. Devices may be left over.
std::string fault_of(std::span<const Stage> stages, int blocks, int devices);

/// Throws Error{BadRequest} with `where` and what fault_of() says.
void check_stages(std::span<const Stage> stages, int blocks, int devices, std::string_view where);

} // namespace pipebd::schedule
