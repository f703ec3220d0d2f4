// What the stand-in for pipebd answers where the window waits for it: pairs, doctor, profile; well, or in every wrong way.
#pragma once

#include <string>
#include <vector>

/// Does what FAKE_MODE says, for the command that FAKE_COMMAND names ("pairs show"; empty: for every one): garbage, half, endless,
/// flood, stall, signal, error. Returns if it says nothing, or has said something that is no answer.
void misbehave(const std::vector<std::string>& arguments);

/// FAKE_DOCTOR=silent: doctor never answers. The exit status; -1 for a command that is not known here. Pairs that were imported are
/// the lines of LAB/fake-pairs.
int answer(const std::vector<std::string>& arguments);
