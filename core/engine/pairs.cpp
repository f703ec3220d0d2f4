#include "engine/pairs.h"

#include "base/error.h"
#include "engine/graph/imported_pair.h"
#include "engine/models/bert_pair.h"
#include "engine/models/compress_pair.h"
#include "engine/models/nas_digits.h"
#include "engine/models/nas_pair.h"
#include "engine/models/resnet_pair.h"

#include <functional>
#include <string>

namespace pipebd::engine {

namespace {

std::vector<std::reference_wrapper<const Pair>> pairs()
{
    return {nas_digits(), nas_cifar10(), nas_imagenet(), compress_digits(), compress_cifar10(), compress_imagenet(),
        resnet50_resnet18(), bert_base()};
}

} // namespace

const Pair& find_pair(std::string_view name)
{
    std::string known;
    for (const Pair& pair : pairs()) {
        if (pair.name() == name)
            return pair;
        known += (known.empty() ? "" : ", ") + std::string(pair.name());
    }
    throw Error(Code::NotFound, "unknown pair", "\"" + std::string(name) + "\"", "choose one of: " + known);
}

std::vector<std::string_view> pair_names()
{
    std::vector<std::string_view> names;
    for (const Pair& pair : pairs())
        names.push_back(pair.name());
    return names;
}

std::shared_ptr<const Pair> open_pair(std::string_view name, const std::filesystem::path& folder)
{
    if (!folder.empty())
        return open_imported_pair(folder);
    return {std::shared_ptr<const Pair>(), &find_pair(name)};
}

} // namespace pipebd::engine
