#include "base/safetensors_header.h"

#include "base/text.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <limits>
#include <utility>

namespace pipebd::safetensors {

namespace {

constexpr std::size_t longest_string = std::size_t{4} << 20;
constexpr std::size_t longest_gap = std::size_t{64} << 10; // numbers and white space between structural characters
constexpr std::size_t kept_limit = std::size_t{12} << 20; // names, shapes and metadata

// The JSON lexer buffers whole tokens, so their length is bounded before it sees them.
void check_tokens(std::string_view json, std::string_view where)
{
    bool in_string = false;
    std::size_t length = 0;
    for (std::size_t i = 0; i < json.size(); ++i) {
        const char c = json[i];
        if (in_string && c == '\\') {
            ++i;
            length += 2;
        } else if (c == '"' || (!in_string && std::string_view("{}[],:").find(c) != std::string_view::npos)) {
            in_string = c == '"' && !in_string;
            length = 0;
        } else {
            ++length;
        }
        if (length > (in_string ? longest_string : longest_gap))
            throw damaged(in_string ? "a string in the header is longer than 4 MiB"
                                    : "the header has more than 64 KiB without a structural character",
                where);
    }
}

std::optional<DType> dtype_from_string(std::string_view name)
{
    for (DType dtype :
        {DType::Bool, DType::U8, DType::I8, DType::I16, DType::I32, DType::I64, DType::F16, DType::BF16, DType::F32, DType::F64})
        if (to_string(dtype) == name)
            return dtype;
    return std::nullopt;
}

// Receives the header's tokens and refuses the first one that does not belong where it stands.
class HeaderReader final : public nlohmann::json_sax<nlohmann::json> {
public:
    explicit HeaderReader(std::string_view where)
        : where_(where)
    {
    }

    Header take() { return std::move(header_); }

    bool key(string_t& name) override
    {
        switch (place_) {
        case Place::File:
            name_ = std::move(name);
            place_ = Place::FileValue;
            return true;
        case Place::Metadata:
            name_ = std::move(name);
            place_ = Place::MetadataValue;
            return true;
        case Place::Tensor:
            return begin_field(name);
        default:
            throw misplaced("a key");
        }
    }

    bool start_object(std::size_t) override
    {
        if (place_ == Place::Start) {
            place_ = Place::File;
        } else if (place_ == Place::FileValue && name_ == metadata_key) {
            if (std::exchange(has_metadata_, true))
                throw damaged("__metadata__ appears twice", where_);
            place_ = Place::Metadata;
        } else if (place_ == Place::FileValue) {
            keep(sizeof(Entry) + name_.size());
            header_.entries.push_back({.name = std::exchange(name_, {}), .dtype = {}, .shape = {}});
            has_dtype_ = has_shape_ = has_offsets_ = false;
            place_ = Place::Tensor;
        } else {
            throw misplaced("an object");
        }
        return true;
    }

    bool end_object() override
    {
        if (place_ == Place::Tensor && !(has_dtype_ && has_shape_ && has_offsets_))
            throw damaged(std::string(!has_dtype_ ? "dtype"
                                  : !has_shape_   ? "shape"
                                                  : "data_offsets")
                    + " is missing",
                where_, entry().name);
        place_ = place_ == Place::File ? Place::End : Place::File;
        return true;
    }

    bool string(string_t& text) override
    {
        if (place_ == Place::MetadataValue) {
            constexpr std::size_t node = 128;
            keep(node + name_.size() + text.size());
            if (!header_.metadata.emplace(name_, std::move(text)).second)
                throw damaged("the metadata key " + in_quotes(name_) + " appears twice", where_);
            place_ = Place::Metadata;
        } else if (place_ == Place::DType) {
            const auto dtype = dtype_from_string(text);
            if (!dtype)
                throw damaged("unknown dtype " + in_quotes(text), where_, entry().name);
            entry().dtype = *dtype;
            place_ = Place::Tensor;
        } else {
            throw misplaced("a string");
        }
        return true;
    }

    bool start_array(std::size_t) override
    {
        if (place_ == Place::Shape)
            place_ = Place::ShapeItems;
        else if (place_ == Place::Offsets)
            place_ = Place::OffsetItems;
        else
            throw misplaced("an array");
        return true;
    }

    bool end_array() override
    {
        if (place_ == Place::OffsetItems && offsets_ != 2)
            throw damaged("data_offsets are not two numbers", where_, entry().name);
        place_ = Place::Tensor;
        return true;
    }

