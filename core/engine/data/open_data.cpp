#include "base/error.h"
#include "engine/data/cifar.h"
#include "engine/data/digits.h"
#include "engine/data/image_folder.h"
#include "engine/data/source_data.h"
#include "engine/data/synthetic.h"
#include "engine/data/tensors.h"

namespace pipebd::engine {

namespace {

std::unique_ptr<const Source> open_source(const experiment::Data& data, const Input& input, int classes)
{
    if (data.source == "digits")
        return open_digits(input, classes);
    if (data.source == "synthetic")
        return open_synthetic(input, classes);
    if (data.source == "cifar10" || data.source == "cifar100")
        return open_cifar(data, input, classes);
    if (data.source == "imagefolder")
        return open_image_folder(data, input, classes);
    if (data.source == "tensors")
        return open_tensors(data, input, classes);
    throw Error(Code::BadRequest, "unknown data source", "data.source = \"" + data.source + "\"",
        "choose one of: digits, synthetic, cifar10, cifar100, imagefolder, tensors");
}

} // namespace

std::unique_ptr<DataSet> open_data(
    const experiment::Experiment& experiment, const Input& input, int classes, const Reading& reading)
{
    if (experiment.data.augment != "none" && input.is_text())
        throw Error(Code::BadRequest, "texts are not augmented", "data.augment = \"" + experiment.data.augment + "\"",
            "set it to \"none\"");
    return std::make_unique<SourceData>(open_source(experiment.data, input, classes), experiment, input, classes, reading);
}

} // namespace pipebd::engine
