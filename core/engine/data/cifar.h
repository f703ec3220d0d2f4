// CIFAR-10 and CIFAR-100 in their binary distribution (www.cs.toronto.edu/~kriz/cifar.html, "Binary version"): files of records,
// each a label (of CIFAR-100 a coarse one and the fine one, which is used) and 3 planes of 32 x 32 bytes. Normalised by the mean
// and deviation of the training pixels; with draws shifted and mirrored (crop-flip).
#pragma once

#include "engine/data/source.h"
#include "engine/models/block.h"
#include "experiment/experiment.h"

#include <memory>

namespace pipebd::engine {

/// Of the folder data.path, which holds the files or the folder that the distribution unpacks to; data.source says which of the two
/// it is. The files are mapped. Throws Error{BadRequest} for a pair that does not take such images, or a folder with the Python
/// pickles, {NotFound} for a file that is not there and {Damaged} for one that has not the size it must have.
std::unique_ptr<const Source> open_cifar(const experiment::Data& data, const Input& input, int classes);

} // namespace pipebd::engine
