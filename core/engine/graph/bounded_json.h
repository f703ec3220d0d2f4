// JSON from files of others: parsed with bounded depth and size, and read with errors that say where.
#pragma once

#include <nlohmann/json.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <span>
#include <string>
#include <string_view>

namespace pipebd::engine {

/// Parses `bytes`; members whose key is `left_out` are not kept. Throws Error{Damaged} for what is no JSON or deeper or larger than
/// any real model's.
nlohmann::json parse_bounded(
    std::span<const std::byte> bytes, const std::string& where, const std::function<bool(std::string_view)>& left_out = {});

/// A value and where it stands. Every reading function throws Error{Damaged} that names the place if the value is of another kind.
class JsonPlace {
public:
    JsonPlace(const nlohmann::json& value, std::string where)
        : value_(&value)
        , where_(std::move(where))
    {
    }

    const nlohmann::json& value() const { return *value_; }
    const std::string& where() const { return where_; }

    JsonPlace at(const char* key) const; // must be there
    bool has(const char* key) const; // and not null
    std::string text(std::size_t limit = 2000) const;
    std::int64_t integer(std::int64_t least = std::numeric_limits<std::int64_t>::min(),
        std::int64_t most = std::numeric_limits<std::int64_t>::max()) const;
    double number() const;
    bool truth() const;
    const nlohmann::json::array_t& array(std::size_t limit = 1'000'000) const;
    const nlohmann::json::object_t& object() const;

    /// Of an object with one member, as the file writes unions: its key, and its value.
    std::string_view choice() const;
    JsonPlace chosen() const;

    [[noreturn]] void refuse(const std::string& problem) const;

private:
    const nlohmann::json* value_;
    std::string where_;
};

} // namespace pipebd::engine
