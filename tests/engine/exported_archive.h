// Exported programs for tests: the two that lie in tests/engine/exported, taken apart, changed and put together again.
#pragma once

#include "base/file.h"
#include "engine/graph/exported_program.h"
#include "engine/graph/zip_file.h"

#include <nlohmann/json.hpp>

#include <cstring>
#include <filesystem>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace pipebd::test {

inline std::filesystem::path exported(const std::string& file)
{
    return std::filesystem::path(PIPEBD_SOURCE_DIR) / "tests/engine/exported" / file;
}

/// A stored zip, written by other code than what reads it. With `zip64`, all sizes and offsets are where large archives have them.
class Archive {
public:
    std::string root = "images/";
    std::vector<std::pair<std::string, std::string>> entries;
    bool zip64 = false;

    static Archive of(const std::string& name)
    {
        Archive archive;
        archive.root = name + "/";
        const MappedFile file(exported(name + ".pt2"));
        const engine::ZipFile zip(file.bytes(), name);
        for (const auto& entry : zip.entries())
            archive.entries.emplace_back(
                entry.name, std::string(reinterpret_cast<const char*>(entry.data.data()), entry.data.size()));
        return archive;
    }

    std::string& entry(const std::string& name)
    {
        for (auto& [there, contents] : entries) {
            if (there == root + name)
                return contents;
        }
        return entries.emplace_back(root + name, "").second;
    }

    void remove(const std::string& name)
    {
        std::erase_if(entries, [&](const auto& entry) { return entry.first == root + name; });
    }

    nlohmann::json json(const std::string& name) { return nlohmann::json::parse(entry(name)); }
    nlohmann::json model() { return json("models/model.json"); }
    void set_model(const nlohmann::json& model) { entry("models/model.json") = model.dump(); }

    std::string bytes() const
    {
        std::string file, directory;
        for (const auto& [name, contents] : entries) {
            const auto size = contents.size(), offset = file.size();
            const std::uint32_t crc = engine::crc32(std::as_bytes(std::span(contents)));
            const std::uint64_t shown = zip64 ? 0xffffffff : size;
            const std::string extra
                = zip64 ? number<2>(1) + number<2>(24) + number<8>(size) + number<8>(size) + number<8>(offset) : "";
            const std::string local_extra = zip64 ? number<2>(0x4246) + number<2>(3) + "ZZZ" : "";
            const std::string common = number<2>(0x0808) + number<2>(0) + number<4>(0) + number<4>(crc) + number<4>(shown)
                + number<4>(shown) + number<2>(name.size());
            directory += number<4>(0x02014b50) + number<2>(0) + number<2>(0) + common + number<2>(extra.size()) + number<2>(0)
                + number<2>(0) + number<2>(0) + number<4>(0) + number<4>(zip64 ? 0xffffffff : offset) + name + extra;
            file += number<4>(0x04034b50) + number<2>(0) + common + number<2>(local_extra.size()) + name + local_extra + contents;
        }
        const auto begin = file.size();
        file += directory;
        if (zip64) {
            const auto end = file.size();
            file += number<4>(0x06064b50) + number<8>(44) + number<2>(0) + number<2>(0) + number<4>(0) + number<4>(0)
                + number<8>(entries.size()) + number<8>(entries.size()) + number<8>(directory.size()) + number<8>(begin);
            file += number<4>(0x07064b50) + number<4>(0) + number<8>(end) + number<4>(1);
        }
        const auto count = zip64 ? 0xffff : entries.size();
        return file + number<4>(0x06054b50) + number<2>(0) + number<2>(0) + number<2>(count) + number<2>(count)
            + number<4>(zip64 ? 0xffffffff : directory.size()) + number<4>(zip64 ? 0xffffffff : begin) + number<2>(0);
    }

    void write(const std::filesystem::path& file) const { replace_file(file, bytes()); }

    template <int Bytes>
    static std::string number(std::uint64_t value)
    {
        std::string text(Bytes, '\0');
        std::memcpy(text.data(), &value, Bytes);
        return text;
    }
};

/// The node that gives `name`, in a model.json.
inline nlohmann::json& node_of(nlohmann::json& model, const std::string& name)
{
    for (nlohmann::json& node : model["graph_module"]["graph"]["nodes"]) {
        if (node["name"] == name)
            return node;
    }
    throw std::out_of_range(name);
}

/// The argument of a node of that name, a union of one member.
inline nlohmann::json& argument_of(nlohmann::json& node, const std::string& name)
{
    for (nlohmann::json& input : node["inputs"]) {
        if (input["name"] == name)
            return input["arg"];
    }
    throw std::out_of_range(name);
}

} // namespace pipebd::test
