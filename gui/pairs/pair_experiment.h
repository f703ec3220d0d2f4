// The experiment by which a pair is measured and run when nobody has written one for it.
#pragma once

#include <QString>

namespace pipebd::gui {

/// LAB/experiments/PAIR.toml, which is written if it is not there: with the digits for the pairs made for them, else with noise of
/// the right shape and a comment that tells how to name real data.
/// Throws Error{System} if it cannot be written, and what read_experiment() throws if there is one that cannot be read.
QString experimentOfPair(const QString& lab, const QString& pair);

} // namespace pipebd::gui
