// ImageList: the image files of a folder of classes, FOLDER/CLASS/FILE, classes and files sorted by name.
//
// Images are files whose names end in .jpg, .jpeg or .png, in whatever case. What begins with a dot is left out, as is what lies
// deeper. Links are followed. About 40 bytes an image are held.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace pipebd::engine {

class ImageList {
public:
    /// An empty one.
    explicit ImageList(std::filesystem::path folder);

    void add(std::string_view class_name, int label, std::string_view file);

    std::int64_t size() const { return static_cast<std::int64_t>(labels_.size()); }
    int label(std::int64_t image) const { return labels_[static_cast<std::size_t>(image)]; }
    std::filesystem::path path(std::int64_t image) const;

private:
    std::filesystem::path folder_;
    std::vector<int> labels_;
    std::vector<std::uint64_t> ends_; // in names_
    std::string names_; // "CLASS/FILE", one after another
};

struct FoundImages {
    std::vector<std::string> classes;
    ImageList train;
    ImageList test;
};

/// Of `folder`, which holds train/CLASS and val/CLASS, or test/CLASS if there is no val. Where there is neither, or `folder` holds
/// the classes itself, about every tenth image is for testing, as a function of its class and name. Throws Error{NotFound} for a
/// folder that is not there, {BadRequest} for one without classes, a class without images, or one to test that is not among those
/// to train.
FoundImages find_images(const std::filesystem::path& folder);

} // namespace pipebd::engine