    bool number_unsigned(number_unsigned_t number) override
    {
        if (place_ == Place::ShapeItems) {
            if (number > static_cast<number_unsigned_t>(std::numeric_limits<std::int64_t>::max()))
                throw damaged("the shape has a size beyond 2^63", where_, entry().name);
            keep(sizeof(std::int64_t));
            entry().shape.push_back(static_cast<std::int64_t>(number));
        } else if (place_ == Place::OffsetItems) {
            if (offsets_ == 2)
                throw damaged("data_offsets are not two numbers", where_, entry().name);
            (offsets_ == 0 ? entry().begin : entry().end) = number;
            ++offsets_;
        } else {
            throw misplaced("a number");
        }
        return true;
    }

    bool number_integer(number_integer_t) override { throw not_a_size(); }
    bool number_float(number_float_t, const string_t&) override { throw not_a_size(); }
    bool null() override { throw misplaced("null"); }
    bool boolean(bool) override { throw misplaced("a boolean"); }
    bool binary(binary_t&) override { throw misplaced("binary data"); }

    bool parse_error(std::size_t position, const std::string&, const nlohmann::detail::exception&) override
    {
        throw damaged("the header is not JSON at byte " + std::to_string(position), where_);
    }

private:
    enum class Place {
        Start,
        File,
        FileValue,
        Metadata,
        MetadataValue,
        Tensor,
        DType,
        Shape,
        ShapeItems,
        Offsets,
        OffsetItems,
        End
    };

    Entry& entry() { return header_.entries.back(); }

    bool begin_field(const std::string& name)
    {
        const auto begin = [&](bool& seen, Place place) {
            if (std::exchange(seen, true))
                throw damaged(name + " appears twice", where_, entry().name);
            place_ = place;
            return true;
        };
        if (name == "dtype")
            return begin(has_dtype_, Place::DType);
        if (name == "shape")
            return begin(has_shape_, Place::Shape);
        if (name == "data_offsets") {
            offsets_ = 0;
            return begin(has_offsets_, Place::Offsets);
        }
        throw damaged("unknown key " + in_quotes(name), where_, entry().name);
    }

    void keep(std::size_t bytes)
    {
        kept_ += bytes;
        if (kept_ > kept_limit)
            throw damaged("the header describes more than any real file: over 12 MiB of names, shapes and metadata", where_);
    }

    Error misplaced(const std::string& what) const
    {
        switch (place_) {
        case Place::Start:
            return damaged("the header is " + what + " instead of an object", where_);
        case Place::FileValue:
            return damaged("this entry of the header is " + what + " instead of an object", where_, name_);
        case Place::MetadataValue:
            return damaged("the metadata of " + in_quotes(name_) + " is " + what + " instead of a string", where_);
        case Place::DType:
            return damaged("dtype is " + what + " instead of a string", where_, header_.entries.back().name);
        case Place::Shape:
        case Place::ShapeItems:
            return damaged("shape has " + what + " where sizes are expected", where_, header_.entries.back().name);
        case Place::Offsets:
        case Place::OffsetItems:
            return damaged("data_offsets have " + what + " where offsets are expected", where_, header_.entries.back().name);
        default:
            return damaged("the header has " + what + " where none is allowed", where_);
        }
    }

    Error not_a_size() const
    {
        if (place_ == Place::ShapeItems || place_ == Place::OffsetItems)
            return damaged(std::string(place_ == Place::ShapeItems ? "shape" : "data_offsets")
                    + " has a number that is negative, broken or too large",
                where_, header_.entries.back().name);
        return misplaced("a number");
    }

    std::string where_;
    Header header_;
    std::string name_;
    Place place_ = Place::Start;
    std::size_t kept_ = 0;
    int offsets_ = 0;
    bool has_metadata_ = false;
    bool has_dtype_ = false;
    bool has_shape_ = false;
    bool has_offsets_ = false;
};

} // namespace

Error damaged(const std::string& rule, std::string_view where, std::string_view tensor)
{
    std::string place(where);
    if (!tensor.empty())
        place += ", tensor " + in_quotes(tensor);
    return {Code::Damaged, "damaged safetensors file: " + rule, place, "export or download the file again"};
}

Header read_header(std::string_view json, std::string_view where)
{
    if (json.empty() || json.front() != '{')
        throw damaged("the header does not begin with '{'", where);
    while (json.back() == ' ') // writers pad with spaces so that the data is aligned
        json.remove_suffix(1);
    if (json.back() != '}')
        throw damaged("the header does not end with '}'", where);
    check_tokens(json, where);

    HeaderReader reader(where);
    try {
        nlohmann::json::sax_parse(json.begin(), json.end(), &reader);
    } catch (const nlohmann::json::exception&) {
        throw damaged("the header is not JSON", where);
    }
    return reader.take();
}

} // namespace pipebd::safetensors
