// ProfileDocument: the JSON of a profile, whose tables of times are read straight into maps.
//
// A profile for a thousand devices has more than a thousand times for each of its blocks: as JSON values they would take three
// times the memory, and as long to read as all else.
#pragma once

#include <nlohmann/json.hpp>

#include <cstddef>
#include <map>
#include <string_view>
#include <vector>

namespace pipebd::schedule {

// Far beyond anything that can be measured; sums and products of what is below stay finite and within 64 bits.
constexpr double largest_time = 1e12;
constexpr int largest_batch = 1 << 30;

class ProfileDocument {
public:
    using Json = nlohmann::json;
    using Times = std::map<int, double>;

    /// Throws Error{Damaged} at a line and column of `where` if `text` is not JSON, {BadRequest} if an object has a key twice, of
    /// which a parser would keep one.
    ProfileDocument(std::string_view text, std::string_view where);

    /// Whole but for tables.
    const Json& json() const { return json_; }

    /// Whether `json`, a part of this document, stands for an object of times from 0 to `largest_time` under numbers from 1 to
    /// `largest_batch`, such as {"256": 3.1}.
    static bool is_table(const Json& json) { return json.is_binary(); } // which no text can be

    /// The table that `json` stands for, which is then empty.
    Times take(const Json& json);

private:
    class Reader;

    Json json_;
    std::vector<Times> tables_;
};

} // namespace pipebd::schedule
