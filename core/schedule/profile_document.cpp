#include "schedule/profile_document.h"

#include "base/error.h"
#include "base/text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <string>
#include <utility>

namespace pipebd::schedule {

namespace {

/// 0 unless `key` is written as a number of samples or devices is.
int size_of(const std::string& key)
{
    int size = 0;
    const auto [end, failure] = std::from_chars(key.data(), key.data() + key.size(), size);
    const bool is_whole = failure == std::errc() && end == key.data() + key.size() && key.front() != '0';
    return is_whole && size > 0 && size <= largest_batch ? size : 0;
}

bool has_times(std::string_view key)
{
    constexpr std::array keys{"load", "teacher_forward", "student_forward", "student_backward", "update", "all_reduce"};
    return std::find(keys.begin(), keys.end(), key) != keys.end();
}

} // namespace

/// What nlohmann's parser calls, one after another.
class ProfileDocument::Reader {
public:
    Reader(ProfileDocument& document, std::string_view where)
        : document_(document)
        , where_(where)
    {
    }

    bool null() { return put(nullptr); }
    bool boolean(bool value) { return put(value); }
    bool number_integer(std::int64_t value) { return number(value); }
    bool number_unsigned(std::uint64_t value) { return number(value); }
    bool number_float(double value, const std::string&) { return number(value); }
    bool string(std::string& value) { return put(std::move(value)); }
    bool binary(Json::binary_t&) { return false; } // is not in a text

    bool start_object(std::size_t)
    {
        const bool may_be_table = !open_.empty() && open_.back()->is_object() && !in_table_ && has_times(key_);
        put(Json::object());
        open_.push_back(place_);
        in_table_ = may_be_table;
        return true;
    }

    bool key(std::string& key)
    {
        if (in_table_ && (size_ = size_of(key)) > 0)
            return true;
        leave_table();
        add_key(key);
        return true;
    }

    bool end_object()
    {
        if (in_table_)
            finish_table();
        open_.pop_back();
        return true;
    }

    bool start_array(std::size_t)
    {
        put(Json::array());
        open_.push_back(place_);
        return true;
    }

    bool end_array()
    {
        open_.pop_back();
        return true;
    }

    template <typename Exception>
    bool parse_error(std::size_t, const std::string&, const Exception& exception)
    {
        throw exception;
    }

private:
    template <typename Number>
    bool number(Number value)
    {
        const auto time = static_cast<double>(value);
        if (!in_table_ || !(time >= 0 && time <= largest_time))
            return put(value);
        times_.emplace_back(size_, time);
        return true;
    }

    bool put(Json value)
    {
        if (in_table_) { // which is none, then
            leave_table();
            add_key(std::to_string(size_));
        }
        if (open_.empty())
            place_ = &document_.json_;
        else if (open_.back()->is_array())
            place_ = &open_.back()->emplace_back();
        *place_ = std::move(value);
        return true;
    }

    void add_key(const std::string& key)
    {
        const auto [member, is_new] = open_.back()->emplace(key, nullptr);
        if (!is_new)
            refuse_twice(key);
        place_ = &*member;
        key_ = key;
    }

    [[noreturn]] void refuse_twice(const std::string& key) const
    {
        throw Error(Code::BadRequest, "the key " + in_quotes(key) + " appears twice in one object", std::string(where_),
            "leave one of them out");
    }

    /// What has come so far becomes an object like any other.
    void leave_table()
    {
        if (!std::exchange(in_table_, false))
            return;
        for (const auto& [size, time] : std::exchange(times_, {})) {
            add_key(std::to_string(size));
            *place_ = time;
        }
    }

    void finish_table()
    {
        in_table_ = false;
        if (times_.empty())
            return;
        std::sort(times_.begin(), times_.end());
        Times table;
        for (const auto& [size, time] : times_) {
            if (!table.empty() && table.rbegin()->first == size)
                refuse_twice(std::to_string(size));
            table.emplace_hint(table.end(), size, time);
        }
        times_.clear();
        *open_.back() = Json::binary({}, document_.tables_.size());
        document_.tables_.push_back(std::move(table));
    }

    ProfileDocument& document_;
    std::string_view where_;
    std::vector<Json*> open_; // objects and lists
    Json* place_ = nullptr; // of the newest value, or of that of the newest key
    std::string key_; // the newest
    bool in_table_ = false; // the object that is open has been a table so far:
    std::vector<std::pair<int, double>> times_; // this
    int size_ = 0; // the newest key of it
};

ProfileDocument::ProfileDocument(std::string_view text, std::string_view where)
{
    try {
        Reader reader(*this, where);
        Json::sax_parse(text, &reader);
    } catch (const Json::parse_error& error) {
        const std::size_t end = std::min(error.byte == 0 ? 0 : error.byte - 1, text.size());
        const std::string_view before = text.substr(0, end);
        const auto line = 1 + std::count(before.begin(), before.end(), '\n');
        const std::size_t start = before.rfind('\n');
        const std::size_t column = end - (start == std::string_view::npos ? 0 : start + 1) + 1;
        throw Error(Code::Damaged, end == text.size() ? "the JSON is cut off" : "this is not JSON",
            std::string(where) + ':' + std::to_string(line) + ':' + std::to_string(column), "write the profile again");
    } catch (const Json::exception&) {
        throw Error(Code::Damaged, "a number is too large for any computer", std::string(where), "write the profile again");
    }
}

ProfileDocument::Times ProfileDocument::take(const Json& json)
{
    return std::exchange(tables_[json.get_binary().subtype()], {});
}

} // namespace pipebd::schedule
