#include "engine/data/image_list.h"

#include "base/error.h"
#include "base/random.h"
#include "base/text.h"

#include <algorithm>
#include <array>
#include <system_error>

namespace pipebd::engine {

namespace {

namespace fs = std::filesystem;

constexpr const char* remedy = "sort the images into one folder per class: train/CLASS/IMAGE.jpg and val/CLASS/IMAGE.jpg";

bool is_folder(const fs::path& path)
{
    std::error_code ignored;
    return fs::is_directory(path, ignored);
}

bool is_image_name(std::string_view name)
{
    const std::size_t dot = name.rfind('.');
    if (dot == std::string_view::npos || name.front() == '.')
        return false;
    std::string suffix(name.substr(dot));
    std::ranges::transform(suffix, suffix.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    constexpr std::array<std::string_view, 3> suffixes = {".jpg", ".jpeg", ".png"};
    return std::ranges::find(suffixes, suffix) != suffixes.end();
}

/// Names of the entries for which `wanted` says so, sorted.
template <typename Wanted>
std::vector<std::string> names_in(const fs::path& folder, Wanted wanted)
{
    std::vector<std::string> names;
    std::error_code failure;
    for (fs::directory_iterator entry(folder, failure), end; !failure && entry != end; entry.increment(failure))
        if (wanted(*entry))
            names.push_back(entry->path().filename().native());
    if (failure)
        throw system_error("cannot list the folder", printable(folder.native()), failure.value());
    std::ranges::sort(names);
    return names;
}

std::vector<std::string> classes_in(const fs::path& folder)
{
    return names_in(folder, [](const fs::directory_entry& entry) {
        std::error_code failure;
        const bool found = entry.is_directory(failure);
        if (failure) // a link that leads nowhere: left out, it would give the classes after it other labels
            throw system_error(
                "cannot tell whether this is the folder of a class", printable(entry.path().native()), failure.value());
        return found && entry.path().filename().native().front() != '.';
    });
}

std::vector<std::string> images_in(const fs::path& folder)
{
    return names_in(folder, [](const fs::directory_entry& entry) {
        std::error_code ignored; // what cannot be read is named when it is to be
        return is_image_name(entry.path().filename().native()) && !entry.is_directory(ignored);
    });
}

bool is_for_testing(std::string_view class_name, std::string_view file)
{
    constexpr std::uint64_t every = 10;
    return below(every, mix(draw({coordinate(class_name), coordinate(file)}))) == 0;
}

} // namespace

ImageList::ImageList(fs::path folder)
    : folder_(std::move(folder))
{
}

void ImageList::add(std::string_view class_name, int label, std::string_view file)
{
    labels_.push_back(label);
    names_.append(class_name).append("/").append(file);
    ends_.push_back(names_.size());
}

fs::path ImageList::path(std::int64_t image) const
{
    const auto i = static_cast<std::size_t>(image);
    const std::uint64_t begin = i == 0 ? 0 : ends_[i - 1];
    return folder_ / std::string_view(names_).substr(begin, ends_[i] - begin);
}

FoundImages find_images(const fs::path& folder)
{
    if (!is_folder(folder))
        throw Error(Code::NotFound, "the folder does not exist", printable(folder.native()), "give the folder of the images");
    const bool has_train = is_folder(folder / "train");
    const fs::path train = has_train ? folder / "train" : folder;
    const fs::path test = has_train && is_folder(folder / "val") ? folder / "val"
        : has_train && is_folder(folder / "test")                ? folder / "test"
                                                                 : fs::path();
    FoundImages found{classes_in(train), ImageList(train), ImageList(test.empty() ? train : test)};
    if (found.classes.empty())
        throw Error(Code::BadRequest, "there are no class folders", printable(train.native()), remedy);
    for (std::size_t label = 0; label < found.classes.size(); ++label) {
        const std::string& name = found.classes[label];
        const std::vector<std::string> images = images_in(train / name);
        if (images.empty())
            throw Error(Code::BadRequest, "the class has no images", printable((train / name).native()),
                "add JPEG or PNG files, or remove the folder");
        for (const std::string& image : images)
            (test.empty() && is_for_testing(name, image) ? found.test : found.train).add(name, static_cast<int>(label), image);
    }
    if (!test.empty()) {
        for (const std::string& name : classes_in(test)) {
            const auto place = std::ranges::lower_bound(found.classes, name);
            if (place == found.classes.end() || *place != name)
                throw Error(Code::BadRequest, "this class has no training images", printable((test / name).native()),
                    "use the same classes in both");
            for (const std::string& image : images_in(test / name))
                found.test.add(name, static_cast<int>(place - found.classes.begin()), image);
        }
    }
    if (found.train.size() == 0 || found.test.size() == 0)
        throw Error(Code::BadRequest,
            found.test.size() == 0 ? "there are no images to test with" : "there are no images to train on",
            printable(folder.native()), remedy);
    return found;
}

} // namespace pipebd::engine
