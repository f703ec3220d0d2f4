#include "base/error.h"
#include "engine/data/digits.h"
#include "engine/data/source_data.h"
#include "engine/data/synthetic.h"

namespace pipebd::engine {

namespace {

std::unique_ptr<const Source> open_source(const experiment::Data& data, const Input& input, int classes)
{
    if (data.augment != "none")
        throw Error(
            Code::BadRequest, "this data is not augmented", "data.augment = \"" + data.augment + "\"", "set it to \"none\"");
    if (data.source == "digits")
        return open_digits(input, classes);
    if (data.source == "synthetic")
        return open_synthetic(input, classes);
    throw Error(
        Code::BadRequest, "there is no such source", "data.source = \"" + data.source + "\"", "choose one of: digits, synthetic");
}

} // namespace

std::unique_ptr<DataSet> open_data(
    const experiment::Experiment& experiment, const Input& input, int classes, const Reading& reading)
{
    return std::make_unique<SourceData>(open_source(experiment.data, input, classes), experiment, input, classes, reading);
}

} // namespace pipebd::engine
