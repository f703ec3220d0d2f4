// Folders of JPEG and PNG files (image_list.h), read as is usual for ImageNet.
//
// Without draws the shorter side is resized to 256/224 of what the pair takes and the middle is cut out, bit for bit as
// torchvision's Resize, CenterCrop, ToTensor and Normalize do it for Pillow's images (but see resize.h). With draws (augment =
// "imagenet") a random part is resized and mirrored half the time; a JPEG of which many pixels would become one is decoded smaller
// to begin with.
#pragma once

#include "engine/data/source.h"
#include "engine/models/block.h"
#include "experiment/experiment.h"

#include <memory>

namespace pipebd::engine {

/// Of the folder data.path. Throws like find_images(), and Error{BadRequest} for a pair that does not take colour images or has
/// another number of classes.
std::unique_ptr<const Source> open_image_folder(const experiment::Data& data, const Input& input, int classes);

} // namespace pipebd::engine
